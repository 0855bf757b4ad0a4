"""Why a message waits: what has happened to it so far, as Telegram sees it."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sandbox.world.entities import Bot, Chat

if TYPE_CHECKING:
    from sandbox.world.messages import Message

StepKind = Literal["sent", "edited", "deleted", "queued", "withheld", "fetched", "confirmed", "copied", "failed"]
_MESSAGES = 10_000
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    kind: StepKind
    bot: Bot | None = None
    update_id: int = 0
    method: str = ""
    chat: Chat | None = None
    """Where the copy went, or should have gone."""
    message_id: int = 0
    topic_id: int | None = None
    error: str = ""

    @property
    def sentence(self) -> str:
        bot = self.bot.name if self.bot else ""
        match self.kind:
            case "queued" | "fetched" | "confirmed":
                verb = {"queued": "queued for", "fetched": "fetched by", "confirmed": "confirmed by"}[self.kind]
                return f"update {self.update_id} {verb} {bot}"
            case "withheld":
                return f"not for {bot}: {self.error}"
            case "copied":
                topic = f", topic {self.topic_id}" if self.topic_id else ""
                return f"{self.method} by {bot}: message {self.message_id} in {self._place()}{topic}"
            case "failed":
                return f"{self.method} by {bot} to {self._place()}: {self.error}"
            case _:
                return self.kind

    def _place(self) -> str:
        if self.chat is None:
            return "an unknown chat"
        return self.chat.user.name if self.chat.user else self.chat.title


class Trail(list[Step]):
    """The steps of one message, oldest first; the middle of a very long story is left out."""

    __slots__ = ("chat", "message_id")

    def __init__(self, chat: Chat, message_id: int) -> None:
        super().__init__()
        self.chat = chat
        self.message_id = message_id

    def __repr__(self) -> str:
        return f"<Trail of {self.message_id} in {self.chat}: {self[-1].sentence}>"

    def add(self, step: Step) -> None:
        if len(self) >= _STEPS:
            del self[_STEPS // 2]
        self.append(step)


class Journeys:
    """The trails of the latest messages."""

    def __init__(self, messages: int = _MESSAGES) -> None:
        self._capacity = messages
        self._trails: OrderedDict[tuple[Chat, int], Trail] = OrderedDict()

    def start(self, message: "Message") -> Trail:
        trail = Trail(message.chat, message.id)
        trail.append(Step(message.date, "sent"))
        self._trails[message.chat, message.id] = trail
        if len(self._trails) > self._capacity:
            self._trails.popitem(last=False)
        return trail

    def find(self, chat: Chat, message_id: int) -> Trail | None:
        return self._trails.get((chat, message_id))
