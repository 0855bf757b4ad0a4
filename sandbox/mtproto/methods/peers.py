"""Who is meant: access hashes, which each bot has of its own, and the chats behind input peers."""

import hashlib
from typing import Any

from telethon.tl import types

from sandbox.mtproto.rpc import RpcError
from sandbox.world import Bot, Chat, World
from sandbox.world.entities import Account, User

CHANNELS = -1_000_000_000_000


def access_hash(bot: Bot, number: int) -> int:
    """Stable, and of no use to another bot."""
    digest = hashlib.blake2b(f"{bot.id}:{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def channel_number(chat: Chat) -> int:
    return CHANNELS - chat.id


class Peers:
    def __init__(self, world: World) -> None:
        self._world = world

    def chat(self, bot: Bot, peer: Any, *, write: bool = False) -> Chat:
        """Raises RpcError in Telegram's words."""
        if isinstance(peer, (types.InputPeerChannel, types.InputChannel)):
            return self.supergroup(bot, peer, write=write)
        if isinstance(peer, (types.InputPeerUser, types.InputUser)):
            return self._private(bot, self.user(bot, peer), write=write)
        if isinstance(peer, types.InputPeerChat) and (chat := self._world.chats.get(-peer.chat_id)) is not None:
            if write and chat.migrated_to is not None:
                raise RpcError(400, "CHAT_ID_INVALID")
            return chat
        raise RpcError(400, "PEER_ID_INVALID")

    def supergroup(self, bot: Bot, peer: Any, *, write: bool = False) -> Chat:
        chat = self._world.chats.get(CHANNELS - peer.channel_id)
        knows = peer.access_hash in {0, access_hash(bot, peer.channel_id)}
        if chat is None or not knows:
            raise RpcError(400, "CHANNEL_INVALID")
        member = chat.member(bot)
        if not member.is_present:
            raise RpcError(406 if member.status == "kicked" else 400, "CHANNEL_PRIVATE")
        if write and "send_messages" not in chat.permissions and not member.is_admin:
            raise RpcError(403, "CHAT_WRITE_FORBIDDEN")
        return chat

    def user(self, bot: Bot, peer: Any) -> User:
        user = self._world.users.get(peer.user_id)
        if user is None or not self._knows(bot, user, peer.access_hash):
            raise RpcError(400, "PEER_ID_INVALID")
        return user

    def _knows(self, bot: Bot, user: User, given: int) -> bool:
        """Without a hash bots get at whom they have met (Telethon's users.py says so; [M])."""
        if given == access_hash(bot, user.id):
            return True
        met = user.id in bot.chats or any(user.id in chat.members for chat in bot.chats.values())
        return given == 0 and met

    def _private(self, bot: Bot, user: User, *, write: bool) -> Chat:
        chat = self._world.privates.get((bot.id, user.id))
        if chat is None:
            if write:
                raise RpcError(400, "PEER_ID_INVALID")
            return self._world.private(user, bot)
        if write and user.is_deleted:
            raise RpcError(400, "INPUT_USER_DEACTIVATED")
        if write and chat.blocked:
            raise RpcError(400, "USER_IS_BLOCKED")
        return chat

    def account(self, bot: Bot, peer: Any) -> Account:
        if isinstance(peer, (types.InputUserSelf, types.InputPeerSelf)):
            return bot
        found = self._world.bots.get(peer.user_id)
        return found if found is not None else self.user(bot, peer)


def peer_of(chat: Chat, bot: Bot) -> Any:
    """How the bot names the chat."""
    if chat.counts_for_itself:
        return types.PeerChannel(channel_number(chat))
    if chat.kind == "group":
        return types.PeerChat(-chat.id)
    return types.PeerUser(chat.id_for(bot))
