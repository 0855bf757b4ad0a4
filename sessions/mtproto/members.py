"""What a member may do, with the Bot API's names of the rights."""

from typing import Any

from telethon.tl import types

from sessions.port import Membership

_RIGHTS = {
    "change_info": "can_change_info",
    "delete_messages": "can_delete_messages",
    "ban_users": "can_restrict_members",
    "invite_users": "can_invite_users",
    "pin_messages": "can_pin_messages",
    "add_admins": "can_promote_members",
    "manage_call": "can_manage_video_chats",
    "manage_topics": "can_manage_topics",
}


def read_membership(participant: Any) -> Membership:
    if isinstance(participant, types.ChannelParticipantCreator):
        return Membership("creator", frozenset(_RIGHTS.values()))
    if isinstance(participant, types.ChannelParticipantAdmin):
        granted = {ours for theirs, ours in _RIGHTS.items() if getattr(participant.admin_rights, theirs)}
        return Membership("administrator", frozenset(granted))
    if isinstance(participant, types.ChannelParticipantBanned):
        if participant.banned_rights.view_messages:
            return Membership("kicked", frozenset())
        return Membership("left" if participant.left else "restricted", frozenset())
    if isinstance(participant, types.ChannelParticipantLeft):
        return Membership("left", frozenset())
    return Membership("member", frozenset())
