"""The languages that the setup bot speaks, and the one it speaks now."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from enum import StrEnum
from typing import Self


class Language(StrEnum):
    """Its code, as Telegram names it (IETF BCP 47), and its own name for itself."""

    native: str

    def __new__(cls, code: str, native: str) -> Self:
        made = str.__new__(cls, code)
        made._value_ = code
        made.native = native
        return made

    ENGLISH = "en", "English"
    RUSSIAN = "ru", "Русский"
    SPANISH = "es", "Español"
    GERMAN = "de", "Deutsch"
    FRENCH = "fr", "Français"


def nearest(tag: str | None) -> Language:
    """The language of a tag like `pt-br` (Bot API: User.language_code), by its first part; else English."""
    primary = (tag or "").lower().replace("_", "-").partition("-")[0]
    return next((language for language in Language if language == primary), Language.ENGLISH)


_spoken: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


def spoken() -> Language:
    return _spoken.get()


@contextlib.contextmanager
def speaking(language: Language) -> Iterator[None]:
    """What is said inside is said in this language, in this task and in those that it starts."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)
