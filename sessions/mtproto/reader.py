"""Telegram's updates as the port's events. What can't be read says so; it never spoils what came with it."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from telethon.tl import types

from sessions.digests import digest_of
from sessions.events import (
    Chat,
    ChatKind,
    Cursor,
    Edited,
    Event,
    GroupMoved,
    Incoming,
    Message,
    Other,
    Person,
    Pressed,
    ReachChanged,
    StandingChanged,
    TopicEvent,
    read_reactions,
)
from sessions.kept import dump_event
from sessions.mtproto.descriptions import describe_media, is_quiz, read_contact, read_origin, thrown
from sessions.mtproto.mailbox import Mail, epoch
from sessions.mtproto.texts import read_entities, read_labels
from tenants.ids import ChatId, MessageId, TopicId, UpdateId, UserId
from tenants.outbox import Look

CHANNELS = -1_000_000_000_000
"""Bot API ids of channels and supergroups count down from here."""
_OURS = 1 << 62
"""Update ids of parallel sessions are hashes; no number of the Bot API's is as high."""
_MEDIA = {
    types.MessageMediaPhoto: "photo",
    types.MessageMediaContact: "contact",
    types.MessageMediaVenue: "venue",
    types.MessageMediaGeo: "location",
    types.MessageMediaGeoLive: "location",
    types.MessageMediaPoll: "poll",
    types.MessageMediaDice: "dice",
    types.MessageMediaStory: "story",
    types.MessageMediaGame: "game",
    types.MessageMediaToDo: "checklist",
    types.MessageMediaPaidMedia: "paid_media",
    types.MessageMediaInvoice: "invoice",
    types.MessageMediaGiveaway: "giveaway",
    types.MessageMediaGiveawayResults: "giveaway_winners",
}
_DOCUMENTS = (
    (types.DocumentAttributeSticker, "sticker"),
    (types.DocumentAttributeAnimated, "animation"),
    (types.DocumentAttributeVideo, "video"),
    (types.DocumentAttributeAudio, "audio"),
)


def chat_id(peer: Any) -> ChatId:
    """The Bot API's number for a peer."""
    if isinstance(peer, types.PeerUser):
        return ChatId(peer.user_id)
    if isinstance(peer, types.PeerChannel):
        return ChatId(CHANNELS - peer.channel_id)
    return ChatId(-peer.chat_id)


