"""How a message of another program looks in a topic: marked as the bot's, within Telegram's limits."""

from collections.abc import Sequence

from sessions.port import MIRROR_MARK
from tenants.outbox import Entity, put_behind

LONGEST_TEXT = 4096
"""UTF-16 units of a text (Bot API: sendMessage)."""
LONGEST_CAPTION = 1024
"""UTF-16 units of a caption (Bot API: copyMessage)."""
CAPTIONED = frozenset({"photo", "video", "animation", "audio", "voice", "document"})
"""Kinds of content that can carry the mark in a caption, as the Bot API names them."""


def marked(text: str, entities: Sequence[Entity], *, caption: bool = False) -> tuple[str, tuple[Entity, ...]]:
    """The text behind the mark, cut to what a text or a caption holds, its formatting moved along and clipped."""
    longest = LONGEST_CAPTION if caption else LONGEST_TEXT
    words, moved = put_behind(MIRROR_MARK, text, entities, longest)
    return words.rstrip() if words == MIRROR_MARK else words, moved
