"""Updates: pushed to every session of a bot, and told again to who was away.

Incoming messages and edits come to all sessions, outgoing ones to all but the one that sent them, whose answer
holds them. That what is sent over the Bot API reaches the bot's MTProto sessions is the one premise of all this that
is unproven (`make live-check` asks Telegram). Callbacks have no pts and are lost to who is away. A qts update goes to
one session only. [M]
"""

from collections.abc import Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from telethon.tl import types
from telethon.tl.types import updates as answers

from sandbox.mtproto.methods.peers import channel_number, peer_of
from sandbox.mtproto.methods.render import chat_of, message_of, people_in, user_of
from sandbox.mtproto.rpc import Caller, RpcError
from sandbox.world import Bot, Chat, Message, World
from sandbox.world.boxes import Box, Event
from sandbox.world.delivery import sees
from sandbox.world.entities import MemberChange
from sandbox.world.feed import Change
from sandbox.world.messages import Callback, ReactionChange

acting: ContextVar[Caller | None] = ContextVar("acting", default=None)
"""Whose call is being carried out: its own answer holds what it leads to."""


class Stream:
    def __init__(self, world: World) -> None:
        self.slice = 200
        self._world = world
        self._callers: dict[int, list[Caller]] = {}
        self._seen_pts: dict[tuple[int, int], int] = {}
        """By auth key and supergroup: what its sessions were told last."""
        self._stop = world.listen(self._changed)

    def close(self) -> None:
        self._stop()

    def follow(self, caller: Caller) -> None:
        followers = self._callers.setdefault(caller.key.bot_id or 0, [])
        if caller not in followers:
            followers.append(caller)

    def leave(self, caller: Caller) -> None:
        for followers in self._callers.values():
            if caller in followers:
                followers.remove(caller)
        self._world.emit("session.ended", caller)

    async def left(self, bot: Bot) -> None:
        """Until no session of the bot is there any more."""
        await self._world.wait_for(lambda: not self.sessions_of(bot), what=f"{bot} has no session")

    def sessions_of(self, bot: Bot) -> list[Caller]:
        return list(self._callers.get(bot.id, ()))

    def _changed(self, change: Change) -> None:
        match change.kind, change.subject:
            case "box.moved", events:
                for bot, event in events:
                    self._push_event(change.chat, bot, event)
            case "callback.pressed", Callback() as callback:
                self._push_callback(callback)
            case "reaction.changed", ReactionChange() as reaction if not reaction.by.is_bot:
                self._push_reaction(reaction)
            case "member.changed", MemberChange() as member:
                self._push_block(member)

    def _push_event(self, chat: Chat, bot: Bot | None, event: Event) -> None:
        viewers = [bot] if bot is not None else list(chat.bots.values())
        for viewer in viewers:
            if event.message is not None and not self._may_see(viewer, event.message):
                continue
            for caller in self.sessions_of(viewer):
                if bot is None:
                    self._seen_pts[caller.key.id, chat.id] = event.pts
                if caller is not acting.get():
                    caller.push(self.wrap(viewer, [self.update_of(viewer, chat, event)], self._about(event)))

    @staticmethod
    def _about(event: Event) -> list[Message]:
        return [event.message] if event.message is not None else []

    def _may_see(self, viewer: Bot, message: Message) -> bool:
        return message.chat.is_private or sees(self._world, message, viewer)

    def update_of(self, viewer: Bot, chat: Chat | None, event: Event) -> Any:
        """Without a chat: of the account's own box."""
        numbers = {"pts": event.pts, "pts_count": event.count}
        in_channel = chat is not None and chat.counts_for_itself
        if event.message is None:
            if chat is not None and in_channel:
                return types.UpdateDeleteChannelMessages(
                    channel_id=channel_number(chat), messages=list(event.ids), **numbers
                )
            return types.UpdateDeleteMessages(messages=list(event.ids), **numbers)
        message = message_of(event.message, viewer)
        if event.what == "edited":
            edited = types.UpdateEditChannelMessage if in_channel else types.UpdateEditMessage
            return edited(message=message, **numbers)
        new = types.UpdateNewChannelMessage if in_channel else types.UpdateNewMessage
        return new(message=message, **numbers)

    def wrap(self, viewer: Bot, updates: list[Any], about: Iterable[Message]) -> Any:
        users, chats = people_in(about, viewer)
        return types.Updates(updates=updates, users=users, chats=chats, date=self._world.now(), seq=0)

    def _push_callback(self, callback: Callback) -> None:
        bot = callback.message.sender
        if not isinstance(bot, Bot):
            return
        update = types.UpdateBotCallbackQuery(
            query_id=int(callback.id),
            user_id=callback.user.id,
            peer=peer_of(callback.message.chat, bot),
            msg_id=callback.message.id_for(bot),
            chat_instance=1,
            data=callback.data.encode(),
        )
        wrapped = self.wrap(bot, [update], [callback.message])
        if all(user.id != callback.user.id for user in wrapped.users):
            wrapped.users.append(user_of(callback.user, bot))
        for caller in self.sessions_of(bot):
            caller.push(wrapped)

    def _push_reaction(self, change: ReactionChange) -> None:
        """To bots in private chats, and to administrators of groups."""
        chat = change.message.chat
        admins = [bot for bot in chat.bots.values() if chat.member(bot).is_admin]
        for bot in [chat.bot] if chat.bot is not None else admins:
            update = types.UpdateBotMessageReaction(
                peer=peer_of(chat, bot),
                msg_id=change.message.id_for(bot),
                date=change.at,
                actor=types.PeerUser(change.by.id),
                old_reactions=[types.ReactionEmoji(emoji) for emoji in change.before],
                new_reactions=[types.ReactionEmoji(emoji) for emoji in change.after],
                qts=self._next_qts(bot),
            )
            wrapped = self.wrap(bot, [update], [change.message])
            if all(user.id != change.by.id for user in wrapped.users):
                wrapped.users.append(user_of(change.by, bot))
            for caller in self.sessions_of(bot)[:1]:
                caller.push(wrapped)

    def _next_qts(self, bot: Bot) -> int:
        self._world.boxes.qts[bot.id] = self._world.boxes.qts.get(bot.id, 0) + 1
        return self._world.boxes.qts[bot.id]

    def _push_block(self, change: MemberChange) -> None:
        chat = change.chat
        if not chat.is_private or chat.bot is None or chat.user is None:
            return
        bot = chat.bot
        stopped = not change.after.is_present
        update = types.UpdateBotStopped(
            user_id=chat.user.id, date=change.at, stopped=stopped, qts=self._next_qts(bot)
        )
        for caller in self.sessions_of(bot)[:1]:
            users = [user_of(chat.user, bot)]
            caller.push(types.Updates(updates=[update], users=users, chats=[], date=change.at, seq=0))

    def state(self, bot: Bot) -> Any:
        pts = self._world.boxes.of_account(bot).pts
        return answers.State(
            pts=pts, qts=self._world.boxes.qts.get(bot.id, 0), date=self._world.now(), seq=0, unread_count=0
        )

    def difference(self, caller: Caller, bot: Bot, pts: int) -> Any:
        now = self._world.now()
        box = self._world.boxes.of_account(bot)
        events = self._events(box, pts)
        others = [types.UpdateChannelTooLong(channel_id=channel_number(chat)) for chat in self._moved(caller, bot)]
        if events is None:
            return answers.DifferenceTooLong(pts=box.pts)
        if not events and not others:
            return answers.DifferenceEmpty(date=now, seq=0)
        part = events[: self.slice]
        messages, updates, about = self._sorted(bot, None, part)
        users, chats = people_in(about, bot)
        chats += [chat_of(chat, bot) for chat in self._moved(caller, bot)]
        values = {
            "new_messages": messages,
            "new_encrypted_messages": [],
            "other_updates": [*updates, *others],
            "chats": chats,
            "users": users,
        }
        if len(part) < len(events):
            until = self._state_at(bot, part[-1].pts, now)
            return answers.DifferenceSlice(intermediate_state=until, **values)
        return answers.Difference(state=self._state_at(bot, box.pts, now), **values)

    def _state_at(self, bot: Bot, pts: int, now: datetime) -> Any:
        return answers.State(pts=pts, qts=self._world.boxes.qts.get(bot.id, 0), date=now, seq=0, unread_count=0)

    def _moved(self, caller: Caller, bot: Bot) -> list[Chat]:
        """The supergroups in which something happened that this key was not told."""
        chats = [chat for chat in bot.chats.values() if chat.counts_for_itself]
        return [
            chat
            for chat in chats
            if self._world.boxes.of_channel(chat).pts > self._seen_pts.get((caller.key.id, chat.id), 1)
        ]

    def _events(self, box: Box, pts: int) -> list[Event] | None:
        """None if the difference is too long."""
        events, rules = box.after(pts), self._world.rules
        if not events:
            return events
        is_late = self._world.now() - events[0].at > rules.difference_kept
        return None if is_late or len(events) > rules.longest_difference else events

    def _sorted(self, bot: Bot, chat: Chat | None, events: list[Event]) -> tuple[list[Any], list[Any], list[Message]]:
        """New messages apart from everything else, as Telegram tells them; a message as it is now."""
        messages, updates, about = [], [], []
        for event in events:
            if event.message is None:
                updates.append(self.update_of(bot, chat, event))
                continue
            current = event.message.chat.messages.get(event.message.id)
            if current is None or not self._may_see(bot, current):
                continue
            about.append(current)
            if event.what == "new":
                messages.append(message_of(current, bot))
            else:
                updates.append(self.update_of(bot, current.chat, event))
        return messages, updates, about

    def channel_difference(self, caller: Caller, bot: Bot, chat: Chat, pts: int) -> Any:
        if pts <= 0:
            raise RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY")
        box = self._world.boxes.of_channel(chat)
        if pts > box.pts:
            raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID")
        events = self._events(box, pts)
        self._seen_pts[caller.key.id, chat.id] = box.pts
        if events is None:
            return self._channel_too_long(bot, chat, box)
        if not events:
            return answers.ChannelDifferenceEmpty(pts=box.pts, final=True, timeout=30)
        messages, updates, about = self._sorted(bot, chat, events)
        users, chats = people_in(about, bot)
        chats = chats or [chat_of(chat, bot)]
        return answers.ChannelDifference(
            pts=box.pts,
            new_messages=messages,
            other_updates=updates,
            chats=chats,
            users=users,
            final=True,
            timeout=30,
        )

    def _channel_too_long(self, bot: Bot, chat: Chat, box: Box) -> Any:
        dialog = types.Dialog(
            peer=peer_of(chat, bot),
            top_message=chat.last_message_id,
            read_inbox_max_id=0,
            read_outbox_max_id=0,
            unread_count=0,
            unread_mentions_count=0,
            unread_reactions_count=0,
            unread_poll_votes_count=0,
            notify_settings=types.PeerNotifySettings(),
            pts=box.pts,
        )
        return answers.ChannelDifferenceTooLong(
            dialog=dialog, messages=[], chats=[chat_of(chat, bot)], users=[], final=True, timeout=30
        )
