"""Faults as data: what goes wrong with which call, and the journal of what became of each call."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

FaultKind = Literal["error", "drop_answer", "cut", "delay", "hang"]
_REMEMBERED = 60_000
_NGINX = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)
_GATEWAY = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """Happens to the next `times` calls that match; `times=None` is until it is cleared.

    error: answer with the error, without carrying the call out (html: as nginx in front would);
    drop_answer: carry it out, then cut the connection; cut: cut it without carrying it out;
    delay: carry it out so many seconds later; hang: neither answer nor cut.
    """

    kind: FaultKind
    method: str = "*"
    bot: int | str | None = None
    """Its id, token or username."""
    chat: int | str | None = None
    times: int | None = 1
    code: int = 500
    description: str = "Internal Server Error"
    parameters: dict[str, Any] = field(default_factory=dict)
    html: bool = False
    seconds: float = 0.0
    happened: int = 0

    def page(self) -> str:
        return _NGINX.format(_GATEWAY.get(self.code, f"{self.code} {self.description}"))


@dataclass(slots=True, eq=False)
class CallRecord:
    """One call of the Bot API. `answered` means that the whole answer was handed to a live connection."""

    number: int
    at: datetime
    bot_id: int
    method: str
    chat: str
    carried_out: bool = False
    answered: bool = False
    code: int = 0
    error: str = ""
    fault: str = ""
    caller: str = ""
    """Programs that are to be told apart call /as/NAME/bot<token>/<method>."""


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._waiting)

    def add(self, fault: Fault) -> Fault:
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str, names: tuple[int | str | None, ...], chat: str) -> Fault | None:
        """The oldest fault for such a call, used up once; the names are the bot's id, token, username."""
        for fault in self._waiting:
            if _matches(fault, method, names, chat):
                fault.happened += 1
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                return fault
        return None

    def __bool__(self) -> bool:
        return bool(self._waiting)


def _matches(fault: Fault, method: str, names: tuple[int | str | None, ...], chat: str) -> bool:
    if fault.method != "*" and fault.method.lower() != method:
        return False
    if fault.bot is not None and fault.bot not in names:
        return False
    return fault.chat is None or str(fault.chat) == chat


class Journal:
    """The latest calls one by one, and counts of all."""

    def __init__(self) -> None:
        self.calls: deque[CallRecord] = deque(maxlen=_REMEMBERED)
        self.number = 0
        self.polls: dict[int, tuple[datetime, str]] = {}
        """By bot: when it was last asked for updates, and by whom."""
        self._counts: Counter[tuple[str, int, bool, bool, str]] = Counter()

    def open(self, at: datetime, bot_id: int, method: str, chat: str, caller: str = "") -> CallRecord:
        self.number += 1
        record = CallRecord(self.number, at, bot_id, method, chat, caller=caller)
        self.calls.append(record)
        if method == "getUpdates":
            self.polls[bot_id] = at, caller
        return record

    def close(self, record: CallRecord) -> None:
        key = (record.method, record.bot_id, record.carried_out, record.answered, record.fault)
        self._counts[key] += 1

    def count(
        self,
        method: str | None = None,
        *,
        bot_id: int | None = None,
        carried_out: bool | None = None,
        answered: bool | None = None,
        fault: str | None = None,
    ) -> int:
        """How many finished calls were so: `count("copyMessage", carried_out=True, answered=False)`."""
        wanted = (method, bot_id, carried_out, answered, fault)
        return sum(
            number
            for key, number in self._counts.items()
            if all(want is None or want == is_ for want, is_ in zip(wanted, key, strict=True))
        )

    def errors(self) -> Counter[tuple[str, str]]:
        """By method and description, among the latest calls."""
        return Counter((call.method, call.error) for call in self.calls if call.error)
