"""Accounts and groups: who exists, who joins, who rules."""

from collections.abc import Iterable, Sequence

from sandbox.world import managed, membership, topics
from sandbox.world.entities import (
    ALL_RIGHTS,
    BASIC_GROUP_RIGHTS,
    RIGHTS,
    Account,
    Bot,
    Chat,
    User,
)
from sandbox.world.links import check_joins_groups
from sandbox.world.messages import Message
from sandbox.world.state import NotAllowed, State
from sandbox.world.updates import UpdateQueue


class Society(State):
    def add_user(
        self,
        first_name: str,
        *,
        last_name: str | None = None,
        username: str | None = None,
        language_code: str | None = "en",
    ) -> User:
        user = User(self.ids.user(), first_name, last_name, username, language_code)
        user.last_box_id = self.ids.first_message()
        self.users[user.id] = user
        self._name(user)
        self.emit("account.added", user)
        return user

    def add_bot(
        self,
        name: str,
        username: str,
        *,
        owner: User | None = None,
        token: str | None = None,
        can_join_groups: bool = True,
        can_read_all_group_messages: bool = False,
        can_manage_bots: bool = False,
    ) -> Bot:
        """What BotFather's /newbot does; the token is invented unless given."""
        bot_id = int(token.partition(":")[0]) if token else self.ids.bot()
        self.ids.take(bot_id)
        bot = Bot(
            bot_id,
            name,
            username=username.removeprefix("@"),
            language_code=None,
            token=token or self.ids.token(bot_id),
            updates=UpdateQueue(self.ids.first_update()),
            owner=owner,
            can_join_groups=can_join_groups,
            can_read_all_group_messages=can_read_all_group_messages,
            can_manage_bots=can_manage_bots,
        )
        bot.last_box_id = self.ids.first_message()
        if not bot.username or not bot.username.lower().endswith("bot"):
            raise NotAllowed("The username must end in 'bot'.")
        self._name(bot)
        self.bots[bot.id] = bot
        self.bots_by_token[bot.token] = bot
        self.emit("account.added", bot)
        return bot

    def create_managed_bot(self, user: User, manager: Bot, username: str, name: str) -> Message:
        """What a link `https://t.me/newbot/MANAGER/USERNAME?name=NAME` does, once confirmed."""
        managed.check_manages(manager)
        bot = self.add_bot(name or username, username, owner=user)
        return managed.announce(self, manager, user, bot)

    def revoke_token(self, bot: Bot) -> str:
        """BotFather's /revoke: the old token is dead at once."""
        self.bots_by_token.pop(bot.token, None)
        bot.token = self.ids.token(bot.id)
        self.bots_by_token[bot.token] = bot
        bot.updates.wake()
        managed.tell(self, bot)
        self.emit("account.changed", bot)
        return bot.token

    def delete_bot(self, bot: Bot) -> None:
        membership.forget_bot(self, bot)
        bot.updates.wake()
        self.accounts_by_username.pop((bot.username or "").lower(), None)

    def rename_user(
        self, user: User, first_name: str, last_name: str | None = None, username: str | None = None
    ) -> None:
        """Bots see the new name with the next message; nobody tells them (no update exists for it)."""
        name = first_name.strip()
        if not name:
            raise NotAllowed("A person needs a first name.")
        wanted = (username or "").strip().removeprefix("@")
        holder = self.accounts_by_username.get(wanted.lower())
        if holder not in {None, user}:
            raise NotAllowed(f"The username {wanted} is taken.")
        self.accounts_by_username.pop((user.username or "").lower(), None)
        user.first_name, user.last_name, user.username = name, (last_name or "").strip() or None, wanted or None
        self._name(user)
        self.emit("account.changed", user)

    def delete_user(self, user: User) -> None:
        """The person deletes their account."""
        user.is_deleted = True
        if user.username:
            self.accounts_by_username.pop(user.username.lower(), None)
        user.first_name, user.last_name, user.username = "", None, None
        self.emit("account.changed", user)

    def add_group(self, title: str, owner: User) -> Chat:
        """A basic group. Turning topics on upgrades it, under another id."""
        return membership.found(self, title, owner, supergroup=False)

    def add_supergroup(self, title: str, owner: User) -> Chat:
        return membership.found(self, title, owner, supergroup=True)

    def add_forum(self, title: str, owner: User) -> Chat:
        """A supergroup with topics."""
        chat = membership.found(self, title, owner, supergroup=True)
        topics.turn_on(self, chat)
        return chat

    def add_channel(self, title: str, owner: User) -> Chat:
        return membership.found_channel(self, title, owner)

    def link_discussion(self, channel: Chat, group: Chat) -> None:
        """The channel's posts are forwarded into that group by Telegram."""
        channel.discussion = group
        self.emit("chat.changed", channel, channel)

    def sign_posts(self, channel: Chat, on: bool = True) -> None:  # noqa: FBT001, FBT002 - a switch
        channel.signs = on
        self.emit("chat.changed", channel, channel)

    def set_forum(self, chat: Chat, on: bool, *, user: User | None = None) -> Chat:  # noqa: FBT001 - a switch
        """Turn topics on or off; the chat with topics may be a new one. Without a user: the owner does."""
        owner = self._owner(chat)
        if user is not None and user is not owner and self.rules.owner_only_forum:
            raise NotAllowed("Only the owner can turn topics on or off.")
        if not on:
            topics.turn_off(self, chat)
            return chat
        if chat.kind == "group":
            chat = membership.upgrade(self, chat, owner)
        topics.turn_on(self, chat)
        return chat

    def upgrade(self, chat: Chat) -> Chat:
        """A basic group becomes a supergroup, under another id."""
        if chat.kind != "group":
            raise NotAllowed("This is a supergroup already.")
        return membership.upgrade(self, chat, self._owner(chat))

    def add_member(self, chat: Chat, who: Account, *, by: User | None = None) -> None:
        adder = by or self._owner(chat)
        me = chat.member(adder)
        if not me.is_present or not (me.may("invite_users") or "invite_users" in chat.permissions):
            raise NotAllowed("You can't add members to this group.")
        if isinstance(who, Bot):
            check_joins_groups(who)
            if chat.kind == "channel":
                raise NotAllowed("Bots come into a channel as administrators only.")
        if not chat.member(who).is_present:
            membership.join(self, chat, who, adder)

    def join(self, user: User, chat: Chat) -> None:
        """Come in by an invite link."""
        if chat.member(user).status == "kicked":
            raise NotAllowed("You were removed from this group.")
        if not chat.member(user).is_present:
            membership.join(self, chat, user, user)

    def promote(
        self,
        chat: Chat,
        who: Account,
        rights: Iterable[str] | None = None,
        *,
        by: User | None = None,
        title: str | None = None,
    ) -> Chat:
        """Make an administrator, with all rights unless named ("manage_topics", ...). Rights that a
        basic group does not know upgrade it, as the apps do: the chat that it is now is returned.
        """
        promoter = by or self._owner(chat)
        self._check_right(promoter, chat, "promote_members")
        asked = ALL_RIGHTS if rights is None else frozenset(r.removeprefix("can_") for r in rights)
        if asked - RIGHTS:
            raise NotAllowed(f"There is no right to {', '.join(sorted(asked - RIGHTS))}.")
        if chat.member(who).status == "creator":
            raise NotAllowed("The owner has all rights.")
        if isinstance(who, Bot):
            check_joins_groups(who)
        if chat.kind == "group" and rights is not None and asked - BASIC_GROUP_RIGHTS:
            chat = membership.upgrade(self, chat, self._owner(chat))
        membership.promote(self, chat, who, promoter, asked, title=title)
        return chat

    def demote(self, chat: Chat, who: Account, *, by: User | None = None) -> None:
        demoter = by or self._owner(chat)
        self._check_right(demoter, chat, "promote_members")
        membership.demote(self, chat, who, demoter)

    def remove_member(self, chat: Chat, who: Account, *, by: User | None = None) -> None:
        """Remove, or leave if it is oneself."""
        remover = by or self._owner(chat)
        if remover is not who:
            self._check_right(remover, chat, "restrict_members")
        if chat.member(who).is_present:
            membership.leave(self, chat, who, remover)

    def set_protected(self, chat: Chat, on: bool) -> None:  # noqa: FBT001 - a switch
        """Restrict saving and forwarding of content."""
        chat.protected = on
        self.emit("chat.changed", chat, chat)

    def set_reactions(self, chat: Chat, emoji: Sequence[str] | None, *, user: User | None = None) -> None:
        """Which reactions the group allows; None: all of them (Bot API: ChatFullInfo.available_reactions)."""
        self._check_right(user or self._owner(chat), chat, "change_info")
        chat.available_reactions = None if emoji is None else list(emoji)
        self.emit("chat.changed", chat, chat)

    def rename_chat(self, user: User, chat: Chat, title: str) -> None:
        self._check_right(user, chat, "change_info")
        membership.retitle(self, chat, user, title)

    def _owner(self, chat: Chat) -> User:
        for member in chat.members.values():
            if member.status == "creator" and isinstance(member.account, User):
                return member.account
        raise NotAllowed("This group has no owner.")

    def _check_right(self, user: User, chat: Chat, right: str) -> None:
        member = chat.member(user)
        if not (member.may(right) or (member.is_present and right in chat.permissions)):
            raise NotAllowed(f"You have no right to {right.replace('_', ' ')} in this group.")

    def _name(self, account: Account) -> None:
        if account.username:
            username = account.username.lower()
            if username in self.accounts_by_username:
                raise NotAllowed(f"The username {account.username} is taken.")
            self.accounts_by_username[username] = account
