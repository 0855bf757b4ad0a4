"""What goes out, as requests. Each item carries a random_id made from the row's key: Telegram takes it once.

A row that may have been sent before is looked for first: a login that is new does not remember random_ids.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any

from telethon.tl import TLRequest, types
from telethon.tl.functions import messages as requests

from sessions.errors import Gone, Rejected
from sessions.mirrors import marked
from sessions.mtproto.doubts import Doubts
from sessions.mtproto.mailbox import PRIVATE, Mailbox
from sessions.mtproto.media import as_input, is_captioned
from sessions.mtproto.peers import Peers
from sessions.mtproto.refusals import SentBefore
from sessions.mtproto.texts import disabled, mentioned, read_entities, write_entities
from sessions.port import Copy, Doubt, Edit, IdempotencyKey, Mirror, Outgoing, Text
from tenants.ids import ChatId, MessageId, TopicId
from tenants.markdown import MarkupError, parse

Call = Callable[[TLRequest], Awaitable[Any]]


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
        if isinstance(outgoing, Copy):
            return await self._forward(outgoing, drop_author=True)
        return await self._mirror(outgoing)

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey) -> TopicId:
        peer = await self._peers.find(group)
        request = requests.CreateForumTopicRequest(peer=peer, title=name, random_id=random_id(key))
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
            no_webpage=True,
            random_id=number,
            reply_to=_reply(place.topic, place.reply_to),
            reply_markup=markup,
        )
        return await self._once(request, [number], place, lambda message: message.message == words)

    async def _forward(self, copy: Copy | Mirror, *, drop_author: bool) -> list[MessageId]:
        numbers = [random_id(copy.key, item) for item in range(len(copy.ids))]
        reply = None if copy.reply_to is None else _reply(copy.topic, copy.reply_to)
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
        return await self._send_media(mirror, sources)

    async def _send_media(self, mirror: Mirror, sources: Sequence[Any]) -> list[MessageId]:
        place: dict[str, Any] = {
            "peer": await self._peers.find(mirror.to),
            "reply_to": _reply(mirror.topic, mirror.reply_to),
        }
        numbers = [random_id(mirror.key, item) for item in range(len(sources))]
        if len(sources) == 1:
            words, entities = marked(mirror.text, mirror.entities, caption=True)
            request = requests.SendMediaRequest(
                media=as_input(sources[0]),
                message=words,
                entities=write_entities(entities),
                random_id=numbers[0],
                reply_markup=disabled(mirror.buttons),
                invert_media=sources[0].invert_media,
                **place,
            )
        else:
            items = [_album_item(source, number) for source, number in zip(sources, numbers, strict=True)]
            request = requests.SendMultiMediaRequest(multi_media=items, **place)
        return await self._once(request, numbers, mirror, _same_as_one_of(sources))

    async def _edit(self, edit: Edit) -> MessageId:
        peer = await self._peers.find(edit.to)
        is_text = edit.content == "text"
        words, entities = marked(edit.text, edit.entities, caption=not is_text)
        media = None
        if not is_text:
            found = await self._mailbox.read(self._call, PRIVATE, [edit.source[1]])
            source = next((message for message in found.messages if isinstance(message, types.Message)), None)
            media = as_input(source) if source is not None and is_captioned(source) else None
        request = requests.EditMessageRequest(
            peer=peer,
            id=edit.message,
            message=words,
            entities=write_entities(entities),
            no_webpage=True,
            media=media,
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
            if place.reply_to is None or "REPLY_" not in error.text:
                raise
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


def _reply(topic: TopicId | None, reply_to: MessageId | None) -> Any:
    if reply_to is None:
        return None if topic is None else types.InputReplyToMessage(reply_to_msg_id=topic)
    return types.InputReplyToMessage(reply_to_msg_id=reply_to, top_msg_id=topic)


def _drop_reply(request: Any, topic: TopicId | None) -> None:
    """What is replied to was deleted: it goes without, as the Bot API's allow_sending_without_reply says."""
    if isinstance(request, requests.ForwardMessagesRequest):
        request.reply_to, request.top_msg_id = None, topic
    else:
        request.reply_to = _reply(topic, None)


def _album_item(source: Any, number: int) -> Any:
    entities, _ = read_entities(source.entities or ())
    words, entities = marked(source.message, entities, caption=True) if source.message else ("", ())
    return types.InputSingleMedia(
        media=as_input(source), message=words, entities=write_entities(entities), random_id=number
    )


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
