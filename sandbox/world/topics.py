"""Topics of a forum: made, renamed, closed, deleted, each with its service message."""

from typing import Any

from sandbox.world import posting
from sandbox.world.entities import GENERAL, TOPIC_COLORS, Account, Chat, Topic
from sandbox.world.messages import Content
from sandbox.world.state import State


def may_manage(chat: Chat, account: Account, topic: Topic | None = None) -> bool:
    """Create topics, or edit and close this one: one's own needs no right."""
    own = topic is not None and topic.creator_id == account.id
    return own or chat.member(account).may("manage_topics") or "manage_topics" in chat.permissions


def may_post(chat: Chat, account: Account, topic: Topic) -> bool:
    """A closed topic is open to those who manage topics, and to who made it."""
    if not topic.closed:
        return True
    return topic.creator_id == account.id or chat.member(account).may("manage_topics")


def turn_on(state: State, chat: Chat) -> None:
    if chat.is_forum:
        return
    chat.is_forum = True
    general = Topic(GENERAL, "General", TOPIC_COLORS[0], 0)
    general.message_ids = dict.fromkeys(chat.messages)
    chat.topics = {GENERAL: general} | {k: v for k, v in chat.topics.items() if k != GENERAL}
    state.emit("chat.changed", chat, chat)


def turn_off(state: State, chat: Chat) -> None:
    chat.is_forum = False
    state.emit("chat.changed", chat, chat)


def create(
    state: State, chat: Chat, by: Account, name: str, *, color: int | None = None, emoji_id: str | None = None
) -> Topic:
    icon_color = TOPIC_COLORS[0] if color is None else color
    topic = Topic(chat.last_message_id + 1, name, icon_color, by.id, emoji_id)
    chat.topics[topic.id] = topic
    details: dict[str, Any] = {"name": name, "icon_color": icon_color}
    if emoji_id:
        details["icon_custom_emoji_id"] = emoji_id
    _tell(state, chat, by, topic, Content("forum_topic_created", details=details))
    state.emit("topic.created", topic, chat)
    return topic


def edit(
    state: State,
    chat: Chat,
    by: Account,
    topic: Topic,
    *,
    name: str | None = None,
    emoji_id: str | None = None,
) -> bool:
    """False if there is nothing to change. An empty emoji removes the icon, None keeps what is."""
    details: dict[str, Any] = {}
    if name and name != topic.name:
        topic.name = details["name"] = name
    if emoji_id is not None and emoji_id != (topic.icon_custom_emoji_id or ""):
        details["icon_custom_emoji_id"] = emoji_id
        topic.icon_custom_emoji_id = emoji_id or None
    if not details:
        return False
    _tell(state, chat, by, topic, Content("forum_topic_edited", details=details))
    state.emit("topic.edited", topic, chat)
    return True


def close(state: State, chat: Chat, by: Account, topic: Topic) -> bool:
    """False if it is closed already."""
    if topic.closed:
        return False
    topic.closed = True
    _tell(state, chat, by, topic, Content("forum_topic_closed"))
    state.emit("topic.closed", topic, chat)
    return True


def reopen(state: State, chat: Chat, by: Account, topic: Topic) -> bool:
    if not topic.closed:
        return False
    topic.closed = False
    _tell(state, chat, by, topic, Content("forum_topic_reopened"))
    state.emit("topic.reopened", topic, chat)
    return True


def hide_general(state: State, chat: Chat, by: Account, *, hidden: bool) -> bool:
    general = chat.general()
    if general.hidden == hidden:
        return False
    general.hidden = hidden
    general.closed = hidden or general.closed
    kind = "general_forum_topic_hidden" if hidden else "general_forum_topic_unhidden"
    _tell(state, chat, by, general, Content(kind))
    state.emit("topic.edited", general, chat)
    return True


def delete(state: State, chat: Chat, topic: Topic) -> None:
    """The topic with all that was said in it. Bots are not told."""
    gone = []
    for number in list(topic.message_ids):
        chat.pinned.pop(number, None)
        if (message := chat.messages.pop(number, None)) is not None:
            gone.append(message)
    state.note(chat, "deleted", *gone)
    del chat.topics[topic.id]
    chat.deleted_topics[topic.id] = state.now()
    state.emit("topic.deleted", topic, chat)


def _tell(state: State, chat: Chat, by: Account, topic: Topic, content: Content) -> None:
    posting.post(state, chat, by, content, topic_id=topic.id)
