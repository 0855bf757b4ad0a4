"""What the setup bot says, by name, in the language of whoever it speaks to.

Placeholders are filled with values that nothing interprets: names and titles come from strangers.
"""

import string
from collections.abc import Mapping
from datetime import UTC, date, datetime

from aiogram.utils.formatting import Text
from babel.dates import format_date

from setup_bot.texts import catalogues
from setup_bot.texts.catalogues import Forms, catalogue, choose_form
from setup_bot.texts.languages import Language, speaking, spoken
from tenants.dialogs import clean_name
from tenants.phrases import Phrase, fill

__all__ = [
    "Language",
    "clock",
    "day",
    "find_text",
    "moment",
    "number",
    "plain",
    "say",
    "sentence",
    "speaking",
    "spoken",
    "words",
]

SENTENCES = "sentences."
"""Before the English of the domain's sentences, in the names of their translations."""

NAME_LENGTH = 64


def say(name: str, /, **values: object) -> Text:
    """One entry of the catalogue with its placeholders filled; values may be formatted themselves.

    Of an entry with plural forms it is the one that `count` asks for.
    """
    language = spoken()
    entry = catalogue(language)[name]
    template = _choose(entry, language, values)
    parts: list[object] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        parts.append(literal)
        if field is not None:
            parts.append(_shown(field, values[field], language))
    return Text(*parts)


def sentence(text: str) -> str:
    """What the domain says in English, in the language spoken now; as it is where there is no translation."""
    template, values = (text.template, text.values) if isinstance(text, Phrase) else (text, {})
    language = spoken()
    entry = catalogue(language).get(SENTENCES + template, template)
    if not values:
        return str(entry)
    shown = {name: _shown(name, value, language) for name, value in values.items()}
    return fill(_choose(entry, language, values), shown)


def _shown(name: str, value: object, language: Language) -> object:
    if isinstance(value, Phrase):
        return sentence(value)
    return catalogues.number(value, language) if name == "count" else value


def _choose(entry: str | Forms, language: Language, values: Mapping[str, object]) -> str:
    return entry if isinstance(entry, str) else choose_form(entry, language, values["count"])


def words(name: str, /, **values: object) -> str:
    """The same as a plain string, for buttons and short answers."""
    return say(name, **values).render()[0]


def number(count: int) -> str:
    """As the language writes it."""
    return catalogues.number(count, spoken())


def clock(at: datetime) -> str:
    """Of 24 hours in every language, as UTC is written."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def day(at: date | str) -> str:
    """Of a date, or of one as ISO 8601 writes it."""
    return str(format_date(date.fromisoformat(at) if isinstance(at, str) else at, "medium", spoken().value))


def moment(at: datetime) -> str:
    return f"{day(at.astimezone(UTC))}, {clock(at)}"


def find_text(name: str) -> str | None:
    """An entry as it stands."""
    entry = catalogue(spoken()).get(name)
    return entry if isinstance(entry, str) else None


def plain(name: str) -> str:
    """A stranger's name or title: short, on one line, nothing in it that turns the writing direction."""
    tidy = clean_name(name, "…")
    return tidy if len(tidy) <= NAME_LENGTH else tidy[: NAME_LENGTH - 1] + "…"
