"""How a message comes to be, changes and goes: numbered, indexed, delivered."""

from dataclasses import replace
from typing import Any

from sandbox.world.delivery import deliver, step
from sandbox.world.entities import GENERAL, Account, Chat
from sandbox.world.messages import Content, Message, Origin
from sandbox.world.state import State


def post(
    state: State,
    chat: Chat,
    sender: Account,
    content: Content,
    *,
    topic_id: int | None = None,
    reply_to: int | None = None,
    **rest: Any,
) -> Message:
    """Put a message into a chat. Whether the sender may is the caller's question."""
    if chat.kind == "channel":
        rest |= {"as_chat": chat, "signature": sender.name if chat.signs else ""}
    number, ids = _number(chat)
    if chat.is_forum and topic_id is None:
        topic_id = GENERAL
    message = Message(
        chat=chat,
        id=number,
        ids=ids,
        sender=sender,
        date=state.now(),
        content=content,
        topic_id=topic_id,
        thread_id=_thread(chat, topic_id, reply_to if rest.get("reply_to_chat") in {None, chat} else None),
        reply_to=reply_to,
        **rest,
    )
    chat.messages[number] = message
    if topic_id is not None and (topic := chat.topics.get(topic_id)) is not None:
        topic.message_ids[number] = None
    if chat.bot is not None and chat.user is not None and chat.bot.id not in chat.user.chats:
        chat.user.chats[chat.bot.id] = chat
        chat.bot.chats[chat.user.id] = chat
    trail = None
    if sender.is_bot:
        if not content.is_service:
            chat.last_bot_id = sender.id
    elif not content.is_service and (chat.bot is not None or chat.bots):
        trail = state.journeys.start(message)
    deliver(state, message, _kind(chat, "message", "channel_post"), trail)
    state.note(chat, "new", message)
    state.emit("message.posted", message, chat)
    if chat.discussion is not None and not content.is_service:
        _forward_to_discussion(state, message, chat.discussion)
    return message


def _forward_to_discussion(state: State, message: Message, group: Chat) -> None:
    origin = Origin("channel", message.date, chat=message.chat, message_id=message.id)
    post(state, group, state.telegram, message.content, origin=origin, as_chat=message.chat, is_automatic=True)


def _kind(chat: Chat, message: str, channel_post: str) -> str:
    return channel_post if chat.kind == "channel" else message


def change(state: State, message: Message, **fields: Any) -> Message:
    """Edit: the message is replaced, bots are told if a person did it."""
    edited = replace(message, edited_at=state.now(), **fields)
    chat = message.chat
    chat.messages[message.id] = edited
    trail = state.journeys.find(chat, message.id)
    if trail is not None:
        step(state, trail, "edited")
    if not message.sender.is_bot:
        deliver(state, edited, _kind(chat, "edited_message", "edited_channel_post"), trail)
    state.note(chat, "edited", edited)
    state.emit("message.edited", edited, chat)
    return edited


def remove(state: State, message: Message) -> None:
    """Delete for everyone; no bot is told."""
    chat = message.chat
    if chat.messages.pop(message.id, None) is None:
        return
    chat.pinned.pop(message.id, None)
    topic = chat.topics.get(message.topic_id or 0)
    if topic is not None:
        topic.message_ids.pop(message.id, None)
    trail = state.journeys.find(chat, message.id)
    if trail is not None:
        step(state, trail, "deleted")
    state.note(chat, "deleted", message)
    state.emit("message.deleted", message, chat)


def pin(state: State, message: Message, by: Account) -> None:
    chat = message.chat
    if message.id in chat.pinned:
        return
    chat.pinned[message.id] = None
    content = Content("pinned_message", details={"pinned_message": message})
    post(state, chat, by, content, topic_id=message.topic_id)
    state.emit("message.pinned", message, chat)


def unpin(state: State, message: Message) -> None:
    if message.chat.pinned.pop(message.id, 0) is None:
        state.emit("message.unpinned", message, message.chat)


def _number(chat: Chat) -> tuple[int, dict[int, int] | None]:
    """Supergroups and channels count for themselves; elsewhere each account does."""
    if chat.counts_for_itself:
        chat.last_message_id += 1
        return chat.last_message_id, None
    if chat.bot is not None and chat.user is not None:
        number = chat.bot.next_box_id()
        return number, {chat.bot.id: number, chat.user.id: chat.user.next_box_id()}
    chat.last_message_id += 1
    number = chat.last_message_id
    ids = {m.account.id: m.account.next_box_id() for m in chat.members.values() if m.is_present}
    for account_id, box_id in ids.items():
        chat.aliases[account_id, box_id] = number
    return number, ids


def _thread(chat: Chat, topic_id: int | None, reply_to: int | None) -> int | None:
    """A topic; or in General, and where there are no topics, the root of the chain of replies."""
    if topic_id is not None and topic_id != GENERAL:
        return topic_id
    if reply_to is None or chat.kind != "supergroup":
        return None
    replied = chat.messages.get(reply_to)
    return (replied.thread_id if replied is not None else None) or reply_to
