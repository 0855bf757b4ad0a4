"""The World as one person's app shows it: plain JSON for the page."""

from collections import Counter
from datetime import datetime
from typing import Any

from sandbox.flood import Flood
from sandbox.world import Account, Bot, Callback, Chat, Entity, Message, Step, Topic, User, World

Json = dict[str, Any]


def world_view(world: World) -> Json:
    """Who and what exists, without what is said."""
    return {
        "number": world.number,
        "users": [account_view(user) for user in world.users.values()],
        "bots": [bot_view(bot) for bot in world.bots.values()],
        "groups": [group_view(chat) for chat in world.chats.values()],
    }


def person_view(world: World, flood: Flood, user: User) -> Json:
    """The person's chats with topics and messages."""
    chats = [chat_view(world, flood, chat, user) for chat in user.chats.values()]
    return {"number": world.number, "me": account_view(user), "chats": chats}


def chat_view(world: World, flood: Flood, chat: Chat, user: User) -> Json:
    view = group_view(chat) | {
        "id": chat.id_for(user),
        "title": chat.bot.name if chat.bot else chat.title,
        "blocked": chat.blocked,
        "messages": [message_view(world, message, user) for message in chat.messages.values()],
    }
    bots = [chat.bot] if chat.bot else list(chat.bots.values())
    view["budgets"] = [budget_view(world, flood, bot, chat) for bot in bots]
    if not chat.is_private:
        view["my_status"] = chat.member(user).status
        view["my_rights"] = sorted(chat.member(user).rights)
    return view


def texts_view(world: World) -> Json:
    """What bots have said, in order: [id, text] by chat and topic; a private chat is named BOT:PERSON."""
    chats = {str(chat.id): chat for chat in world.chats.values()}
    chats |= {f"{bot}:{person}": chat for (bot, person), chat in world.privates.items()}
    told: Json = {name: {} for name in chats}
    for name, chat in chats.items():
        for message in chat.messages.values():
            if message.sender.is_bot and message.kind == "text":
                told[name].setdefault(str(message.topic_id or 0), []).append([message.id, message.text])
    return told


def group_view(chat: Chat) -> Json:
    return {
        "id": chat.id,
        "kind": chat.kind,
        "title": chat.title,
        "is_forum": chat.is_forum,
        "members": [
            {"id": m.account.id, "name": m.account.name, "status": m.status, "is_bot": m.account.is_bot}
            for m in chat.members.values()
            if m.is_present
        ],
        "topics": [topic_view(topic) for topic in chat.topics.values()] if chat.is_forum else [],
    }


def topic_view(topic: Topic) -> Json:
    return {
        "id": topic.id,
        "name": topic.name,
        "icon_color": topic.icon_color,
        "icon_custom_emoji_id": topic.icon_custom_emoji_id,
        "closed": topic.closed,
        "hidden": topic.hidden,
        "message_ids": list(topic.message_ids),
    }


def account_view(account: Account) -> Json:
    return {
        "id": account.id,
        "name": account.name,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "username": account.username,
        "is_bot": account.is_bot,
        "is_deleted": account.is_deleted,
    }


def bot_view(bot: Bot) -> Json:
    return account_view(bot) | {
        "token": bot.token,
        "owner": bot.owner.id if bot.owner else None,
        "pending_updates": len(bot.updates.waiting),
        "commands": next(iter(bot.commands.values()), []),
    }


def budget_view(world: World, flood: Flood, bot: Bot, chat: Chat) -> Json:
    budget = flood.budget(bot.id, chat, world.now())
    until = budget.blocked_until
    return {
        "bot": bot.id,
        "used": budget.used,
        "limit": budget.limit,
        "blocked_until": moment(until) if until else None,
    }


def message_view(world: World, message: Message, user: User | None = None) -> Json:
    content = message.content
    view: Json = {
        "id": message.id,
        "app_id": message.id_for(user) if user else message.id,
        "chat": message.chat.id_for(user) if user else message.chat.id,
        "sender": {"id": message.sender.id, "name": message.sender.name, "is_bot": message.sender.is_bot},
        "anonymous": message.anonymous,
        "as_chat": {"id": message.as_chat.id, "name": message.as_chat.title} if message.as_chat else None,
        "mine": message.sender is user,
        "date": moment(message.date),
        "edited": message.edited_at is not None,
        "kind": message.kind,
        "text": message.text,
        "entities": [entity_view(entity) for entity in content.entities],
        "topic": message.topic_id,
        "reply_to": message.reply_to,
        "quote": message.quote.text if message.quote else None,
        "album": message.album_id,
        "forwarded_from": _origin_name(message),
        "keyboard": message.keyboard,
        "markup": message.markup,
        "spoiler": content.spoiler,
        "caption_above": content.caption_above,
        "details": _details(content.details),
        "reactions": _reactions(message),
        "journey": [step_view(step) for step in world.journey(message)],
    }
    if content.file is not None:
        file = content.file
        view["file"] = {"id": file.unique_id, "name": file.name, "mime": file.mime_type, "size": file.size}
    return view


def step_view(step: Step) -> Json:
    return {"at": moment(step.at), "kind": step.kind, "text": step.sentence, "error": step.error}


def entity_view(entity: Entity) -> Json:
    view: Json = {"type": entity.type, "offset": entity.offset, "length": entity.length}
    if entity.url:
        view["url"] = entity.url
    if entity.user:
        view["user"] = entity.user.id
    if entity.language:
        view["language"] = entity.language
    return view


def callback_view(callback: Callback) -> Json:
    return {"id": callback.id, "data": callback.data, "answer": callback.answer}


def moment(at: datetime) -> str:
    return at.isoformat()


def _origin_name(message: Message) -> str | None:
    origin = message.origin
    if origin is None:
        return None
    return origin.sender.name if origin.sender else origin.sender_name


def _reactions(message: Message) -> dict[str, int]:
    """How many chose each."""
    chosen = message.chat.reactions.get(message.id, {})
    return dict(Counter(emoji for reactions in chosen.values() for emoji in reactions))


def _details(details: Any) -> Json:
    """Accounts and messages inside service messages become names and ids."""
    return {key: _plain(value) for key, value in details.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, User):
        return account_view(value)
    if isinstance(value, Message):
        return value.id
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
