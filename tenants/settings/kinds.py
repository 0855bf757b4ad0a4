"""How people type a setting's value in a chat, and how it is shown back to them.

A keyword expression: items separated by commas are OR, `["a","b"]` is AND, `"~a"` is NOT inside a group.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tenants.errors import Invalid

OFF = "OFF"
_QUOTES = str.maketrans("“”„«»‟″", '"""""""')  # what phones make of a typed quote
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
"""Bot API: BotCommand."""
_WHOLE_NUMBER = re.compile(r"-?\d{1,19}")


@dataclass(frozen=True)
class Kind:
    """One way to type a value. `parse` raises `Invalid` with a sentence that says what to type instead."""

    name: str
    hint: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    names: tuple[str, ...] = ()
    """What can be chosen, where that is all."""


def _parse_text(typed: str) -> str:
    return "" if typed.strip().upper() == OFF else typed.strip()


def _parse_number(typed: str) -> int:
    digits = typed.strip().replace(" ", "")
    if not _WHOLE_NUMBER.fullmatch(digits):
        raise Invalid("Send a whole number, for example 24.")
    return int(digits)


def _parse_flag(typed: str) -> bool:
    word = typed.strip().upper()
    if word not in {"ON", OFF}:
        raise Invalid("Send ON or OFF.")
    return word == "ON"


def _parse_ids(typed: str) -> list[int]:
    if typed.strip().upper() == OFF:
        return []
    items = [item.strip() for item in typed.replace("\n", ",").split(",") if item.strip()]
    for item in items:
        if not _WHOLE_NUMBER.fullmatch(item):
            raise Invalid(f"“{item[:40]}” is not an id. Send numbers separated by commas: 1001, 1002.")
    return list(dict.fromkeys(int(item) for item in items))


def _parse_people(typed: str) -> list[int | str]:
    return [EVERYONE] if typed.strip() == EVERYONE else [*_parse_ids(typed)]


def _parse_keywords(typed: str) -> list[list[str]]:
    if typed.strip().upper() == OFF:
        return []
    for text in (typed, typed.translate(_QUOTES)):  # a curly quote inside straight ones is part of the keyword
        with contextlib.suppress(ValueError, RecursionError):
            return [_keyword_group(item) for item in json.loads(f"[{text}]")]
    raise Invalid('Put every keyword in double quotes, separated by commas: "help", "price".')


def _keyword_group(item: Any) -> list[str]:
    words = item if isinstance(item, list) else [item]
    if not words or not all(isinstance(word, str) and word.strip("~ ") for word in words):
        raise Invalid('A keyword is a text in double quotes, a group is ["call","operator"].')
    return list(words)


def _parse_strings(typed: str) -> list[str]:
    if typed.strip().upper() == OFF:
        return []
    for text in (typed, typed.translate(_QUOTES)):
        with contextlib.suppress(ValueError, RecursionError):
            items = json.loads(f"[{text}]")
            if all(isinstance(item, str) and item.strip() for item in items):
                return list(dict.fromkeys(items))
    raise Invalid('Put every text in double quotes, separated by commas: "casino", "free money".')


def _show_strings(items: list[str]) -> str:
    return ", ".join(json.dumps(item, ensure_ascii=False) for item in items) or OFF


def _parse_commands(typed: str) -> list[str]:
    if typed.strip().upper() == OFF:
        return []
    items = [item.strip().removeprefix("/").lower() for item in re.split(r"[,\s]+", typed) if item.strip(" /")]
    for item in items:
        if not _COMMAND.fullmatch(item):
            raise Invalid(f"“{item[:40]}” is no command. Send names separated by commas: /invoice, /stock.")
    return list(dict.fromkeys(items))


def choices(*names: str) -> Kind:
    """Any of these names."""
    listed = ", ".join(names)

    def parse(typed: str) -> list[str]:
        if typed.strip().upper() == OFF:
            return []
        items = [item.strip().lower() for item in typed.split(",") if item.strip()]
        for item in items:
            if item not in names:
                raise Invalid(f"“{item[:40]}” is none of: {listed}.")
        return [name for name in names if name in items]

    hint = f"Send any of these, separated by commas: {listed}. OFF clears."
    return Kind("choices", hint, parse, lambda value: ", ".join(value) or OFF, names)


def choice(*names: str) -> Kind:
    """One of these names, or none."""
    listed = ", ".join(names)

    def parse(typed: str) -> str:
        word = typed.strip().lower()
        if word.upper() == OFF:
            return ""
        if word not in names:
            raise Invalid(f"“{word[:40]}” is none of: {listed}.")
        return word

    return Kind("choice", f"Send one of: {listed}. OFF leaves it to Telegram.", parse, lambda v: v or OFF, names)


def _show_keywords(groups: list[list[str]]) -> str:
    shown = [json.dumps(g[0] if len(g) == 1 else g, ensure_ascii=False) for g in groups]
    return ", ".join(shown) or OFF


TEXT = Kind("text", "Send the text. OFF switches it off.", _parse_text, lambda value: value or OFF)
NUMBER = Kind("number", "Send a whole number.", _parse_number, str)
FLAG = Kind("flag", "ON or OFF.", _parse_flag, lambda value: "ON" if value else OFF)
IDS = Kind(
    "ids",
    "Send ids separated by commas. OFF clears the list.",
    _parse_ids,
    lambda value: ", ".join(map(str, value)) or OFF,
)
STRINGS = Kind(
    "texts",
    "Send texts in double quotes, separated by commas. OFF clears the list.",
    _parse_strings,
    _show_strings,
)
COMMANDS = Kind(
    "commands",
    "Send names of commands separated by commas. OFF clears the list.",
    _parse_commands,
    lambda value: ", ".join(f"/{name}" for name in value) or OFF,
)
EVERYONE = "."
PEOPLE = Kind(
    "people",
    "Send user ids separated by commas, or a single dot for everyone. OFF: the owner only.",
    _parse_people,
    lambda value: EVERYONE if value == [EVERYONE] else ", ".join(map(str, value)) or OFF,
)
KEYWORDS = Kind(
    "keywords",
    'Send keywords in double quotes: commas mean or, ["a","b"] means both, "~a" means not. OFF clears.',
    _parse_keywords,
    _show_keywords,
)


def matches(groups: list[list[str]], text: str) -> bool:
    """Whether a text meets a keyword expression: case-insensitive substrings."""
    folded = text.casefold()
    return any(all(_holds(word, folded) for word in group) for group in groups)


def find_word(words: Iterable[str], text: str) -> str | None:
    """The first of these that the text holds, in any case."""
    folded = text.casefold()
    return next((word for word in words if word.casefold() in folded), None)


def _holds(word: str, folded: str) -> bool:
    if word.startswith("~"):
        return word[1:].casefold() not in folded
    return word.casefold() in folded
