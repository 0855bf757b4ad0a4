"""What bots may not copy, in words, read off the message as it came (Bot API: Message)."""

from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]
MOST_ITEMS = 30
"""Lines of a checklist or options of a quiz that are told."""


def describe(message: Body) -> str | None:
    """A few readable lines; None for what can be copied, or says nothing about the customer."""
    for kind, words in _WORDS.items():
        if kind in message:
            return words(message[kind])
    return None


def say_if_refused(message: Body) -> str:
    """Of what has no words of its own: how it reads where it can't be shown. Nothing for most."""
    if "dice" in message:
        return f"{message['dice']['emoji']} {message['dice']['value']}"
    return _story(message["story"]) if "story" in message else ""


def _gift(body: Body) -> str:
    return f"🎁 sent a gift worth {_stars(body.get('gift', {}))}"


def _stars(body: Body) -> str:
    number = body.get("star_count", 0)
    return f"{number} star" if number == 1 else f"{number} stars"


def _invoice(body: Body) -> str:
    return f"🧾 invoice: {body.get('title', '')}, {_money(body)}\n{body.get('description', '')}".strip()


def _payment(body: Body) -> str:
    return f"💳 paid {_money(body)}"


def _money(body: Body) -> str:
    """In the currency's smallest unit; Stars have none smaller (Bot API: SuccessfulPayment)."""
    amount, currency = int(body.get("total_amount", 0)), str(body.get("currency", ""))
    return f"{amount} stars" if currency == "XTR" else f"{amount / 100:.2f} {currency}"


def _giveaway(body: Body) -> str:
    return f"🎉 giveaway for {body.get('winner_count', 0)} winners"


def _winners(body: Body) -> str:
    return f"🎉 giveaway ended: {body.get('winner_count', 0)} winners"


def _checklist(body: Body) -> str:
    tasks = list(body.get("tasks", ()))
    lines = [f"{'☑️' if 'completion_date' in task else '⬜️'} {task.get('text', '')}" for task in tasks[:MOST_ITEMS]]
    return "\n".join([f"📋 {body.get('title', 'checklist')}", *lines, *_more(len(tasks))])


def _tasks_done(body: Body) -> str:
    done, undone = len(body.get("marked_as_done_task_ids", ())), len(body.get("marked_as_not_done_task_ids", ()))
    parts = [f"{done} done" if done else "", f"{undone} not done any more" if undone else ""]
    return f"☑️ checklist: {', '.join(part for part in parts if part)}"


def _more(number: int) -> list[str]:
    return [f"… and {number - MOST_ITEMS} more"] if number > MOST_ITEMS else []


def _story(body: Body) -> str:
    chat = body.get("chat", {})
    link = f": https://t.me/{chat['username']}/s/{body.get('id')}" if chat.get("username") else ""
    return f"📖 a story{link}"


def _shared(what: str) -> Callable[[Body], str]:
    def words(body: Body) -> str:
        people = body.get("users", ())
        names = [" ".join(filter(None, (p.get("first_name"), p.get("last_name")))) for p in people]
        told = ", ".join(name or str(p.get("user_id", "")) for name, p in zip(names, people, strict=True))
        return f"👤 shared {what}: {told or body.get('title') or body.get('chat_id', '')}".rstrip(": ")

    return words


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "paid_media": lambda body: f"💎 paid media, {_stars(body)}",
    "invoice": _invoice,
    "successful_payment": _payment,
    "refunded_payment": lambda body: f"💳 got {_money(body)} back",
    "giveaway": _giveaway,
    "giveaway_winners": _winners,
    "giveaway_completed": _winners,
    "checklist": _checklist,
    "checklist_tasks_done": _tasks_done,
    "checklist_tasks_added": lambda body: f"📋 added {len(body.get('tasks', ()))} to a checklist",
    "game": lambda body: f"🎮 {body.get('title', 'a game')}",
    "web_app_data": lambda body: f"🧩 {body.get('button_text', 'web app')}: {body.get('data', '')}",
    "users_shared": _shared("contacts"),
    "chat_shared": _shared("a chat"),
    "write_access_allowed": lambda _: "✅ let the bot write to them",
    "gift": _gift,
    "unique_gift": lambda _: "🎁 sent a unique gift",
    "boost_added": lambda body: f"🚀 boosted the chat {body.get('boost_count', 1)} times",
    "passport_data": lambda _: "🪪 sent Telegram Passport data, which is not shown here",
    "connected_website": lambda body: f"🔗 logged in on {body}",
    "proximity_alert_triggered": lambda body: f"📍 is within {body.get('distance', 0)} m",
    "chat_background_set": lambda _: "🖼 changed the chat's background",
}
