"""Topics, by messages.* as in layer 229."""

from typing import Any

from telethon.tl import types
from telethon.tl.types import messages as answers

from sandbox.mtproto.methods.peers import Peers, peer_of
from sandbox.mtproto.methods.render import chat_of, message_of, people_in
from sandbox.mtproto.methods.sending import Sending
from sandbox.mtproto.rpc import RpcError
from sandbox.world import GENERAL, Bot, Chat, Topic, World, topics

_NAME_LIMIT = 128


def _icon(number: int) -> str:
    """As the World has it: 0 is none."""
    return str(number) if number else ""


class Forum:
    def __init__(self, world: World, peers: Peers, sending: Sending) -> None:
        self._world = world
        self._peers = peers
        self._sending = sending

    def create(self, bot: Bot, request: Any) -> Any:
        chat = self._forum(bot, request.peer)
        if not request.title.strip():
            raise RpcError(400, "TOPIC_TITLE_EMPTY")
        if not topics.may_manage(chat, bot):
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
        self._sending.refuse_repeats(bot, chat, [request.random_id])
        self._sending.charge(bot, chat)
        self._sending.take_random(bot, chat, [request.random_id])
        title = request.title.strip()[:_NAME_LIMIT]
        icon = _icon(request.icon_emoji_id or 0) or None
        topic = topics.create(self._world, chat, bot, title, color=request.icon_color, emoji_id=icon)
        return self._sending.told(bot, chat, [chat.messages[topic.id]], [request.random_id])

    def edit(self, bot: Bot, request: Any) -> Any:
        chat = self._forum(bot, request.peer)
        topic = chat.topics.get(request.topic_id)
        if topic is None:
            raise RpcError(400, "TOPIC_ID_INVALID")
        if not topics.may_manage(chat, bot, topic):
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
        self._refuse_no_change(topic, request)
        if self._sending.counts_topic_edits:
            self._sending.charge(bot, chat)
        self._change(bot, chat, topic, request)
        message = next(reversed(chat.messages.values()))
        return self._sending.told_change(bot, chat, message)

    @staticmethod
    def _refuse_no_change(topic: Topic, request: Any) -> None:
        others = (request.title, request.icon_emoji_id, request.hidden)
        if request.closed is not None and any(other is not None for other in others):
            raise RpcError(400, "TOPIC_CLOSE_SEPARATELY")
        same_icon = request.icon_emoji_id is None or _icon(request.icon_emoji_id) == (
            topic.icon_custom_emoji_id or ""
        )
        same_hiding = request.hidden is None or (topic.id == GENERAL and request.hidden == topic.hidden)
        same_title = request.title is None or request.title == topic.name
        same_state = request.closed is None or request.closed == topic.closed
        if same_title and same_state and same_icon and same_hiding:
            raise RpcError(400, "TOPIC_NOT_MODIFIED")

    def _change(self, bot: Bot, chat: Chat, topic: Topic, request: Any) -> None:
        if request.hidden is not None:
            topics.hide_general(self._world, chat, bot, hidden=request.hidden)
        elif request.closed is not None:
            change = topics.close if request.closed else topics.reopen
            change(self._world, chat, bot, topic)
        else:
            icon = None if request.icon_emoji_id is None else _icon(request.icon_emoji_id)
            topics.edit(self._world, chat, bot, topic, name=(request.title or "")[:_NAME_LIMIT], emoji_id=icon)

    def delete(self, bot: Bot, request: Any) -> Any:
        chat = self._forum(bot, request.peer)
        topic = chat.topics.get(request.top_msg_id)
        if topic is None or topic.id == GENERAL:
            raise RpcError(400, "TOPIC_ID_INVALID")
        if not chat.member(bot).may("delete_messages"):
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
        box = self._world.boxes.of_channel(chat)
        before = box.pts
        topics.delete(self._world, chat, topic)
        return answers.AffectedHistory(pts=box.pts, pts_count=box.pts - before, offset=0)

    def read(self, bot: Bot, request: Any) -> Any:
        chat = self._forum(bot, request.peer)
        found = [chat.topics[number] for number in request.topics if number in chat.topics]
        messages = [chat.messages[topic.id] for topic in found if topic.id in chat.messages]
        users, _ = people_in(messages, bot)
        return answers.ForumTopics(
            count=len(request.topics),
            topics=[
                self._topic(chat, chat.topics[number], bot)
                if number in chat.topics
                else types.ForumTopicDeleted(id=number)
                for number in request.topics
            ],
            messages=[message_of(message, bot) for message in messages],
            chats=[chat_of(chat, bot)],
            users=users,
            pts=self._world.boxes.of_channel(chat).pts,
        )

    def _topic(self, chat: Chat, topic: Topic, bot: Bot) -> Any:
        return types.ForumTopic(
            id=topic.id,
            date=self._world.now(),
            peer=peer_of(chat, bot),
            title=topic.name,
            icon_color=topic.icon_color,
            icon_emoji_id=int(topic.icon_custom_emoji_id) if topic.icon_custom_emoji_id else None,
            top_message=max(topic.message_ids, default=topic.id),
            read_inbox_max_id=0,
            read_outbox_max_id=0,
            unread_count=0,
            unread_mentions_count=0,
            unread_reactions_count=0,
            unread_poll_votes_count=0,
            from_id=types.PeerUser(topic.creator_id),
            notify_settings=types.PeerNotifySettings(),
            my=topic.creator_id == bot.id or None,
            closed=topic.closed or None,
            hidden=(topic.id == GENERAL and topic.hidden) or None,
        )

    def _forum(self, bot: Bot, peer: Any) -> Chat:
        chat = self._peers.chat(bot, peer, write=True)
        if not chat.is_forum:
            raise RpcError(400, "CHANNEL_FORUM_MISSING")
        return chat
