"""A text while parts of it are being hidden: each character stands for itself, for a dot, or for nothing."""

import unicodedata
from collections.abc import Sequence
from itertools import accumulate

from tenants.outbox.rows import Entity, utf16

DOT = "•"
MOST_DOTS = 3
"""In the place of a word, however long it was."""
_INVISIBLE = frozenset({"Cc", "Cf", "Mn", "Me"})


class Draft:
    """`plain` is what a reader takes the text for: ASCII digits whatever their script, one kind of blank and dash,
    nothing that is not seen. Spans are of `plain`.
    """

    def __init__(self, text: str) -> None:
        self._source = text
        self._shown = list(text)
        read = [(at, _plain(char)) for at, char in enumerate(text)]
        self._at = [at for at, char in read if char]
        self.plain = "".join(char for _, char in read)

    @property
    def text(self) -> str:
        return "".join(self._shown)

    def dot(self, at: int) -> None:
        self._shown[self._at[at]] = DOT

    def hide(self, begin: int, end: int) -> None:
        """As a few dots, that don't tell how much they hide."""
        if begin >= end:
            return
        first, last = self._at[begin], self._at[end - 1] + 1
        dots = min(end - begin, MOST_DOTS)
        self._shown[first:last] = [DOT] * dots + [""] * (last - first - dots)

    def span(self, offset: int, length: int) -> tuple[int, int]:
        """Of an entity, which counts UTF-16 units of the source."""
        starts = [0, *accumulate(utf16(char) for char in self._source)]
        inside = [n for n, at in enumerate(self._at) if offset <= starts[at] < offset + length]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def move(self, entities: Sequence[Entity]) -> tuple[Entity, ...]:
        """Where entities stand now. One of which nothing is left is gone."""
        before = [0, *accumulate(utf16(char) for char in self._source)]
        after = [0, *accumulate(utf16(shown) for shown in self._shown)]
        now = dict(zip(before, after, strict=True))
        moved = []
        for kind, offset, length, more in entities:
            begin, end = now.get(offset, after[-1]), now.get(offset + length, after[-1])
            if end > begin:
                moved.append((kind, begin, end - begin, more))
        return tuple(moved)


def _plain(char: str) -> str:
    if char == "\n":
        return char
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in _INVISIBLE:
        return ""
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    if category == "Pd" or char == "\u2212":
        return "-"
    compatible = unicodedata.normalize("NFKC", char)
    return compatible if len(compatible) == 1 else char
