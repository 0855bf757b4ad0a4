"""Which language each person is spoken to in: the one they chose, else the one that their Telegram has."""

import asyncio

import structlog

from setup_bot.texts.languages import Language, nearest
from tenants.ids import UserId
from tenants.people import Languages, People

LONGEST = 2.0
"""Seconds: an answer in another language is better than none."""

log = structlog.get_logger()


class Hearers:
    def __init__(self, people: People) -> None:
        self._people = people

    async def greet(self, person: UserId, tag: str | None) -> Language:
        """Of somebody who has just written or pressed, and whose Telegram has this language. Raises nothing."""
        try:
            async with asyncio.timeout(LONGEST):
                known = await self._people.languages(person)
                if known.telegram != tag:
                    await self._people.note_telegram_language(person, tag)
        except Exception as error:  # noqa: BLE001  # they are answered, whatever it is
            log.warning("language.not_known", error=type(error).__name__)
            return nearest(tag)
        return nearest(known.chosen or tag)

    async def language(self, person: UserId) -> Language:
        """Of somebody who has asked for nothing just now."""
        known: Languages = await self._people.languages(person)
        return nearest(known.chosen or known.telegram)

    async def choose(self, person: UserId, language: Language) -> None:
        await self._people.choose_language(person, language.value)
