"""Reactions to messages: kept beside the message, told to bots that asked for them."""

from collections.abc import Collection

from sandbox.world.delivery import push
from sandbox.world.entities import Account
from sandbox.world.messages import Message, ReactionChange
from sandbox.world.state import State

REACTIONS = frozenset(
    {
        "❤",
        "👍",
        "👎",
        "🔥",
        "🥰",
        "👏",
        "😁",
        "🤔",
        "🤯",
        "😱",
        "🤬",
        "😢",
        "🎉",
        "🤩",
        "🤮",
        "💩",
        "🙏",
        "👌",
        "🕊",
        "🤡",
        "🥱",
        "🥴",
        "😍",
        "🐳",
        "❤\u200d🔥",
        "🌚",
        "🌭",
        "💯",
        "🤣",
        "⚡",
        "🍌",
        "🏆",
        "💔",
        "🤨",
        "😐",
        "🍓",
        "🍾",
        "💋",
        "🖕",
        "😈",
        "😴",
        "😭",
        "🤓",
        "👻",
        "👨\u200d💻",
        "👀",
        "🎃",
        "🙈",
        "😇",
        "😨",
        "🤝",
        "✍",
        "🤗",
        "🫡",
        "🎅",
        "🎄",
        "☃",
        "💅",
        "🤪",
        "🗿",
        "🆒",
        "💘",
        "🙉",
        "🦄",
        "😘",
        "💊",
        "🙊",
        "😎",
        "👾",
        "🤷\u200d♂",
        "🤷",
        "🤷\u200d♀",
        "😡",
    }
)


def is_open(message: Message, emoji: Collection[str]) -> bool:
    """Whether Telegram has these reactions, and the group allows them."""
    allowed = message.chat.available_reactions
    return set(emoji) <= (REACTIONS if allowed is None else REACTIONS & set(allowed))


def react(state: State, message: Message, by: Account, emoji: tuple[str, ...]) -> bool:
    """Replace the account's reactions. Bots hear of people's, in groups as administrators only."""
    chat = message.chat
    reactions = chat.reactions.setdefault(message.id, {})
    before = reactions.get(by.id, ())
    if before == emoji:
        return False
    if emoji:
        reactions[by.id] = emoji
    else:
        reactions.pop(by.id, None)
    change = ReactionChange(message, by, before, emoji, state.now())
    if not by.is_bot:
        if chat.bot is not None:
            push(state, chat.bot, "message_reaction", change)
        for bot in chat.bots.values():
            if chat.member(bot).is_admin:
                push(state, bot, "message_reaction", change)
    state.emit("reaction.changed", change, chat)
    state.emit("message.reacted", message, chat)
    return True
