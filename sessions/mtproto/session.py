"""One bot over MTProto, beside the program that drives it. It answers no callback and touches neither getUpdates nor
the webhook.

One premise is unproven until `make live-check` runs against Telegram: that what the other program sends over the
Bot API reaches this session as outgoing messages.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from telethon.tl import TLRequest, types
from telethon.tl.functions.auth import LogOutRequest
from telethon.tl.functions.channels import DeleteMessagesRequest as DeleteChannelMessages
from telethon.tl.functions.channels import GetChannelsRequest, GetParticipantRequest
from telethon.tl.functions.messages import DeleteMessagesRequest, EditForumTopicRequest
from telethon.tl.functions.users import GetUsersRequest

from sessions.errors import Flaky, Rejected, SessionError
from sessions.events import Batch, ChatKind, Cursor, Incoming, Other, Person, Pressed
from sessions.kept import dump_event, load_event
from sessions.mtproto.home import AppIdentity, DataCentre, Login
from sessions.mtproto.login import Door
from sessions.mtproto.mailbox import PRIVATE, Mail, Mailbox, State
from sessions.mtproto.members import read_membership
from sessions.mtproto.peers import Peers, person_of
from sessions.mtproto.reader import CHANNELS, Reader, access_hashes, update_number
from sessions.mtproto.refusals import LoginLost, Migrate
from sessions.mtproto.sending import Sending
from sessions.mtproto.texts import find_label
from sessions.mtproto.wire import CALL_SECONDS, Wire
from sessions.port import BotIdentity, GroupState, IdempotencyKey, Membership, Outgoing, Safe, Webhook
from tenants.ids import ChatId, MessageId, TopicId, UserId

LISTEN_SECONDS = 50.0
PROBE_SECONDS = 90.0
"""As often Telegram is asked where it stands: a dead login is noticed, a lost update found."""
NOTE_STATE_SECONDS = 300.0
"""How long the stored cursor may stay behind where only our own messages move it on."""
MOST_AT_ONCE = 100
MOST_REMEMBERED = 2000
_TOKEN = re.compile(r"(\d{5,15}):[A-Za-z0-9_-]{30,60}")


class MtprotoSessions:
    """Makes sessions of one application. They share nothing else: each has its own connection."""

    def __init__(
        self,
        app: AppIdentity,
        centre: DataCentre | None = None,
        *,
        before_connect: Callable[[], Awaitable[object]] | None = None,
        probe_seconds: float = PROBE_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        """`before_connect` returns when a session may open a connection, for the first time or again."""
        self._app = app
        self._centre = centre or DataCentre.production()
        self._before_connect = before_connect
        self._probe_seconds = probe_seconds
        self._call_seconds = call_seconds

    def open(self, token: str, guard: Callable[[], None] | None = None, safe: Safe | None = None) -> "MtprotoSession":
        found = _TOKEN.fullmatch(token)
        if found is None or safe is None:
            raise Rejected("bad_token", "That is not a bot token: copy it whole from @BotFather.")
        door = Door(self._app, self._centre, token, guard, safe, before_connect=self._before_connect)
        return MtprotoSession(
            UserId(int(found[1])), door, safe, probe_seconds=self._probe_seconds, call_seconds=self._call_seconds
        )

    async def end_login(self, login: bytes, guard: Callable[[], None] | None = None) -> None:
        """Logs out an authorization that nobody uses any more. One that is dead already is no error."""
        kept = Login.load(login)
        wire = Wire(self._app, kept.centre, kept.key, guard)
        try:
            await wire.open()
            await wire.call(LogOutRequest())
        except LoginLost:
            return
        finally:
            await wire.close()

    async def close(self) -> None:
        """Each session closes its own connection."""


class MtprotoSession:
    def __init__(
        self,
        me: UserId,
        door: Door,
        safe: Safe,
        *,
        probe_seconds: float = PROBE_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._me = me
        self._door = door
        self._safe = safe
        self._probe_seconds = probe_seconds
        self._call_seconds = call_seconds
        self._closed = False
        self._wire: Wire | None = None
        self._connecting = asyncio.Lock()
        self._mailbox = Mailbox()
        self._reader = Reader(me)
        self._peers = Peers(self._call, self._mailbox, safe)
        self._sending = Sending(self._call, self._peers, self._mailbox)
        self._ready: deque[Incoming] = deque()
        self._hashes: dict[int, int] = {}
        self._stored_hashes: dict[int, int] = {}
        self._cursor: Cursor | None = None
        self._noted_at = monotonic()
        self._probed_at = monotonic()

    async def receive(self, cursor: Cursor | None) -> Batch:
        wire = await self._connected()
        if self._mailbox.is_empty:
            await self._begin(cursor)
        if not self._ready:
            await self._collect(wire)
        return self._hand_out()

    async def _begin(self, cursor: Cursor | None) -> None:
        kept = await self._safe.load()
        if cursor is None:
            uncounted = await self._uncounted(kept.group, {})
            await self._mailbox.begin(self._call, kept.tops, uncounted)
            self._note_state()
            return
        state = State.load(cursor)
        await self._peers.know_channels(state.channels)
        uncounted = await self._uncounted(kept.group, state.channels)
        state.channels |= uncounted
        self._mailbox.load(state)
        self._mailbox.suspect()
        self._cursor = cursor
        if uncounted:
            self._note_state()

    async def _uncounted(self, group: ChatId | None, counted: Mapping[int, int]) -> dict[int, int]:
        """The group's channel id and pts, unless it is counted already."""
        if group is None or group > CHANNELS or CHANNELS - group in counted:
            return {}
        channel = CHANNELS - group
        await self._peers.know_channels([channel])
        pts = await self._mailbox.ask_pts(self._call, channel)
        return {} if pts is None else {channel: pts}

    async def _collect(self, wire: Wire) -> None:
        now = monotonic()
        if now - self._probed_at >= self._probe_seconds:
            await self._mailbox.probe(self._call, wire.updates)
            self._probed_at = now
        until_probe = max(self._probed_at + self._probe_seconds - now, 0.0)
        mail = await self._mailbox.collect(self._call, wire.updates, min(LISTEN_SECONDS, until_probe))
        before = self._cursor or Cursor("")
        fresh = self._reader.read(mail, before)
        fresh = [await self._with_label(incoming, mail) for incoming in fresh]
        for chat, number in access_hashes(mail).items():
            if self._stored_hashes.get(chat) != number:
                self._hashes[chat] = number
        self._ready.extend(fresh)
        state = self._mailbox.save().dump()
        if fresh:
            self._ready[-1] = replace(self._ready[-1], cursor=state)
            self._cursor = state
            self._noted_at = now
        elif state != self._cursor and now - self._noted_at > NOTE_STATE_SECONDS:
            self._note_state()

    def _note_state(self) -> None:
        """Has the cursor stored although nothing else came."""
        state = self._mailbox.save().dump()
        number, event = update_number("state", state), Other("state", "cursor")
        self._ready.append(Incoming(number, "state", event, state, dump_event(number, "state", event)))
        self._cursor = state
        self._noted_at = monotonic()

    def _hand_out(self) -> Batch:
        """Without updates nothing is stored: hashes wait for the next ones."""
        size = min(len(self._ready), MOST_AT_ONCE)
        updates = tuple(self._ready.popleft() for _ in range(size))
        if not updates:
            return Batch((), self._cursor or Cursor(""))
        hashes, self._hashes = self._hashes, {}
        if len(self._stored_hashes) > MOST_REMEMBERED:
            self._stored_hashes.clear()
        self._stored_hashes.update(hashes)
        return Batch(updates, updates[-1].cursor, hashes)

    async def _with_label(self, incoming: Incoming, mail: Mail) -> Incoming:
        """Telegram says which bytes a pressed button sends, not what stands on it."""
        if not isinstance(incoming.event, Pressed):
            return incoming
        pressed = next(
            update
            for update in mail.updates
            if isinstance(update, types.UpdateBotCallbackQuery)
            and update_number("callback", update.query_id) == incoming.id
        )
        label = ""
        try:
            box = PRIVATE if incoming.event.chat.id > 0 else CHANNELS - incoming.event.chat.id
            found = await self._mailbox.read(self._call, box, [pressed.msg_id])
            if found.messages:
                label = find_label(getattr(found.messages[0], "reply_markup", None), pressed.data or b"")
        except SessionError:
            label = ""
        event = replace(incoming.event, label=label)
        return replace(incoming, event=event, raw=dump_event(incoming.id, incoming.kind, event))

    def read(self, raw: bytes) -> Incoming:
        return load_event(raw)

    async def send(self, outgoing: Outgoing) -> Sequence[MessageId]:
        return await self._sending.send(outgoing)

    async def react(self, chat: ChatId, message: MessageId, emoji: str | None) -> None:
        await self._sending.react(chat, message, emoji)

    async def delete(self, chat: ChatId, messages: Sequence[MessageId]) -> None:
        if chat > CHANNELS:
            await self._call(DeleteMessagesRequest(id=list(messages), revoke=True))
        else:
            await self._call(DeleteChannelMessages(await self._peers.channel(chat), list(messages)))

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey, color: int | None = None) -> TopicId:
        return await self._sending.create_topic(group, name, key, color)

    async def rename_topic(self, group: ChatId, topic: TopicId, name: str) -> None:
        await self._change_topic(group, topic, title=name)

    async def close_topic(self, group: ChatId, topic: TopicId) -> None:
        await self._change_topic(group, topic, closed=True)

    async def reopen_topic(self, group: ChatId, topic: TopicId) -> None:
        await self._change_topic(group, topic, closed=False)

    async def _change_topic(self, group: ChatId, topic: TopicId, **values: Any) -> None:
        try:
            await self._call(EditForumTopicRequest(peer=await self._peers.find(group), topic_id=topic, **values))
        except Rejected as error:
            if "TOPIC_NOT_MODIFIED" not in error.text:
                raise

    async def find_person(self, who: str) -> Person:
        return person_of(await self._peers.find_person(who))

    async def identify(self) -> BotIdentity:
        (me,) = await self._call(GetUsersRequest([types.InputUserSelf()]))
        hears_groups = bool(me.bot_chat_history)
        return BotIdentity(UserId(me.id), person_of(me).name, me.username or "", not me.bot_nochats, hears_groups)

    async def find_webhook(self) -> Webhook | None:
        """The Bot API's business."""
        return None

    async def group(self, chat: ChatId) -> GroupState:
        channel = await self._peers.channel(chat)
        found = (await self._call(GetChannelsRequest([channel]))).chats[0]
        kind = ChatKind.CHANNEL if found.broadcast else ChatKind.SUPERGROUP
        return GroupState(found.title, kind, bool(found.forum), found.username)

    async def membership(self, chat: ChatId, user: UserId) -> Membership:
        who = types.InputPeerSelf() if user == self._me else await self._peers.find(ChatId(user))
        try:
            answer = await self._call(GetParticipantRequest(await self._peers.channel(chat), who))
        except Rejected as error:
            if "USER_NOT_PARTICIPANT" not in error.text:
                raise
            return Membership("left", frozenset())
        found = next((one for one in answer.users if isinstance(one, types.User) and one.id == user), None)
        return replace(read_membership(answer.participant), person=None if found is None else person_of(found))

    async def publish_commands(self, commands: Sequence[tuple[str, str]]) -> None:
        """The bot's list of commands is the other program's: ours stays out of it."""

    async def close(self) -> None:
        """For good: a login that is used from two connections is ended by Telegram."""
        self._closed = True
        if self._wire is not None:
            await self._wire.close()

    async def _connected(self) -> Wire:
        wire = self._wire
        if wire is not None and wire.is_open:
            return wire
        async with self._connecting:
            if self._wire is None or not self._wire.is_open:
                if self._wire is not None:
                    await self._wire.close()
                self._refuse_if_closed()
                self._wire = await self._door.enter()
                self._mailbox.suspect()
                if self._closed:
                    await self._wire.close()
            self._refuse_if_closed()
            return self._wire

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Flaky("closed", "The session was closed.", ambiguous=False)

    async def _call(self, request: TLRequest) -> Any:
        wire = await self._connected()
        try:
            return await wire.call(request, seconds=self._call_seconds)
        except (LoginLost, Migrate):
            await self._forget(wire)
            raise Flaky("login_lost", "Telegram ended this session: it logs in anew.", ambiguous=False) from None
        except Flaky as error:
            if error.code == "network":
                await wire.close()
            raise

    async def _forget(self, wire: Wire) -> None:
        """Once, however many calls hear of it: there may be a new login already."""
        async with self._connecting:
            if self._wire is wire:
                await wire.close()
                await self._door.forget()
                self._wire = None
