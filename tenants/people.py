"""What is remembered of a person who uses the setup bot: the language they chose, and the one their Telegram has.

Tags as Telegram writes them (Bot API: User.language_code). Nothing else is kept, and nobody but the person sees it.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from tenants.columns import metadata
from tenants.db import Database
from tenants.ids import UserId

people = Table(
    "people",
    metadata,
    Column("user_id", BigInteger, primary_key=True),
    Column("language", Text),
    Column("telegram_language", Text),
)
LONGEST_TAG = 35
"""Characters of a language tag that are kept (RFC 5646, section 4.4.1)."""


@dataclass(frozen=True, slots=True)
class Languages:
    """`chosen` goes before `telegram`. None: not chosen, not told."""

    chosen: str | None = None
    telegram: str | None = None


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def languages(self, person: UserId) -> Languages:
        query = select(people.c.language, people.c.telegram_language).where(people.c.user_id == person)
        async with self._database.owner(person) as unit:
            row = (await unit.execute(query)).first()
        return Languages() if row is None else Languages(row.language, row.telegram_language)

    async def choose_language(self, person: UserId, language: str) -> None:
        await self._save(person, language=language)

    async def note_telegram_language(self, person: UserId, tag: str | None) -> None:
        await self._save(person, telegram_language=None if tag is None else tag[:LONGEST_TAG])

    async def _save(self, person: UserId, **values: str | None) -> None:
        statement = insert(people).values(user_id=person, **values)
        async with self._database.owner(person) as unit:
            await unit.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))
