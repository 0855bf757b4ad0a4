"""The catalogues of texts: one TOML file for each language, beside this one.

A name is its table's and its own: `title` in `[home]` is `home.title`. A text that depends on a number is a table of
the forms that the language has for numbers (CLDR plural rules), `other` among them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from setup_bot.texts.languages import Language

Forms = Mapping[str, str]
Catalogue = Mapping[str, str | Forms]
_CATEGORIES = {"zero", "one", "two", "few", "many", "other"}


@cache
def catalogue(language: Language) -> Catalogue:
    """What a language lacks is said in English."""
    own = read(language)
    return own if language is Language.ENGLISH else {**catalogue(Language.ENGLISH), **own}


def read(language: Language) -> Catalogue:
    """Its own file."""
    with (Path(__file__).parent / f"{language}.toml").open("rb") as file:
        return dict(_flatten(tomllib.load(file), ""))


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str | Forms]]:
    for name, value in table.items():
        if isinstance(value, str) or value.keys() <= _CATEGORIES:
            yield prefix + name, value
        else:
            yield from _flatten(value, f"{prefix}{name}.")


def choose_form(forms: Forms, language: Language, count: object) -> str:
    """Raises `TypeError` where the count is no number."""
    if not isinstance(count, int):
        raise TypeError("an entry with plural forms needs a number as count")
    return forms.get(Locale.parse(language).plural_form(count), forms["other"])
