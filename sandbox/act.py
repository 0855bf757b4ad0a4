"""What people do, by name and with plain values: for the page, and for tests in other processes."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from sandbox.stars_view import checkout_view, subscription_view
from sandbox.view import Json, account_view, bot_view, callback_view, group_view, message_view, topic_view
from sandbox.world import (
    Account,
    Bot,
    Callback,
    Chat,
    Checkout,
    Entity,
    Message,
    NotAllowed,
    Subscription,
    Topic,
    User,
    World,
)
from sandbox.world.messages import MEDIA_KINDS

Deed = Callable[["_Scene"], Any]


class _Scene:
    """One deed: who does it, where, to what."""

    def __init__(self, world: World, given: Json) -> None:
        self.world = world
        self.given = given

    def __getitem__(self, name: str) -> Any:
        try:
            return self.given[name]
        except KeyError:
            raise NotAllowed(f"“{name}” is missing.") from None

    def get(self, name: str, default: Any = None) -> Any:
        return self.given.get(name, default)

    def rest(self, *used: str) -> Json:
        """What is not about who and where, files decoded from base64."""
        taken = {"as", "do", *used}
        return {key: _decoded(key, value) for key, value in self.given.items() if key not in taken}

    @property
    def me(self) -> User:
        return self.world.user(int(self["as"]))

    @property
    def bot(self) -> Bot:
        return self.world.bot(self["bot"])

    @property
    def chat(self) -> Chat:
        """A group by its id; a private chat by the bot's id, for the person who acts."""
        number = int(self["chat"])
        return self.world.chat_seen_by(self.me, number) if "as" in self.given else self.world.chat(number)

    @property
    def who(self) -> Account:
        return self.world.account(int(self["who"]))

    @property
    def message(self) -> Message:
        return self.world.message(self.chat, int(self["message"]))


def act(world: World, given: Json) -> Any:
    """Do it; the result as the page shows it."""
    scene = _Scene(world, given)
    deed = _DEEDS.get(str(scene["do"]))
    if deed is None:
        raise NotAllowed(f"Nobody can “{given['do']}”.")
    try:
        result = deed(scene)
    except (TypeError, ValueError, binascii.Error) as error:
        raise NotAllowed(f"That can't be understood: {error}.") from None
    return _shown(world, result, scene.me if "as" in given else None)


def _shown(world: World, result: Any, me: User | None) -> Any:
    if isinstance(result, list):
        return [_shown(world, item, me) for item in result]
    views: list[tuple[type, Callable[[Any], Any]]] = [
        (Message, lambda m: message_view(world, m, me)),
        (Topic, topic_view),
        (Chat, group_view),
        (Bot, bot_view),
        (User, account_view),
        (Callback, callback_view),
        (Checkout, checkout_view),
        (Subscription, subscription_view),
    ]
    for kind, view in views:
        if isinstance(result, kind):
            return view(result)
    return result


def _decoded(key: str, value: Any) -> Any:
    return base64.b64decode(value, validate=True) if key in MEDIA_KINDS and isinstance(value, str) else value


def _send(s: _Scene) -> Message:
    content = s.rest("chat", "text", "reply_to", "reply_chat", "entities")
    entities = [Entity(**entity) for entity in s.get("entities", ())]
    return s.world.send(s.me, s.chat, s.get("text", ""), reply_to=_replied(s), entities=entities, **content)


def _replied(s: _Scene) -> Message | None:
    """`reply_to`; with `reply_chat`, if it stands in another chat."""
    number = s.get("reply_to")
    if number is None:
        return None
    place = s.chat if "reply_chat" not in s.given else s.world.chat_seen_by(s.me, int(s["reply_chat"]))
    return s.world.message(place, int(number))


def _send_album(s: _Scene) -> list[Message]:
    items = [{key: _decoded(key, value) for key, value in item.items()} for item in s["items"]]
    return s.world.send_album(s.me, s.chat, items, topic=s.get("topic"), reply_to=_replied(s), quote=s.get("quote"))


def _post_service(s: _Scene) -> Message:
    return s.world.post_service(s.me, s.chat, s["kind"], **s.get("details", {}))


def _forward(s: _Scene) -> Message:
    return s.world.forward(s.me, s.message, int(s["to"]), topic=s.get("topic"))


