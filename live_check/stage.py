"""Where the checks act: one bot, one group, one person. What they make has a recognisable name and is taken away."""

import itertools
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from telethon.tl.functions.messages import CreateForumTopicRequest
from telethon.tl.types import UpdateMessageID

from live_check.bot_api import BotApi, Pause, Refused
from live_check.check import Undecided
from live_check.given import Given
from live_check.observer import Observer
from sessions.errors import SessionError

MARK = "Backline live check"
MOST_DELETED_AT_ONCE = 100

Tell = Callable[[str], None]


class Stage:
    """`async with`. The MTProto session, the second bot and the topic are there once a check asks for them."""

    def __init__(self, given: Given, tell: Tell, pause: Pause) -> None:
        self.given = given
        self.patience = given.patience
        self.tell = tell
        self.pause = pause
        self.bot = BotApi(given.api_root, given.token, self._wait_out)
        self._second: BotApi | None = None
        self._observer: Observer | None = None
        self._topic: int | None = None
        self._run = secrets.token_hex(3)
        self._numbers = itertools.count(1)
        self._topics: list[int] = []
        self._messages: list[int] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._tidy()
        finally:
            for bot in (self.bot, self._second):
                if bot is not None:
                    await bot.close()

    async def _wait_out(self, seconds: float) -> None:
        self.tell(f"  … Telegram asks to wait {seconds:.0f} s")
        await self.pause(seconds)

    def words(self, about: str) -> str:
        """A text that nobody else writes."""
        return f"{MARK} {self._run}-{next(self._numbers)}: {about}"

    def second_bot(self) -> BotApi:
        if self._second is None:
            self._second = BotApi(self.given.api_root, self.given.second_token, self._wait_out)
        return self._second

    async def observer(self) -> Observer:
        if self._observer is None:
            self._observer = self.new_observer()
        if not self._observer.is_open:
            await self._observer.enter()
        return self._observer

    def new_observer(self) -> Observer:
        """Of another login."""
        app = self.given.app
        if app is None:
            raise Undecided("there is no application to log in as")
        return Observer(app, self.given.centre, self.given.token, self._wait_out)

    async def topic(self) -> int:
        """The one that checks share."""
        if self._topic is None:
            self._topic = await self.make_topic(self.words("shared"))
        return self._topic

    async def make_topic(self, name: str, *, patient: bool = True) -> int:
        made = await self.bot.call("createForumTopic", patient=patient, chat_id=self.given.group, name=name[:128])
        topic = int(made["message_thread_id"])
        self._topics.append(topic)
        return topic

    async def make_topic_by_mtproto(self, request: CreateForumTopicRequest) -> int:
        answer = await (await self.observer()).call(request)
        topic = new_ids(answer)[0]
        self._topics.append(topic)
        return topic

    async def delete_topic(self, topic: int) -> None:
        await self.bot.call("deleteForumTopic", chat_id=self.given.group, message_thread_id=topic)
        if topic in self._topics:
            self._topics.remove(topic)

    async def write_to_customer(self, words: str, **more: Any) -> int:
        sent = await self.bot.call("sendMessage", chat_id=self.given.customer, text=words, **more)
        return self.litter([int(sent["message_id"])])[0]

    async def write_to_topic(self, words: str, **more: Any) -> int:
        where = {"message_thread_id": await self.topic(), **more}
        return int((await self.bot.call("sendMessage", chat_id=self.given.group, text=words, **where))["message_id"])

    def litter(self, ids: Sequence[int]) -> Sequence[int]:
        """Messages to the customer, to be deleted at the end."""
        self._messages.extend(ids)
        return ids

    async def _tidy(self) -> None:
        """Everything is tried; what stays is said."""
        for topic in list(self._topics):
            await self._try(f"delete the topic {topic}", self.delete_topic, topic)
        for first in range(0, len(self._messages), MOST_DELETED_AT_ONCE):
            part = self._messages[first : first + MOST_DELETED_AT_ONCE]
            await self._try(f"delete the messages {part} to the customer", self._delete, part)
        if self._observer is not None:
            await self._try("log out of MTProto", self._observer.log_out)

    async def _delete(self, ids: Sequence[int]) -> None:
        await self.bot.call("deleteMessages", chat_id=self.given.customer, message_ids=list(ids))

    async def _try(self, what: str, do: Callable[..., Awaitable[None]], *values: Any) -> None:
        try:
            await do(*values)
        except (Refused, Undecided, SessionError) as error:
            self.tell(f"  could not {what}: {error}")


def new_ids(answer: Any) -> list[int]:
    """Of what a call sent, in the answer's order."""
    own = getattr(answer, "updates", None)
    return [answer.id] if own is None else [update.id for update in own if isinstance(update, UpdateMessageID)]


def new_random_id() -> int:
    return secrets.randbits(63) or 1
