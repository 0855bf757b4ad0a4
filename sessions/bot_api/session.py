"""One bot over the Bot API: long polling in, methods out, aiogram's exceptions to the port's five errors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiogram import Bot
from aiogram.enums import ChatMemberStatus
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import (
    CloseForumTopic,
    CopyMessages,
    CreateForumTopic,
    DeleteMessage,
    DeleteMessages,
    EditForumTopic,
    ForwardMessage,
    ForwardMessages,
    GetChat,
    GetChatMember,
    GetMe,
    GetWebhookInfo,
    ReopenForumTopic,
    SendMessage,
    SetMessageReaction,
    SetMyCommands,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    ReactionTypeEmoji,
)
from aiogram.utils.token import TokenValidationError

from sessions.bot_api.captions import album_request, caption_request
from sessions.bot_api.changes import edit_request
from sessions.bot_api.mirrors import NO_PREVIEW, mirror_request, place, write_entities
from sessions.bot_api.transport import GuardedBot, NetworkTrouble, SharedTransport
from sessions.bot_api.updates import ALLOWED, read_update
from sessions.errors import HARMLESS, Flaky, FloodWait, Gone, Rejected, SessionError, classify
from sessions.events import Batch, ChatKind, Cursor, Incoming, Person
from sessions.kept import is_dumped, load_event
from sessions.port import (
    BotIdentity,
    Copy,
    Edit,
    GroupState,
    IdempotencyKey,
    Membership,
    Mirror,
    Outgoing,
    Safe,
    Session,
    Text,
    Webhook,
)
from tenants.ids import ChatId, MessageId, TopicId, UserId

POLL_SECONDS = 50
"""The longest that the Bot API waits (telegram-bot-api: LONG_POLL_MAX_TIMEOUT)."""

_STATUS: tuple[tuple[type[TelegramAPIError], int], ...] = (
    (TelegramUnauthorizedError, 401),
    (TelegramConflictError, 409),
    (TelegramForbiddenError, 403),
    (TelegramServerError, 500),
    (TelegramBadRequest, 400),
    (TelegramNotFound, 404),
)


class BotApiSessions:
    """Makes sessions over one shared transport."""

    def __init__(self, api_root: str, *, poll_seconds: int = POLL_SECONDS) -> None:
        self._transport = SharedTransport(api_root)
        self._poll_seconds = poll_seconds

    def open(self, token: str, guard: Callable[[], None] | None = None, safe: Safe | None = None) -> Session:  # noqa: ARG002  # the port's
        try:
            bot = GuardedBot(token, self._transport, guard)
        except TokenValidationError:
            raise Rejected(
                "bad_token", "That is not a bot token: copy it whole, like 123456789:AAE…, from @BotFather."
            ) from None
        return BotApiSession(bot, self._transport, poll_seconds=self._poll_seconds)

    async def close(self) -> None:
        await self._transport.close()


class BotApiSession:
    def __init__(self, bot: Bot, transport: SharedTransport, *, poll_seconds: int) -> None:
        self._bot = bot
        self._transport = transport
        self._poll_seconds = poll_seconds

    async def close(self) -> None:
        """The transport is everybody's."""

    async def receive(self, cursor: Cursor | None) -> Batch:
        offset = None if cursor is None else int(cursor)
        values: dict[str, Any] = {"timeout": self._poll_seconds, "allowed_updates": ALLOWED}
        if offset is not None:
            values["offset"] = offset
        updates = tuple(read_update(item) for item in await self._request("getUpdates", values))
        if updates:
            return Batch(updates, updates[-1].cursor)
        return Batch((), Cursor("0" if offset is None else str(offset)))

    def read(self, raw: bytes) -> Incoming:
        return load_event(raw) if is_dumped(raw) else read_update(orjson.loads(raw))

    async def send(self, outgoing: Outgoing) -> Sequence[MessageId]:
        try:
            return await self._send(outgoing)
        except Rejected as error:
            if error.code != "bad_quote" or not isinstance(outgoing, (Text, Copy)):
                raise
        return await self._send(replace(outgoing, quote=""))

    async def _send(self, outgoing: Outgoing) -> Sequence[MessageId]:
        if isinstance(outgoing, Text):
            return [await self._send_text(outgoing)]
        if isinstance(outgoing, Mirror):
            return await self._mirror(outgoing)
        if isinstance(outgoing, Edit):
            await self._call(edit_request(outgoing), done=True)
            return [outgoing.message]
        if outgoing.keep_origin:
            return await self._forward(outgoing)
        if len(outgoing.ids) == 1:
            return [await self._copy_one(outgoing)]
        return await (self._send_album(outgoing) if outgoing.captions else self._copy_album(outgoing))

    async def _send_text(self, text: Text) -> MessageId:
        values: dict[str, Any] = {} if text.preview else {"link_preview_options": NO_PREVIEW}
        if text.markdown:
            values["parse_mode"] = "MarkdownV2"
        elif text.entities:
            values["entities"] = write_entities(text.entities, mentions=True)
        request = SendMessage(chat_id=text.to, text=text.text, **values, **place(text))
        return MessageId((await self._call(request)).message_id)

    async def _mirror(self, mirror: Mirror) -> list[MessageId]:
        request = mirror_request(mirror)
        if isinstance(request, SendMessage):
            return [MessageId((await self._call(request)).message_id)]
        if request is not None:
            return [MessageId((await self._call(request)).message_id)]
        return await (self._send_album(mirror) if mirror.captions else self._forward(mirror))

    async def _send_album(self, album: Copy | Mirror) -> list[MessageId]:
        return [MessageId(item.message_id) for item in await self._call(album_request(album))]

    async def _forward(self, what: Copy | Mirror) -> list[MessageId]:
        values: dict[str, Any] = {"chat_id": what.to, "from_chat_id": what.source}
        if what.topic is not None:
            values["message_thread_id"] = what.topic
        if len(what.ids) == 1:
            sent = await self._call(ForwardMessage(message_id=what.ids[0], **values))
            return [MessageId(sent.message_id)]
        forwarded = await self._call(ForwardMessages(message_ids=list(what.ids), **values))
        return [MessageId(item.message_id) for item in forwarded]

    async def _copy_one(self, copy: Copy) -> MessageId:
        if copy.captions:
            return MessageId((await self._call(caption_request(copy))).message_id)
        values: dict[str, Any] = {"chat_id": copy.to, "from_chat_id": copy.source, "message_id": copy.ids[0]}
        if copy.topic is not None:
            values["message_thread_id"] = copy.topic
        if copy.reply_to is not None:
            reply: dict[str, Any] = {"message_id": copy.reply_to, "allow_sending_without_reply": True}
            values["reply_parameters"] = {**reply, "quote": copy.quote} if copy.quote else reply
        return MessageId((await self._request("copyMessage", values))["message_id"])

    async def _copy_album(self, copy: Copy) -> list[MessageId]:
        values: dict[str, Any] = {} if copy.topic is None else {"message_thread_id": copy.topic}
        request = CopyMessages(chat_id=copy.to, from_chat_id=copy.source, message_ids=list(copy.ids), **values)
        return [MessageId(item.message_id) for item in await self._call(request)]

    async def delete(self, chat: ChatId, messages: Sequence[MessageId]) -> None:
        if len(messages) > 1:
            await self._call(DeleteMessages(chat_id=chat, message_ids=list(messages)), done=True)
            return
        try:
            await self._call(DeleteMessage(chat_id=chat, message_id=messages[0]))
        except Rejected as error:
            if error.code != "message_gone":
                raise

    async def react(self, chat: ChatId, message: MessageId, emoji: str | None) -> None:
        reaction: list[Any] = [] if emoji is None else [ReactionTypeEmoji(emoji=emoji)]
        await self._call(SetMessageReaction(chat_id=chat, message_id=message, reaction=reaction), done=True)

    async def create_topic(
        self,
        group: ChatId,
        name: str,
        key: IdempotencyKey,  # noqa: ARG002  # it has no use for it
        color: int | None = None,
    ) -> TopicId:
        topic = await self._call(CreateForumTopic(chat_id=group, name=name, icon_color=color))
        return TopicId(topic.message_thread_id)

    async def rename_topic(self, group: ChatId, topic: TopicId, name: str) -> None:
        await self._call(EditForumTopic(chat_id=group, message_thread_id=topic, name=name), done=True)

    async def close_topic(self, group: ChatId, topic: TopicId) -> None:
        await self._call(CloseForumTopic(chat_id=group, message_thread_id=topic), done=True)

    async def reopen_topic(self, group: ChatId, topic: TopicId) -> None:
        await self._call(ReopenForumTopic(chat_id=group, message_thread_id=topic), done=True)

    async def find_person(self, who: str) -> Person:
        if who.startswith("@"):
            raise Rejected(
                "needs_id", "Telegram lets bots look up people by name only in parallel mode: use /new *USER_ID."
            )
        try:
            found = await self._call(GetChat(chat_id=int(who)))
        except Gone:
            raise Rejected(
                "unknown_person", "Telegram knows nobody with this id who has met the bot: check the id."
            ) from None
        if found.type != ChatKind.PRIVATE:
            raise Rejected("not_a_person", "That is the id of a group or a channel: /new takes a person's id.")
        return Person(UserId(found.id), found.full_name, found.username, is_bot=False)

    async def identify(self) -> BotIdentity:
        me = await self._call(GetMe())
        hears_groups = bool(me.can_read_all_group_messages)
        return BotIdentity(UserId(me.id), me.full_name, me.username or "", bool(me.can_join_groups), hears_groups)

    async def find_webhook(self) -> Webhook | None:
        found = await self._call(GetWebhookInfo())
        return Webhook(urlsplit(found.url).hostname or "") if found.url else None

    async def group(self, chat: ChatId) -> GroupState:
        found = await self._call(GetChat(chat_id=chat))
        return GroupState(found.title or "", ChatKind(found.type), bool(found.is_forum), found.username)

    async def membership(self, chat: ChatId, user: UserId) -> Membership:
        member = await self._call(GetChatMember(chat_id=chat, user_id=user))
        granted = {name for name, value in member.model_dump().items() if name.startswith("can_") and value}
        who = member.user
        person = Person(UserId(who.id), who.full_name, who.username, who.is_bot)
        return Membership(ChatMemberStatus(member.status).value, frozenset(granted), person)

    async def publish_commands(self, commands: Sequence[tuple[str, str]]) -> None:
        listed = [BotCommand(command=name, description=text) for name, text in commands]
        await self._call(SetMyCommands(commands=listed, scope=BotCommandScopeAllChatAdministrators()))

    async def _request(self, method: str, values: dict[str, Any]) -> Any:
        """A frequent call, as plain JSON."""
        try:
            status, answer = await self._transport.call(self._bot, method, values)
        except NetworkTrouble as error:
            raise _translate(error) from None
        if isinstance(answer, dict) and answer.get("ok"):
            return answer["result"]
        if not isinstance(answer, dict):
            raise Flaky("server_error", "Telegram has a problem of its own.", ambiguous=True)
        raise _refusal(status, answer)

    async def _call(self, method: TelegramMethod[TelegramType], *, done: bool = False) -> TelegramType:
        """`done`: an answer that says "it is so already" counts as success."""
        try:
            return await self._bot.session.make_request(self._bot, method)
        except TelegramAPIError as error:
            if done and any(text in error.message.lower() for text in HARMLESS):
                return True  # type: ignore[return-value]  # what these methods answer
            raise _translate(error) from None


def _refusal(status: int, answer: dict[str, Any]) -> SessionError:
    parameters = answer.get("parameters") or {}
    if "retry_after" in parameters:
        return FloodWait(float(parameters["retry_after"]))
    if "migrate_to_chat_id" in parameters:
        return _moved(int(parameters["migrate_to_chat_id"]))
    return classify(int(answer.get("error_code", status)), str(answer.get("description", "")))


def _moved(to: int) -> Gone:
    moved = Gone("group", "migrated", "The group became a supergroup with a new id.")
    moved.moved_to = to
    return moved


def _translate(error: TelegramAPIError) -> SessionError:
    if isinstance(error, TelegramRetryAfter):
        return FloodWait(error.retry_after)
    if isinstance(error, TelegramMigrateToChat):
        return _moved(error.migrate_to_chat_id)
    if isinstance(error, NetworkTrouble):
        return Flaky("network", error.message, ambiguous=error.ambiguous)
    if isinstance(error, TelegramNetworkError):
        return Flaky("network", "The connection to Telegram broke.", ambiguous=True)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    return classify(status, error.message)
