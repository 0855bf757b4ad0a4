"""What goes out, as requests. Each item carries a random_id made from the row's key: Telegram takes it once.

A row that may have been sent before is looked for first: a login that is new does not remember random_ids.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any

from telethon.tl import TLRequest, types
from telethon.tl.functions import messages as requests

from sessions.errors import Gone, Rejected
from sessions.mirrors import CAPTIONED, marked
from sessions.mtproto.doubts import Doubts
from sessions.mtproto.mailbox import PRIVATE, Mailbox
from sessions.mtproto.media import as_input, is_captioned
from sessions.mtproto.peers import Peers
from sessions.mtproto.reader import CHANNELS
from sessions.mtproto.refusals import SentBefore
from sessions.mtproto.texts import disabled, mentioned, read_entities, write_entities
from sessions.port import Caption, Copy, Doubt, Edit, IdempotencyKey, Mirror, Outgoing, Text
from tenants.ids import ChatId, MessageId, TopicId
from tenants.markdown import MarkupError, parse
from tenants.outbox import Entity

Call = Callable[[TLRequest], Awaitable[Any]]
Words = tuple[str, tuple[Entity, ...]]


def _deleted() -> Gone:
    return Gone("source", "source_deleted", "The message was deleted.")


def _sent_and_gone() -> Rejected:
    return Rejected("sent_before", "It was sent before, and is not there any more.")


def random_id(key: IdempotencyKey, item: int = 0) -> int:
    """64 bits, not zero (core.telegram.org/api/updates: random_id)."""
    digest = blake2b(f"{key}#{item}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


class Sending:
    def __init__(self, call: Call, peers: Peers, mailbox: Mailbox) -> None:
        self._call = call
        self._peers = peers
        self._mailbox = mailbox
        self._doubts = Doubts(call, mailbox)

    async def send(self, outgoing: Outgoing) -> Sequence[MessageId]:
        if isinstance(outgoing, Edit):
            return [await self._edit(outgoing)]
        if isinstance(outgoing, Text):
            return await self._send_text(outgoing)
        if isinstance(outgoing, Copy) and outgoing.captions:
            return await self._copy_with_captions(outgoing)
        if isinstance(outgoing, Copy):
            return await self._forward(outgoing, drop_author=not outgoing.keep_origin)
        return await self._mirror(outgoing)

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey, color: int | None = None) -> TopicId:
        peer = await self._peers.find(group)
        request = requests.CreateForumTopicRequest(peer=peer, title=name, icon_color=color, random_id=random_id(key))
        try:
            updates = await self._call(request)
        except SentBefore:
            made = await self._doubts.find_topic(peer, name)
            if made is None:
                raise _sent_and_gone() from None
            return TopicId(made)
        return TopicId(_new_ids(updates, [random_id(key)])[0])

    async def _send_text(self, text: Text) -> list[MessageId]:
        words, entities = text.text, text.entities
        if text.markdown:
            try:
                words, entities = parse(text.text)
            except MarkupError as error:
                raise Rejected("bad_formatting", f"The text's formatting is broken: {error}") from None
        if not words.strip():
            raise Rejected("empty", "The text is empty.")
        people = await self._peers.find_people(mentioned(entities))
        return await self._deliver_text(text, words, write_entities(entities, people), None)

    async def _deliver_text(
        self, place: Text | Mirror, words: str, entities: list[Any] | None, markup: Any
    ) -> list[MessageId]:
        number = random_id(place.key)
        request = requests.SendMessageRequest(
            peer=await self._peers.find(place.to),
            message=words,
            entities=entities,
            no_webpage=not (isinstance(place, Text) and place.preview),
            random_id=number,
            reply_to=_reply(place.topic, place.reply_to, place.quote if isinstance(place, Text) else ""),
            reply_markup=markup,
        )
        return await self._once(request, [number], place, lambda message: message.message == words)

    async def _forward(self, copy: Copy | Mirror, *, drop_author: bool) -> list[MessageId]:
        numbers = [random_id(copy.key, item) for item in range(len(copy.ids))]
        quote = copy.quote if isinstance(copy, Copy) else ""
        reply = None if copy.reply_to is None else _reply(copy.topic, copy.reply_to, quote)
        request = requests.ForwardMessagesRequest(
            from_peer=await self._peers.find(copy.source),
            id=list(copy.ids),
            to_peer=await self._peers.find(copy.to),
            drop_author=drop_author,
            random_id=numbers,
            top_msg_id=copy.topic if reply is None else None,
            reply_to=reply,
        )
        same = None if copy.doubt is None else await self._same_as_sources(copy)
        try:
            return await self._once(request, numbers, copy, same)
        except Rejected as error:
            if "MESSAGE_ID_INVALID" in error.text:
                raise _deleted() from None
            raise

    async def _same_as_sources(self, copy: Copy | Mirror) -> Callable[[Any], bool] | None:
        """None where the sources are gone: nobody knows then what a copy of theirs looks like."""
        try:
            return _same_as_one_of(await self._read_sources(copy))
        except (Gone, Rejected):
            return None

    async def _mirror(self, mirror: Mirror) -> list[MessageId]:
        if mirror.content == "text" and len(mirror.ids) == 1:
            words, entities = marked(mirror.text, mirror.entities)
            return await self._deliver_text(mirror, words, write_entities(entities), disabled(mirror.buttons))
        sources = await self._read_sources(mirror)
        if not sources or not all(is_captioned(source) for source in sources):
            return await self._forward(mirror, drop_author=False)
        if len(mirror.ids) == 1:
            captions = [marked(mirror.text, mirror.entities, caption=True)]
        else:
            given = dict(zip(mirror.ids, mirror.captions, strict=True)) if mirror.captions else {}
            captions = [_marked(source, given.get(MessageId(source.id))) for source in sources]
        return await self._send_media(mirror, sources, captions, disabled(mirror.buttons))

    async def _copy_with_captions(self, copy: Copy) -> list[MessageId]:
        sources = await self._read_sources(copy)
        if not all(is_captioned(source) for source in sources):
            raise Rejected("not_copyable", "Telegram does not let bots send this message anew.")
        given = dict(zip(copy.ids, copy.captions, strict=True))
        captions = [(given[source.id].text, given[source.id].entities) for source in sources]
        return await self._send_media(copy, sources, captions, None)

    async def _send_media(
        self, place: Copy | Mirror, sources: Sequence[Any], captions: Sequence[Words], markup: Any
    ) -> list[MessageId]:
        numbers = [random_id(place.key, item) for item in range(len(sources))]
        quote = place.quote if isinstance(place, Copy) else ""
        where: dict[str, Any] = {
            "peer": await self._peers.find(place.to),
            "reply_to": _reply(place.topic, place.reply_to, quote),
            "invert_media": sources[0].invert_media,
        }
        items = [
            types.InputSingleMedia(
                media=as_input(source), message=words, entities=write_entities(entities), random_id=number
            )
            for source, (words, entities), number in zip(sources, captions, numbers, strict=True)
        ]
        request: TLRequest = requests.SendMultiMediaRequest(multi_media=items, **where)
        if len(items) == 1:
            item = items[0]
            request = requests.SendMediaRequest(
                media=item.media,
                message=item.message,
                entities=item.entities,
                random_id=item.random_id,
                reply_markup=markup,
                **where,
            )
        return await self._once(request, numbers, place, _same_as_one_of(sources))

    async def _edit(self, edit: Edit) -> MessageId:
        if edit.content != "text" and edit.content not in CAPTIONED:
            raise Rejected("not_editable", "Telegram does not let the bot change this kind of message.")
        request = requests.EditMessageRequest(
            peer=await self._peers.find(edit.to),
            id=edit.message,
            message=edit.text,
            entities=write_entities(edit.entities),
            no_webpage=not edit.look.preview,
            invert_media=edit.look.above or None,
            media=await self._new_media(edit) if edit.look.media else None,
            reply_markup=disabled(edit.buttons),
        )
        try:
            await self._call(request)
        except Rejected as error:
            if "MESSAGE_ID_INVALID" in error.text:
                raise Rejected("message_gone", "The message is not there any more.") from None
            if "MESSAGE_NOT_MODIFIED" not in error.text:
                raise
        return edit.message

    async def _new_media(self, edit: Edit) -> Any:
        """By reference; None where what was edited is gone again, or has no caption."""
        chat, message = edit.source
        box = PRIVATE if chat > CHANNELS else (await self._peers.channel(chat)).channel_id
        found = await self._mailbox.read(self._call, box, [message])
        source = next((one for one in found.messages if isinstance(one, types.Message)), None)
        return as_input(source) if source is not None and is_captioned(source) else None

    async def react(self, chat: ChatId, message: MessageId, emoji: str | None) -> None:
        reaction = [] if emoji is None else [types.ReactionEmoji(emoji)]
        peer = await self._peers.find(chat)
        try:
            await self._call(requests.SendReactionRequest(peer=peer, msg_id=message, reaction=reaction))
        except Rejected as error:
            if "MESSAGE_ID_INVALID" in error.text:
                raise Rejected("message_gone", "The message is not there any more.") from None
            if "MESSAGE_NOT_MODIFIED" not in error.text:
                raise

    async def _once(
        self,
        request: TLRequest,
        numbers: Sequence[int],
        place: Text | Copy | Mirror,
        same: Callable[[Any], bool] | None,
    ) -> list[MessageId]:
        """Sends, or finds what an earlier attempt has sent already."""
        peer = request.to_peer if isinstance(request, requests.ForwardMessagesRequest) else request.peer
        if place.doubt is not None and same is not None:
            found = await self._doubts.find(peer, place.topic, place.doubt, same, len(numbers))
            if found:
                return found
        try:
            return _new_ids(await self._with_or_without_reply(request, place), numbers)
        except SentBefore:
            if same is None and not isinstance(place, Text):
                same = await self._same_as_sources(place)
            found = await self._find_anyway(peer, place, same, len(numbers))
            if not found:
                raise _sent_and_gone() from None
            return found

    async def _with_or_without_reply(self, request: TLRequest, place: Text | Copy | Mirror) -> Any:
        try:
            return await self._call(request)
        except Rejected as error:
            misquoted = error.code == "bad_quote" or "QUOTE_TEXT_INVALID" in error.text
            if place.reply_to is None or not (misquoted or "REPLY_" in error.text):
                raise
        if misquoted:
            request.reply_to = _reply(place.topic, place.reply_to)
        else:
            _drop_reply(request, place.topic)
        return await self._call(request)

    async def _find_anyway(
        self, peer: Any, place: Text | Copy | Mirror, same: Callable[[Any], bool] | None, size: int
    ) -> list[MessageId]:
        if same is None:
            return []
        return await self._doubts.find(peer, place.topic, place.doubt or Doubt.anything(), same, size)

    async def _read_sources(self, copy: Copy | Mirror) -> list[Any]:
        box = PRIVATE if copy.source > 0 else (await self._peers.channel(copy.source)).channel_id
        found = await self._mailbox.read(self._call, box, copy.ids)
        sources = [message for message in found.messages if isinstance(message, types.Message)]
        if not sources:
            raise _deleted()
        return sources


def _reply(topic: TopicId | None, reply_to: MessageId | None, quote: str = "") -> Any:
    if reply_to is None:
        return None if topic is None else types.InputReplyToMessage(reply_to_msg_id=topic)
    return types.InputReplyToMessage(reply_to_msg_id=reply_to, top_msg_id=topic, quote_text=quote or None)


def _drop_reply(request: Any, topic: TopicId | None) -> None:
    """What is replied to was deleted: it goes without, as the Bot API's allow_sending_without_reply says."""
    if isinstance(request, requests.ForwardMessagesRequest):
        request.reply_to, request.top_msg_id = None, topic
    else:
        request.reply_to = _reply(topic, None)


def _marked(source: Any, caption: Caption | None) -> Words:
    if caption is not None:
        return marked(caption.text, caption.entities, caption=True)
    entities, _ = read_entities(source.entities or ())
    return marked(source.message, entities, caption=True) if source.message else ("", ())


def _same_as_one_of(sources: Sequence[Any]) -> Callable[[Any], bool]:
    """A copy has the same media, or the same words."""
    seen = {_print(source) for source in sources}
    return lambda message: _print(message) in seen


def _print(message: Any) -> object:
    media = message.media
    for part in ("photo", "document", "poll"):
        inner = getattr(media, part, None)
        if inner is not None:
            return part, inner.id
    return "words", message.message, type(media).__name__


def _new_ids(updates: Any, numbers: Sequence[int]) -> list[MessageId]:
    """The ids of what was sent, in the order of the request. What Telegram left out is missing."""
    if isinstance(updates, types.UpdateShortSentMessage):
        return [MessageId(updates.id)]
    by_number = {
        update.random_id: update.id for update in updates.updates if isinstance(update, types.UpdateMessageID)
    }
    return [MessageId(by_number[number]) for number in numbers if number in by_number]
