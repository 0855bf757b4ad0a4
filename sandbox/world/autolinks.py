"""The entities that Telegram finds by itself: commands, mentions, hashtags, addresses."""

import re
from collections.abc import Iterable

from sandbox.world.messages import Entity, utf16_length

_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"]+[^\s<>\".,;:!?)])"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})"
    r"|(?<![\w/@<])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/@])"
    r"|(?<!\w)(?P<mention>@[A-Za-z0-9_]{4,32})(?!\w)"
    r"|(?<![\w&])(?P<hashtag>#[^\W\d_]\w*)"
)
_SIGNS = re.compile(r"[/@#:]")


def with_links(text: str, entities: Iterable[Entity] = ()) -> tuple[Entity, ...]:
    """The given entities, and those found where none of the given lies."""
    given = tuple(entities)
    if not _SIGNS.search(text):
        return given
    found = list(given)
    for match in _FOUND.finditer(text):
        offset = utf16_length(text[: match.start()])
        length = utf16_length(match.group())
        if not any(e.offset < offset + length and offset < e.offset + e.length for e in given):
            found.append(Entity(match.lastgroup or "", offset, length))
    return tuple(sorted(found, key=lambda e: (e.offset, -e.length)))
