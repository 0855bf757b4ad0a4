"""Telegram's MarkdownV2 (core.telegram.org/bots/api#markdownv2-style) as plain text and entities.

Over MTProto nobody parses it for us, and an owner who types it wrong should be told where.
"""

import re
from dataclasses import dataclass

from tenants.outbox.rows import Entity, utf16
from tenants.phrases import Phrase

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
NAMES = {
    "bold": "bold text",
    "strikethrough": "strikethrough text",
    "italic": "italic text",
    "underline": "underline text",
    "spoiler": "spoiler text",
    "code": "code text",
    "blockquote": "blockquote text",
    "link": "link",
    "emoji": "custom emoji",
    "pre": "code block",
}
_LITERAL = frozenset({"code", "pre"})
_LINKS = frozenset({"text_link", "text_mention", "custom_emoji", "date_time"})
_LAST_ESCAPED = 126
_QUOTE = "blockquote"
_OF_TELEGRAM = re.compile(r"tg:(?://)?(user|emoji|time)/?\?([^#]*)", re.IGNORECASE)
_INNER_ADDRESS = re.compile(r"(tg|ton|tonsite):(?://)?([a-z0-9_-]+(?:[/?#].*)?)", re.IGNORECASE | re.DOTALL)
_WEB_ADDRESS = re.compile(
    r"(?:(https?)://)?((?:[^/?#@]*@)?)([a-z0-9.\-_!$,~*'();&+=%\x80-\U0010ffff]+|\[[0-9a-f:.]+\])"
    r"((?::[0-9]{1,5})?)((?:[/?#].*)?)",
    re.IGNORECASE | re.DOTALL,
)
_WHOLE_NUMBER = re.compile(r"-?[1-9][0-9]{0,18}")
_DATE_FORMAT = re.compile(r"[rR]|[wWdDtT]*")
_LAST_PERSON = 2**40 - 1
"""core.telegram.org/api/bots/ids."""


class MarkupError(ValueError):
    """`at` counts characters of the source from 1; the text is one sentence for who typed it."""

    def __init__(self, at: int, sentence: str, **values: object) -> None:
        super().__init__(Phrase(sentence, at=at, **values))
        self.at = at


@dataclass(slots=True)
class _Open:
    """`offset` in UTF-16 units of the text, `began` in characters of the source, `part` in parts of the text."""

    kind: str
    offset: int
    began: int
    part: int
    more: str = ""

    @property
    def name(self) -> Phrase:
        return Phrase(NAMES[self.kind])


