"""Who is in a chat and what they may do there; each change is told to the bots it concerns."""

from sandbox.world import posting
from sandbox.world.delivery import deliver_member_change
from sandbox.world.entities import (
    ALL_RIGHTS,
    BASIC_GROUP_RIGHTS,
    NO_RIGHTS,
    Account,
    Bot,
    Chat,
    Member,
    MemberChange,
    Rights,
    Status,
    User,
)
from sandbox.world.messages import Content
from sandbox.world.state import State


def found(state: State, title: str, owner: User, *, supergroup: bool) -> Chat:
    """A new group with its owner."""
    kind = "supergroup_chat_created" if supergroup else "group_chat_created"
    chat = Chat(
        state.ids.supergroup() if supergroup else state.ids.group(),
        "supergroup" if supergroup else "group",
        title,
    )
    if not supergroup:
        chat.permissions |= {"change_info", "pin_messages"}
    state.chats[chat.id] = chat
    _record(state, chat, Member(owner, "creator", ALL_RIGHTS), owner)
    posting.post(state, chat, owner, Content(kind))
    state.emit("chat.added", chat, chat)
    return chat


def found_channel(state: State, title: str, owner: User) -> Chat:
    chat = Chat(state.ids.supergroup(), "channel", title, permissions=frozenset())
    state.chats[chat.id] = chat
    _record(state, chat, Member(owner, "creator", ALL_RIGHTS), owner)
    state.emit("chat.added", chat, chat)
    return chat


def join(state: State, chat: Chat, account: Account, by: Account, rights: Rights | None = None) -> None:
    """Become a member, or an administrator at once, as the links with `admin=` do."""
    status: Status = "member" if rights is None else "administrator"
    _record(state, chat, Member(account, status, rights or NO_RIGHTS, promoted_by=by.id if rights else None), by)
    if chat.kind == "channel":
        return
    posting.post(state, chat, by, Content("new_chat_members", details={"new_chat_members": (account,)}))


def promote(
    state: State, chat: Chat, account: Account, by: Account, rights: Rights, *, title: str | None = None
) -> None:
    rights &= BASIC_GROUP_RIGHTS if chat.kind == "group" else chat.rights
    member = Member(account, "administrator", rights | {"manage_chat"}, title, by.id)
    if chat.member(account).is_present:
        _record(state, chat, member, by)
    else:
        join(state, chat, account, by, member.rights)


def demote(state: State, chat: Chat, account: Account, by: Account) -> None:
    _record(state, chat, Member(account, "member"), by)


def leave(state: State, chat: Chat, account: Account, by: Account) -> None:
    """Leave by oneself, or be removed by another."""
    if chat.kind != "channel":
        posting.post(state, chat, by, Content("left_chat_member", details={"left_chat_member": account}))
    _record(state, chat, Member(account, "left" if by is account else "kicked"), by)


def ban(state: State, chat: Chat, account: Account, by: Account) -> None:
    """Keep out, also who is not there (Bot API: banChatMember)."""
    if chat.member(account).is_present:
        leave(state, chat, account, by)
    else:
        _record(state, chat, Member(account, "kicked"), by)


def lift_ban(state: State, chat: Chat, account: Account, by: Account) -> None:
    if chat.member(account).status == "kicked":
        _record(state, chat, Member(account, "left"), by)


def set_blocked(state: State, chat: Chat, *, blocked: bool) -> None:
    """A person stops or restarts a bot."""
    if chat.blocked == blocked or chat.bot is None or chat.user is None:
        return
    chat.blocked = blocked
    present, gone = Member(chat.bot, "member"), Member(chat.bot, "kicked")
    before, after = (present, gone) if blocked else (gone, present)
    change = MemberChange(chat, chat.user, before, after, state.now())
    deliver_member_change(state, change)
    state.emit("member.changed", change, chat)


def upgrade(state: State, chat: Chat, by: User) -> Chat:
    """A basic group becomes a supergroup: a new chat under a new id, the old one is a stub."""
    new = Chat(state.ids.supergroup(), "supergroup", chat.title, protected=chat.protected)
    new.permissions = chat.permissions - {"change_info", "pin_messages"}
    new.migrated_from = chat
    state.chats[new.id] = new
    for member in chat.members.values():
        _place(new, member)
    posting.post(state, chat, by, Content("migrate_to_chat_id", details={"migrate_to_chat_id": new.id}))
    chat.migrated_to = new
    for member in chat.members.values():
        member.account.chats.pop(chat.id, None)
    posting.post(state, new, by, Content("migrate_from_chat_id", details={"migrate_from_chat_id": chat.id}))
    state.emit("chat.migrated", new, chat)
    return new


def forget_bot(state: State, bot: Bot) -> None:
    """A deleted bot gets nothing any more."""
    for chat in list(bot.chats.values()):
        chat.bots.pop(bot.id, None)
    state.bots_by_token.pop(bot.token, None)
    bot.is_deleted = True
    state.emit("account.changed", bot)


def _record(state: State, chat: Chat, after: Member, by: Account) -> None:
    before = chat.member(after.account)
    if before == after:
        return
    _place(chat, after)
    change = MemberChange(chat, by, before, after, state.now())
    deliver_member_change(state, change)
    state.emit("member.changed", change, chat)


def _place(chat: Chat, member: Member) -> None:
    account = member.account
    chat.members[account.id] = member
    if member.is_present:
        account.chats[chat.id] = chat
        if isinstance(account, Bot):
            chat.bots[account.id] = account
    else:
        account.chats.pop(chat.id, None)
        chat.bots.pop(account.id, None)


def retitle(state: State, chat: Chat, by: Account, title: str) -> None:
    chat.title = title
    posting.post(state, chat, by, Content("new_chat_title", details={"new_chat_title": title}))
    state.emit("chat.changed", chat, chat)
