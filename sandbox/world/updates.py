"""What waits for a bot's program: its updates, numbered, kept for a day."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.world.journey import Trail

UPDATE_KINDS = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "message_reaction",
        "message_reaction_count",
        "managed_bot",
        "subscription",
    }
)
DEFAULT_KINDS = UPDATE_KINDS - {"chat_member", "message_reaction", "message_reaction_count"}
_FAR = 10


@dataclass(frozen=True, slots=True)
class Update:
    id: int
    kind: str
    subject: Any
    """A Message, a Callback, a MemberChange: as it was when the update was made."""
    at: datetime
    trail: "Trail | None" = None


@dataclass(slots=True, eq=False)
class UpdateQueue:
    last_id: int
    """The newest id given so far."""
    allowed: frozenset[str] = DEFAULT_KINDS
    waiting: deque[Update] = field(default_factory=deque)
    last_at: datetime | None = None
    on_arrival: Callable[[], None] | None = None
    """Set by the long poll that waits, or by the webhook."""

    def put(self, update: Update) -> None:
        self.last_id = update.id
        self.last_at = update.at
        self.waiting.append(update)
        self.wake()

    def wake(self) -> None:
        if self.on_arrival is not None:
            self.on_arrival()

    def expire(self, before: datetime) -> None:
        waiting = self.waiting
        while waiting and waiting[0].at < before:
            waiting.popleft()

    def confirm(self, offset: int) -> list[Update]:
        """Forget what lies before the offset. An offset that can't be meant, such as one from before
        the ids started anew, confirms nothing.
        """
        waiting = self.waiting
        if offset == 0 or not waiting:
            return []
        if offset < 0:
            surplus = len(waiting) + offset
            return [waiting.popleft() for _ in range(max(0, surplus))]
        if offset > self.last_id + _FAR:
            return []
        confirmed = []
        while waiting and waiting[0].id < offset:
            confirmed.append(waiting.popleft())
        return confirmed

    def peek(self, limit: int) -> list[Update]:
        if len(self.waiting) <= limit:
            return list(self.waiting)
        return [self.waiting[i] for i in range(limit)]
