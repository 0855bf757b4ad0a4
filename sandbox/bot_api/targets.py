"""Which chat, topic and message a call means, and whether the bot may go there."""

from dataclasses import dataclass
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import ApiError, bad_request, forbidden
from sandbox.world import GENERAL, Chat, Message, Quote
from sandbox.world.talking import cut_quote
from sandbox.world.topics import may_post

THREAD_NOT_FOUND = "message thread not found"


@dataclass(frozen=True, slots=True)
class Target:
    chat: Chat
    topic_id: int | None = None
    reply_to: int | None = None
    reply_to_chat: Chat | None = None
    quote: Quote | None = None


def find_chat(call: Call, name: str = "chat_id", *, write: bool = True) -> Chat:
    """The chat with that id or @username. Reading needs less than writing."""
    value = call.text(name)
    if not value:
        raise bad_request(f"{name} is empty")
    return resolve_chat(call, value, write=write)


def resolve_chat(call: Call, value: str, *, write: bool) -> Chat:
    try:
        number = int(value)
    except ValueError:
        raise bad_request("chat not found") from None
    chat = call.world.chats.get(number)
    if chat is None:
        return _find_private(call, number, write=write)
    if call.bot.id not in chat.members:
        raise bad_request("chat not found")
    _check_access(call, chat, write=write)
    return chat


def find_target(call: Call) -> Target:
    """Where a new message goes: chat, topic, and what it replies to."""
    chat = find_chat(call)
    if not chat.is_private:
        _check_may_send(call, chat)
    reply = _reply_parameters(call)
    if reply is None:
        return Target(chat, find_topic(call, chat))
    return _with_reply(call, chat, reply)


def find_topic(call: Call, chat: Chat, name: str = "message_thread_id") -> int | None:
    number = call.number(name)
    if number <= 0:
        if chat.is_forum:
            _check_open(call, chat, GENERAL)
        return None
    if not chat.is_forum:
        if number in chat.messages and chat.kind == "supergroup":
            return None
        raise bad_request(THREAD_NOT_FOUND)
    if number == GENERAL:
        raise bad_request(THREAD_NOT_FOUND)
    if number not in chat.topics:
        raise no_topic(call, chat, number)
    _check_open(call, chat, number)
    return number


def no_topic(call: Call, chat: Chat, number: int) -> ApiError:
    """For a minute after its deletion the Bot API still believes in the topic, and the server refuses."""
    deleted_at = chat.deleted_topics.get(number)
    if deleted_at is not None and call.world.now() - deleted_at < call.world.rules.topic_deleted_text_for:
        return bad_request("TOPIC_DELETED")
    return bad_request(THREAD_NOT_FOUND)


def find_message(call: Call, chat: Chat, what: str, name: str = "message_id") -> Message:
    number = call.number(name)
    message = call.world.find_message(chat, number, call.bot) if number > 0 else None
    if message is None:
        raise bad_request(f"{what} not found")
    return message


def check_right(call: Call, chat: Chat, right: str, refusal: str) -> None:
    if not chat.member(call.bot).may(right):
        raise bad_request(refusal)


def _find_private(call: Call, user_id: int, *, write: bool) -> Chat:
    world, bot = call.world, call.bot
    user = world.users.get(user_id)
    if user is None:
        if user_id in world.bots:
            raise forbidden("bots can't send messages to bots")
        raise bad_request("chat not found")
    chat = world.privates.get((bot.id, user_id))
    if chat is None or user_id not in bot.chats:
        if any(user_id in group.members for group in bot.chats.values() if not group.is_private):
            raise forbidden("bot can't initiate conversation with a user")
        raise bad_request("chat not found")
    if write:
        if user.is_deleted:
            raise forbidden("user is deactivated")
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
    return chat


def _check_access(call: Call, chat: Chat, *, write: bool) -> None:
    if chat.kind == "group":
        if not write:
            return
        if chat.migrated_to is not None:
            raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to.id)
    status = chat.member(call.bot).status
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.kind} chat")
    if status == "left":
        raise forbidden(f"bot is not a member of the {chat.kind} chat")


def _check_may_send(call: Call, chat: Chat) -> None:
    if chat.kind == "channel" and not chat.member(call.bot).may("post_messages"):
        raise bad_request("need administrator rights in the channel chat")
    if "send_messages" not in chat.permissions and not chat.member(call.bot).is_admin:
        raise bad_request("not enough rights to send text messages to the chat")


def _check_open(call: Call, chat: Chat, topic_id: int) -> None:
    if not may_post(chat, call.bot, chat.topics[topic_id]):
        raise bad_request("TOPIC_CLOSED")


def _reply_parameters(call: Call) -> dict[str, Any] | None:
    given = call.json("reply_parameters", "reply parameters")
    if given is None:
        number = call.number("reply_to_message_id")
        if number <= 0:
            return None
        allow = call.flag("allow_sending_without_reply")
        return {"message_id": number, "allow_sending_without_reply": allow}
    if not isinstance(given, dict):
        raise bad_request("object expected as reply parameters")
    return given or None


def _with_reply(call: Call, chat: Chat, reply: dict[str, Any]) -> Target:
    other = reply.get("chat_id")
    source = chat
    if other is not None and str(other) != call.text("chat_id"):
        source = resolve_chat(call, str(other), write=False)
    replied = call.world.find_message(source, int(reply.get("message_id") or 0), call.bot)
    if replied is None:
        if source is not chat or not reply.get("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        return Target(chat, find_topic(call, chat))
    implied = _real_topic(replied) if source is chat and call.number("message_thread_id") <= 0 else None
    if implied is None:
        topic_id = find_topic(call, chat)
    else:
        topic_id = implied
        if implied not in chat.topics:
            raise no_topic(call, chat, implied)
        _check_open(call, chat, implied)
    elsewhere = source is not chat or topic_id != _real_topic(replied)
    return Target(chat, topic_id, replied.id, source if elsewhere else None, _quote(replied, reply))


def _real_topic(message: Message) -> int | None:
    return None if message.topic_id == GENERAL else message.topic_id


def _quote(replied: Message, reply: dict[str, Any]) -> Quote | None:
    part = reply.get("quote")
    if not part:
        return None
    made = cut_quote(replied, str(part), reply.get("quote_position"))
    if made is None:
        raise bad_request("QUOTE_TEXT_INVALID")
    return made
