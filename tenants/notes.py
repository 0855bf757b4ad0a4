"""What the team keeps in mind about a customer: encrypted, never sent."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import DialogId, TenantId, UserId, new_id

NOTE = "notes.body"
"""The column, as associated data of its ciphertext."""
LONGEST = 2000
"""Characters."""
MOST = 200
"""Of one dialog."""
MOST_SEARCHED = 5000
"""Notes of a tenant that a search opens, the newest first: each has to be decrypted."""
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Note:
    author: str
    text: str
    at: datetime


def clean_note(typed: str) -> str:
    """Without control characters, and without those that turn the direction of what follows."""
    kept = (
        char
        for char in typed
        if char == "\n" or (char not in _DIRECTIONS and unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"})
    )
    return "".join(kept).strip()


_ADD = text(
    """
    INSERT INTO notes (id, tenant_id, dialog_id, author_id, author_name, body)
    SELECT :id, :tenant, :dialog, :author, :name, :body
    WHERE (SELECT count(*) FROM notes WHERE tenant_id = :tenant AND dialog_id = :dialog) < :most
    """
)


async def add_note(
    unit: UnitOfWork, tenant: TenantId, dialog: DialogId, words: str, *, by: UserId, name: str, keyring: Keyring
) -> bool:
    """Whether there was room for it."""
    values = {
        "id": new_id(),
        "tenant": tenant,
        "dialog": dialog,
        "author": by,
        "name": name,
        "body": keyring.encrypt(tenant, NOTE, words.encode()),
        "most": MOST,
    }
    return bool((await unit.execute(_ADD, values)).rowcount)


_LIST = text(
    """
    SELECT author_name, body, created_at FROM notes WHERE tenant_id = :tenant AND dialog_id = :dialog
    ORDER BY created_at DESC, id DESC
    """
)


async def list_notes(unit: UnitOfWork, tenant: TenantId, dialog: DialogId, keyring: Keyring) -> list[Note]:
    """Newest first."""
    rows = await unit.execute(_LIST, {"tenant": tenant, "dialog": dialog})
    return [Note(row.author_name, keyring.decrypt(tenant, NOTE, row.body).decode(), row.created_at) for row in rows]


_NEWEST = text(
    """
    SELECT dialog_id, body FROM notes WHERE tenant_id = :tenant ORDER BY created_at DESC, id DESC LIMIT :most
    """
)


async def find_noted(unit: UnitOfWork, tenant: TenantId, words: str, keyring: Keyring) -> set[DialogId]:
    """The dialogs with a note that holds these words, whatever the case."""
    folded = words.casefold()
    rows = await unit.execute(_NEWEST, {"tenant": tenant, "most": MOST_SEARCHED})
    return {
        DialogId(row.dialog_id)
        for row in rows
        if folded in keyring.decrypt(tenant, NOTE, row.body).decode().casefold()
    }
