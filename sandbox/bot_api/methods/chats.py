"""What bots ask about chats and do to their members."""

from collections.abc import Callable
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.render import Json, full_chat_json, member_json
from sandbox.bot_api.render_message import message_json
from sandbox.bot_api.targets import check_right, find_chat, find_message
from sandbox.world import Account, Chat, membership, posting
from sandbox.world.messages import Message

_PIN_REFUSED = "not enough rights to manage pinned messages in the chat"


def get_chat(call: Call) -> Json:
    chat = find_chat(call, write=False)
    json = full_chat_json(chat)
    if chat.pinned:
        newest = chat.messages.get(max(chat.pinned))
        if newest is not None:
            json["pinned_message"] = message_json(call.world, newest, call.bot, nested=True)
    return json


def get_chat_member(call: Call) -> Json:
    chat = find_chat(call, write=False)
    account = _find_account(call)
    if chat.is_private and account.id not in chat.members:
        raise bad_request("member not found")
    return member_json(chat.member(account), chat, call.bot)


def get_chat_administrators(call: Call) -> list[Json]:
    chat = find_chat(call, write=False)
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    shown = [m for m in chat.members.values() if m.is_admin and (not m.account.is_bot or m.account is call.bot)]
    return [member_json(m, chat, call.bot) for m in shown]


def get_chat_member_count(call: Call) -> int:
    chat = find_chat(call, write=False)
    return sum(member.is_present for member in chat.members.values())


def ban(call: Call) -> bool:
    chat, account = _find_group(call), _find_account(call)
    check_right(call, chat, "restrict_members", "not enough rights to restrict/unrestrict chat member")
    if chat.member(account).status == "creator":
        raise bad_request("can't remove chat owner")
    if chat.member(account).is_admin:
        raise bad_request("user is an administrator of the chat")
    membership.ban(call.world, chat, account, call.bot)
    return True


def unban(call: Call) -> bool:
    chat, account = _find_group(call), _find_account(call)
    check_right(call, chat, "restrict_members", "not enough rights to restrict/unrestrict chat member")
    if chat.member(account).is_present and not call.flag("only_if_banned"):
        membership.leave(call.world, chat, account, call.bot)
    membership.lift_ban(call.world, chat, account, call.bot)
    return True


def leave(call: Call) -> bool:
    membership.leave(call.world, _find_group(call), call.bot, call.bot)
    return True


def pin(call: Call) -> bool:
    _, message = _find_pinnable(call)
    posting.pin(call.world, message, call.bot)
    return True


def unpin(call: Call) -> bool:
    chat = find_chat(call)
    _check_may_pin(call, chat)
    number = call.number("message_id")
    found = call.world.find_message(chat, number, call.bot) if number else None
    if number and found is None:
        raise bad_request("message to unpin not found")
    if found is None and chat.pinned:
        found = chat.messages.get(max(chat.pinned))
    if found is not None:
        posting.unpin(call.world, found)
    return True


def unpin_all(call: Call) -> bool:
    chat = find_chat(call)
    _check_may_pin(call, chat)
    for number in list(chat.pinned):
        posting.unpin(call.world, chat.messages[number])
    return True


def set_title(call: Call) -> bool:
    chat = _find_group(call)
    check_right(call, chat, "change_info", "not enough rights to change chat title")
    membership.retitle(call.world, chat, call.bot, call.required("title"))
    return True


def _find_pinnable(call: Call) -> tuple[Chat, Message]:
    chat = find_chat(call)
    message = find_message(call, chat, "message to pin")
    _check_may_pin(call, chat)
    return chat, message


def _check_may_pin(call: Call, chat: Chat) -> None:
    if not chat.is_private and "pin_messages" not in chat.permissions:
        check_right(call, chat, "pin_messages", _PIN_REFUSED)


def _find_group(call: Call) -> Chat:
    chat = find_chat(call)
    if chat.is_private:
        raise bad_request("method is available only for groups")
    return chat


def _find_account(call: Call) -> Account:
    number = call.user_id()
    account = call.world.users.get(number) or call.world.bots.get(number)
    if account is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return account


METHODS: dict[str, Callable[[Call], Any]] = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "banChatMember": ban,
    "unbanChatMember": unban,
    "leaveChat": leave,
    "pinChatMessage": pin,
    "unpinChatMessage": unpin,
    "unpinAllChatMessages": unpin_all,
    "setChatTitle": set_title,
}
