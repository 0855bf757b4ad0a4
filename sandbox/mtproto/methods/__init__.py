"""The methods of Telegram's API that a bot's session needs, over the World. Everything else is METHOD_INVALID."""

from collections.abc import Callable
from typing import Any

from telethon.tl import TLRequest, functions, types
from telethon.tl.types import auth as auth_answers
from telethon.tl.types import channels as channel_answers
from telethon.tl.types import contacts as contact_answers
from telethon.tl.types import messages as message_answers
from telethon.tl.types import users as user_answers

from sandbox.flood import Flood
from sandbox.mtproto.methods.forum import Forum
from sandbox.mtproto.methods.peers import Peers, channel_number
from sandbox.mtproto.methods.render import chat_of, message_of, participant_of, people_in, user_of
from sandbox.mtproto.methods.sending import Sending
from sandbox.mtproto.methods.stream import Stream, acting
from sandbox.mtproto.rpc import Caller, RpcError
from sandbox.world import Bot, Chat, Message, World
from sandbox.world.callbacks import answer
from sandbox.world.state import NotAllowed

_OF_USERS_ONLY = frozenset({"GetHistoryRequest", "GetForumTopicsRequest", "GetDialogsRequest", "SearchRequest"})


class Api:
    """`api_id` and `api_hash`, if given, are the only application that may log in."""

    def __init__(self, world: World, flood: Flood, *, app: tuple[int, str] | None = None) -> None:
        self._world = world
        self._app = app
        self._peers = Peers(world)
        self.stream = Stream(world)
        self._sending = Sending(world, flood, self._peers, self.stream)
        self._forum = Forum(world, self._peers, self._sending)
        self._tokens: dict[int, str] = {}
        """By auth key: with which token it logged in."""
        self._methods: dict[type[TLRequest], Callable[[Caller, Bot, Any], Any]] = {
            functions.auth.LogOutRequest: self._log_out,
            functions.updates.GetStateRequest: lambda _, bot, __: self.stream.state(bot),
            functions.updates.GetDifferenceRequest: lambda who, bot, r: self.stream.difference(who, bot, r.pts),
            functions.updates.GetChannelDifferenceRequest: self._channel_difference,
            functions.users.GetUsersRequest: self._users,
            functions.users.GetFullUserRequest: self._full_user,
            functions.contacts.ResolveUsernameRequest: self._resolve,
            functions.channels.GetChannelsRequest: self._channels,
            functions.channels.GetParticipantRequest: self._participant,
            functions.channels.GetMessagesRequest: self._channel_messages,
            functions.channels.DeleteMessagesRequest: self._delete_in_channel,
            functions.messages.GetMessagesRequest: self._messages,
            functions.messages.DeleteMessagesRequest: lambda _, bot, r: self._sending.delete(bot, None, r.id),
            functions.messages.SendMessageRequest: lambda _, bot, r: self._sending.send_message(bot, r),
            functions.messages.SendMediaRequest: lambda _, bot, r: self._sending.send_media(bot, r),
            functions.messages.SendMultiMediaRequest: lambda _, bot, r: self._sending.send_album(bot, r),
            functions.messages.ForwardMessagesRequest: lambda _, bot, r: self._sending.forward(bot, r),
            functions.messages.EditMessageRequest: lambda _, bot, r: self._sending.edit(bot, r),
            functions.messages.SetTypingRequest: lambda _, bot, r: self._sending.show_typing(bot, r),
            functions.messages.SetBotCallbackAnswerRequest: self._answer_callback,
            functions.messages.SendReactionRequest: lambda _, bot, r: self._sending.react(bot, r),
            functions.messages.CreateForumTopicRequest: lambda _, bot, r: self._forum.create(bot, r),
            functions.messages.EditForumTopicRequest: lambda _, bot, r: self._forum.edit(bot, r),
            functions.messages.DeleteTopicHistoryRequest: lambda _, bot, r: self._forum.delete(bot, r),
            functions.messages.GetForumTopicsByIDRequest: lambda _, bot, r: self._forum.read(bot, r),
        }

    def close(self) -> None:
        self.stream.close()

    async def call(self, caller: Caller, request: TLRequest) -> object:
        if isinstance(request, functions.auth.ImportBotAuthorizationRequest):
            return self._log_in(caller, request)
        bot = self._bot_of(caller)
        if type(request).__name__ in _OF_USERS_ONLY:
            raise RpcError(400, "BOT_METHOD_INVALID")
        method = self._methods.get(type(request))
        if method is None:
            raise RpcError(400, "METHOD_INVALID")
        token = acting.set(caller)
        try:
            return method(caller, bot, request)
        except NotAllowed as error:
            raise RpcError(400, "CHAT_ADMIN_REQUIRED") from error
        finally:
            acting.reset(token)

    def opened(self, caller: Caller) -> None:
        if caller.key.bot_id is not None:
            self.stream.follow(caller)

    def closed(self, caller: Caller) -> None:
        self.stream.leave(caller)

    def _bot_of(self, caller: Caller) -> Bot:
        bot = self._world.bots.get(caller.key.bot_id or 0)
        if bot is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        logged_in_with = self._tokens.get(caller.key.id, bot.token)
        if bot.is_deleted or logged_in_with != bot.token:
            raise RpcError(401, "SESSION_REVOKED")
        return bot

    def _log_in(self, caller: Caller, request: functions.auth.ImportBotAuthorizationRequest) -> object:
        if self._app is not None and (request.api_id, request.api_hash) != self._app:
            raise RpcError(400, "API_ID_INVALID")
        bot = self._world.bots_by_token.get(request.bot_auth_token)
        if bot is None:
            number = request.bot_auth_token.partition(":")[0]
            known = number.isdecimal() and int(number) in self._world.bots
            raise RpcError(400, "ACCESS_TOKEN_EXPIRED" if known else "ACCESS_TOKEN_INVALID")
        caller.key.bot_id = bot.id
        self._tokens[caller.key.id] = bot.token
        self.stream.follow(caller)
        return auth_answers.Authorization(user=user_of(bot, bot))

    def _answer_callback(self, _: Caller, bot: Bot, request: functions.messages.SetBotCallbackAnswerRequest) -> bool:
        callback = self._world.callbacks.get(str(request.query_id))
        said = {"text": request.message or "", "show_alert": bool(request.alert), "url": request.url or ""}
        if callback is None or callback.message.sender is not bot or not answer(self._world, callback, said):
            raise RpcError(400, "QUERY_ID_INVALID")
        return True

    def _log_out(self, caller: Caller, _: Bot, __: Any) -> object:
        self.stream.leave(caller)
        caller.key.bot_id = None
        return auth_answers.LoggedOut()

    def _channel_difference(self, caller: Caller, bot: Bot, request: Any) -> object:
        return self.stream.channel_difference(caller, bot, self._peers.supergroup(bot, request.channel), request.pts)

    def _users(self, _: Caller, bot: Bot, request: Any) -> object:
        found = []
        for peer in request.id:
            try:
                found.append(user_of(self._peers.account(bot, peer), bot))
            except RpcError:
                found.append(types.UserEmpty(id=peer.user_id))
        return found

    def _full_user(self, _: Caller, bot: Bot, request: Any) -> object:
        account = self._peers.account(bot, request.id)
        full = types.UserFull(
            id=account.id,
            settings=types.PeerSettings(),
            notify_settings=types.PeerNotifySettings(),
            common_chats_count=0,
        )
        return user_answers.UserFull(full_user=full, chats=[], users=[user_of(account, bot)])

    def _resolve(self, _: Caller, bot: Bot, request: Any) -> object:
        name = request.username.lower()
        if not name.replace("_", "").isalnum():
            raise RpcError(400, "USERNAME_INVALID")
        account = self._world.accounts_by_username.get(name)
        if account is None:
            raise RpcError(400, "USERNAME_NOT_OCCUPIED")
        return contact_answers.ResolvedPeer(peer=types.PeerUser(account.id), chats=[], users=[user_of(account, bot)])

    def _channels(self, _: Caller, bot: Bot, request: Any) -> object:
        chats = [chat_of(self._peers.supergroup(bot, peer), bot) for peer in request.id]
        return message_answers.Chats(chats=chats)

    def _participant(self, _: Caller, bot: Bot, request: Any) -> object:
        chat = self._peers.supergroup(bot, request.channel)
        account = self._peers.account(bot, request.participant)
        member = chat.member(account)
        if member.status == "left":
            raise RpcError(400, "USER_NOT_PARTICIPANT")
        return channel_answers.ChannelParticipant(
            participant=participant_of(member), chats=[chat_of(chat, bot)], users=[user_of(account, bot)]
        )

    def _messages(self, _: Caller, bot: Bot, request: Any) -> object:
        messages, users, chats = self._shown(bot, self._sending.read(bot, None, request.id))
        return message_answers.Messages(messages=messages, topics=[], chats=chats, users=users)

    def _channel_messages(self, _: Caller, bot: Bot, request: Any) -> object:
        chat = self._peers.supergroup(bot, request.channel)
        messages, users, chats = self._shown(bot, self._sending.read(bot, chat, request.id))
        pts = self._world.boxes.of_channel(chat).pts
        known = {found.id for found in chats}
        if channel_number(chat) not in known:
            chats.append(chat_of(chat, bot))
        return message_answers.ChannelMessages(
            pts=pts, count=len(messages), messages=messages, topics=[], chats=chats, users=users
        )

    @staticmethod
    def _shown(bot: Bot, found: list[Message | int]) -> tuple[list[Any], list[Any], list[Any]]:
        messages = [
            types.MessageEmpty(item, None) if isinstance(item, int) else message_of(item, bot) for item in found
        ]
        users, chats = people_in([item for item in found if not isinstance(item, int)], bot)
        return messages, users, chats

    def _delete_in_channel(self, _: Caller, bot: Bot, request: Any) -> object:
        chat: Chat = self._peers.supergroup(bot, request.channel)
        return self._sending.delete(bot, chat, request.id)
