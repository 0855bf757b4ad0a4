"""Who is told: which bots' programs get an update, and why others don't."""

from typing import Any

from sandbox.world.entities import Bot, Chat, MemberChange
from sandbox.world.journey import Step, StepKind, Trail
from sandbox.world.messages import OWN_SERVICE_KINDS, Callback, Entity, Message
from sandbox.world.state import State
from sandbox.world.updates import Update

_SEEN_ONCE = "bots are not shown what may be seen once"
_OTHER_BOT = "it is a bot's message"
_OWN = "it is its own message"
_PRIVACY = "privacy mode hides what is neither a command to it nor a reply to it"


def deliver(state: State, message: Message, kind: str = "message", trail: Trail | None = None) -> None:
    chat = message.chat
    if message.seen_once:
        if trail is not None:
            step(state, trail, "withheld", chat.bot, error=_SEEN_ONCE)
        return
    if chat.bot is not None:
        if message.sender is not chat.bot or message.kind in OWN_SERVICE_KINDS:
            push(state, chat.bot, kind, message, trail)
        return
    for bot in chat.bots.values():
        hidden = _why_hidden(state, message, bot)
        if not hidden:
            push(state, bot, kind, message, trail)
        elif trail is not None:
            step(state, trail, "withheld", bot, error=hidden)


def deliver_callback(state: State, callback: Callback) -> None:
    bot = callback.message.sender
    if isinstance(bot, Bot):
        push(state, bot, "callback_query", callback)


def deliver_member_change(state: State, change: MemberChange) -> None:
    account = change.after.account
    if isinstance(account, Bot):
        push(state, account, "my_chat_member", change)
    for bot in change.chat.bots.values():
        if bot is not account and change.chat.member(bot).is_admin:
            push(state, bot, "chat_member", change)


def push(state: State, bot: Bot, kind: str, subject: Any, trail: Trail | None = None) -> None:
    queue = bot.updates
    if bot.is_deleted or kind not in queue.allowed:
        if trail is not None:
            step(state, trail, "withheld", bot, error=f"its program does not ask for {kind} updates")
        return
    now = state.now()
    pause = state.rules.update_ids_jump_after
    jumps = pause is not None and queue.last_at is not None and now - queue.last_at >= pause
    number = state.ids.first_update() if jumps else queue.last_id + 1
    update = Update(number, kind, subject, now, trail)
    queue.expire(now - state.rules.update_retention)
    queue.put(update)
    if trail is not None:
        step(state, trail, "queued", bot, update_id=number)


def step(state: State, trail: Trail, kind: StepKind, bot: Bot | None = None, **about: Any) -> None:
    trail.add(Step(state.now(), kind, bot, **about))
    state.emit("journey.moved", trail, trail.chat)


def fetch(state: State, bot: Bot, offset: int, limit: int) -> list[Update]:
    """What getUpdates answers with: what the offset confirms is forgotten first."""
    queue = bot.updates
    queue.expire(state.now() - state.rules.update_retention)
    for update in queue.confirm(offset):
        if update.trail is not None:
            step(state, update.trail, "confirmed", bot, update_id=update.id)
    updates = queue.peek(limit)
    for update in updates:
        if update.trail is not None:
            step(state, update.trail, "fetched", bot, update_id=update.id)
    return updates


def sees(state: State, message: Message, bot: Bot) -> bool:
    """Whether Telegram shows it to the bot in a group, be it the bot's own."""
    return message.sender is bot or not _why_hidden(state, message, bot)


def _why_hidden(state: State, message: Message, bot: Bot) -> str:
    """Empty if the bot sees the message."""
    is_service = message.content.is_service
    if message.sender is bot:
        return "" if message.kind in OWN_SERVICE_KINDS else _OWN
    if message.sender.is_bot:
        shown = is_service and state.rules.bots_see_service_messages_of_bots
        return "" if shown else _OTHER_BOT
    chat = message.chat
    if is_service or bot.can_read_all_group_messages or chat.members[bot.id].is_admin:
        return ""
    return "" if _is_for(message, chat, bot) else _PRIVACY


def _said_at(message: Message, mark: Entity) -> str:
    units = message.text.encode("utf-16-le")
    return units[2 * mark.offset : 2 * (mark.offset + mark.length)].decode("utf-16-le").lower()


def _is_for(message: Message, chat: Chat, bot: Bot) -> bool:
    """In privacy mode: a command to this bot, a mention of it, or a reply to it."""
    name = f"@{bot.username or ''}".lower()
    if any(mark.type == "mention" and _said_at(message, mark) == name for mark in message.content.entities):
        return True
    if message.reply_to is not None:
        replied = chat.messages.get(message.reply_to)
        if replied is not None and replied.sender is bot:
            return True
    if not message.text.startswith("/"):
        return False
    _, at, username = message.text.split(maxsplit=1)[0].partition("@")
    if at:
        return username.lower() == (bot.username or "").lower()
    return chat.last_bot_id in {None, bot.id}
