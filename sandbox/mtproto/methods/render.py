"""The World in Telegram's types, as one bot sees it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from telethon.tl import types

from sandbox.mtproto.methods.marks import write_marks
from sandbox.mtproto.methods.media import media_of
from sandbox.mtproto.methods.peers import CHANNELS, access_hash, channel_number, peer_of
from sandbox.mtproto.methods.rare_media import rich_message_of
from sandbox.world import GENERAL, Bot, Chat, Message, Origin
from sandbox.world.copies import origin_of
from sandbox.world.entities import Account, Member

_RIGHTS = {
    "change_info": "change_info",
    "delete_messages": "delete_messages",
    "restrict_members": "ban_users",
    "invite_users": "invite_users",
    "pin_messages": "pin_messages",
    "promote_members": "add_admins",
    "manage_video_chats": "manage_call",
    "manage_topics": "manage_topics",
    "anonymous": "anonymous",
}


def user_of(account: Account, viewer: Bot) -> Any:
    values: dict[str, Any] = {
        "id": account.id,
        "is_self": account is viewer or None,
        "access_hash": access_hash(viewer, account.id),
        "deleted": account.is_deleted or None,
        "first_name": account.first_name or None,
        "last_name": account.last_name,
        "username": account.username,
    }
    if isinstance(account, Bot):
        nochats = not account.can_join_groups or None
        return types.User(
            bot=True,
            bot_info_version=1,
            bot_nochats=nochats,
            bot_chat_history=account.can_read_all_group_messages,
            **values,
        )
    return types.User(lang_code=account.language_code, **values)


def chat_of(chat: Chat, viewer: Bot) -> Any:
    if chat.kind == "group":
        return types.Chat(
            id=-chat.id,
            title=chat.title,
            photo=types.ChatPhotoEmpty(),
            participants_count=len(chat.members),
            date=None,
            version=1,
        )
    member = chat.member(viewer)
    number = channel_number(chat)
    return types.Channel(
        id=number,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        date=None,
        megagroup=chat.kind == "supergroup" or None,
        broadcast=chat.kind == "channel" or None,
        forum=chat.is_forum or None,
        username=chat.username,
        noforwards=chat.protected or None,
        left=not member.is_present or None,
        access_hash=access_hash(viewer, number),
        admin_rights=rights_of(member) if member.is_admin else None,
    )


def rights_of(member: Member) -> Any:
    granted = {theirs: member.may(ours) or None for ours, theirs in _RIGHTS.items()}
    return types.ChatAdminRights(other=True, **granted)


def participant_of(member: Member) -> Any:
    number = member.account.id
    match member.status:
        case "creator":
            rights = types.ChatAdminRights(**dict.fromkeys(_RIGHTS.values(), True))
            return types.ChannelParticipantCreator(user_id=number, admin_rights=rights)
        case "administrator":
            promoter = member.promoted_by or 0
            return types.ChannelParticipantAdmin(
                user_id=number, promoted_by=promoter, date=None, admin_rights=rights_of(member)
            )
        case "member":
            return types.ChannelParticipant(user_id=number, date=None)
        case _:
            rights = types.ChatBannedRights(until_date=None, view_messages=True)
            return types.ChannelParticipantBanned(
                peer=types.PeerUser(number), kicked_by=0, date=None, banned_rights=rights, left=True
            )


def message_of(message: Message, viewer: Bot) -> Any:
    """Outgoing ones name the bot as sender; incoming private ones name nobody."""
    chat = message.chat
    out = message.sender is viewer
    as_chat = chat if message.anonymous else message.as_chat
    anonymous = types.PeerChannel(channel_number(as_chat)) if as_chat is not None else None
    sender = None if chat.is_private and not out else types.PeerUser(message.sender.id)
    values: dict[str, Any] = {
        "id": message.id_for(viewer),
        "peer_id": peer_of(chat, viewer),
        "date": message.date,
        "out": out or None,
        "post": chat.kind == "channel" or None,
        "from_id": None if chat.kind == "channel" else anonymous or sender,
        "reply_to": _reply_of(message, viewer),
        "silent": message.silent or None,
    }
    if message.content.is_service:
        return types.MessageService(action=_action_of(message), **values)
    content = message.content
    if content.kind == "rich_message":
        values["rich_message"] = rich_message_of(content.details)
    return types.Message(
        message=content.text,
        entities=write_marks(content.entities),
        media=media_of(content),
        invert_media=content.caption_above or None,
        reply_markup=_markup_of(message),
        fwd_from=_origin_of(message),
        grouped_id=int(message.album_id) if message.album_id else None,
        edit_date=message.edited_at,
        noforwards=message.protected or chat.protected or None,
        post_author=message.signature or None,
        **values,
    )


def _reply_of(message: Message, viewer: Bot) -> Any:
    chat = message.chat
    topic = message.topic_id if message.topic_id not in {None, GENERAL} else None
    is_root = message.kind == "forum_topic_created"
    if message.reply_to_chat not in {None, chat}:
        return _external_reply_of(message, topic)
    replied = chat.messages.get(message.reply_to) if message.reply_to is not None else None
    if topic is not None and not is_root:
        if replied is None:
            return types.MessageReplyHeader(forum_topic=True, reply_to_msg_id=topic)
        return types.MessageReplyHeader(
            forum_topic=True, reply_to_msg_id=replied.id, reply_to_top_id=topic, **_quote_of(message)
        )
    if replied is None:
        return None
    return types.MessageReplyHeader(reply_to_msg_id=replied.id_for(viewer), **_quote_of(message))


def _external_reply_of(message: Message, topic: int | None) -> Any:
    """A reply to a message of another chat: what it was and whose, but not its number."""
    source = message.reply_to_chat
    replied = source.messages.get(message.reply_to or 0) if source is not None else None
    if replied is None:
        return types.MessageReplyHeader(forum_topic=True, reply_to_msg_id=topic) if topic else None
    return types.MessageReplyHeader(
        forum_topic=topic is not None or None,
        reply_to_top_id=topic,
        reply_from=_header_of(origin_of(replied)),
        reply_media=media_of(replied.content),
        **_quote_of(message),
    )


def _quote_of(message: Message) -> dict[str, Any]:
    quote = message.quote
    if quote is None:
        return {}
    marks = write_marks(quote.entities)
    return {"quote": True, "quote_text": quote.text, "quote_offset": quote.position, "quote_entities": marks}


def _action_of(message: Message) -> Any:
    make = _ACTIONS.get(message.kind)
    return types.MessageActionEmpty() if make is None else make(message.content.details)


def _icon(details: Mapping[str, Any]) -> int | None:
    """0 where it was taken away, None where nothing is said of it."""
    icon = details.get("icon_custom_emoji_id")
    return None if icon is None else int(icon or 0)


_ACTIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "forum_topic_created": lambda d: types.MessageActionTopicCreate(
        title=d["name"], icon_color=d["icon_color"], icon_emoji_id=_icon(d)
    ),
    "forum_topic_edited": lambda d: types.MessageActionTopicEdit(title=d.get("name"), icon_emoji_id=_icon(d)),
    "forum_topic_closed": lambda _: types.MessageActionTopicEdit(closed=True),
    "forum_topic_reopened": lambda _: types.MessageActionTopicEdit(closed=False),
    "general_forum_topic_hidden": lambda _: types.MessageActionTopicEdit(hidden=True),
    "general_forum_topic_unhidden": lambda _: types.MessageActionTopicEdit(hidden=False),
    "pinned_message": lambda _: types.MessageActionPinMessage(),
    "new_chat_title": lambda d: types.MessageActionChatEditTitle(title=d["new_chat_title"]),
    "users_shared": lambda d: types.MessageActionRequestedPeerSentMe(
        button_id=d["request_id"], peers=[types.RequestedPeerUser(user_id=one["user_id"]) for one in d["users"]]
    ),
    "web_app_data": lambda d: types.MessageActionWebViewDataSentMe(text=d["button_text"], data=d["data"]),
    "successful_payment": lambda d: types.MessageActionPaymentSentMe(
        currency=d["currency"],
        total_amount=d["total_amount"],
        payload=d["invoice_payload"].encode(),
        charge=types.PaymentCharge(d["telegram_payment_charge_id"], d["provider_payment_charge_id"]),
        recurring_init=d.get("is_first_recurring"),
        recurring_used=d.get("is_recurring"),
        subscription_until_date=d.get("subscription_expiration_date"),
    ),
    "write_access_allowed": lambda d: types.MessageActionBotAllowed(from_request=d.get("from_request")),
    "boost_added": lambda d: types.MessageActionBoostApply(boosts=d["boost_count"]),
    "migrate_to_chat_id": lambda d: types.MessageActionChatMigrateTo(channel_id=CHANNELS - d["migrate_to_chat_id"]),
    "new_chat_members": lambda d: types.MessageActionChatAddUser(users=[one.id for one in d["new_chat_members"]]),
    "left_chat_member": lambda d: types.MessageActionChatDeleteUser(user_id=d["left_chat_member"].id),
}


def _origin_of(message: Message) -> Any:
    if message.origin is None:
        return None
    header = _header_of(message.origin)
    if message.is_automatic:
        header.saved_from_peer, header.saved_from_msg_id = header.from_id, message.origin.message_id
    return header


def _header_of(origin: Origin) -> Any:
    sender = types.PeerUser(origin.sender.id) if origin.sender is not None else None
    about: dict[str, Any] = {"from_id": sender, "from_name": origin.sender_name or None}
    if origin.chat is not None:
        about |= {"from_id": types.PeerChannel(channel_number(origin.chat)), "post_author": origin.signature or None}
        if origin.kind == "channel":
            about["channel_post"] = origin.message_id
    return types.MessageFwdHeader(date=origin.date, **about)


def _markup_of(message: Message) -> Any:
    if not message.keyboard:
        return None
    rows = [types.KeyboardInlineButtonRow([_button_of(button) for button in row]) for row in message.keyboard]
    return types.ReplyInlineMarkup(rows)


def _button_of(button: dict[str, Any]) -> Any:
    if "callback_data" in button:
        kind = types.InlineButtonTypeCallback(data=button["callback_data"].encode())
    elif "url" in button:
        kind = types.InlineButtonTypeUrl(url=button["url"])
    else:
        kind = types.InlineButtonTypeDisabled()
    return types.KeyboardInlineButton(text=button["text"], type=kind)


def read_markup(markup: Any) -> dict[str, Any] | None:
    """As the Bot API's object."""
    if not isinstance(markup, types.ReplyInlineMarkup):
        return None
    return {"inline_keyboard": [[_read_button(button) for button in row.buttons] for row in markup.rows]}


def _read_button(button: Any) -> dict[str, Any]:
    match button.type:
        case types.InlineButtonTypeCallback():
            return {"text": button.text, "callback_data": button.type.data.decode()}
        case types.InlineButtonTypeUrl():
            return {"text": button.text, "url": button.type.url}
        case _:
            return {"text": button.text, "disabled": {}}


def people_in(messages: Iterable[Message], viewer: Bot) -> tuple[list[Any], list[Any]]:
    """The users and chats that these messages are about."""
    accounts: dict[int, Account] = {}
    chats: dict[int, Chat] = {}
    for message in messages:
        accounts[message.sender.id] = message.sender
        if message.chat.user is not None:
            accounts[message.chat.user.id] = message.chat.user
        if not message.chat.is_private:
            chats[message.chat.id] = message.chat
        if message.as_chat is not None:
            chats[message.as_chat.id] = message.as_chat
        if message.origin is not None and message.origin.sender is not None:
            accounts[message.origin.sender.id] = message.origin.sender
    users = [user_of(account, viewer) for account in accounts.values() if account.first_name or account.is_deleted]
    return users, [chat_of(chat, viewer) for chat in chats.values()]
