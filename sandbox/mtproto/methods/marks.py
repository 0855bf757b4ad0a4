"""Formatting both ways: Telegram's types and the World's, which have the Bot API's names."""

from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from sandbox.mtproto.rpc import RpcError
from sandbox.world.messages import Entity, utf16_length
from sandbox.world.world import World

_KINDS: dict[str, Any] = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strikethrough": types.MessageEntityStrike,
    "spoiler": types.MessageEntitySpoiler,
    "code": types.MessageEntityCode,
    "mention": types.MessageEntityMention,
    "hashtag": types.MessageEntityHashtag,
    "cashtag": types.MessageEntityCashtag,
    "bot_command": types.MessageEntityBotCommand,
    "url": types.MessageEntityUrl,
    "email": types.MessageEntityEmail,
    "phone_number": types.MessageEntityPhone,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def write_marks(entities: Iterable[Entity]) -> list[Any] | None:
    return [_write(entity) for entity in entities] or None


def _write(entity: Entity) -> Any:
    where = {"offset": entity.offset, "length": entity.length}
    match entity.type:
        case "pre":
            return types.MessageEntityPre(**where, language=entity.language or "")
        case "text_link":
            return types.MessageEntityTextUrl(**where, url=entity.url or "")
        case "text_mention":
            return types.MessageEntityMentionName(**where, user_id=entity.user.id if entity.user else 0)
        case "custom_emoji":
            return types.MessageEntityCustomEmoji(**where, document_id=int(entity.custom_emoji_id or 0))
        case "blockquote" | "expandable_blockquote":
            return types.MessageEntityBlockquote(**where, collapsed=entity.type.startswith("exp") or None)
        case _:
            return _KINDS.get(entity.type, types.MessageEntityUnknown)(**where)


def read_marks(world: World, text: str, entities: Iterable[Any] | None) -> tuple[Entity, ...]:
    length = utf16_length(text)
    found = []
    for entity in entities or ():
        if entity.offset < 0 or entity.length <= 0 or entity.offset + entity.length > length:
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
        found.append(_read(world, entity))
    return tuple(found)


def _read(world: World, entity: Any) -> Entity:
    where = (entity.offset, entity.length)
    match entity:
        case types.MessageEntityPre():
            return Entity("pre", *where, language=entity.language or None)
        case types.MessageEntityTextUrl():
            return Entity("text_link", *where, url=entity.url)
        case types.InputMessageEntityMentionName():
            return Entity("text_mention", *where, user=world.users.get(entity.user_id.user_id))
        case types.MessageEntityCustomEmoji():
            return Entity("custom_emoji", *where, custom_emoji_id=str(entity.document_id))
        case types.MessageEntityBlockquote():
            return Entity("expandable_blockquote" if entity.collapsed else "blockquote", *where)
        case _:
            return Entity(_NAMES.get(type(entity), "unknown"), *where)
