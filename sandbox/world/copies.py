"""What may be copied and forwarded, what a copy of it is, and of whom a forward tells."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.world.compose import poll_details, throw
from sandbox.world.entities import Bot
from sandbox.world.messages import Content, Message, Origin
from sandbox.world.state import State

_UNCOPYABLE = frozenset({"paid_media", "giveaway", "giveaway_winners", "invoice", "unsupported"})
"""(telegram.md §2.2, §5.5)"""
_LIVE_FIELDS = frozenset({"live_period", "heading", "proximity_alert_radius"})


def may_copy(state: State, bot: Bot, source: Message) -> bool:
    if source.content.is_service or source.kind in _UNCOPYABLE or source.seen_once:
        return False
    if is_protected(source) and state.rules.copies_from_protected_chats_fail:
        return False
    if source.kind == "checklist":
        return state.rules.checklists_are_copied
    return not is_quiz(source) or knows_answer(bot, source)


def may_forward(state: State, source: Message) -> bool:
    if source.content.is_service or source.seen_once:
        return False
    return not (is_protected(source) and state.rules.forwards_from_protected_chats_fail)


def is_protected(source: Message) -> bool:
    return source.protected or source.chat.protected


def is_quiz(message: Message) -> bool:
    return message.kind == "poll" and message.content.details.get("type") == "quiz"


def knows_answer(bot: Bot, quiz: Message) -> bool:
    """Of closed ones, and of those sent, not forwarded, by the bot or to it (Bot API: Poll.correct_option_ids)."""
    if quiz.content.details.get("is_closed"):
        return True
    return quiz.origin is None and (quiz.sender is bot or quiz.chat.is_private)


def copied(state: State, content: Content) -> Content:
    """A dice falls anew, a poll has no votes, a place that is shared live stands still."""
    details = content.details
    match content.kind:
        case "dice":
            return throw(state, details["emoji"])
        case "poll":
            asked = {key: value for key, value in details.items() if key not in {"id", "is_closed", "votes"}}
            return replace(content, details=poll_details(state, asked))
        case "location":
            return replace(content, details=standing_still(details))
        case _:
            return content


def standing_still(place: Mapping[str, Any]) -> dict[str, Any]:
    """A location that is not live, or no longer."""
    return {key: value for key, value in place.items() if key not in _LIVE_FIELDS}


def origin_of(message: Message) -> Origin:
    """What a forward says of where it comes from; a forward of a forward names the first one."""
    chat, date = message.chat, message.date
    if message.origin is not None:
        return message.origin
    if chat.kind == "channel":
        return Origin("channel", date, chat=chat, message_id=message.id, signature=message.signature)
    spoke_as = chat if message.anonymous else message.as_chat
    if spoke_as is not None:
        return Origin("chat", date, chat=spoke_as, signature=message.signature)
    if message.sender.hides_forwards:
        return Origin("hidden_user", date, sender_name=message.sender.name)
    return Origin("user", date, message.sender)


def kept_keyboard(message: Message) -> dict[str, Any] | None:
    """A forward keeps its buttons if all of them are links (telegram.md §2.2)."""
    buttons = [button for row in message.keyboard for button in row]
    if not buttons or any("url" not in button for button in buttons):
        return None
    return dict(message.markup or {})
