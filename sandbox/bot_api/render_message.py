"""Messages and updates as the Bot API's JSON objects, each as one bot sees it."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.bot_api.render import Json, chat_json, member_change_json, user_json
from sandbox.bot_api.render_media import file_json, media_json, photo_sizes
from sandbox.bot_api.render_stars import checkout_json, subscription_change_json
from sandbox.world import GENERAL, Bot, Callback, Chat, Checkout, Entity, File, Message, Origin, Update, User, World
from sandbox.world.copies import knows_answer, origin_of
from sandbox.world.entities import ManagedBotChange, MemberChange
from sandbox.world.messages import CAPTIONED_KINDS, MEDIA_KINDS, ReactionChange
from sandbox.world.stars import SubscriptionChange

_INLINE = "inline_keyboard"
_BARE = frozenset(
    {
        "new_chat_members",
        "left_chat_member",
        "pinned_message",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "channel_chat_created",
        "connected_website",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
    }
)
"""Service messages that are one value, and no object with fields."""
_WORDS = frozenset({"text", "entities", "caption", "caption_entities", "show_caption_above_media"})


def update_json(world: World, update: Update, bot: Bot) -> Json:
    subject = update.subject
    if isinstance(subject, Message):
        body = message_json(world, subject, bot)
    elif isinstance(subject, Callback):
        body = callback_json(world, subject, bot)
    elif isinstance(subject, MemberChange):
        body = member_change_json(subject, bot)
    elif isinstance(subject, ReactionChange):
        body = reaction_json(subject, bot)
    elif isinstance(subject, ManagedBotChange):
        body = {"user": user_json(subject.user), "bot": user_json(subject.bot)}
    elif isinstance(subject, Checkout):
        body = checkout_json(subject)
    elif isinstance(subject, SubscriptionChange):
        body = subscription_change_json(subject)
    else:
        body = subject
    return {"update_id": update.id, update.kind: body}


def callback_json(world: World, callback: Callback, bot: Bot) -> Json:
    message = callback.message
    return {
        "id": callback.id,
        "from": user_json(callback.user),
        "message": message_json(world, message, bot),
        "chat_instance": str(abs(message.chat.id) * 31 + bot.id),
        "data": callback.data,
    }


def reaction_json(change: ReactionChange, bot: Bot) -> Json:
    return {
        "chat": chat_json(change.message.chat),
        "message_id": change.message.id_for(bot),
        "user": user_json(change.by),
        "date": int(change.at.timestamp()),
        "old_reaction": [{"type": "emoji", "emoji": emoji} for emoji in change.before],
        "new_reaction": [{"type": "emoji", "emoji": emoji} for emoji in change.after],
    }


def message_json(world: World, message: Message, bot: Bot, *, nested: bool = False) -> Json:
    """A nested message shows no reply of its own."""
    chat = message.chat
    json: Json = {"message_id": message.id_for(bot)}
    _add_sender(json, world, message)
    json["chat"] = chat_json(chat)
    json["date"] = int(message.date.timestamp())
    if message.edited_at is not None:
        json["edit_date"] = int(message.edited_at.timestamp())
    if message.thread_id is not None:
        json["message_thread_id"] = message.thread_id
    if message.topic_id is not None and message.topic_id != GENERAL:
        json["is_topic_message"] = True
    if not nested:
        _add_reply(json, world, message, bot)
    _add_marks(json, message)
    _add_content(json, world, message, bot)
    return json


def _add_sender(json: Json, world: World, message: Message) -> None:
    """Posts of channels have no `from` (Bot API: Message)."""
    if message.anonymous:
        json["from"] = user_json(world.anonymous_admin) | {"is_bot": True}
    elif message.as_chat is not None and message.chat.kind != "channel" and not message.is_automatic:
        json["from"] = user_json(world.channel_bot) | {"is_bot": True}
    elif message.chat.kind != "channel":
        json["from"] = user_json(message.sender)
    as_chat = message.chat if message.anonymous else message.as_chat
    if as_chat is not None:
        json["sender_chat"] = chat_json(as_chat)
    if message.signature:
        json["author_signature"] = message.signature
    if message.is_automatic:
        json["is_automatic_forward"] = True


def entity_json(entity: Entity) -> Json:
    json: Json = {"type": entity.type, "offset": entity.offset, "length": entity.length}
    if entity.url is not None:
        json["url"] = entity.url
    if entity.user is not None:
        json["user"] = user_json(entity.user)
    if entity.language is not None:
        json["language"] = entity.language
    if entity.custom_emoji_id is not None:
        json["custom_emoji_id"] = entity.custom_emoji_id
    return json | dict(entity.about) if entity.about else json


def origin_json(origin: Origin) -> Json:
    json: Json = {"type": origin.kind, "date": int(origin.date.timestamp())}
    if origin.kind == "user" and origin.sender is not None:
        json["sender_user"] = user_json(origin.sender)
    elif origin.kind == "hidden_user":
        json["sender_user_name"] = origin.sender_name
    elif origin.kind == "chat" and origin.chat is not None:
        json["sender_chat"] = chat_json(origin.chat)
    elif origin.kind == "channel" and origin.chat is not None:
        json["chat"] = chat_json(origin.chat)
        json["message_id"] = origin.message_id
    if origin.signature:
        json["author_signature"] = origin.signature
    return json


def _add_reply(json: Json, world: World, message: Message, bot: Bot) -> None:
    chat, number = message.chat, message.reply_to
    if number is None:
        # In a topic a plain message answers the message that opened the topic.
        if message.topic_id is None or message.topic_id in {GENERAL, message.id}:
            return
        number = message.topic_id
    if message.reply_to_chat is not None:
        _add_external_reply(json, world, message.reply_to_chat, number, bot)
    else:
        replied = chat.messages.get(number)
        if replied is None:
            return
        json["reply_to_message"] = message_json(world, replied, bot, nested=True)
    if message.quote is not None:
        quote = message.quote
        json["quote"] = {"text": quote.text, "position": quote.position}
        if quote.entities:
            json["quote"]["entities"] = [entity_json(e) for e in quote.entities]
        if quote.is_manual:
            json["quote"]["is_manual"] = True


def _add_external_reply(json: Json, world: World, chat: Chat, number: int, bot: Bot) -> None:
    """What is replied to of another chat, without its words (Bot API: ExternalReplyInfo)."""
    replied = chat.messages.get(number)
    if replied is None:
        return
    external: Json = {"origin": origin_json(origin_of(replied))}
    if chat.counts_for_itself:
        external |= {"chat": chat_json(chat), "message_id": number}
    if replied.link_preview is not None:
        external["link_preview_options"] = replied.link_preview
    if not replied.content.is_service:
        _add_content(external, world, replied, bot)
    json["external_reply"] = {key: value for key, value in external.items() if key not in _WORDS}


def _add_marks(json: Json, message: Message) -> None:
    if message.origin is not None:
        json["forward_origin"] = origin_json(message.origin)
    if message.protected or message.chat.protected:
        json["has_protected_content"] = True
    if message.album_id is not None:
        json["media_group_id"] = message.album_id
    if message.link_preview is not None:
        json["link_preview_options"] = message.link_preview
    if message.markup is not None and _INLINE in message.markup:
        json["reply_markup"] = message.markup
    json.update(message.extras)


def _add_content(json: Json, world: World, message: Message, bot: Bot) -> None:
    content = message.content
    kind = content.kind
    if kind == "text":
        json["text"] = content.text
        if content.entities:
            json["entities"] = [entity_json(e) for e in content.entities]
        return
    if kind in MEDIA_KINDS:
        media_json(json, content, _handles(world, bot))
    else:
        json.update(_other_json(world, message, bot))
    if kind in CAPTIONED_KINDS and content.text:
        json["caption"] = content.text
        if content.entities:
            json["caption_entities"] = [entity_json(e) for e in content.entities]
    if content.caption_above and content.text:
        json["show_caption_above_media"] = True
    if content.spoiler:
        json["has_media_spoiler"] = True


def _handles(world: World, bot: Bot) -> Callable[[File], str]:
    return lambda file: world.files.handle(bot.id, file)


def _other_json(world: World, message: Message, bot: Bot) -> Json:
    """Places, contacts, polls, dice, and service messages."""
    kind, details = message.kind, message.content.details
    match kind:
        case "group_chat_created" | "supergroup_chat_created":
            return {kind: True}
        case "venue":
            return _venue_json(details)
        case "poll":
            return {kind: poll_json(details, answer_known=knows_answer(bot, message))}
        case _:
            value = details[kind] if kind in _BARE else details
            return {kind: _plain(world, value, bot)}


def _plain(world: World, value: Any, bot: Bot) -> Any:
    """People, chats, messages and files anywhere inside, as this bot sees them."""
    match value:
        case Mapping():
            return {key: _plain(world, item, bot) for key, item in value.items()}
        case list() | tuple():
            return [_plain(world, item, bot) for item in value]
        case User():
            return user_json(value)
        case Chat():
            return chat_json(value)
        case Message():
            return message_json(world, value, bot, nested=True)
        case _:
            return _file(world, value, bot) if isinstance(value, File) else value


def _file(world: World, file: File, bot: Bot) -> Any:
    handle = world.files.handle(bot.id, file)
    return photo_sizes(file, handle) if file.kind == "photo" else file_json(file, handle)


def _venue_json(details: Mapping[str, Any]) -> Json:
    place = {k: details[k] for k in ("latitude", "longitude")}
    venue = {k: v for k, v in details.items() if k not in place}
    return {"location": place, "venue": {"location": place, **venue}}


def poll_json(details: Mapping[str, Any], *, answer_known: bool) -> Json:
    hidden = set() if answer_known else {"correct_option_ids", "explanation", "explanation_entities"}
    poll = {k: v for k, v in details.items() if k not in {"options", *hidden}}
    poll["options"] = [
        {"persistent_id": str(i), "text": text, "voter_count": 0} for i, text in enumerate(details["options"])
    ]
    poll["total_voter_count"] = 0
    return poll