def update_number(*parts: object) -> UpdateId:
    """The same for the same thing, however it came: pushed, in a difference, or read by id."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return UpdateId(_OURS | (int.from_bytes(digest, "big") >> 2))


class Reader:
    """Reads for one bot. `me` is its own id."""

    def __init__(self, me: UserId) -> None:
        self._me = me

    def read(self, mail: Mail, cursor: Cursor) -> list[Incoming]:
        found = []
        for update in mail.updates:
            number, kind, event = self._safely(update, mail)
            found.append(Incoming(number, kind, event, cursor, dump_event(number, kind, event)))
        return found

    def _safely(self, update: Any, mail: Mail) -> tuple[UpdateId, str, Event]:
        kind = type(update).__name__
        try:
            return self._read(update, mail)
        except Exception:  # noqa: BLE001  # whatever is wrong with it, the others have to get through
            return update_number(kind, _body(update)), kind, Other(kind, "unreadable")

    def _read(self, update: Any, mail: Mail) -> tuple[UpdateId, str, Event]:
        if isinstance(update, (types.UpdateNewMessage, types.UpdateNewChannelMessage)):
            message = update.message
            number = update_number("message", chat_id(message.peer_id), message.id)
            return number, "message", self._read_any_message(message, mail)
        if isinstance(update, (types.UpdateEditMessage, types.UpdateEditChannelMessage)):
            return self._read_edit(update.message, mail)
        if isinstance(update, types.UpdateBotCallbackQuery):
            return self._read_press(update, mail)
        if isinstance(update, types.UpdateBotMessageReaction):
            return self._read_reaction(update, mail)
        return self._read_change(update, mail)

    def _read_press(self, update: Any, mail: Mail) -> tuple[UpdateId, str, Event]:
        person = _person(mail.people[update.user_id])
        data = (update.data or b"").decode(errors="replace")
        event = Pressed(self._chat(update.peer, mail), person, MessageId(update.msg_id), data)
        return update_number("callback", update.query_id), "callback_query", event

    def _read_change(self, update: Any, mail: Mail) -> tuple[UpdateId, str, Event]:
        """Of what the bot may do: with a person, or in a group or channel."""
        if isinstance(update, types.UpdateBotStopped):
            person = _person(mail.people[update.user_id])
            chat = Chat(ChatId(person.id), ChatKind.PRIVATE, person.name)
            number = update_number("stopped", person.id, epoch(update.date), update.stopped)
            return number, "my_chat_member", ReachChanged(chat, person, reachable=not update.stopped)
        participant = isinstance(update, (types.UpdateChannelParticipant, types.UpdateChatParticipant))
        if participant and update.user_id == self._me:
            return update_number("standing", _body(update)), "my_chat_member", self._read_standing(update, mail)
        kind = type(update).__name__
        return update_number(kind, _body(update)), kind, Other(kind, "unknown_kind")

    def _read_reaction(self, update: Any, mail: Mail) -> tuple[UpdateId, str, Event]:
        chat, message = self._chat(update.peer, mail), MessageId(update.msg_id)
        was, now = (
            [one.emoticon for one in reactions if isinstance(one, types.ReactionEmoji)]
            for reactions in (update.old_reactions, update.new_reactions)
        )
        actor, kind = update.actor, "message_reaction"
        number = update_number(kind, chat.id, message, str(actor), epoch(update.date), was, now)
        person = None
        if isinstance(actor, types.PeerUser):
            known = mail.people.get(actor.user_id)
            person = (
                _person(known) if known else Person(UserId(actor.user_id), str(actor.user_id), None, is_bot=False)
            )
        return number, kind, read_reactions(chat, person, message, was, now)

    def _read_standing(self, update: Any, mail: Mail) -> Event:
        is_channel = isinstance(update, types.UpdateChannelParticipant)
        peer = types.PeerChannel(update.channel_id) if is_channel else types.PeerChat(update.chat_id)
        person = _person(mail.people[update.actor_id])
        now = update.new_participant
        is_present = now is not None and not isinstance(
            now, (types.ChannelParticipantLeft, types.ChannelParticipantBanned)
        )
        is_administrator = isinstance(now, (types.ChannelParticipantAdmin, types.ChatParticipantAdmin))
        rights = now.admin_rights if isinstance(now, types.ChannelParticipantAdmin) else None
        may = bool(rights is not None and rights.manage_topics)
        return StandingChanged(self._chat(peer, mail), person, is_present, is_administrator, may)

    def _read_edit(self, message: Any, mail: Mail) -> tuple[UpdateId, str, Event]:
        event = self._read_any_message(message, mail)
        if not isinstance(event, Message):
            return update_number("edit", bytes(message)), "edited_message", Other("edited_message", "service")
        content = (event.digest, epoch(message.edit_date))
        number = update_number("edit", event.chat.id, event.id, content)
        return number, "edited_message", Edited(event)

    def _read_any_message(self, message: Any, mail: Mail) -> Event:
        chat = self._chat(message.peer_id, mail)
        if isinstance(message, types.MessageService):
            return self._read_service(message, chat, mail)
        if chat.kind is ChatKind.CHANNEL and message.out:
            return Other("message", "own_post")
        sender = self._sender(message, mail)
        topic, reply_to = _place(message.reply_to)
        entities, is_plain = read_entities(message.entities or ())
        described, buttons = describe_media(message.media), read_labels(message.reply_markup)
        content = "quiz" if is_quiz(message.media) else content_of(message)
        text = described or (message.message or thrown(message.media)).replace("\0", "")
        look, shown = _look_of(message), _media_id(message.media)
        return Message(
            chat=chat,
            id=MessageId(message.id),
            sender=sender,
            anonymous=isinstance(message.from_id, (types.PeerChannel, types.PeerChat)),
            content=content,
            text=text,
            topic_id=topic,
            reply_to=reply_to,
            album=None if message.grouped_id is None else str(message.grouped_id),
            reply_at=getattr(message.reply_to, "quote_offset", None),
            joinable=is_plain and _is_bare(message),
            entities=entities,
            outgoing=chat.kind is ChatKind.PRIVATE and bool(message.out),
            buttons=buttons,
            date=epoch(message.date),
            origin=read_origin(message.fwd_from, mail.people, mail.chats),
            quote=getattr(message.reply_to, "quote_text", None) or "",
            described=described is not None,
            contact=read_contact(message.media),
            look=look,
            digest=digest_of(
                text=text,
                content=content,
                entities=entities,
                buttons=buttons,
                above=look.above,
                media=(shown, look.spoiler),
            ),
            as_chat=self._speaks_as(message, chat, mail),
            signature=message.post_author or "",
            automatic=_is_automatic(message),
        )

    def _speaks_as(self, message: Any, chat: Chat, mail: Mail) -> Chat | None:
        if isinstance(message.from_id, (types.PeerChannel, types.PeerChat)):
            return self._chat(message.from_id, mail)
        return chat if message.post else None

    def _read_service(self, message: Any, chat: Chat, mail: Mail) -> Event:
        action, actor = message.action, self._sender(message, mail)
        if isinstance(action, types.MessageActionTopicCreate):
            return TopicEvent(chat, TopicId(message.id), "created", actor, action.title)
        if isinstance(action, types.MessageActionTopicEdit) and isinstance(
            message.reply_to, types.MessageReplyHeader
        ):
            topic = TopicId(message.reply_to.reply_to_top_id or message.reply_to.reply_to_msg_id)
            if action.title:
                return TopicEvent(chat, topic, "renamed", actor, action.title)
            if action.closed is not None:
                return TopicEvent(chat, topic, "closed" if action.closed else "reopened", actor, None)
        if isinstance(action, types.MessageActionChatMigrateTo):
            return GroupMoved(chat, ChatId(CHANNELS - action.channel_id))
        return Other("message", f"service:{type(action).__name__.removeprefix('MessageAction')}")

    def _chat(self, peer: Any, mail: Mail) -> Chat:
        number = chat_id(peer)
        if isinstance(peer, types.PeerUser):
            person = mail.people.get(peer.user_id)
            return Chat(number, ChatKind.PRIVATE, _name(person) if person else str(number))
        known = mail.chats.get(peer.channel_id if isinstance(peer, types.PeerChannel) else peer.chat_id)
        title = known.title if known is not None else str(number)
        if isinstance(peer, types.PeerChat):
            return Chat(number, ChatKind.GROUP, title)
        broadcast = bool(getattr(known, "broadcast", False))
        if broadcast or not isinstance(known, types.Channel) or known.min:
            return Chat(number, ChatKind.CHANNEL if broadcast else ChatKind.SUPERGROUP, title)
        return Chat(number, ChatKind.SUPERGROUP, title, bool(known.forum), known.username)

    def _sender(self, message: Any, mail: Mail) -> Person | None:
        """Incoming private messages name nobody: it is the person whose chat it is."""
        peer = message.from_id
        if peer is None and isinstance(message.peer_id, types.PeerUser):
            peer = types.PeerUser(self._me) if message.out else message.peer_id
        if not isinstance(peer, types.PeerUser):
            return None
        known = mail.people.get(peer.user_id)
        if known is not None:
            return _person(known)
        return Person(UserId(peer.user_id), str(peer.user_id), None, is_bot=peer.user_id == self._me)


def _is_automatic(message: Any) -> bool:
    """A channel's post that Telegram forwarded into the group of its discussions (td: MessageForwardInfo)."""
    header = message.fwd_from
    came_from = None if header is None else header.saved_from_peer
    return isinstance(came_from, types.PeerChannel) and came_from == message.from_id


