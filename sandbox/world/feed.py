"""What changed, in order: the page pushes it, tests await it, a second face replays it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Listener = Callable[["Change"], None]
_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. Kinds: `account.*`, `chat.*`, `member.*`, `topic.*`, `message.*`,
    `callback.*`, `reaction.changed`, `box.moved` (what MTProto counts), `session.ended`, `journey.moved`,
    `updates.awaited` (a poll), `updates.taken` and `updates.refused` (by a webhook), `flood.refused`,
    `call.finished`, `checkout.opened` and `checkout.closed`, `subscription.changed`, `clock.moved` (by hand). The
    subject is the entity it happened to.
    """

    number: int
    kind: str
    subject: Any
    chat: Any = None


class Feed:
    def __init__(self) -> None:
        self.number = 0
        self._listeners: dict[int, Listener] = {}
        self._next_listener = 0
        self._waiters: set[asyncio.Event] = set()
        self._latest: deque[Change] = deque(maxlen=_REMEMBERED)

    def emit(self, kind: str, subject: Any, chat: Any = None) -> None:
        self.number += 1
        change = Change(self.number, kind, subject, chat)
        self._latest.append(change)
        for listener in tuple(self._listeners.values()):
            listener(change)
        for waiter in self._waiters:
            waiter.set()

    def forget_listeners(self) -> None:
        """For a World that comes from a file: whoever listened is gone."""
        self._listeners.clear()
        self._waiters.clear()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call the listener on every change, until the returned function is called."""
        self._next_listener += 1
        key = self._next_listener
        self._listeners[key] = listener
        return lambda: self._listeners.pop(key, None) and None

    @contextlib.contextmanager
    def changes(self) -> Iterator[AsyncIterator[Change]]:
        """`with world.changes() as changes: async for change in changes: ...`"""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        stop = self.listen(queue.put_nowait)

        async def follow() -> AsyncIterator[Change]:
            while True:
                yield await queue.get()

        try:
            yield follow()
        finally:
            stop()

    async def wait_for(
        self,
        predicate: Callable[[], T],
        timeout: float = 10.0,  # noqa: ASYNC109 - the message of the TimeoutError is the point
        what: str = "",
    ) -> T:
        """The first truthy value of the predicate, which is asked again after every change."""
        changed = asyncio.Event()
        self._waiters.add(changed)
        try:
            async with asyncio.timeout(timeout):
                while not (value := predicate()):
                    changed.clear()
                    await changed.wait()
                return value
        except TimeoutError:
            raise TimeoutError(self._missed(predicate, timeout, what)) from None
        finally:
            self._waiters.discard(changed)

    def _missed(self, predicate: Callable[[], object], timeout: float, what: str) -> str:
        waited = what or getattr(predicate, "__qualname__", repr(predicate))
        latest = "\n".join(f"  #{change.number} {change.kind} {change.subject}" for change in self._latest)
        return f"{waited}: not within {timeout:g} s, {self.number} changes so far. The latest:\n{latest}"
