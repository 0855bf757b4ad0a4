"""What goes wrong with which request to the API, as data, and the journal of what became of each."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TroubleKind = Literal["error", "error_after", "drop_answer", "cut", "delay"]
_REMEMBERED = 20_000
_SAID = {
    429: ("Request rate limit exceeded.", "invalid_request_error", "rate_limit"),
    409: (
        "This object cannot be accessed right now because another API request is accessing it.",
        "",
        "lock_timeout",
    ),
}


@dataclass(slots=True, kw_only=True, eq=False)
class Trouble:
    """Happens to the next `times` requests that match; `times=None`: until it is cleared.

    error: answered with `status`, not carried out; error_after: carried out, then answered so; drop_answer: carried
    out, then the connection is cut; cut: the connection is cut first; delay: `seconds` later than else.
    """

    kind: TroubleKind
    method: str = "*"
    path: str = ""
    """How the path begins: /v1/customers."""
    times: int | None = 1
    status: int = 503
    seconds: float = 0.0
    retry: bool | None = None
    """What the answer says of trying again, in Stripe-Should-Retry; None: nothing."""
    happened: int = 0

    def said(self) -> tuple[str, str, str | None]:
        """Its message, type and code."""
        message, kind, code = _SAID.get(self.status, ("An unknown error occurred.", "api_error", None))
        return message, kind or "invalid_request_error", code


@dataclass(slots=True, eq=False)
class Asked:
    """One request. `status` is None where no answer was given."""

    method: str
    path: str
    request_id: str
    idempotency_key: str | None
    status: int | None = None
    replayed: bool = False
    trouble: str = ""


class Troubles:
    def __init__(self) -> None:
        self._waiting: list[Trouble] = []
        self.journal: deque[Asked] = deque(maxlen=_REMEMBERED)

    def add(self, trouble: Trouble) -> Trouble:
        self._waiting.append(trouble)
        return trouble

    def clear(self) -> None:
        self._waiting.clear()

    def __iter__(self) -> Iterator[Trouble]:
        return iter(self._waiting)

    def take(self, method: str, path: str) -> Trouble | None:
        for trouble in self._waiting:
            if trouble.method in {"*", method} and path.startswith(trouble.path):
                trouble.happened += 1
                if trouble.times is not None:
                    trouble.times -= 1
                    if trouble.times <= 0:
                        self._waiting.remove(trouble)
                return trouble
        return None
