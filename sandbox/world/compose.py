"""What a person puts into a message: text, a file of some kind, a place, a poll."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.world.autolinks import with_links
from sandbox.world.files import File
from sandbox.world.messages import CAPTIONED_KINDS, DICE_HIGHEST, MEDIA_KINDS, VISUAL_KINDS, Content, Entity, Message
from sandbox.world.samples import CONTENTS
from sandbox.world.state import NotAllowed, State

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
_ALBUM_LIMIT = 10
_APART = ("document", "audio")
ALBUM_KINDS = frozenset({"photo", "video", "live_photo", *_APART})


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
    """One message's content. Files are `photo=b"..."` and the other kinds of media; `location`, `poll`, `story` and
    the other kinds of `samples.CONTENTS` are mappings with the Bot API's fields, where those that are left out are
    as in the sample; `dice` is an emoji.
    """
    words = caption or text
    marks = with_links(words, entities)
    unknown = kinds.keys() - MEDIA_KINDS - CONTENTS.keys()
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
            visible = kind in VISUAL_KINDS
            above = visible and show_caption_above_media
            return Content(kind, words, marks, file, spoiler=visible and spoiler, caption_above=above)
        return _detailed(state, kind, given, words, marks)
    if not text.strip():
        raise NotAllowed("There is nothing to send.")
    if len(text) > TEXT_LIMIT:
        raise NotAllowed(f"A message has {TEXT_LIMIT} characters at most.")
    return Content("text", text, marks)


def _detailed(state: State, kind: str, given: Mapping[str, Any], words: str, marks: tuple[Entity, ...]) -> Content:
    asked = {**CONTENTS[kind], **given}
    details = poll_details(state, asked) if kind == "poll" else asked
    return Content(kind, words, marks, details=details) if kind in CAPTIONED_KINDS else Content(kind, details=details)


def why_no_album(kinds: Iterable[str]) -> str:
    """Empty if they may be one album: pictures and films mixed, or documents, or audio files."""
    found = list(kinds)
    if not 1 < len(found) <= _ALBUM_LIMIT:
        return "An album has two to ten items."
    odd = next((kind for kind in found if kind not in ALBUM_KINDS), None)
    if odd is not None:
        return f"A {odd.replace('_', ' ')} can't be part of an album."
    alone = next((kind for kind in _APART if kind in found and len(set(found)) > 1), None)
    return f"{alone.title()}s can't be mixed with other kinds in an album." if alone else ""


def why_not_in_album(message: Message, kind: str) -> str:
    """Empty if a file of that kind may stand in the message's place; in an album the others decide."""
    if message.album_id is None:
        return ""
    others = [m.kind for m in message.chat.messages.values() if m.album_id == message.album_id and m.id != message.id]
    return why_no_album([kind, *others]) if others else ""


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
    asked = dict(given)
    if asked.get("type") == "quiz":
        asked.setdefault("correct_option_ids", [asked.pop("correct_option_id", 0)])
    return {
        "id": state.ids.callback(),
        "type": "regular",
        "is_anonymous": True,
        "allows_multiple_answers": False,
        "allows_revoting": True,
        "members_only": False,
        "is_closed": False,
        **asked,
        "options": options,
    }