def _promote(s: _Scene) -> Chat:
    by = s.me if "as" in s.given else None
    return s.world.promote(s.chat, s.who, s.get("rights"), by=by, title=s.get("title"))


def _by(s: _Scene) -> User | None:
    return s.me if "as" in s.given else None


_DEEDS: dict[str, Deed] = {
    "add_user": lambda s: s.world.add_user(**s.rest()),
    "add_bot": lambda s: s.world.add_bot(owner=_by(s), **s.rest()),
    "add_group": lambda s: s.world.add_group(s["title"], s.me),
    "add_supergroup": lambda s: s.world.add_supergroup(s["title"], s.me),
    "add_forum": lambda s: s.world.add_forum(s["title"], s.me),
    "add_channel": lambda s: s.world.add_channel(s["title"], s.me),
    "set_forum": lambda s: s.world.set_forum(s.chat, bool(s.get("on", True)), user=_by(s)),
    "upgrade": lambda s: s.world.upgrade(s.chat),
    "join": lambda s: s.world.join(s.me, s.chat),
    "add_member": lambda s: s.world.add_member(s.chat, s.who, by=_by(s)),
    "remove_member": lambda s: s.world.remove_member(s.chat, s.who, by=_by(s)),
    "promote": _promote,
    "rename_user": lambda s: s.world.rename_user(s.me, **s.rest()),
    "demote": lambda s: s.world.demote(s.chat, s.who, by=_by(s)),
    "rename_chat": lambda s: s.world.rename_chat(s.me, s.chat, s["title"]),
    "set_protected": lambda s: s.world.set_protected(s.chat, bool(s.get("on", True))),
    "revoke_token": lambda s: s.world.revoke_token(s.bot),
    "delete_bot": lambda s: s.world.delete_bot(s.bot),
    "delete_user": lambda s: s.world.delete_user(s.me),
    "start": lambda s: s.world.start(s.me, s.bot, s.get("payload")),
    "open_link": lambda s: s.world.open_link(s.me, s["link"], s.get("chat")),
    "send": _send,
    "send_album": _send_album,
    "post_service": _post_service,
    "share_contact": lambda s: s.world.share_contact(s.me, s.chat, reply_to=_replied(s)),
    "forward": _forward,
    "edit": lambda s: s.world.edit(s.me, s.message, s["text"]),
    "edit_media": lambda s: s.world.edit_media(s.me, s.message, **s.rest("chat", "message")),
    "touch": lambda s: s.world.touch(s.message),
    "stop_moving": lambda s: s.world.stop_moving(s.me, s.message),
    "close_poll": lambda s: s.world.close_poll(s.me, s.message),
    "move": lambda s: s.world.move(s.me, s.message, float(s["latitude"]), float(s["longitude"])),
    "delete": lambda s: s.world.delete(s.me, s.message),
    "pin": lambda s: s.world.pin(s.me, s.message),
    "react": lambda s: s.world.react(s.me, s.message, s.get("emoji")),
    "press": lambda s: s.world.press(s.me, s.message, int(s.get("row", 0)), int(s.get("column", 0))),
    "create_topic": lambda s: s.world.create_topic(s.me, s.chat, s["name"], color=s.get("color")),
    "rename_topic": lambda s: s.world.rename_topic(s.me, s.chat, int(s["topic"]), s["name"]),
    "close_topic": lambda s: s.world.close_topic(s.me, s.chat, int(s["topic"])),
    "reopen_topic": lambda s: s.world.reopen_topic(s.me, s.chat, int(s["topic"])),
    "delete_topic": lambda s: s.world.delete_topic(s.me, s.chat, int(s["topic"])),
    "block": lambda s: s.world.block(s.me, s.bot),
    "unblock": lambda s: s.world.unblock(s.me, s.bot),
    "pay": lambda s: s.world.pay(s.me, s["link"]),
    "cancel_subscription": lambda s: s.world.cancel_subscription(s.me, s.bot, s.get("charge_id")),
    "renew_subscription": lambda s: s.world.renew_subscription(s.me, s.bot, s.get("charge_id")),
    "give_stars": lambda s: s.world.give_stars(s.me, int(s["amount"])),
}
