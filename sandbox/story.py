"""A message's journey in words for people who have never seen a Bot API: what happened, and why it waits."""

import re
from datetime import timedelta

from sandbox.world import Bot, Chat, Message, Step, World

Json = dict[str, object]

_SQUARE = re.compile(r"[🟪🟨⬛🟩🟥🟦]\ufe0f? *")
"""A status in a title: it changes, and where the message is does not."""
_RETRY = re.compile(r"retry after (\d+)")
_PASSING = ("429", "500", "502", "503", "504")
_VERBS = {"copyMessage": "copied", "copyMessages": "copied"}
_LEAST_NEWS = ("sent", "unseen", "fetched", "waiting", "refused", "copied")
"""Where several bots are concerned, the message's state is the furthest of these."""


def story(world: World, message: Message) -> list[Json]:
    """Each step with its time and its sentence; what repeats itself is told once, with a count."""
    told: list[Json] = []
    for step in world.journey(message):
        words = sentence(step, message.chat)
        latest = told[-1] if told else {}
        if latest.get("words") == words:
            latest["times"] = int(str(latest["times"])) + 1
            continue
        told.append({"at": step.at.isoformat(), "kind": step.kind, "words": words, "times": 1})
    return told


def state(world: World, message: Message) -> Json | None:
    """Where the message is now, in a few words; None if no bot is concerned."""
    steps = world.journey(message)
    if not steps:
        return None
    latest: dict[int, Step] = {}
    for step in steps:
        if step.bot is not None and not (step.kind != "copied" and _is_copied(latest.get(step.bot.id))):
            latest[step.bot.id] = step
    states = [_state(step) for step in latest.values()] or [("sent", "sent")]
    kind, text = max(states, key=lambda found: _LEAST_NEWS.index(found[0]))
    until = [
        step.at + timedelta(seconds=int(retry[1])) for step in latest.values() if (retry := _RETRY.search(step.error))
    ]
    bots = [number for number, step in latest.items() if _state(step) == (kind, text)]
    return {
        "kind": kind,
        "text": text,
        "bot": bots[0] if bots else None,
        "until": max(until).isoformat() if until and kind == "waiting" else None,
    }


def sentence(step: Step, source: Chat) -> str:
    name = _name(step.bot)
    words = {
        "queued": f"waits until the program of {name} fetches it",
        "fetched": f"handed to the program of {name}",
        "confirmed": f"{name} confirmed that it has it",
        "withheld": f"not shown to {name}: {step.error}",
        "copied": f"{_VERBS.get(step.method, 'forwarded')} by {name} {_into(step)}",
    }
    return _refusal(step, source) if step.kind == "failed" else words.get(step.kind, step.kind)


def _state(step: Step) -> tuple[str, str]:
    name = _name(step.bot)
    if step.kind == "failed":
        return _failure(step.error, name)
    states = {
        "queued": ("waiting", f"waits for {name}"),
        "copied": ("copied", _SQUARE.sub("", _into(step))),
        "withheld": ("unseen", f"not shown to {name}"),
    }
    return states.get(step.kind, ("fetched", f"read by {name}"))


def _failure(error: str, name: str) -> tuple[str, str]:
    retry = _RETRY.search(error)
    if retry:
        return "waiting", "waits for Telegram’s limit"
    if error.startswith(_PASSING):
        return "waiting", f"{name} was refused and may try again"
    return "refused", "refused by Telegram"


def _is_copied(step: Step | None) -> bool:
    return step is not None and step.kind == "copied"


def _refusal(step: Step, source: Chat) -> str:
    retry = _RETRY.search(step.error)
    if retry is None:
        return f"refused, when {_name(step.bot)} passed it on: {step.error}"
    group = (step.chat or source).kind != "private"
    limit = "20 messages a minute in this group" if group else "about one message a second to one person"
    return f"refused: Telegram’s limit of {limit}; {_name(step.bot)} must wait {retry[1]} s"


def _into(step: Step) -> str:
    chat = step.chat
    if chat is None:
        return "into another chat"
    if chat.user is not None:
        return f"to {chat.user.name}"
    topic = chat.topics.get(step.topic_id or 0)
    return f"into «{chat.title} › {topic.name}»" if topic is not None else f"into «{chat.title}»"


def _name(bot: Bot | None) -> str:
    return f"@{bot.username}" if bot is not None else "the bot"
