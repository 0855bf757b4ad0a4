"""How people type a setting's value in a chat, and how it is shown back to them.

A keyword expression: items separated by commas are OR, `["a","b"]` is AND, `"~a"` is NOT inside a group.
"""

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenants.errors import Invalid

OFF = "OFF"
_QUOTES = str.maketrans("“”„«»‟″", '"""""""')  # what phones make of a typed quote
_WHOLE_NUMBER = re.compile(r"-?\d{1,19}")


@dataclass(frozen=True)
class Kind:
    """One way to type a value. `parse` raises `Invalid` with a sentence that says what to type instead.

    `is_audited`: no value of this kind holds a secret, so the audit log keeps what it was and what it is.
    """

    name: str
    hint: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    is_audited: bool = False


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


def _show_keywords(groups: list[list[str]]) -> str:
    shown = [json.dumps(g[0] if len(g) == 1 else g, ensure_ascii=False) for g in groups]
    return ", ".join(shown) or OFF


TEXT = Kind("text", "Send the text. OFF switches it off.", _parse_text, lambda value: value or OFF, is_audited=True)
NUMBER = Kind("number", "Send a whole number.", _parse_number, str, is_audited=True)
FLAG = Kind("flag", "ON or OFF.", _parse_flag, lambda value: "ON" if value else OFF, is_audited=True)
IDS = Kind(
    "ids",
    "Send ids separated by commas. OFF clears the list.",
    _parse_ids,
    lambda value: ", ".join(map(str, value)) or OFF,
    is_audited=True,
)
KEYWORDS = Kind(
    "keywords",
    'Send keywords in double quotes: commas mean or, ["a","b"] means both, "~a" means not. OFF clears.',
    _parse_keywords,
    _show_keywords,
    is_audited=True,
)


def matches(groups: list[list[str]], text: str) -> bool:
    """Whether a text meets a keyword expression: case-insensitive substrings."""
    folded = text.casefold()
    return any(all(_holds(word, folded) for word in group) for group in groups)


def _holds(word: str, folded: str) -> bool:
    if word.startswith("~"):
        return word[1:].casefold() not in folded
    return word.casefold() in folded
