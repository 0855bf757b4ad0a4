"""Topics by bots."""

from collections.abc import Callable
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.icons import ICONS, icon_json
from sandbox.bot_api.render import Json, topic_json
from sandbox.bot_api.targets import check_right, find_chat
from sandbox.world import GENERAL, Chat, Topic, posting, topics
from sandbox.world.entities import TOPIC_COLORS

_NAME_LIMIT = 128


def create(call: Call) -> Json:
    chat = _find_forum(call)
    name = call.text("name").strip()
    if not name:
        raise bad_request("name must be non-empty")
    color = call.number("icon_color") if "icon_color" in call.params else None
    if color is not None and color not in TOPIC_COLORS:
        raise bad_request("unsupported icon color specified")
    emoji_id = call.text("icon_custom_emoji_id")
    _check_emoji(emoji_id)
    if not topics.may_manage(chat, call.bot):
        raise bad_request("not enough rights to create a topic")
    call.charge(chat)
    topic = topics.create(call.world, chat, call.bot, name[:_NAME_LIMIT], color=color, emoji_id=emoji_id or None)
    return topic_json(topic)


def edit(call: Call) -> bool:
    chat = _find_forum(call)
    topic = _find_topic(call, chat)
    emoji_id = call.text("icon_custom_emoji_id") if "icon_custom_emoji_id" in call.params else None
    _check_emoji(emoji_id)
    _check_may_edit(call, chat, topic)
    name = call.text("name").strip()[:_NAME_LIMIT]
    changes_icon = emoji_id is not None and emoji_id != (topic.icon_custom_emoji_id or "")
    if (not name or name == topic.name) and not changes_icon:
        raise bad_request("TOPIC_NOT_MODIFIED")
    _charge_edit(call, chat)
    topics.edit(call.world, chat, call.bot, topic, name=name, emoji_id=emoji_id)
    return True


def close(call: Call) -> bool:
    return _set_closed(call, closed=True)


def reopen(call: Call) -> bool:
    return _set_closed(call, closed=False)


def _set_closed(call: Call, *, closed: bool) -> bool:
    chat = _find_forum(call)
    topic = _find_topic(call, chat)
    _check_may_edit(call, chat, topic)
    return _toggle(call, chat, topic, closed=closed)


def _toggle(call: Call, chat: Chat, topic: Topic, *, closed: bool) -> bool:
    if topic.closed == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    _charge_edit(call, chat)
    change = topics.close if closed else topics.reopen
    change(call.world, chat, call.bot, topic)
    return True


def delete(call: Call) -> bool:
    chat = _find_forum(call)
    topic = _find_topic(call, chat)
    check_right(call, chat, "delete_messages", "not enough rights to delete the topic")
    topics.delete(call.world, chat, topic)
    return True


def edit_general(call: Call) -> bool:
    chat = _find_forum(call)
    _check_may_edit(call, chat, chat.general())
    if not topics.edit(call.world, chat, call.bot, chat.general(), name=call.required("name")):
        raise bad_request("TOPIC_NOT_MODIFIED")
    return True


def close_general(call: Call) -> bool:
    return _toggle_general(call, closed=True)


def reopen_general(call: Call) -> bool:
    return _toggle_general(call, closed=False)


def _toggle_general(call: Call, *, closed: bool) -> bool:
    chat = _find_forum(call)
    _check_may_edit(call, chat, chat.general())
    return _toggle(call, chat, chat.general(), closed=closed)


def hide_general(call: Call) -> bool:
    return _set_hidden(call, hidden=True)


def unhide_general(call: Call) -> bool:
    return _set_hidden(call, hidden=False)


def _set_hidden(call: Call, *, hidden: bool) -> bool:
    chat = _find_forum(call)
    _check_may_edit(call, chat, chat.general())
    if not topics.hide_general(call.world, chat, call.bot, hidden=hidden):
        raise bad_request("TOPIC_NOT_MODIFIED")
    return True


def unpin_all(call: Call) -> bool:
    chat = _find_forum(call)
    topic = _find_topic(call, chat)
    check_right(call, chat, "pin_messages", "not enough rights to manage pinned messages in the chat")
    for number in [n for n in chat.pinned if n in topic.message_ids]:
        posting.unpin(call.world, chat.messages[number])
    return True


def icon_stickers(call: Call) -> list[Json]:
    return [icon_json(call, emoji, emoji_id) for emoji_id, emoji in ICONS.items()]


def _find_forum(call: Call) -> Chat:
    chat = find_chat(call)
    if chat.kind != "supergroup":
        raise bad_request("the chat is not a supergroup forum")
    if not chat.is_forum:
        raise bad_request("the chat is not a forum")
    return chat


def _find_topic(call: Call, chat: Chat) -> Topic:
    number = call.number("message_thread_id")
    if number <= 0:
        raise bad_request("invalid message_thread_id specified")
    topic = chat.topics.get(number)
    if topic is None or number == GENERAL:
        raise bad_request("TOPIC_ID_INVALID")
    return topic


def _check_may_edit(call: Call, chat: Chat, topic: Topic) -> None:
    if not topics.may_manage(chat, call.bot, topic):
        raise bad_request("not enough rights to edit the topic")


def _check_emoji(emoji_id: str | None) -> None:
    if emoji_id and emoji_id not in ICONS:
        raise bad_request("DOCUMENT_INVALID")


def _charge_edit(call: Call, chat: Chat) -> None:
    if call.flood.rules.count_topic_edits:
        call.charge(chat)


METHODS: dict[str, Callable[[Call], Any]] = {
    "createForumTopic": create,
    "editForumTopic": edit,
    "closeForumTopic": close,
    "reopenForumTopic": reopen,
    "deleteForumTopic": delete,
    "unpinAllForumTopicMessages": unpin_all,
    "editGeneralForumTopic": edit_general,
    "closeGeneralForumTopic": close_general,
    "reopenGeneralForumTopic": reopen_general,
    "hideGeneralForumTopic": hide_general,
    "unhideGeneralForumTopic": unhide_general,
    "getForumTopicIconStickers": icon_stickers,
}
