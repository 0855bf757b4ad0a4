"""parse_mode=HTML."""

import html
import re
from dataclasses import dataclass

from sandbox.bot_api.markup import FindUser, Marked, byte_offset, cant_parse, mark_link
from sandbox.world import Entity

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}
_PIECE = re.compile(
    r"<(?P<end>/?)(?P<name>[a-zA-Z0-9-]*)(?P<rest>[^<>]*)(?P<close>>?)|&(?P<entity>#?\w+;)|[^<&]+|[<&]"
)
_ATTRIBUTE = re.compile(r"\s*([a-zA-Z-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_NAMED = {"lt;": "<", "gt;": ">", "amp;": "&", "quot;": '"'}


@dataclass(slots=True)
class _Open:
    name: str
    start: int
    part: int
    """Where its text begins among the parts."""
    attributes: dict[str, str]


class _Parser:
    def __init__(self, source: str, find_user: FindUser) -> None:
        self.source = source
        self.find_user = find_user
        self.marked = Marked()
        self.open: list[_Open] = []

    def parse(self) -> tuple[str, tuple[Entity, ...]]:
        for match in _PIECE.finditer(self.source):
            piece = match.group()
            if piece[0] == "<":
                self._tag(match)
            elif piece[0] == "&":
                self.marked.add(_character(match.group("entity"), piece))
            else:
                self.marked.add(piece)
        if self.open:
            raise cant_parse(f'Can\'t find end tag corresponding to start tag "{self.open[-1].name}"')
        return self.marked.finish()

    def _tag(self, match: re.Match[str]) -> None:
        at = byte_offset(self.source, match.start())
        name = (match.group("name") or "").lower()
        if match.group("end"):
            self._end(name, at)
            return
        if name not in _KINDS:
            raise cant_parse(f'Unsupported start tag "{name}" at byte offset {at}')
        if not match.group("close"):
            raise cant_parse(f"Unclosed start tag at byte offset {at}")
        attributes = {k.lower(): html.unescape(a or b or c) for k, a, b, c in _ATTRIBUTE.findall(match.group("rest"))}
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise cant_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        self.open.append(_Open(name, self.marked.length, len(self.marked.parts), attributes))

    def _end(self, name: str, at: int) -> None:
        if not self.open:
            raise cant_parse(f"Unexpected end tag at byte offset {at}")
        opened = self.open.pop()
        if name not in {opened.name, ""}:
            raise cant_parse(f'Unmatched end tag at byte offset {at}, expected "</{opened.name}>", found "</{name}>"')
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        marked, start, kind = self.marked, opened.start, _KINDS[opened.name]
        match opened.name:
            case "a":
                url = opened.attributes.get("href") or "".join(marked.parts[opened.part :])
                mark_link(marked, start, url, self.find_user)
            case "tg-emoji":
                marked.mark(kind, start, custom_emoji_id=opened.attributes.get("emoji-id", ""))
            case "blockquote" if "expandable" in opened.attributes:
                marked.mark("expandable_blockquote", start)
            case "code" if self.open and self.open[-1].name == "pre":
                language = opened.attributes.get("class", "").removeprefix("language-")
                self.open[-1].attributes["language"] = language
            case "pre":
                marked.mark(kind, start, language=opened.attributes.get("language") or None)
            case _:
                marked.mark(kind, start)


def _character(entity: str | None, piece: str) -> str:
    if entity is None:
        return piece
    if entity[0] == "#":
        return html.unescape(f"&{entity}")
    return _NAMED.get(entity, piece)


def parse_html(source: str, find_user: FindUser) -> tuple[str, tuple[Entity, ...]]:
    return _Parser(source, find_user).parse()
