"""Accounts, chats and members as the Bot API's JSON objects."""

from typing import Any

from sandbox.world import Account, Bot, Chat, Member, MemberChange, Topic

Json = dict[str, Any]

_MEMBER_MAY = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
)


def user_json(account: Account) -> Json:
    user: Json = {"id": account.id, "is_bot": account.is_bot, "first_name": account.first_name}
    if account.last_name:
        user["last_name"] = account.last_name
    if account.username:
        user["username"] = account.username
    if account.language_code:
        user["language_code"] = account.language_code
    return user


def me_json(bot: Bot) -> Json:
    return user_json(bot) | {
        "can_join_groups": bot.can_join_groups,
        "can_read_all_group_messages": bot.can_read_all_group_messages,
        "supports_inline_queries": bot.supports_inline_queries,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": bot.can_manage_bots,
        "supports_guest_queries": False,
        "supports_join_request_queries": False,
    }


def chat_json(chat: Chat) -> Json:
    if chat.user is not None:
        user = chat.user
        private: Json = {"id": user.id, "first_name": user.first_name, "type": "private"}
        if user.last_name:
            private["last_name"] = user.last_name
        if user.username:
            private["username"] = user.username
        return private
    group: Json = {"id": chat.id, "title": chat.title, "type": chat.kind}
    if chat.username:
        group["username"] = chat.username
    if chat.is_forum:
        group["is_forum"] = True
    return group


def full_chat_json(chat: Chat) -> Json:
    """What getChat answers with."""
    full = chat_json(chat) | {
        "accent_color_id": chat.id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }
    if chat.available_reactions is not None:
        full["available_reactions"] = [{"type": "emoji", "emoji": emoji} for emoji in chat.available_reactions]
    if not chat.is_private:
        full["permissions"] = permissions_json(chat)
        full["join_to_send_messages"] = True
        if chat.protected:
            full["has_protected_content"] = True
    return full


def permissions_json(chat: Chat) -> Json:
    writes = "send_messages" in chat.permissions
    permissions: Json = dict.fromkeys(_MEMBER_MAY, writes)
    for right in ("change_info", "invite_users", "pin_messages", "manage_topics"):
        permissions[f"can_{right}"] = right in chat.permissions
    return permissions


def member_json(member: Member, chat: Chat, viewer: Account) -> Json:
    json: Json = {"user": user_json(member.account), "status": member.status}
    match member.status:
        case "creator":
            json["is_anonymous"] = "anonymous" in member.rights
        case "administrator":
            json["can_be_edited"] = member.promoted_by == viewer.id
            json["is_anonymous"] = "anonymous" in member.rights
            for right in sorted(chat.rights - {"anonymous"}):
                json[f"can_{right}"] = right in member.rights
        case "kicked":
            json["until_date"] = 0
        case _:
            pass
    if member.is_admin and member.title:
        json["custom_title"] = member.title
    return json


def member_change_json(change: MemberChange, viewer: Bot) -> Json:
    return {
        "chat": chat_json(change.chat),
        "from": user_json(change.by),
        "date": int(change.at.timestamp()),
        "old_chat_member": member_json(change.before, change.chat, viewer),
        "new_chat_member": member_json(change.after, change.chat, viewer),
    }


def topic_json(topic: Topic) -> Json:
    json: Json = {"message_thread_id": topic.id, "name": topic.name, "icon_color": topic.icon_color}
    if topic.icon_custom_emoji_id:
        json["icon_custom_emoji_id"] = topic.icon_custom_emoji_id
    return json
