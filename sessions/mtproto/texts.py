"""Formatting and keyboards, Telegram's way and ours. An entity's last part holds what its kind needs: a language, an
address, a person's or an emoji's id.
"""

from collections.abc import Sequence
from typing import Any

from telethon.tl import types

from sessions.events import Buttons
from tenants.outbox import Entity

_KINDS = {
    types.MessageEntityBold: "bold",
    types.MessageEntityItalic: "italic",
    types.MessageEntityUnderline: "underline",
    types.MessageEntityStrike: "strikethrough",
    types.MessageEntitySpoiler: "spoiler",
    types.MessageEntityCode: "code",
    types.MessageEntityPre: "pre",
    types.MessageEntityTextUrl: "text_link",
    types.MessageEntityMentionName: "text_mention",
    types.MessageEntityCustomEmoji: "custom_emoji",
}
_PLAIN = {name: kind for kind, name in _KINDS.items()} | {
    "blockquote": types.MessageEntityBlockquote,
    "expandable_blockquote": types.MessageEntityBlockquote,
}
_FOUND = (
    types.MessageEntityMention,
    types.MessageEntityHashtag,
    types.MessageEntityCashtag,
    types.MessageEntityBotCommand,
    types.MessageEntityEmail,
    types.MessageEntityPhone,
)
"""Telegram finds these in any text by itself. A link is not among them: it may have a preview."""
_LOSES = frozenset({"text_link", "text_mention", "custom_emoji"})
"""What a text that stands in one message with others would lose."""


def read_entities(entities: Sequence[Any]) -> tuple[tuple[Entity, ...], bool]:
    """And whether the text stays the same when it stands in one message with others."""
    found: list[Entity] = []
    is_plain = True
    for entity in entities:
        kind = _kind_of(entity)
        if kind is None:
            is_plain = is_plain and isinstance(entity, _FOUND)
            continue
        is_plain = is_plain and kind not in _LOSES
        found.append((kind, entity.offset, entity.length, _more(entity)))
    return tuple(found), is_plain


def _kind_of(entity: Any) -> str | None:
    if isinstance(entity, types.MessageEntityBlockquote):
        return "expandable_blockquote" if entity.collapsed else "blockquote"
    return _KINDS.get(type(entity))


def _more(entity: Any) -> str:
    if isinstance(entity, types.MessageEntityPre):
        return entity.language or ""
    if isinstance(entity, types.MessageEntityTextUrl):
        return str(entity.url)
    if isinstance(entity, types.MessageEntityMentionName):
        return str(entity.user_id)
    return str(entity.document_id) if isinstance(entity, types.MessageEntityCustomEmoji) else ""


def write_entities(entities: Sequence[Entity]) -> list[Any] | None:
    """A mention of a person goes without its link: that needs the person's access hash."""
    written = [_write(*entity) for entity in entities if entity[0] in _PLAIN and entity[0] != "text_mention"]
    return written or None


def _write(kind: str, offset: int, length: int, more: str) -> Any:
    if kind == "pre":
        return types.MessageEntityPre(offset, length, more)
    if kind == "text_link":
        return types.MessageEntityTextUrl(offset, length, more)
    if kind == "custom_emoji":
        return types.MessageEntityCustomEmoji(offset, length, int(more))
    if kind == "expandable_blockquote":
        return types.MessageEntityBlockquote(offset, length, collapsed=True)
    return _PLAIN[kind](offset, length)


def read_labels(markup: Any) -> Buttons:
    """Of an inline keyboard only; others belong to the customer's input field."""
    if not isinstance(markup, types.ReplyInlineMarkup):
        return ()
    return tuple(tuple(str(button.text) for button in row.buttons) for row in markup.rows)


def disabled(buttons: Buttons) -> Any:
    """The same keyboard, without effect: a press would reach the other program."""
    if not buttons:
        return None
    off = types.InlineButtonTypeDisabled()
    rows = [
        types.KeyboardInlineButtonRow([types.KeyboardInlineButton(text=label, type=off) for label in row])
        for row in buttons
    ]
    return types.ReplyInlineMarkup(rows)


def find_label(markup: Any, data: bytes) -> str:
    """Of the button that sends these bytes; empty where there is none."""
    if not isinstance(markup, types.ReplyInlineMarkup):
        return ""
    buttons = (button for row in markup.rows for button in row.buttons)
    return next((str(button.text) for button in buttons if getattr(button.type, "data", None) == data), "")
