"""How people type a setting's value in a chat, and how it is shown back to them.

A keyword expression: items separated by commas are OR, `["a","b"]` is AND, `"~a"` is NOT inside a group.
"""

import contextlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenants.errors import Invalid, NotFound
from tenants.phrases import Phrase

OFF = "OFF"
EVERYONE = "."
_EVERYONE, _THE_OWNER = "everyone", "the owner"
_QUOTES = str.maketrans("“”„«»‟″", '"""""""')  # what phones make of a typed quote
_APOSTROPHE = str.maketrans("’", "'")  # and of an apostrophe
_WHOLE_NUMBER = re.compile(r"-?\d{1,19}")
_BETWEEN_COMMANDS = re.compile(r"[,\n]|\s+(?=/)")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
"""Bot API: BotCommand."""
_LONGEST_ECHO = 40


@dataclass(frozen=True)
class Kind:
    """One way to type a value. `parse` raises `Invalid` with a sentence that says what to type instead.

    `options`: where there are only some values, their names with the words that stand on their buttons; `many`:
    any of them, else one or none. `words`: what `show` says of values that have words instead of themselves.
    `is_audited`: no value of this kind holds a secret, so the audit log keeps what it was and what it is.
    `require_public` raises `Invalid` for what only a deployment for trying may hold.
    """

    name: str
    hint: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    options: Mapping[str, str] = field(default_factory=dict)
    many: bool = False
    words: tuple[str, ...] = ()
    is_audited: bool = False
    require_public: Callable[[Any], None] = lambda _: None

    def is_chosen(self, value: Any, option: str) -> bool:
        return option in value if self.many else option == value

    def choose(self, value: Any, option: str, *, chosen: bool) -> Any:
        """The value once that option is chosen, or is not any more."""
        if option not in self.options:
            raise NotFound("option")
        if not self.many:
            return option if chosen else ""
        return _in_order(self.options, {*value, option} if chosen else {*value} - {option})


def _in_order(options: Mapping[str, str], chosen: Collection[str]) -> list[str]:
    return [option for option in options if option in chosen]


def _is_off(typed: str) -> bool:
    return typed.strip().upper() == OFF


def _echo(item: str) -> str:
    return item[:_LONGEST_ECHO]


def _parse_text(typed: str) -> str:
    return "" if _is_off(typed) else typed.strip()


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
    if _is_off(typed):
        return []
    items = [item.strip() for item in typed.replace("\n", ",").split(",") if item.strip()]
    for item in items:
        if not _WHOLE_NUMBER.fullmatch(item):
            raise Invalid(
                Phrase("“{item}” is not an id. Send numbers separated by commas: 1001, 1002.", item=_echo(item))
            )
    return list(dict.fromkeys(int(item) for item in items))


def _parse_people(typed: str) -> list[int | str]:
    word = typed.strip().casefold()
    if word in {EVERYONE, _EVERYONE}:
        return [EVERYONE]
    return [] if word == _THE_OWNER else [*_parse_ids(typed)]


def _show_people(people: list[int | str]) -> str:
    if EVERYONE in people:
        return _EVERYONE
    return ", ".join(map(str, people)) or _THE_OWNER


def _parse_keywords(typed: str) -> list[list[str]]:
    if _is_off(typed):
        return []
    items = _quoted(typed)
    if items is None:
        raise Invalid('Put every keyword in double quotes, separated by commas: "help", "price".')
    return [_keyword_group(item) for item in items]


def _quoted(typed: str) -> list[Any] | None:
    """Items in double quotes, or None. A curly quote inside straight ones is part of the item."""
    for text in (typed, typed.translate(_QUOTES)):
        with contextlib.suppress(ValueError, RecursionError):
            return list(json.loads(f"[{text}]"))
    return None


def _keyword_group(item: Any) -> list[str]:
    words = item if isinstance(item, list) else [item]
    if not words or not all(isinstance(word, str) and word.strip("~ ") for word in words):
        raise Invalid('A keyword is a text in double quotes, a group is ["call","operator"].')
    return list(words)


def _show_keywords(groups: list[list[str]]) -> str:
    shown = [json.dumps(g[0] if len(g) == 1 else g, ensure_ascii=False) for g in groups]
    return ", ".join(shown) or OFF


