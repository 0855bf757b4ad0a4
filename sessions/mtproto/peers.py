"""Who a number is to Telegram: an id goes with an access hash, which each bot has of its own."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from telethon.tl import TLRequest, types
from telethon.tl.functions.channels import GetChannelsRequest
from telethon.tl.functions.contacts import ResolveUsernameRequest
from telethon.tl.functions.users import GetUsersRequest

from sessions.errors import Gone, Rejected
from sessions.events import Person
from sessions.mtproto.mailbox import Mailbox
from sessions.mtproto.reader import CHANNELS
from sessions.port import Safe
from tenants.ids import ChatId, UserId

Call = Callable[[TLRequest], Awaitable[Any]]

LARGEST_ID = 2**63 - 1


class Peers:
    """From memory, else from the database, else from Telegram, which lets bots ask about whom they have met without a
    hash (users.getUsers, channels.getChannels).
    """

    def __init__(self, call: Call, mailbox: Mailbox, safe: Safe) -> None:
        self._call = call
        self._mailbox = mailbox
        self._safe = safe

    async def find(self, chat: ChatId) -> Any:
        """As an InputPeer. Raises `Gone`."""
        if chat > 0:
            return types.InputPeerUser(chat, await self._hash(chat))
        if chat > CHANNELS:
            return types.InputPeerChat(-chat)
        return types.InputPeerChannel(CHANNELS - chat, await self._hash(chat))

    async def channel(self, chat: ChatId) -> Any:
        peer = await self.find(chat)
        if not isinstance(peer, types.InputPeerChannel):
            raise Gone("group", "no_forum", "The group is not a supergroup.")
        return types.InputChannel(peer.channel_id, peer.access_hash)

    async def _hash(self, chat: ChatId) -> int:
        number = chat if chat > 0 else CHANNELS - chat
        known = self._mailbox.hashes.get(number)
        if known is not None:
            return int(known.hash)
        stored = (await self._safe.find_hashes([chat])).get(chat)
        if stored is None:
            return await self._ask(chat, number)
        self._mailbox.note_hash(number, stored, is_channel=chat < 0)
        return stored

    async def know_channels(self, channels: Iterable[int]) -> None:
        """A channel's difference needs its access hash."""
        chats = [ChatId(CHANNELS - channel) for channel in channels]
        stored = await self._safe.find_hashes(chats) if chats else {}
        for chat in chats:
            if chat in stored:
                self._mailbox.note_hash(CHANNELS - chat, stored[chat], is_channel=True)
                continue
            try:
                await self.find(chat)
            except (Gone, Rejected):
                continue  # the bot is not there any more: nothing comes from there

    async def _ask(self, chat: ChatId, number: int) -> int:
        if chat > 0:
            people = await self._call(GetUsersRequest([types.InputUser(number, 0)]))
            found = next((user for user in people if isinstance(user, types.User)), None)
            self._mailbox.hashes.extend([found] if found else [], [])
            missing = Gone("customer", "chat_not_found", "Telegram knows no such customer.")
        else:
            answer = await self._call(GetChannelsRequest([types.InputChannel(number, 0)]))
            found = next((channel for channel in answer.chats if isinstance(channel, types.Channel)), None)
            self._mailbox.hashes.extend([], [found] if found else [])
            missing = Gone("group", "not_a_member", "The bot is not a member of the group.")
        if found is None or not found.access_hash:
            raise missing
        return int(found.access_hash)

    async def find_person(self, who: str) -> Any:
        """A User, by `@username` or by the digits of an id. Raises `Rejected`."""
        if not who.startswith("@") and not (who.isdecimal() and 0 < int(who) <= LARGEST_ID):
            raise _stranger()
        try:
            if who.startswith("@"):
                answer = await self._call(ResolveUsernameRequest(who[1:]))
                people = answer.users
            else:
                stored = await self._safe.find_hashes([int(who)])
                people = await self._call(GetUsersRequest([types.InputUser(int(who), stored.get(int(who), 0))]))
        except (Rejected, Gone):
            raise _stranger() from None
        found = next((user for user in people if isinstance(user, types.User)), None)
        if found is None or found.bot or found.deleted:
            raise _stranger()
        self._mailbox.hashes.extend([found], [])
        return found


def _stranger() -> Rejected:
    return Rejected(
        "no_such_person", "Telegram knows no such person, or not to this bot: they have to write to it first."
    )


def person_of(user: Any) -> Person:
    name = " ".join(part for part in (user.first_name, user.last_name) if part)
    return Person(UserId(user.id), name or str(user.id), user.username, is_bot=bool(user.bot))
