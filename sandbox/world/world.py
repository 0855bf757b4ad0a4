"""The World: Telegram's state and what people do in the app."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sandbox.world import callbacks, checkouts, membership, payments, posting, topics
from sandbox.world.autolinks import with_links
from sandbox.world.clock import ManualClock, MovedClock, advance_to
from sandbox.world.compose import compose, why_no_album, why_not_in_album
from sandbox.world.copies import is_protected, kept_keyboard, origin_of, standing_still
from sandbox.world.entities import Account, Bot, Chat, Member, Topic, User
from sandbox.world.journey import Step
from sandbox.world.links import open_link, parse_newbot, start
from sandbox.world.messages import (
    CAPTIONED_KINDS,
    EDITABLE_MEDIA_KINDS,
    EXTRAS,
    Callback,
    Content,
    Entity,
    Message,
)
from sandbox.world.reactions import is_open, react
from sandbox.world.samples import SERVICES
from sandbox.world.society import Society
from sandbox.world.stars import Checkout, Subscription
from sandbox.world.state import NotAllowed
from sandbox.world.talking import check_may_write, make_quote

_EDITABLE_FOR = timedelta(hours=48)
Place = Chat | Bot | int
"""A group, or the bot at the other side of a private chat; or the id of either."""


@dataclass(frozen=True, slots=True)
class _Aim:
    """Where a person's message goes."""

    chat: Chat
    replied: Message | None
    where: dict[str, Any]