def parse(source: str) -> tuple[str, tuple[Entity, ...]]:
    """The text and its entities, offsets in UTF-16 units. Raises `MarkupError`.

    The end of a line counts as one character. A `date_time` holds its Unix time, then a blank and the format, if any.
    """
    return _Parser(source.replace("\r", "")).run()


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
        if self._innermost == _QUOTE:
            self._end_quote(expandable=False)
        if self._open:
            last = self._open[-1]
            raise MarkupError(last.began, "The {name} that begins at character {at} has no end.", name=last.name)
        from_outside = self._found[::-1]
        from_outside.sort(key=lambda found: (found[1], -found[2]))
        return _trimmed("".join(self._text), _outermost(_outermost(from_outside, _LINKS), _LITERAL))

    @property
    def _in_quote(self) -> bool:
        return any(opened.kind == _QUOTE for opened in self._open)

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
            self._line_begins = following == "\n"
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
        self._line_begins = False

    def _step_literally(self, char: str) -> None:
        if char != "`":
            self._append(char, 1)
        elif not self._closes():
            self._push("code", 1)

    def _end_line(self) -> None:
        goes_on = self._source.startswith(">", self._at + 1)
        if self._in_quote and not goes_on:
            self._end_quote(expandable=False)
        self._append("\n", 1)
        self._line_begins = True

    def _end_quote(self, *, expandable: bool) -> None:
        last = self._open[-1]
        if last.kind != _QUOTE:
            sentence = "The {name} that begins at character {at} must end in its quote."
            raise MarkupError(last.began, sentence, name=last.name)
        self._open.pop()
        self._add("expandable_blockquote" if expandable else _QUOTE, last.offset)

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
            kind, more = _icon(address or "")
            if not more:
                needed = Phrase("{others} or {last}", others="(tg://emoji?id=…)", last="(tg://time?unix=…)")
                raise MarkupError(
                    last.began, "The “![” at character {at} needs {needed} behind its “]”.", needed=needed
                )
        else:
            kind, more = _link("".join(self._text[last.part :]) if address is None else address)
        if more:
            self._add(kind, last.offset, more)

    def _read_address(self) -> str | None:
        """What stands in parentheses behind the brackets; None if they are not there."""
        if not self._ahead("("):
            return None
        began, address = self._at + 1, ""
        self._at += 1
        while self._at < len(self._source) and not self._ahead(")"):
            if self._ahead("\\") and "\0" < self._source[self._at + 1 : self._at + 2] <= chr(_LAST_ESCAPED):
                self._at += 1
            address += self._source[self._at]
            self._at += 1
        if self._at >= len(self._source):
            raise MarkupError(began, "The address that begins at character {at} has no “)”.")
        self._at += 1
        return address

    def _begin(self, char: str) -> None:
        if char == ">" and self._line_begins:
            self._begin_quote()
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
            raise MarkupError(at, "Character {at}, “{char}”, must be written as “\\{char}”.", char=char)

    def _begin_quote(self) -> None:
        """Or goes on with it: each of its lines begins so."""
        if self._in_quote:
            self._at += 1
        else:
            self._push(_QUOTE, 1)

    def _begin_spoiler(self) -> None:
        """At the very end of a quote the same mark says that it can be expanded."""
        rest = self._source[self._at + 2 : self._at + 4]
        ends_quote = not rest or (rest[0] == "\n" and rest[1:] != ">")
        if self._innermost == _QUOTE and ends_quote:
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
        self._open.append(_Open(kind, self._length, self._at + 1, len(self._text)))
        self._at += consumed


def _icon(address: str) -> tuple[str, str]:
    """What stands behind ![…], as an entity's kind and what the kind needs; that is empty where Telegram refuses."""
    where, values = _asked(address)
    number = _number(values.get("id", ""))
    if where == "time":
        return "date_time", _moment(values)
    return "custom_emoji", str(number) if where == "emoji" and -(2**63) <= number < 2**63 and number else ""


def _link(address: str) -> tuple[str, str]:
    """The same for […]; empty where Telegram makes no link of it."""
    where, values = _asked(address)
    number = _number(values.get("id", ""))
    if where == "user" and 0 < number <= _LAST_PERSON:
        return "text_mention", str(number)
    return "text_link", _checked(address)


def _asked(address: str) -> tuple[str, dict[str, str]]:
    found = _OF_TELEGRAM.match(address)
    if not found:
        return "", {}
    return found[1].lower(), dict(part.partition("=")[::2] for part in reversed(found[2].split("&")))


def _number(digits: str) -> int:
    return int(digits) if _WHOLE_NUMBER.fullmatch(digits) else 0


def _moment(values: dict[str, str]) -> str:
    """core.telegram.org/bots/api#date-time-entity-formatting; TDLib takes the letters in any order."""
    unix, form = _number(values.get("unix", "")), values.get("format", "")
    return f"{unix} {form}".strip() if 0 < unix < 2**31 and _DATE_FORMAT.fullmatch(form) else ""


def _checked(address: str) -> str:
    """As Telegram completes an address; empty where it makes no link of it."""
    if found := _INNER_ADDRESS.fullmatch(address):
        return f"{found[1].lower()}://{found[2]}"
    found = _WEB_ADDRESS.fullmatch(address.rstrip())
    if not found or not ("." in found[3] or found[3].startswith("[")):
        return ""
    scheme, user, host, port, path = found.groups("")
    path = path if path.startswith("/") else f"/{path}"
    path = re.sub("[\0-\x20]", lambda blank: f"%{ord(blank[0]):02X}", path)
    return f"{(scheme or 'http').lower()}://{user}{host.lower()}{port}{path}"


def _outermost(entities: list[Entity], kinds: frozenset[str]) -> list[Entity]:
    """Of these kinds Telegram keeps none inside of another."""
    kept, end = [], 0
    for entity in entities:
        if entity[0] in kinds:
            if entity[1] < end:
                continue
            end = entity[1] + entity[2]
        kept.append(entity)
    return kept


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
