"""What a bot says, changes and takes back. A random_id is taken once, for ever, in one chat."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from telethon.tl import functions, types
from telethon.tl.types import messages as answers

from sandbox.flood import Flood
from sandbox.mtproto.methods.marks import read_marks
from sandbox.mtproto.methods.media import Library
from sandbox.mtproto.methods.peers import Peers
from sandbox.mtproto.methods.render import read_markup
from sandbox.mtproto.methods.stream import Stream, acting
from sandbox.mtproto.rpc import RpcError
from sandbox.world import GENERAL, Bot, Chat, Message, World, posting
from sandbox.world.autolinks import with_links
from sandbox.world.boxes import Event
from sandbox.world.compose import CAPTION_LIMIT, TEXT_LIMIT
from sandbox.world.copies import copied, may_copy, may_forward, origin_of
from sandbox.world.delivery import step
from sandbox.world.messages import CAPTIONED_KINDS, Content, Origin, utf16_length
from sandbox.world.reactions import is_open, react
from sandbox.world.talking import cut_quote
from sandbox.world.topics import may_post

_TYPING = {
    types.SendMessageCancelAction: "cancel",
    types.SendMessageUploadPhotoAction: "upload_photo",
    types.SendMessageUploadVideoAction: "upload_video",
    types.SendMessageUploadDocumentAction: "upload_document",
    types.SendMessageRecordAudioAction: "record_voice",
    types.SendMessageUploadAudioAction: "upload_voice",
}


class Sending:
    def __init__(self, world: World, flood: Flood, peers: Peers, stream: Stream) -> None:
        self._world = world
        self._flood = flood
        self._peers = peers
        self._stream = stream
        self._library = Library(world)

    def charge(self, bot: Bot, chat: Chat, cost: int = 1) -> None:
        wait = self._flood.charge(bot.id, chat, cost, self._world.now())
        if wait is not None:
            self._world.emit("flood.refused", bot, chat)
            raise RpcError(420, f"FLOOD_WAIT_{wait}")

    def take_random(self, bot: Bot, chat: Chat, numbers: Sequence[int]) -> None:
        if any(number == 0 for number in numbers):
            raise RpcError(400, "RANDOM_ID_EMPTY")
        keys = [(self._sender(bot), chat.id, number) for number in numbers]
        if any(key in self._world.boxes.random_ids for key in keys) or len(set(keys)) < len(keys):
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
        self._world.boxes.random_ids.update(dict.fromkeys(keys))

    def send_message(self, bot: Bot, request: functions.messages.SendMessageRequest) -> Any:
        if not request.message.strip():
            raise RpcError(400, "MESSAGE_EMPTY")
        if utf16_length(request.message) > TEXT_LIMIT:
            raise RpcError(400, "MESSAGE_TOO_LONG")
        marks = read_marks(self._world, request.message, request.entities)
        content = Content("text", request.message, with_links(request.message, marks))
        return self._post_all(bot, request, [(content, request.random_id)])

    def send_media(self, bot: Bot, request: functions.messages.SendMediaRequest) -> Any:
        content = self._captioned(self._library.content(request.media), request.message, request.entities)
        content = replace(content, caption_above=bool(request.invert_media))
        return self._post_all(bot, request, [(content, request.random_id)])

    def send_album(self, bot: Bot, request: functions.messages.SendMultiMediaRequest) -> Any:
        items = [
            (self._captioned(self._library.content(item.media), item.message, item.entities), item.random_id)
            for item in request.multi_media
        ]
        if not 1 < len(items) <= 10:  # noqa: PLR2004
            raise RpcError(400, "MULTI_MEDIA_TOO_LONG" if items else "MEDIA_EMPTY")
        return self._post_all(bot, request, items, album_id=self._world.ids.album())

    def _captioned(self, content: Content, caption: str, entities: Any) -> Content:
        if not caption:
            return content
        if utf16_length(caption) > CAPTION_LIMIT:
            raise RpcError(400, "MEDIA_CAPTION_TOO_LONG")
        if content.kind not in CAPTIONED_KINDS:
            return content
        return replace(content, text=caption, entities=read_marks(self._world, caption, entities))

    def _post_all(
        self, bot: Bot, request: Any, items: Sequence[tuple[Content, int]], *, album_id: str | None = None
    ) -> Any:
        chat = self._peers.chat(bot, request.peer, write=True)
        where = self._place(bot, chat, request.reply_to)
        numbers = [number for _, number in items]
        self.refuse_repeats(bot, chat, numbers)
        self.charge(bot, chat, len(items) if self._flood.rules.count_each_copy else 1)
        self.take_random(bot, chat, numbers)
        markup = read_markup(getattr(request, "reply_markup", None))
        rest = {"markup": markup, "album_id": album_id, "silent": bool(request.silent), **where}
        posted = [posting.post(self._world, chat, bot, content, **rest) for content, _ in items]
        return self.told(bot, chat, posted, numbers)

    def refuse_repeats(self, bot: Bot, chat: Chat, numbers: Sequence[int]) -> None:
        """Before the flood budget is asked."""
        if any((self._sender(bot), chat.id, number) in self._world.boxes.random_ids for number in numbers):
            raise RpcError(500, "RANDOM_ID_DUPLICATE")

    def _sender(self, bot: Bot) -> int:
        """Whose random_ids they are: the bot's, or its login's."""
        caller = acting.get()
        if caller is not None and self._world.rules.random_ids_end_with_the_login:
            return caller.key.id
        return bot.id

    def told(self, bot: Bot, chat: Chat, posted: Sequence[Message], numbers: Sequence[int]) -> Any:
        """The answer to who sent it: the new ids by their random_ids, and the messages."""
        ids = [
            types.UpdateMessageID(id=message.id_for(bot), random_id=number)
            for message, number in zip(posted, numbers, strict=True)
        ]
        updates = [self._stream.update_of(bot, chat, self._event(bot, chat, message)) for message in posted]
        return self._stream.wrap(bot, [*ids, *updates], posted)

    def told_change(self, bot: Bot, chat: Chat, message: Message) -> Any:
        """The answer to who changed it: the message that says so, or that was changed."""
        event = self._event(bot, chat, message)
        return self._stream.wrap(bot, [self._stream.update_of(bot, chat, event)], [message])

    @property
    def counts_topic_edits(self) -> bool:
        return self._flood.rules.count_topic_edits

    def _event(self, bot: Bot, chat: Chat, message: Message) -> Event:
        boxes = self._world.boxes
        box = boxes.of_channel(chat) if chat.counts_for_itself else boxes.of_account(bot)
        found = (event for event in reversed(box.events) if event.message is message)
        return next(found)

    def _place(self, bot: Bot, chat: Chat, reply: Any) -> dict[str, Any]:
        """Topic, replied message and quote."""
        if not isinstance(reply, types.InputReplyToMessage):
            return {"topic_id": self._open_topic(bot, chat, None)}
        replied = self._world.find_message(chat, reply.reply_to_msg_id, bot)
        top = reply.top_msg_id
        if top is None and chat.is_forum and reply.reply_to_msg_id in {*chat.topics, *chat.deleted_topics}:
            return {"topic_id": self._open_topic(bot, chat, reply.reply_to_msg_id)}
        if replied is None:
            if top is not None:
                self._open_topic(bot, chat, top)
            raise RpcError(400, "REPLY_MESSAGE_ID_INVALID")
        topic = top if top is not None else replied.topic_id
        where: dict[str, Any] = {"topic_id": self._open_topic(bot, chat, topic), "reply_to": replied.id}
        if reply.quote_text:
            where["quote"] = cut_quote(replied, reply.quote_text, reply.quote_offset)
            if where["quote"] is None:
                raise RpcError(400, "QUOTE_TEXT_INVALID")
        return where

    def _open_topic(self, bot: Bot, chat: Chat, topic: int | None) -> int | None:
        if not chat.is_forum:
            return None
        number = GENERAL if topic is None else topic
        if number not in chat.topics:
            raise RpcError(400, "TOPIC_DELETED")
        if not may_post(chat, bot, chat.topics[number]):
            raise RpcError(400, "TOPIC_CLOSED")
        return None if number == GENERAL else number

    def forward(self, bot: Bot, request: functions.messages.ForwardMessagesRequest) -> Any:
        source = self._peers.chat(bot, request.from_peer)
        chat = self._peers.chat(bot, request.to_peer, write=True)
        if len(request.random_id) != len(request.id):
            raise RpcError(400, "RANDOM_ID_INVALID")
        if request.reply_to is not None:
            where = self._place(bot, chat, request.reply_to)
        else:
            where = {"topic_id": self._open_topic(bot, chat, request.top_msg_id)}
        found = [
            (message, number)
            for wanted, number in zip(request.id, request.random_id, strict=True)
            if (message := self._world.find_message(source, wanted, bot)) is not None
        ]
        if not found:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        copies = bool(request.drop_author)
        may = [(message, number) for message, number in found if self._may_forward(bot, message, copies=copies)]
        if not may:
            raise RpcError(400, "CHAT_FORWARDS_RESTRICTED" if source.protected else "MESSAGE_ID_INVALID")
        numbers = [number for _, number in may]
        self.refuse_repeats(bot, chat, numbers)
        self.charge(bot, chat, len(may) if self._flood.rules.count_each_copy else 1)
        self.take_random(bot, chat, numbers)
        posted = [
            posting.post(self._world, chat, bot, content, origin=origin, album_id=album, **where)
            for content, origin, album in self._copies([message for message, _ in may], request)
        ]
        for (message, _), copy in zip(may, posted, strict=True):
            self._record(bot, message, copy)
        return self.told(bot, chat, posted, numbers)

    def _may_forward(self, bot: Bot, message: Message, *, copies: bool) -> bool:
        return may_copy(self._world, bot, message) if copies else may_forward(self._world, message)

    def _copies(self, sources: Sequence[Message], request: Any) -> list[tuple[Content, Origin | None, str | None]]:
        albums = {source.album_id for source in sources if source.album_id is not None}
        ids = {album: self._world.ids.album() for album in albums}
        made = []
        for source in sources:
            content = source.content
            if request.drop_media_captions and content.kind in CAPTIONED_KINDS:
                content = replace(content, text="", entities=())
            if request.drop_author:
                content, origin = copied(self._world, content), None
            else:
                origin = origin_of(source)
            is_album = sum(other.album_id == source.album_id for other in sources) > 1
            made.append((content, origin, ids[source.album_id] if source.album_id and is_album else None))
        return made

    def _record(self, bot: Bot, source: Message, copy: Message) -> None:
        trail = self._world.journeys.find(source.chat, source.id)
        if trail is not None:
            where: dict[str, Any] = {"chat": copy.chat, "topic_id": copy.topic_id, "message_id": copy.id}
            step(self._world, trail, "copied", bot, method="messages.forwardMessages", **where)

    def edit(self, bot: Bot, request: functions.messages.EditMessageRequest) -> Any:
        chat = self._peers.chat(bot, request.peer, write=True)
        message = self._world.find_message(chat, request.id, bot)
        if message is None:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        if message.sender is not bot or message.origin is not None or message.content.is_service:
            raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
        content = message.content if request.media is None else self._library.content(request.media)
        if request.message is not None:
            self._check_words(content, request.message)
            marks = read_marks(self._world, request.message, request.entities)
            if content.kind == "text":
                marks = with_links(request.message, marks)
            content = replace(content, text=request.message, entities=marks, caption_above=bool(request.invert_media))
        markup = read_markup(request.reply_markup)
        if content == message.content and markup == message.markup:
            raise RpcError(400, "MESSAGE_NOT_MODIFIED")
        self.charge(bot, chat)
        edited = posting.change(self._world, message, content=content, markup=markup)
        return self.told_change(bot, chat, edited)

    @staticmethod
    def _check_words(content: Content, text: str) -> None:
        if content.kind == "text" and not text.strip():
            raise RpcError(400, "MESSAGE_EMPTY")
        if utf16_length(text) > (TEXT_LIMIT if content.kind == "text" else CAPTION_LIMIT):
            raise RpcError(400, "MESSAGE_TOO_LONG" if content.kind == "text" else "MEDIA_CAPTION_TOO_LONG")

    def react(self, bot: Bot, request: functions.messages.SendReactionRequest) -> Any:
        chat = self._peers.chat(bot, request.peer)
        message = self._world.find_message(chat, request.msg_id, bot)
        if message is None:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        given = tuple(getattr(one, "emoticon", "") for one in request.reaction or ())
        if len(given) > 1:
            raise RpcError(400, "REACTIONS_TOO_MANY")
        if not is_open(message, given):
            raise RpcError(400, "REACTION_INVALID")
        react(self._world, message, bot, given)
        return self._stream.wrap(bot, [], [message])

    def show_typing(self, bot: Bot, request: functions.messages.SetTypingRequest) -> bool:
        chat = self._peers.chat(bot, request.peer, write=True)
        action = _TYPING.get(type(request.action), "typing")
        self._world.emit("chat.action", (bot, action, request.top_msg_id or 0), chat)
        return True

    def delete(self, bot: Bot, chat: Chat | None, numbers: Sequence[int]) -> Any:
        """None: any of the bot's private chats, whose messages share one sequence."""
        boxes = self._world.boxes
        box = boxes.of_account(bot) if chat is None else boxes.of_channel(chat)
        before = box.pts
        for number in numbers:
            message = self._find(bot, chat, number)
            if message is not None:
                self._check_may_delete(bot, message)
                posting.remove(self._world, message)
        return answers.AffectedMessages(pts=box.pts, pts_count=box.pts - before)

    def _find(self, bot: Bot, chat: Chat | None, number: int) -> Message | None:
        if chat is not None:
            return chat.messages.get(number)
        chats = (chat for chat in bot.chats.values() if chat.is_private)
        return next((found for chat in chats if (found := chat.messages.get(number)) is not None), None)

    def _check_may_delete(self, bot: Bot, message: Message) -> None:
        if message.sender is bot or message.chat.is_private:
            return
        if not message.chat.member(bot).may("delete_messages"):
            raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")

    def read(self, bot: Bot, chat: Chat | None, wanted: Sequence[Any]) -> list[Message | int]:
        """Messages by id, and the ids of those that are not there."""
        numbers = [item.id for item in wanted]
        if chat is not None:
            return [chat.messages.get(number) or number for number in numbers]
        privates = [chat for chat in bot.chats.values() if chat.is_private]
        found: dict[int, Message] = {}
        for private in privates:
            found.update((number, private.messages[number]) for number in numbers if number in private.messages)
        return [found.get(number, number) for number in numbers]