class World(Society):
    """People's actions. What the app would refuse raises NotAllowed with the reason."""

    def start(self, user: User, bot: Bot, payload: str | None = None) -> Message:
        """Press START: unblocks the bot and sends /start."""
        return start(self, user, bot, payload)

    def open_link(self, user: User, link: str, chat: Chat | int | None = None) -> Message | None:
        """A link of t.me; for `startgroup` the chat is the group the person picks."""
        newbot = parse_newbot(link)
        if newbot is not None:
            return self.create_managed_bot(user, self.bot(newbot.manager), newbot.username, newbot.name)
        return open_link(self, user, link, self.chat(chat) if isinstance(chat, int) else chat)

    def send(
        self,
        user: User,
        chat: Place,
        text: str = "",
        *,
        topic: Topic | int | None = None,
        reply_to: Message | int | None = None,
        quote: str | None = None,
        **content: Any,
    ) -> Message:
        """Send one message. `content` is what `compose` takes, e.g. `photo=b"...", caption="..."`, and any of:
        `link_preview` (the Bot API's LinkPreviewOptions), `seen_once`, `as_chat` (one's own channel, which then
        speaks), and rare fields of the Bot API's Message such as `reply_to_story`.
        """
        aim = self._aim(user, chat, topic, reply_to)
        said = make_quote(aim.replied, quote) if aim.replied else None
        marks: dict[str, Any] = {name: content.pop(name) for name in ("link_preview", "seen_once") if name in content}
        if (channel := content.pop("as_chat", None)) is not None:
            marks["as_chat"] = self._own_channel(user, channel)
        extras = {name: content.pop(name) for name in EXTRAS if name in content}
        made = compose(self, text, **content)
        return posting.post(self, aim.chat, user, made, quote=said, extras=extras, **marks, **aim.where)

    def share_contact(self, user: User, chat: Place, *, reply_to: Message | int | None = None) -> Message:
        """Press a bot's “Share my phone number”."""
        card = {"phone_number": user.phone or f"+{user.id}", "first_name": user.first_name, "user_id": user.id}
        names = {"last_name": user.last_name} if user.last_name else {}
        return self.send(user, chat, contact=card | names, reply_to=reply_to)

    def send_album(
        self,
        user: User,
        chat: Place,
        items: Sequence[Mapping[str, Any]],
        *,
        topic: Topic | int | None = None,
        reply_to: Message | int | None = None,
        quote: str | None = None,
    ) -> list[Message]:
        """Two to ten files at once; each item is what `compose` takes."""
        aim = self._aim(user, chat, topic, reply_to)
        contents = [compose(self, **item) for item in items]
        refusal = why_no_album(content.kind for content in contents)
        if refusal:
            raise NotAllowed(refusal)
        said = make_quote(aim.replied, quote) if aim.replied else None
        shared: dict[str, Any] = {"album_id": self.ids.album(), "quote": said, **aim.where}
        return [posting.post(self, aim.chat, user, content, **shared) for content in contents]

    def post_service(self, user: User, chat: Place, kind: str, **details: Any) -> Message:
        """A service message of the app's making: `users_shared`, `successful_payment`, `web_app_data`... Fields that
        are left out are as in `samples.SERVICES`.
        """
        if kind not in SERVICES:
            raise NotAllowed(f"Telegram has no {kind}.")
        sample = SERVICES[kind]
        made = {**sample, **details} if isinstance(sample, Mapping) else {kind: sample, **details}
        aim = self._aim(user, chat, None, None)
        return posting.post(self, aim.chat, user, Content(kind, details=made), **aim.where)

    def forward(self, user: User, message: Message, chat: Place, *, topic: Topic | int | None = None) -> Message:
        source = self.message(message.chat, message)
        if is_protected(source) or source.content.is_service or source.seen_once:
            raise NotAllowed("Forwarding from this chat is not allowed.")
        aim = self._aim(user, chat, topic, None)
        marks: dict[str, Any] = {
            "origin": origin_of(source),
            "markup": kept_keyboard(source),
            "link_preview": source.link_preview,
        }
        return posting.post(self, aim.chat, user, source.content, **marks, **aim.where)

    def edit(self, user: User, message: Message, text: str, entities: Iterable[Entity] = ()) -> Message:
        """Change the text, or the caption."""
        current = self._own(user, message)
        self._check_editable(current, {"text", *CAPTIONED_KINDS})
        content = _with_text(current.content, text, entities)
        return current if content == current.content else posting.change(self, current, content=content)

    def edit_media(self, user: User, message: Message, **content: Any) -> Message:
        """Put another file into a message; `content` is what `compose` takes."""
        current = self._own(user, message)
        self._check_editable(current, {"text", *EDITABLE_MEDIA_KINDS})
        made = compose(self, **content)
        refusal = why_not_in_album(current, made.kind)
        if refusal:
            raise NotAllowed(refusal)
        return posting.change(self, current, content=made)

    def move(self, user: User, message: Message, latitude: float, longitude: float) -> Message:
        """The position of a place that is shared live."""
        current = self._own(user, message)
        if "live_period" not in current.content.details:
            raise NotAllowed("This place is not shared live.")
        where = {**current.content.details, "latitude": latitude, "longitude": longitude}
        return posting.change(self, current, content=replace(current.content, details=where))

    def stop_moving(self, user: User, message: Message) -> Message:
        """A place is no longer shared live: what bots see then is its last position (Bot API: Location)."""
        current = self._own(user, message)
        still = standing_still(current.content.details)
        if still == current.content.details:
            raise NotAllowed("This place is not shared live.")
        return posting.change(self, current, content=replace(current.content, details=still))

    def close_poll(self, user: User, message: Message) -> Message:
        """No more votes; whoever sees it now knows a quiz's answer."""
        current = self._own(user, message)
        if current.kind != "poll" or current.content.details["is_closed"]:
            raise NotAllowed("This is no open poll.")
        details = {**current.content.details, "is_closed": True}
        return posting.change(self, current, content=replace(current.content, details=details))

    def touch(self, message: Message) -> Message:
        """An edit that nobody sees, as Telegram makes them (Bot API: Update.edited_message)."""
        return posting.change(self, self.message(message.chat, message))

    def delete(self, user: User, message: Message) -> None:
        """Delete for everyone: one's own, in a private chat any, in a group with the right to."""
        current = self.message(message.chat, message)
        if current.sender is not user and not current.chat.is_private:
            self._check_right(user, current.chat, "delete_messages")
        posting.remove(self, current)

    def pin(self, user: User, message: Message) -> None:
        if not message.chat.is_private:
            self._check_right(user, message.chat, "pin_messages")
        posting.pin(self, self.message(message.chat, message), user)

    def react(self, user: User, message: Message, emoji: str | None) -> None:
        """Set the reaction, or take it away."""
        current = self.message(message.chat, message)
        chosen = (emoji,) if emoji else ()
        if not is_open(current, chosen):
            raise NotAllowed("This reaction is not available here.")
        self._check_present(user, current.chat)
        react(self, current, user, chosen)

    def press(self, user: User, message: Message, row: int = 0, column: int = 0) -> Callback:
        """Press a button under a message."""
        current = self.message(message.chat, message)
        try:
            button = current.keyboard[row][column]
        except IndexError:
            raise NotAllowed("There is no such button.") from None
        if "disabled" in button:
            raise NotAllowed("This button is disabled.")
        if "callback_data" not in button:
            raise NotAllowed("This button opens a link.")
        self._check_present(user, current.chat)
        return callbacks.press(self, user, current, button["callback_data"])

    def create_topic(
        self, user: User, chat: Chat, name: str, *, color: int | None = None, emoji_id: str | None = None
    ) -> Topic:
        self._check_topics(user, chat)
        if not name.strip():
            raise NotAllowed("A topic needs a name.")
        return topics.create(self, chat, user, name, color=color, emoji_id=emoji_id)

    def rename_topic(
        self, user: User, chat: Chat, topic: Topic | int, name: str, *, emoji_id: str | None = None
    ) -> None:
        found = self._check_topics(user, chat, topic)
        topics.edit(self, chat, user, found, name=name, emoji_id=emoji_id)

    def close_topic(self, user: User, chat: Chat, topic: Topic | int) -> None:
        topics.close(self, chat, user, self._check_topics(user, chat, topic))

    def reopen_topic(self, user: User, chat: Chat, topic: Topic | int) -> None:
        topics.reopen(self, chat, user, self._check_topics(user, chat, topic))

    def delete_topic(self, user: User, chat: Chat, topic: Topic | int) -> None:
        self._check_right(user, chat, "delete_messages")
        found = self.topic(chat, topic)
        if found is chat.general():
            raise NotAllowed("The General topic can't be deleted.")
        topics.delete(self, chat, found)

    def block(self, user: User, bot: Bot) -> None:
        membership.set_blocked(self, self.private(user, bot), blocked=True)

    def unblock(self, user: User, bot: Bot) -> None:
        membership.set_blocked(self, self.private(user, bot), blocked=False)

    def balance(self, account: Account) -> int:
        """In Stars."""
        return self.stars.balance(account)

    def give_stars(self, account: Account, amount: int) -> None:
        """Bought, or lost if it is less than nothing."""
        if self.balance(account) + amount < 0:
            raise NotAllowed("Nobody can have less than no Stars.")
        self.stars.give(account, amount)

    def pay(self, user: User, link: str) -> Checkout:
        """Press Pay on an invoice: its outcome is known when the bot has answered, or ten seconds later."""
        return checkouts.ask(self, user, link)

    def cancel_subscription(self, user: User, bot: Bot, charge_id: str | None = None) -> Subscription:
        """It lasts until its period is over. Without a charge id: the newest that can be canceled."""
        found = self._subscription(user, bot, charge_id, canceled=False)
        payments.cancel(self, found)
        return found

    def renew_subscription(self, user: User, bot: Bot, charge_id: str | None = None) -> Subscription:
        """One that was canceled shall go on. Without a charge id: the newest that can."""
        found = self._subscription(user, bot, charge_id, canceled=True)
        payments.resume(self, found)
        return found

    def pass_time(self) -> None:
        """Does what is due by the clock: checkouts that were not answered, subscriptions whose period is over."""
        checkouts.pass_time(self)

    def advance(self, by: timedelta) -> None:
        """Moves the clock on. What is due on the way happens at its moment; a clock that goes by itself goes on."""
        if by < timedelta(0):
            raise NotAllowed("The clock goes forward only.")
        if not isinstance(self.clock, (ManualClock, MovedClock)):
            self.clock = MovedClock(self.clock)
        end = self.now() + by
        while (moment := checkouts.next_moment(self)) is not None and moment <= end:
            advance_to(self.clock, moment)
            self.pass_time()
        advance_to(self.clock, end)
        self.emit("clock.moved", self.now())

    def journey(self, message: Message) -> list[Step]:
        """What has happened to a person's message so far; empty if no bot is concerned, or long ago."""
        return list(self.journeys.find(message.chat, message.id) or ())

    def _aim(self, user: User, chat: Place, topic: Topic | int | None, reply_to: Message | int | None) -> _Aim:
        place = self.chat_seen_by(user, chat)
        source = reply_to.chat if isinstance(reply_to, Message) else place
        replied = None if reply_to is None else self.message(source, reply_to)
        if topic is None and replied is not None and source is place:
            topic = replied.topic_id
        topic_id = check_may_write(self, user, place, topic)
        elsewhere = replied is not None and (source is not place or replied.topic_id != topic_id)
        where: dict[str, Any] = {
            "topic_id": topic_id,
            "reply_to": replied.id if replied else None,
            "reply_to_chat": source if elsewhere else None,
            **_voice(place.member(user)),
        }
        return _Aim(place, replied, where)

    def _own_channel(self, user: User, channel: Chat | int) -> Chat:
        found = self.chat(channel) if isinstance(channel, int) else channel
        if found.kind != "channel" or found.member(user).status != "creator":
            raise NotAllowed("This is not your channel.")
        return found

    def _subscription(self, user: User, bot: Bot, charge_id: str | None, *, canceled: bool) -> Subscription:
        lasting = self.stars.lasting(user, bot)
        if charge_id is not None:
            lasting = [one for one in lasting if one.charge_id == charge_id]
        if not lasting:
            raise NotAllowed("You have no such subscription.")
        return next((one for one in reversed(lasting) if one.is_canceled is canceled), lasting[-1])

    def _check_present(self, user: User, chat: Chat) -> None:
        if not (chat.user is user or chat.member(user).is_present):
            raise NotAllowed("You are not a member of this group.")

    def _own(self, user: User, message: Message) -> Message:
        current = self.message(message.chat, message)
        if current.sender is not user:
            raise NotAllowed("This is not your message.")
        return current

    def _check_editable(self, message: Message, kinds: Collection[str]) -> None:
        """For two days (core.telegram.org/method/messages.editMessage: MESSAGE_EDIT_TIME_EXPIRED)."""
        too_old = self.now() - message.date >= _EDITABLE_FOR
        if too_old or message.origin is not None or message.kind not in kinds:
            raise NotAllowed("This message can't be edited.")

    def _check_topics(self, user: User, chat: Chat, topic: Topic | int | None = None) -> Topic:
        if not chat.is_forum:
            raise NotAllowed("This group has no topics.")
        found = chat.general() if topic is None else self.topic(chat, topic)
        if not topics.may_manage(chat, user, None if topic is None else found):
            raise NotAllowed("You may not manage topics here.")
        return found


def _voice(member: Member) -> dict[str, Any]:
    """An anonymous administrator speaks as the group and signs with their title, if they have one."""
    anonymous = "anonymous" in member.rights
    return {"anonymous": anonymous, "signature": (member.title or "") if anonymous else ""}


def _with_text(content: Content, text: str, entities: Iterable[Entity]) -> Content:
    if not text and content.kind == "text":
        raise NotAllowed("There is nothing to send.")
    return replace(content, text=text, entities=with_links(text, entities))
