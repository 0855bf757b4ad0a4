"""copyMessage, forwardMessage and their batches; each attempt is a step of the source's journey."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import ApiError, bad_request
from sandbox.bot_api.keyboards import read_markup
from sandbox.bot_api.methods.sending import post_to
from sandbox.bot_api.render import Json
from sandbox.bot_api.render_message import message_json
from sandbox.bot_api.targets import find_chat, find_message, find_target
from sandbox.bot_api.words import read_caption
from sandbox.world import Chat, Content, Message
from sandbox.world.copies import copied, kept_keyboard, may_copy, may_forward, origin_of
from sandbox.world.delivery import step
from sandbox.world.messages import CAPTIONED_KINDS

_BATCH_LIMIT = 100
COPYING = frozenset({"copymessage", "copymessages", "forwardmessage", "forwardmessages"})


def copy_message(call: Call) -> Json:
    source = _find_source(call, "message to copy")
    if not may_copy(call.world, call.bot, source):
        raise bad_request("the message can't be copied")
    content = _copied(call, source, _new_caption(call))
    markup = read_markup(call)
    target = find_target(call)
    call.charge(target.chat)
    copy = post_to(call, target, content, markup=markup, link_preview=source.link_preview)
    _record(call, source, copy)
    return {"message_id": copy.id_for(call.bot)}


def forward_message(call: Call) -> Json:
    source = _find_source(call, "message to forward")
    if not may_forward(call.world, source):
        raise bad_request("the message can't be forwarded")
    target = find_target(call)
    call.charge(target.chat)
    forwarded = post_to(call, target, source.content, **_forwarded(source))
    _record(call, source, forwarded)
    return message_json(call.world, forwarded, call.bot)


def copy_messages(call: Call) -> list[Json]:
    def copy(source: Message) -> tuple[Content, dict[str, Any]]:
        content = copied(call.world, source.content)
        if call.flag("remove_caption") and source.kind in CAPTIONED_KINDS:
            content = replace(content, text="", entities=())
        return content, {"link_preview": source.link_preview}

    return _send_batch(call, lambda source: may_copy(call.world, call.bot, source), copy)


def forward_messages(call: Call) -> list[Json]:
    return _send_batch(
        call, lambda source: may_forward(call.world, source), lambda source: (source.content, _forwarded(source))
    )


def record_failure(call: Call, error: str) -> None:
    """Tell the journeys of all sources why nothing came of it."""
    world = call.world
    try:
        source_chat = find_chat(call, "from_chat_id", write=False)
    except ApiError:
        return
    target = world.chats.get(call.number("chat_id")) or world.privates.get((call.bot.id, call.number("chat_id")))
    for number in _ids_or_nothing(call):
        source = world.find_message(source_chat, number, call.bot)
        trail = world.journeys.find(source_chat, source.id) if source is not None else None
        if trail is not None:
            topic_id = call.number("message_thread_id") or None
            step(world, trail, "failed", call.bot, method=call.name, chat=target, topic_id=topic_id, error=error)


def _send_batch(
    call: Call,
    may: Callable[[Message], bool],
    make: Callable[[Message], tuple[Content, dict[str, Any]]],
) -> list[Json]:
    numbers = _message_ids(call)
    target = find_target(call)
    chat = find_chat(call, "from_chat_id", write=False)
    found = [m for n in numbers if (m := call.world.find_message(chat, n, call.bot)) is not None]
    if not found:
        raise bad_request("there are no messages to forward")
    sources = [source for source in found if may(source)]
    if not sources:
        raise bad_request("messages can't be forwarded")
    call.charge(target.chat, len(sources) if call.flood.rules.count_each_copy else 1)
    albums = _albums(call, sources)
    sent = []
    for source in sources:
        content, marks = make(source)
        album_id = albums.get(source.album_id) if source.album_id else None
        copy = post_to(call, target, content, album_id=album_id, **marks)
        _record(call, source, copy)
        sent.append({"message_id": copy.id_for(call.bot)})
    return sent


def _albums(call: Call, sources: list[Message]) -> dict[str, str]:
    """Albums stay together where two of their parts do."""
    counts = Counter(source.album_id for source in sources if source.album_id)
    return {album: call.world.ids.album() for album, count in counts.items() if count > 1}


def _find_source(call: Call, what: str) -> Message:
    call.required("from_chat_id")
    return find_message(call, find_chat(call, "from_chat_id", write=False), what)


def _copied(call: Call, source: Message, caption: Content | None) -> Content:
    content = source.content
    if caption is not None and content.kind in CAPTIONED_KINDS:
        return replace(content, text=caption.text, entities=caption.entities, caption_above=caption.caption_above)
    return copied(call.world, content)


def _new_caption(call: Call) -> Content | None:
    if "caption" not in call.params:
        return None
    text, entities = read_caption(call)
    return Content("caption", text, entities, caption_above=call.flag("show_caption_above_media"))


def _forwarded(source: Message) -> dict[str, Any]:
    return {
        "origin": origin_of(source),
        "markup": kept_keyboard(source),
        "link_preview": source.link_preview,
    }


def _message_ids(call: Call) -> list[int]:
    numbers = call.json("message_ids")
    if not numbers:
        raise bad_request("message identifiers are not specified")
    if not isinstance(numbers, list):
        raise bad_request("expected an Array of message identifiers")
    if len(numbers) > _BATCH_LIMIT:
        raise bad_request("too many message identifiers specified")
    try:
        ids = [int(n) for n in numbers]
    except (TypeError, ValueError):
        raise bad_request("message identifier must be a Number") from None
    if ids[0] <= 0:
        raise bad_request("invalid message identifier specified")
    if any(later <= earlier for earlier, later in pairwise(ids)):
        raise bad_request("message identifiers must be in a strictly increasing order")
    return ids


def _ids_or_nothing(call: Call) -> list[int]:
    if call.method in {"copymessage", "forwardmessage"}:
        return [call.number("message_id")]
    try:
        return _message_ids(call)
    except ApiError:
        return []


def _record(call: Call, source: Message, copy: Message) -> None:
    trail = call.world.journeys.find(source.chat, source.id)
    if trail is not None:
        where: dict[str, Chat | int | None] = {"chat": copy.chat, "topic_id": copy.topic_id}
        step(call.world, trail, "copied", call.bot, method=call.name, message_id=copy.id, **where)


METHODS: dict[str, Callable[[Call], Any]] = {
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
    "forwardMessage": forward_message,
    "forwardMessages": forward_messages,
}
