"""Telegram's MarkdownV2 (core.telegram.org/bots/api#markdownv2-style) as plain text and entities.

Over MTProto nobody parses it for us, and an owner who types it wrong should be told where.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tenants.outbox.rows import Entity, utf16

RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_SIMPLE = {"*": "bold", "~": "strikethrough"}
_CLOSES = {
    "bold": "*",
    "strikethrough": "~",
    "italic": "_",
    "underline": "__",
    "spoiler": "||",
    "code": "`",
    "pre": "```",
    "link": "]",
    "emoji": "]",
}
_NAMES = {"link": "link", "emoji": "custom emoji", "pre": "code block"}
_LITERAL = frozenset({"code", "pre"})
_LAST_ESCAPED = 126
_QUOTE = "blockquote"


class MarkupError(ValueError):
    """`at` counts characters of the source from 1; the text is one sentence for who typed it."""

    def __init__(self, at: int, sentence: str) -> None:
        super().__init__(sentence)
        self.at = at


@dataclass(slots=True)
class _Open:
    """`offset` in UTF-16 units of the text, `began` in characters of the source."""

    kind: str
    offset: int
    began: int
    more: str = ""


def parse(source: str) -> tuple[str, tuple[Entity, ...]]:
    """The text and its entities, offsets in UTF-16 units. Raises `MarkupError`."""
    return _Parser(source).run()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._text: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._found: list[Entity] = []
        self._line_begins = True

    def run(self) -> tuple[str, tuple[Entity, ...]]:
        while self._at < len(self._source):
            self._step()
        if self._in_quote:
            self._end_quote(expandable=False)
        if self._open:
            last = self._open[-1]
            name = _NAMES.get(last.kind, f"{last.kind} text")
            raise MarkupError(last.began, f"The {name} that begins at character {last.began} has no end.")
        return _trimmed("".join(self._text), sorted(self._found, key=lambda found: (found[1], -found[2])))

    @property
    def _in_quote(self) -> bool:
        return bool(self._open) and self._open[0].kind == _QUOTE

    @property
    def _innermost(self) -> str:
        return self._open[-1].kind if self._open else ""

    def _ahead(self, token: str) -> bool:
        return self._source.startswith(token, self._at)

    def _step(self) -> None:
        char = self._source[self._at]
        following = self._source[self._at + 1 : self._at + 2]
        if char == "\\" and following and 0 < ord(following) <= _LAST_ESCAPED:
            self._append(following, 2)
        elif self._innermost in _LITERAL:
            self._step_literally(char)
        elif char == "\n":
            self._end_line()
        elif char not in RESERVED:
            self._append(char, 1)
        elif not self._closes():
            self._begin(char)

    def _append(self, char: str, consumed: int) -> None:
        self._text.append(char)
        self._length += utf16(char)
        self._at += consumed
        self._line_begins = char == "\n"

    def _step_literally(self, char: str) -> None:
        if char != "`" or not self._closes():
            self._append(char, 1)

    def _end_line(self) -> None:
        goes_on = self._source.startswith(">", self._at + 1)
        if self._in_quote and not goes_on:
            self._end_quote(expandable=False)
        self._append("\n", 2 if self._in_quote else 1)
        self._line_begins = not self._in_quote

    def _end_quote(self, *, expandable: bool) -> None:
        if len(self._open) > 1:
            last = self._open[-1]
            name = _NAMES.get(last.kind, f"{last.kind} text")
            raise MarkupError(last.began, f"The {name} that begins at character {last.began} must end in its quote.")
        quote = self._open.pop()
        self._add("expandable_blockquote" if expandable else _QUOTE, quote.offset)

    def _add(self, kind: str, offset: int, more: str = "") -> None:
        if self._length > offset:
            self._found.append((kind, offset, self._length - offset, more))

    def _closes(self) -> bool:
        """Ends the innermost entity where its mark stands here."""
        kind = self._innermost
        mark = _CLOSES.get(kind)
        if mark is None or not self._ahead(mark) or (kind == "italic" and self._ahead("__")):
            return False
        last = self._open.pop()
        self._at += len(mark)
        if kind in {"link", "emoji"}:
            self._end_link(last)
        else:
            self._add(kind, last.offset, last.more)
        return True

    def _end_link(self, last: _Open) -> None:
        address = self._read_address()
        if last.kind == "emoji":
            number = _number_of(address, "emoji")
            if not number:
                raise MarkupError(last.began, f"The custom emoji at character {last.began} needs (tg://emoji?id=…).")
            self._add("custom_emoji", last.offset, number)
        elif person := _number_of(address, "user"):
            self._add("text_mention", last.offset, person)
        elif address:
            self._add("text_link", last.offset, address)

    def _read_address(self) -> str:
        """What stands in parentheses behind the brackets; empty if nothing does."""
        if not self._ahead("("):
            return ""
        began, address = self._at + 1, ""
        self._at += 1
        while self._at < len(self._source) and not self._ahead(")"):
            if self._ahead("\\") and self._at + 1 < len(self._source):
                self._at += 1
            address += self._source[self._at]
            self._at += 1
        if self._at >= len(self._source):
            raise MarkupError(began, f"The address that begins at character {began} has no “)”.")
        self._at += 1
        return address

    def _begin(self, char: str) -> None:
        if char == ">" and self._line_begins and not self._open:
            self._push(_QUOTE, 1)
        elif self._ahead("||"):
            self._begin_spoiler()
        elif char == "_":
            underlined = self._ahead("__")
            self._push("underline" if underlined else "italic", 2 if underlined else 1)
        elif char in _SIMPLE:
            self._push(_SIMPLE[char], 1)
        elif self._ahead("```"):
            self._begin_block()
        elif char == "`":
            self._push("code", 1)
        elif char == "[":
            self._push("link", 1)
        elif self._ahead("!["):
            self._push("emoji", 2)
        else:
            at = self._at + 1
            raise MarkupError(at, f"Character {at}, “{char}”, must be written as “\\{char}”.")

    def _begin_spoiler(self) -> None:
        """At the very end of a quote the same mark says that it can be expanded."""
        rest = self._source[self._at + 2 : self._at + 4]
        ends_quote = not rest or (rest[0] == "\n" and rest[1:] != ">")
        if self._in_quote and ends_quote and len(self._open) == 1:
            self._at += 2
            self._end_quote(expandable=True)
        else:
            self._push("spoiler", 2)

    def _begin_block(self) -> None:
        self._push("pre", 3)
        end = self._at
        while end < len(self._source) and not self._source[end].isspace() and self._source[end] != "`":
            end += 1
        if end > self._at and self._source[end : end + 1] not in {"", "`"}:
            self._open[-1].more = self._source[self._at : end]
            self._at = end
        if self._ahead("\n"):
            self._at += 1

    def _push(self, kind: str, consumed: int) -> None:
        self._open.append(_Open(kind, self._length, self._at + 1))
        self._at += consumed


def _number_of(address: str, what: str) -> str:
    """The id in `tg://user?id=7`."""
    parts = urlsplit(address)
    number = parse_qs(parts.query).get("id", [""])[0]
    return number if parts.scheme == "tg" and parts.netloc == what and number.isdecimal() else ""


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, tuple[Entity, ...]]:
    """Telegram sends no blanks at either end."""
    kept = text.rstrip()
    ahead = utf16(kept) - utf16(kept.lstrip())
    kept = kept.lstrip()
    length = utf16(kept)
    moved = []
    for kind, offset, size, more in entities:
        begin, end = max(0, offset - ahead), min(length, offset + size - ahead)
        if end > begin:
            moved.append((kind, begin, end - begin, more))
    return kept, tuple(moved)
