"""The World as the page keeps it: heads of chats and topics, and messages page by page.

The page shows several people at once, so nothing here is seen through one person's eyes: a private
chat is named `bot:person`, a group by its id, and a message by the id that the chat itself gives it.
"""

from itertools import islice
from typing import TYPE_CHECKING

from sandbox.flood import Flood
from sandbox.story import state
from sandbox.view import Json, account_view, bot_view, budget_view, message_view, moment, topic_view
from sandbox.world import Account, Bot, Chat, Message, NotAllowed, Topic, World
from sandbox.world.entities import GENERAL

if TYPE_CHECKING:
    from sandbox.server import Sandbox

_PREVIEW = 90
_LONGEST_PAGE = 200
_LATELY = 10


def key_of(chat: Chat) -> str:
    return f"{chat.bot.id}:{chat.user.id}" if chat.bot and chat.user else str(chat.id)


def find_place(world: World, key: str) -> Chat:
    bot, colon, user = key.partition(":")
    if not colon:
        return world.chat(int(key))
    return world.private(world.user(int(user)), world.bot(int(bot)))


def snapshot(sandbox: "Sandbox") -> Json:
    """Everything but what was said."""
    world = sandbox.world
    places = [*world.chats.values(), *(chat for chat in world.privates.values() if chat.messages)]
    return {
        "number": world.number,
        "now": moment(world.now()),
        "users": [account_view(user) for user in world.users.values()],
        "bots": [bot_head(bot) for bot in world.bots.values()],
        "chats": [chat_head(world, sandbox.flood, chat) for chat in places],
        "demo": sandbox.cast.get("demo"),
    }


def account_head(account: Account) -> Json:
    return bot_head(account) if isinstance(account, Bot) else account_view(account)


def bot_head(bot: Bot) -> Json:
    return bot_view(bot) | {"description": bot.description}


def chat_head(world: World, flood: Flood, chat: Chat) -> Json:
    present = [m for m in chat.members.values() if m.is_present]
    return {
        "key": key_of(chat),
        "id": chat.id,
        "kind": chat.kind,
        "title": chat.title,
        "user": chat.user.id if chat.user else None,
        "bot": chat.bot.id if chat.bot else None,
        "blocked": chat.blocked,
        "is_forum": chat.is_forum,
        "protected": chat.protected,
        "available_reactions": chat.available_reactions,
        "migrated_to": str(chat.migrated_to.id) if chat.migrated_to else None,
        "members": [
            {"id": m.account.id, "status": m.status, "rights": sorted(m.rights), "title": m.title} for m in present
        ],
        "pinned": list(chat.pinned),
        "last": _last(world, chat, chat.messages),
        "topics": [topic_head(world, chat, topic) for topic in chat.topics.values()] if chat.is_forum else [],
        "budgets": budgets(world, flood, chat),
    }


def topic_head(world: World, chat: Chat, topic: Topic) -> Json:
    head = topic_view(topic)
    del head["message_ids"]
    return head | {
        "is_general": topic.id == GENERAL,
        "creator": topic.creator_id,
        "last": _last(world, chat, topic.message_ids),
    }


def budgets(world: World, flood: Flood, chat: Chat) -> list[Json]:
    if not flood.rules.enabled:
        return []
    bots = [chat.bot] if chat.bot else list(chat.bots.values())
    return [_budget(world, flood, bot, chat) for bot in bots]


def _budget(world: World, flood: Flood, bot: Bot, chat: Chat) -> Json:
    """`full_until`: the budget is all but spent, and so it is when a program holds back by itself."""
    budget = flood.budget(bot.id, chat, world.now())
    is_full = budget.frees_at is not None and budget.used >= budget.limit - 1
    until = moment(budget.frees_at) if is_full and budget.frees_at else None
    return budget_view(world, flood, bot, chat) | {"full_until": until}


def page_message(world: World, message: Message) -> Json:
    """`view.message_view`, with what it replies to, and where it is instead of its whole journey."""
    view = message_view(world, message)
    del view["journey"]
    source = message.reply_to_chat or message.chat
    replied = source.messages.get(message.reply_to) if message.reply_to is not None else None
    return view | {
        "chat": key_of(message.chat),
        "reply": _preview(replied) if replied is not None else None,
        "reply_elsewhere": message.reply_to_chat is not None,
        "state": state(world, message),
        "reactions_by": {str(k): list(v) for k, v in message.chat.reactions.get(message.id, {}).items()},
    }


def history(world: World, chat: Chat, topic: int | None, before: int | None, limit: int) -> Json:
    """The latest messages of a place, or those before one of them, oldest first."""
    if topic is not None and topic not in chat.topics:
        raise NotAllowed("This topic has been deleted.")
    numbers = chat.messages if topic is None else chat.topics[topic].message_ids
    older = (n for n in reversed(numbers) if before is None or n < before)
    limit = max(1, min(limit, _LONGEST_PAGE))
    found = [chat.messages[n] for n in islice(older, limit + 1) if n in chat.messages]
    messages = [page_message(world, message) for message in reversed(found[:limit])]
    return {"number": world.number, "messages": messages, "complete": len(found) <= limit}


def _last(world: World, chat: Chat, numbers: dict[int, Message] | dict[int, None]) -> Json | None:
    """What the lists show: the last thing said, or done if nothing was said lately."""
    latest = [chat.messages[n] for n in islice(reversed(numbers), _LATELY) if n in chat.messages]
    shown = next((message for message in latest if not message.content.is_service), latest[0] if latest else None)
    return page_message(world, shown) if shown is not None else None


def _preview(message: Message) -> Json:
    text = message.text[:_PREVIEW] + ("…" if len(message.text) > _PREVIEW else "")
    voice = message.chat if message.anonymous else message.as_chat
    sender = voice.title if voice else message.sender.name
    return {"id": message.id, "name": sender, "text": text, "kind": message.kind, "sender": message.sender.id}
