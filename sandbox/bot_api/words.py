"""Texts and captions of a call: their markup, their limits."""

from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.markup_html import parse_html
from sandbox.bot_api.markup_markdown import parse_markdown, parse_markdown_v2
from sandbox.world import Entity, World
from sandbox.world.autolinks import with_links
from sandbox.world.compose import CAPTION_LIMIT, TEXT_LIMIT
from sandbox.world.messages import utf16_length

Words = tuple[str, tuple[Entity, ...]]
_PARSERS = {"html": parse_html, "markdown": parse_markdown, "markdownv2": parse_markdown_v2}
_FOUND_BY_TELEGRAM = frozenset({"url", "email", "bot_command", "mention", "hashtag", "cashtag", "phone_number"})


def read_text(call: Call) -> Words:
    words = parse(call.world, call.text("text"), call.text("parse_mode"), call.json("entities"))
    if not words[0]:
        raise bad_request("message text is empty")
    if utf16_length(words[0]) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return words


def read_caption(call: Call) -> Words:
    entities = call.json("caption_entities")
    return check_caption(parse(call.world, call.text("caption"), call.text("parse_mode"), entities))


def check_caption(words: Words) -> Words:
    if utf16_length(words[0]) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return words


def parse(world: World, source: str, mode: str, entities: Any) -> Words:
    """The visible text and its entities, trimmed, with the links that Telegram finds."""
    if not source:
        return "", ()
    if mode and mode.lower() != "none":
        parser = _PARSERS.get(mode.lower())
        if parser is None:
            raise bad_request("unsupported parse_mode")
        text, marks = parser(source, world.users.get)
    else:
        text, marks = source, tuple(_entity(world, e) for e in entities or ())
    text, marks = _trim(text, marks)
    return text, with_links(text, marks)


def _entity(world: World, given: Any) -> Entity:
    if not isinstance(given, dict) or not {"type", "offset", "length"} <= given.keys():
        raise bad_request("can't parse MessageEntity: expected an object with type, offset and length")
    rest = dict(given)
    user = rest.pop("user", None)
    return Entity(
        str(rest.pop("type")),
        int(rest.pop("offset")),
        int(rest.pop("length")),
        url=rest.pop("url", None),
        user=world.users.get(int(user["id"])) if user else None,
        language=rest.pop("language", None),
        custom_emoji_id=rest.pop("custom_emoji_id", None),
        about=rest,
    )


def _trim(text: str, marks: tuple[Entity, ...]) -> Words:
    """Spaces around a text are lost. What Telegram finds by itself it finds again."""
    stripped = text.strip()
    kept = [e for e in marks if e.type not in _FOUND_BY_TELEGRAM]
    if len(stripped) == len(text):
        return text, tuple(kept)
    lost = utf16_length(text[: len(text) - len(text.lstrip())])
    length = utf16_length(stripped)
    moved = []
    for mark in kept:
        start = max(mark.offset - lost, 0)
        end = min(mark.offset + mark.length - lost, length)
        if end > start:
            moved.append(_move(mark, start, end - start))
    return stripped, tuple(moved)


def _move(mark: Entity, offset: int, length: int) -> Entity:
    return Entity(mark.type, offset, length, mark.url, mark.user, mark.language, mark.custom_emoji_id, mark.about)