def _body(update: Any) -> bytes:
    """What makes it different from others of its kind. What can't be written down stands for itself."""
    try:
        return bytes(update)
    except Exception:  # noqa: BLE001  # Telethon's writer has no error of its own
        return str(id(update)).encode()


def access_hashes(mail: Mail) -> Mapping[int, int]:
    """By the Bot API's chat id. Those of "min" people are of no use elsewhere (core.telegram.org/api/min)."""
    found: dict[int, int] = {
        user.id: user.access_hash for user in mail.people.values() if user.access_hash and not user.min
    }
    for chat in mail.chats.values():
        if isinstance(chat, types.Channel) and chat.access_hash and not chat.min:
            found[CHANNELS - chat.id] = chat.access_hash
    return found


def _look_of(message: Any) -> Look:
    """A preview may be added by Telegram later, as an edit: it is no part of the digest."""
    media = message.media
    return Look(
        media=str(_media_id(media) or ""),
        above=bool(message.invert_media),
        spoiler=bool(getattr(media, "spoiler", False)),
        preview=isinstance(media, types.MessageMediaWebPage),
    )


def _media_id(media: Any) -> object:
    """What makes it another one. The votes of a poll do not, nor does how long a place is shared."""
    if media is None or isinstance(media, types.MessageMediaWebPage):
        return None
    for part in ("photo", "document", "poll"):
        inner = getattr(media, part, None)
        if inner is not None:
            return inner.id
    place = getattr(media, "geo", None)
    if place is not None and not isinstance(media, types.MessageMediaVenue):
        return getattr(place, "lat", None), getattr(place, "long", None)
    return _body(media)


