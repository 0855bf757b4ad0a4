"""parse_mode=MarkdownV2, and the old Markdown."""

import re
from dataclasses import dataclass

from sandbox.bot_api.markup import FindUser, Marked, byte_offset, cant_parse, mark_link
from sandbox.world import Entity

_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_NAMES = {
    "*": "Bold",
    "_": "Italic",
    "__": "Underline",
    "~": "Strikethrough",
    "||": "Spoiler",
    "`": "Code",
    "```": "Pre",
    "```language": "PreCode",
    "[": "TextUrl",
    "![": "CustomEmoji",
}
_KINDS = {
    "*": "bold",
    "_": "italic",
    "__": "underline",
    "~": "strikethrough",
    "||": "spoiler",
}
_LANGUAGE = re.compile(r"([^\s`]+)\n|\n")
_EMOJI_LINK = "tg://emoji?id="


@dataclass(slots=True)
class _Open:
    sign: str
    start: int
    position: int


class _MarkdownV2:
    def __init__(self, source: str, find_user: FindUser) -> None:
        self.source = source
        self.find_user = find_user
        self.marked = Marked()
        self.open: list[_Open] = []
        self.at = 0
        self.quote_start: int | None = None

    def parse(self) -> tuple[str, tuple[Entity, ...]]:
        while self.at < len(self.source):
            self._quote_line()
            if self.at < len(self.source):
                self._step()
        self._end_quote()
        if self.open:
            raise self._no_end(self.open[-1])
        return self.marked.finish()

    def _step(self) -> None:
        source, at = self.source, self.at
        character = source[at]
        if character == "\\" and at + 1 < len(source) and source[at + 1].isascii():
            self.marked.add(source[at + 1])
            self.at += 2
        elif character in "`[]!" and self._special(character):
            return
        elif sign := self._sign():
            self._toggle(sign)
        elif character in _RESERVED:
            raise cant_parse(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        else:
            self.marked.add(character)
            self.at += 1

    def _special(self, character: str) -> bool:
        source, at = self.source, self.at
        if character == "`":
            self._code("```" if source.startswith("```", at) else "`")
        elif character == "[" or source.startswith("![", at):
            sign = "[" if character == "[" else "!["
            self.open.append(_Open(sign, self.marked.length, at))
            self.at += len(sign)
        elif character == "]" and self.open and self.open[-1].sign in {"[", "!["}:
            self._link(self.open.pop())
        else:
            return False
        return True

    def _sign(self) -> str:
        for sign in ("||", "__", "*", "_", "~"):
            if self.source.startswith(sign, self.at):
                return sign
        return ""

    def _toggle(self, sign: str) -> None:
        self.at += len(sign)
        if self.open and self.open[-1].sign == sign:
            opened = self.open.pop()
            self.marked.mark(_KINDS[sign], opened.start)
        else:
            self.open.append(_Open(sign, self.marked.length, self.at - len(sign)))

    def _code(self, sign: str) -> None:
        opened = _Open(sign, self.marked.length, self.at)
        self.at += len(sign)
        language = None
        if sign == "```" and (match := _LANGUAGE.match(self.source, self.at)):
            language = match.group(1)
            self.at = match.end()
            opened.sign = "```language" if language else sign
        while not self.source.startswith(sign, self.at):
            if self.at >= len(self.source):
                raise self._no_end(opened)
            if self.source[self.at] == "\\" and self.source[self.at + 1 : self.at + 2] in {"`", "\\"}:
                self.at += 1
            self.marked.add(self.source[self.at])
            self.at += 1
        self.at += len(sign)
        self.marked.mark("pre" if sign == "```" else "code", opened.start, language=language)

    def _link(self, opened: _Open) -> None:
        self.at += 1
        url = ""
        if self.source.startswith("(", self.at):
            end = self.source.find(")", self.at)
            if end < 0:
                raise cant_parse(f"Can't find end of a URL at byte offset {byte_offset(self.source, self.at)}")
            url = self.source[self.at + 1 : end].replace("\\", "")
            self.at = end + 1
        if opened.sign == "![":
            self.marked.mark("custom_emoji", opened.start, custom_emoji_id=url.removeprefix(_EMOJI_LINK))
        else:
            mark_link(self.marked, opened.start, url, self.find_user)

    def _quote_line(self) -> None:
        """A line that starts with > belongs to a quotation."""
        if self.at and self.source[self.at - 1] != "\n":
            return
        if self.source[self.at] == ">":
            if self.quote_start is None:
                self.quote_start = self.marked.length
            self.at += 1
        else:
            self._end_quote()

    def _end_quote(self) -> None:
        if self.quote_start is not None:
            self.marked.mark("blockquote", self.quote_start)
            self.quote_start = None

    def _no_end(self, opened: _Open) -> Exception:
        at = byte_offset(self.source, opened.position)
        return cant_parse(f"Can't find end of {_NAMES[opened.sign]} entity at byte offset {at}")


class _OldMarkdown:
    """No nesting, and an underscore alone is an error."""

    def __init__(self, source: str, find_user: FindUser) -> None:
        self.source = source
        self.find_user = find_user
        self.marked = Marked()
        self.at = 0

    def parse(self) -> tuple[str, tuple[Entity, ...]]:
        source = self.source
        while self.at < len(source):
            character = source[self.at]
            if character == "\\" and source[self.at + 1 : self.at + 2] in set("_*`["):
                self.marked.add(source[self.at + 1])
                self.at += 2
            elif character in "_*`[":
                self._entity(character)
            else:
                self.marked.add(character)
                self.at += 1
        return self.marked.finish()

    def _entity(self, character: str) -> None:
        source, begin = self.source, self.at
        sign = "```" if source.startswith("```", begin) else character
        end_sign = "]" if sign == "[" else sign
        end = source.find(end_sign, begin + len(sign))
        if end < 0:
            at = byte_offset(source, begin)
            raise cant_parse(f"Can't find end of the entity starting at byte offset {at}")
        start = self.marked.length
        inside = source[begin + len(sign) : end]
        language = None
        if sign == "```" and (match := _LANGUAGE.match(inside)):
            language, inside = match.group(1), inside[match.end() :]
        self.marked.add(inside)
        self.at = end + len(end_sign)
        match sign:
            case "[":
                self._link(start)
            case "```":
                self.marked.mark("pre", start, language=language)
            case "`":
                self.marked.mark("code", start)
            case _:
                self.marked.mark(_KINDS[sign], start)

    def _link(self, start: int) -> None:
        if not self.source.startswith("(", self.at):
            return
        end = self.source.find(")", self.at)
        if end > 0:
            mark_link(self.marked, start, self.source[self.at + 1 : end], self.find_user)
            self.at = end + 1


def parse_markdown_v2(source: str, find_user: FindUser) -> tuple[str, tuple[Entity, ...]]:
    return _MarkdownV2(source, find_user).parse()


def parse_markdown(source: str, find_user: FindUser) -> tuple[str, tuple[Entity, ...]]:
    return _OldMarkdown(source, find_user).parse()
