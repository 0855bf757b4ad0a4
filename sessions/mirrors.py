"""How a message of another program looks in a topic: marked as the bot's, within Telegram's limits."""

from collections.abc import Sequence

from sessions.port import MIRROR_MARK
from tenants.outbox import Entity, cut, utf16

LONGEST_TEXT = 4096
"""UTF-16 units of a text (Bot API: sendMessage)."""
LONGEST_CAPTION = 1024
"""UTF-16 units of a caption (Bot API: copyMessage)."""
CAPTIONED = frozenset({"photo", "video", "animation", "audio", "voice", "document"})
"""Kinds of content that can carry the mark in a caption, as the Bot API names them."""


def marked(text: str, entities: Sequence[Entity], *, caption: bool = False) -> tuple[str, tuple[Entity, ...]]:
    """The text behind the mark, cut to what a text or a caption holds, its formatting moved along and clipped."""
    ahead = utf16(MIRROR_MARK)
    words = cut(text, (LONGEST_CAPTION if caption else LONGEST_TEXT) - ahead)
    end = utf16(words)
    kept = [
        (kind, offset + ahead, min(length, end - offset), more)
        for kind, offset, length, more in entities
        if offset < end
    ]
    return MIRROR_MARK + words if words else MIRROR_MARK.rstrip(), tuple(kept)
