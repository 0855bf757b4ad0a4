"""The page's live stream: first everything, then what changed, several times a second at most."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from sandbox.page_view import account_head, budgets, chat_head, key_of, page_message, snapshot, topic_head
from sandbox.stars_view import checkout_view
from sandbox.view import Json, callback_view, moment
from sandbox.world import Callback, Change, Chat, Checkout, Message, Topic, Trail

if TYPE_CHECKING:
    from sandbox.server import Sandbox

_CALM = 0.04
"""Seconds in which changes are gathered."""
_TICK = 1.0
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}


class Live:
    """Serves any number of pages; each has changes of its own to be told."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._closed = asyncio.Event()

    def close(self) -> None:
        self._closed.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        response.content_type = "text/event-stream"
        await response.prepare(request)
        news = _News(self._sandbox)
        stop = self._sandbox.world.listen(news.hear)
        try:
            with contextlib.suppress(ConnectionError):
                await self._tell(response, news)
        finally:
            stop()
        return response

    async def _tell(self, response: web.StreamResponse, news: "_News") -> None:
        await response.write(_event("snapshot", snapshot(self._sandbox)))
        while not self._closed.is_set():
            await self._pause(news)
            changes = news.take()
            await response.write(_event("changes", changes) if changes else b": still here\n\n")

    async def _pause(self, news: "_News") -> None:
        """Until there is news, or the time has come to look at the budgets."""
        waiting = {asyncio.ensure_future(e.wait()) for e in (news.some, self._closed)}
        try:
            await asyncio.wait(waiting, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if news.some.is_set():
            await asyncio.sleep(_CALM)


class _News:
    """What has changed since it was last told. Things are looked at when they are told, so a thing that
    changes often is told once.
    """

    def __init__(self, sandbox: "Sandbox") -> None:
        self.some = asyncio.Event()
        self._world = sandbox.world
        self._flood = sandbox.flood
        self._accounts: dict[int, None] = {}
        self._chats: dict[str, Chat] = {}
        self._topics: dict[tuple[str, int], Chat] = {}
        self._messages: dict[tuple[str, int], Chat] = {}
        self._posted: set[tuple[str, int]] = set()
        self._callbacks: dict[str, Callback] = {}
        self._checkouts: dict[str, Checkout] = {}
        self._clock_moved = False
        self._known = {key_of(chat) for chat in self._world.privates.values() if chat.messages}
        self._spent: dict[str, tuple[Chat, list[Json]]] = {}
        """Chats whose budget is not untouched, and what was last told of it."""
        for chat in self._world.chats.values():
            self._look_at_budget(chat)

    def hear(self, change: Change) -> None:
        noun = change.kind.partition(".")[0]
        match noun:
            case "account" | "updates":
                self._accounts[change.subject.id] = None
            case "chat" | "member" if change.kind != "chat.action":
                self._hear_of_chat(change)
            case "topic":
                self._topics[key_of(change.chat), change.subject.id] = change.chat
            case "message" | "journey":
                self._hear_of_message(change)
            case "callback":
                self._callbacks[change.subject.id] = change.subject
            case "checkout":
                self._checkouts[change.subject.id] = change.subject
            case "clock":
                self._clock_moved = True
            case "flood":
                pass
            case _:
                return
        if change.chat is not None:
            self._look_at_budget(change.chat)
        self.some.set()

    def take(self) -> Json:
        """What there is to tell, in the order in which it is to be read."""
        self.some.clear()
        world = self._world
        news: Json = {
            "accounts": [account_head(world.account(n)) for n in self._accounts],
            "chats": [chat_head(world, self._flood, chat) for chat in self._chats.values()],
            "topics": [self._topic(*key, chat) for key, chat in self._topics.items()],
            "messages": [self._message(*key, chat) for key, chat in self._messages.items()],
            "callbacks": [self._callback(callback) for callback in self._callbacks.values()],
            "checkouts": [checkout_view(checkout) for checkout in self._checkouts.values()],
            "clock_moved": self._clock_moved,
            "budgets": self._budgets(),
        }
        for told in (self._accounts, self._chats, self._topics, self._messages, self._posted):
            told.clear()
        self._callbacks.clear()
        self._checkouts.clear()
        self._clock_moved = False
        told_of = {name: items for name, items in news.items() if items}
        return {"number": world.number, "now": moment(world.now()), **told_of} if told_of else {}

    def _hear_of_chat(self, change: Change) -> None:
        for subject in (change.chat, change.subject):
            if isinstance(subject, Chat):
                self._chats[key_of(subject)] = subject

    def _hear_of_message(self, change: Change) -> None:
        chat: Chat = change.chat
        key = key_of(chat)
        if chat.is_private and key not in self._known:
            self._known.add(key)
            self._chats[key] = chat
        subject = change.subject
        if isinstance(subject, Trail):
            self._messages[key, subject.message_id] = chat
            if subject[-1].bot is not None:
                self._accounts[subject[-1].bot.id] = None
        elif isinstance(subject, Message):
            self._messages[key, subject.id] = chat
            if change.kind == "message.posted":
                self._posted.add((key, subject.id))
        if change.kind in {"message.pinned", "message.unpinned"} or (
            change.kind == "message.deleted" and not chat.is_forum
        ):
            self._chats[key] = chat
        elif change.kind == "message.deleted" and subject.topic_id in chat.topics:
            self._topics[key, subject.topic_id] = chat

    def _topic(self, key: str, number: int, chat: Chat) -> Json:
        topic: Topic | None = chat.topics.get(number)
        view = topic_head(self._world, chat, topic) if topic is not None else {"id": number, "deleted": True}
        return view | {"chat": key}

    def _message(self, key: str, number: int, chat: Chat) -> Json:
        message = chat.messages.get(number)
        if message is None:
            return {"chat": key, "id": number, "deleted": True}
        return page_message(self._world, message) | {"new": (key, number) in self._posted}

    def _callback(self, callback: Callback) -> Json:
        return callback_view(callback) | {"user": callback.user.id}

    def _look_at_budget(self, chat: Chat) -> None:
        self._spent.setdefault(key_of(chat), (chat, []))

    def _budgets(self) -> list[Json]:
        """Budgets recover while nothing happens; those that did since they were told."""
        told: list[Json] = []
        for key, (chat, before) in list(self._spent.items()):
            now = budgets(self._world, self._flood, chat)
            if now != before:
                told.append({"chat": key, "budgets": now})
            if any(b["used"] or b["blocked_until"] for b in now):
                self._spent[key] = (chat, now)
            else:
                del self._spent[key]
        return told


def _event(name: str, data: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data, default=str))
