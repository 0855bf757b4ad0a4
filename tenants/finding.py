"""Looking for dialogs: by the customer's name, username or id, by the topic's title, and by what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import Status
from tenants.ids import TenantId, TopicId
from tenants.notes import find_noted

MOST = 10
LONGEST = 100
"""Characters of what is looked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    name: str
    status: Status
    topic: TopicId | None
    is_noted: bool


@dataclass(frozen=True, slots=True)
class Hits:
    """At most `MOST` of them, and how many there are altogether."""

    found: Sequence[Hit]
    number: int


_FIND = text(
    """
    SELECT topic_name, status, topic_id, id = ANY(CAST(:noted AS uuid[])) AS is_noted, count(*) OVER () AS number
    FROM dialogs
    WHERE tenant_id = :tenant AND (
        strpos(lower(name), lower(:words)) > 0 OR strpos(lower(topic_name), lower(:words)) > 0
        OR strpos(lower(username), lower(:username)) > 0 OR chat_id::text = :words
        OR id = ANY(CAST(:noted AS uuid[]))
    )
    ORDER BY chat_id::text = :words DESC, lower(username) IS NOT DISTINCT FROM lower(:username) DESC,
        status = 'closed', id DESC
    LIMIT :most
    """
)


async def find_dialogs(unit: UnitOfWork, tenant: TenantId, words: str, keyring: Keyring) -> Hits:
    """Whatever the case; ids only as a whole. Open and new ones first."""
    noted = await find_noted(unit, tenant, words, keyring)
    values = {
        "tenant": tenant,
        "words": words,
        "username": words.removeprefix("@") or words,
        "noted": list(noted),
        "most": MOST,
    }
    rows = (await unit.execute(_FIND, values)).all()
    hits = [Hit(row.topic_name, Status(row.status), row.topic_id, row.is_noted) for row in rows]
    return Hits(hits, rows[0].number if rows else 0)
