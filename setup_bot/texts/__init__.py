"""What the setup bot says, by name, in the language of whoever it speaks to.

Placeholders are filled with values that nothing interprets: names and titles come from strangers.
"""

import string

from aiogram.utils.formatting import Text

from setup_bot.texts.catalogues import catalogue, choose_form
from setup_bot.texts.languages import Language, speaking, spoken
from tenants.dialogs import clean_name

__all__ = ["Language", "has_text", "plain", "say", "speaking", "spoken", "words"]

NAME_LENGTH = 64


def say(name: str, /, **values: object) -> Text:
    """One entry of the catalogue with its placeholders filled; values may be formatted themselves.

    Of an entry with plural forms it is the one that `count` asks for.
    """
    language = spoken()
    entry = catalogue(language)[name]
    template = entry if isinstance(entry, str) else choose_form(entry, language, values["count"])
    parts: list[object] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        parts.append(literal)
        if field is not None:
            parts.append(values[field])
    return Text(*parts)


def words(name: str, /, **values: object) -> str:
    """The same as a plain string, for buttons and short answers."""
    return say(name, **values).render()[0]


def has_text(name: str) -> bool:
    return name in catalogue(spoken())


def plain(name: str) -> str:
    """A stranger's name or title: short, on one line, nothing in it that turns the writing direction."""
    tidy = clean_name(name, "…")
    return tidy if len(tidy) <= NAME_LENGTH else tidy[: NAME_LENGTH - 1] + "…"
