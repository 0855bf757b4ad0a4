"""What a person puts into a message: text, a file of some kind, a place, a poll."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.world.autolinks import with_links
from sandbox.world.files import File
from sandbox.world.messages import DICE_HIGHEST, MEDIA_KINDS, Content, Entity
from sandbox.world.state import NotAllowed, State

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
_DETAILED = (
    "location",
    "venue",
    "contact",
    "poll",
    "paid_media",
    "giveaway",
    "invoice",
    "game",
    "story",
    "checklist",
)


def compose(
    state: State,
    text: str = "",
    *,
    caption: str = "",
    entities: Iterable[Entity] = (),
    file_name: str = "",
    mime_type: str = "",
    spoiler: bool = False,
    show_caption_above_media: bool = False,
    dice: str | bool | None = None,
    **kinds: Any,
) -> Content:
    """One message's content. Files are `photo=b"..."` and the other kinds of media; `location`,
    `venue`, `contact` and `poll` are mappings with the Bot API's fields; `dice` is an emoji.
    """
    words = caption or text
    marks = with_links(words, entities)
    unknown = kinds.keys() - MEDIA_KINDS - set(_DETAILED)
    if unknown:
        raise NotAllowed(f"Telegram has no {', '.join(sorted(unknown))}.")
    if dice:
        return throw(state, dice if isinstance(dice, str) else "🎲")
    for kind, given in kinds.items():
        if given is None:
            continue
        if kind in MEDIA_KINDS:
            if len(words) > CAPTION_LIMIT:
                raise NotAllowed(f"A caption has {CAPTION_LIMIT} characters at most.")
            file = given if isinstance(given, File) else _file(state, kind, given, file_name, mime_type)
            return Content(kind, words, marks, file, spoiler=spoiler, caption_above=show_caption_above_media)
        return Content(kind, details=poll_details(state, given) if kind == "poll" else dict(given))
    if not text.strip():
        raise NotAllowed("There is nothing to send.")
    if len(text) > TEXT_LIMIT:
        raise NotAllowed(f"A message has {TEXT_LIMIT} characters at most.")
    return Content("text", text, marks)


def throw(state: State, emoji: str) -> Content:
    """A dice falls anew each time, also when it is copied."""
    value = state.ids.dice(DICE_HIGHEST.get(emoji, 6))
    return Content("dice", details={"emoji": emoji, "value": value})


def _file(state: State, kind: str, data: bytes, name: str, mime_type: str) -> File:
    about: dict[str, str | int] = {}
    if name:
        about["name"] = name
    if mime_type:
        about["mime_type"] = mime_type
    return state.files.add(kind, bytes(data), **about)


def poll_details(state: State, given: Mapping[str, Any]) -> dict[str, Any]:
    options = [o if isinstance(o, str) else o["text"] for o in given["options"]]
    return {
        "id": state.ids.callback(),
        "type": "regular",
        "is_anonymous": True,
        "allows_multiple_answers": False,
        "allows_revoting": True,
        "members_only": False,
        "is_closed": False,
        **given,
        "options": options,
    }