def content_of(message: Any) -> str:
    """The kind as the Bot API names it."""
    media = message.media
    if media is None or isinstance(media, types.MessageMediaWebPage):
        return "text"
    if isinstance(media, types.MessageMediaDocument):
        return _document_kind(media)
    return _MEDIA.get(type(media), type(media).__name__.removeprefix("MessageMedia").lower())


def _document_kind(media: Any) -> str:
    attributes = getattr(media.document, "attributes", ())
    for kind, name in _DOCUMENTS:
        for attribute in attributes:
            if isinstance(attribute, kind):
                if getattr(attribute, "round_message", False):
                    return "video_note"
                return "voice" if getattr(attribute, "voice", False) else name
    return "document"


def _is_bare(message: Any) -> bool:
    """A text with nothing around it: no reply, forward, keyboard, preview, effect."""
    around = (message.media, message.fwd_from, message.reply_markup, message.via_bot_id, message.effect)
    header = message.reply_to
    is_reply = header is not None and (not header.forum_topic or header.reply_to_top_id is not None)
    return not is_reply and not any(part is not None for part in around)


def _place(header: Any) -> tuple[TopicId | None, MessageId | None]:
    """Topic and replied message. In a topic every plain message replies to the topic's root; that is no reply."""
    if not isinstance(header, types.MessageReplyHeader):
        return None, None
    replied = header.reply_to_msg_id if header.reply_to_peer_id is None else None
    if not header.forum_topic:
        return None, None if replied is None else MessageId(replied)
    if header.reply_to_top_id is None:
        return (None if replied is None else TopicId(replied)), None
    return TopicId(header.reply_to_top_id), None if replied is None else MessageId(replied)


def _person(user: Any) -> Person:
    return Person(UserId(user.id), _name(user), user.username, bool(user.bot), user.lang_code)


def _name(user: Any) -> str:
    name = " ".join(part for part in (user.first_name, user.last_name) if part)
    return name.replace("\0", "")
