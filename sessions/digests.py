"""Whether two messages show the same: Telegram also tells of edits that nobody can see (telegram.md §5.1)."""

from collections.abc import Sequence
from hashlib import blake2b

from sessions.events import Buttons
from tenants.outbox import Entity

_HALF = 16
"""Hexadecimal digits of each half: what it says, and which file or place it shows."""


def digest_of(
    *,
    text: str,
    content: str,
    entities: Sequence[Entity] = (),
    buttons: Buttons = (),
    preview: bool = True,
    above: bool = False,
    media: object = None,
) -> str:
    """`media` is what makes a file, place or poll another one: file_unique_id, coordinates, …"""
    words = (text, sorted(tuple(entity) for entity in entities), buttons, preview, above)
    return _half(words) + _half((content, media))


def shows_other_media(before: str, now: str) -> bool:
    """Also where nothing is known of what it showed before."""
    return before[_HALF:] != now[_HALF:]


def _half(shown: object) -> str:
    return blake2b(repr(shown).encode(), digest_size=_HALF // 2).hexdigest()
