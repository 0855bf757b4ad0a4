"""Bots that another bot manages: born of a link, owned by the person who opened it."""

from sandbox.world.delivery import push
from sandbox.world.entities import Bot, ManagedBotChange, User
from sandbox.world.messages import Content, Message
from sandbox.world.posting import post
from sandbox.world.state import NotAllowed, State


def announce(state: State, manager: Bot, user: User, bot: Bot) -> Message:
    """The manager hears of its new bot in an update, and in the chat with the person."""
    bot.manager = manager
    tell(state, bot)
    return post(state, state.private(user, manager), user, Content("managed_bot_created", details={"bot": bot}))


def tell(state: State, bot: Bot) -> None:
    """A managed bot is new, or its token is."""
    if bot.manager is not None and bot.owner is not None:
        push(state, bot.manager, "managed_bot", ManagedBotChange(bot.owner, bot))


def check_manages(manager: Bot) -> None:
    if not manager.can_manage_bots:
        raise NotAllowed("This bot can't manage other bots.")