def _parse_strings(typed: str) -> list[str]:
    if _is_off(typed):
        return []
    items = _quoted(typed)
    if items is None or not all(isinstance(item, str) and item.strip() for item in items):
        raise Invalid('Put every text in double quotes, separated by commas: "casino", "free money".')
    return list(dict.fromkeys(items))


def _show_strings(items: list[str]) -> str:
    return ", ".join(json.dumps(item, ensure_ascii=False) for item in items) or OFF


def _parse_commands(typed: str) -> list[str]:
    if _is_off(typed):
        return []
    items = [item.strip() for item in _BETWEEN_COMMANDS.split(typed) if item.strip()]
    names = [read_command_name(item) for item in items]
    for item, name in zip(items, names, strict=True):
        if name is None:
            sentence = "“{item}” is not a command. Send names separated by commas: /invoice, /stock."
            raise Invalid(Phrase(sentence, item=_echo(item)))
    return [name for name in dict.fromkeys(names) if name is not None]


def read_command_name(typed: str) -> str | None:
    """With or without the slash and the bot's name; None for what is none."""
    name = typed.strip().removeprefix("/").partition("@")[0].lower()
    return name if _COMMAND.fullmatch(name) else None


def one_of(options: Mapping[str, str], *, nothing: str) -> Kind:
    """One of these names, or none of them, which is called `nothing`."""
    read = _reader(options)
    no_words = {OFF.casefold(), nothing.casefold()}

    def parse(typed: str) -> str:
        word = typed.translate(_APOSTROPHE).strip()
        return "" if word.casefold() in no_words else read(word)

    def show(value: str) -> str:
        return options.get(value, nothing)

    names = ", ".join(options)
    hint = Phrase("Tap one, or send its name: {names}. OFF: {nothing}.", names=names, nothing=Phrase(nothing))
    return Kind("choice", hint, parse, show, options, words=(nothing,), is_audited=True)


def any_of(options: Mapping[str, str]) -> Kind:
    """Any of these names; always in the same order."""
    read = _reader(options)

    def parse(typed: str) -> list[str]:
        items = [item for item in typed.replace("\n", ",").split(",") if item.strip()]
        return [] if _is_off(typed) else _in_order(options, [read(item) for item in items])

    def show(value: list[str]) -> str:
        return ", ".join(options[name] for name in value) or OFF

    names = ", ".join(options)
    hint = Phrase("Tap to tick, or send names separated by commas: {names}. OFF clears the list.", names=names)
    return Kind("choices", hint, parse, show, options, many=True, is_audited=True)


def _reader(options: Mapping[str, str]) -> Callable[[str], str]:
    """Finds an option by its name, or by the words on its button."""
    names = {words.casefold(): name for name, words in options.items()} | {name: name for name in options}

    def read(typed: str) -> str:
        name = names.get(typed.strip().casefold())
        if name is None:
            sentence = "“{item}” is none of these. Send {options}."
            raise Invalid(Phrase(sentence, item=_echo(typed.strip()), options=_listed(options)))
        return name

    return read


def _listed(options: Mapping[str, str]) -> str:
    *others, last = options
    return Phrase("{others} or {last}", others=", ".join(others), last=last) if others else last


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
PEOPLE = Kind(
    "people",
    "Send user ids separated by commas, or a dot for everyone. OFF: the owner.",
    _parse_people,
    _show_people,
    words=(_EVERYONE, _THE_OWNER),
    is_audited=True,
)
STRINGS = Kind(
    "strings",
    "Send texts in double quotes, separated by commas. OFF clears the list.",
    _parse_strings,
    _show_strings,
    is_audited=True,
)
COMMANDS = Kind(
    "commands",
    "Send names of commands separated by commas. OFF clears the list.",
    _parse_commands,
    lambda value: ", ".join(f"/{name}" for name in value) or OFF,
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


def find_word(words: Iterable[str], text: str) -> str | None:
    """The first of these that the text holds, in any case."""
    folded = text.casefold()
    return next((word for word in words if word.casefold() in folded), None)


def _holds(word: str, folded: str) -> bool:
    if word.startswith("~"):
        return word[1:].casefold() not in folded
    return word.casefold() in folded
