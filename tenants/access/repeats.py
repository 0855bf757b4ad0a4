"""Requests that may be repeated: a program that does not know whether it was heard asks again with the same
Idempotency-Key, and gets the answer of the first time instead of a second effect.

A request's row is made before anything is done, and every transaction that writes for it says so in the row
(`tenants.db.noting_effects`): with its own commit, and only while the attempt is the newest one.
So of a request whose process was killed it is known whether it had an effect, and one that was merely slow has none
any more once another attempt has begun.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tenants.access.keys import ApiKey
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.errors import Conflict, Reused
from tenants.ids import TenantId, new_id

KEPT = timedelta(hours=24)
LONGEST = timedelta(seconds=60)
"""A request that has not ended by then went with its process."""
_ANSWER = "idempotency_keys.answer"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Leave to carry a request out."""

    id: UUID
    number: int


_BEGIN = text(
    """
    INSERT INTO idempotency_keys AS k
        (id, api_key_id, owner_id, about_tenant_id, digest, fingerprint, attempt, locked_until)
    VALUES (:id, :key, :owner, (SELECT id FROM tenants WHERE id = :tenant), :digest, :fingerprint, 1,
        clock_timestamp() + CAST(:longest AS interval))
    ON CONFLICT (api_key_id, digest) DO UPDATE SET attempt = k.attempt + 1, effect_at = NULL,
        locked_until = excluded.locked_until, fingerprint = excluded.fingerprint, answer = NULL,
        about_tenant_id = excluded.about_tenant_id,
        created_at = CASE WHEN k.created_at < now() - CAST(:kept AS interval) THEN now() ELSE k.created_at END
    WHERE k.created_at < now() - CAST(:kept AS interval)
        OR (k.answer IS NULL AND k.effect_at IS NULL AND k.locked_until < clock_timestamp()
            AND k.fingerprint = excluded.fingerprint)
    RETURNING id, attempt
    """
)
_FIND = text(
    """
    SELECT id, fingerprint, answer, effect_at IS NOT NULL AS had_effect, locked_until >= clock_timestamp() AS runs
    FROM idempotency_keys WHERE api_key_id = :key AND digest = :digest
    """
)
_STORE = text("UPDATE idempotency_keys SET answer = :answer WHERE id = :id AND attempt = :attempt")
_DROP = text("DELETE FROM idempotency_keys WHERE id = :id AND attempt = :attempt AND effect_at IS NULL")
_END = text("UPDATE idempotency_keys SET locked_until = clock_timestamp() WHERE id = :id AND attempt = :attempt")
_FORGET = text("DELETE FROM idempotency_keys WHERE created_at < now() - CAST(:kept AS interval)")


class Repeats:
    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def begin(self, by: ApiKey, word: str, request: bytes, *, tenant: TenantId | None) -> Attempt | Answer:
        """The answer of the first time, or leave to carry `request` out. Raises `Reused` where the word belongs to
        another request, `Conflict` where that one still runs, or was interrupted after it had taken effect.
        """
        values = {
            "id": new_id(),
            "key": by.id,
            "owner": by.owner,
            "tenant": tenant,
            "digest": hashlib.sha256(word.encode()).digest(),
            "fingerprint": hashlib.sha256(request).digest(),
            "longest": LONGEST,
            "kept": KEPT,
        }
        async with self._database.owner(by.owner) as unit:
            begun = (await unit.execute(_BEGIN, values)).first()
            found = None if begun else (await unit.execute(_FIND, values)).first()
        if begun is not None:
            return Attempt(begun.id, begun.attempt)
        if found is None:
            raise _still_runs()  # it has just ended without an effect: the next try begins anew
        return self._told(found, values["fingerprint"])

    def _told(self, found: Any, fingerprint: object) -> Answer:
        if found.fingerprint != fingerprint:
            raise Reused("This Idempotency-Key was sent with another request: take a new one for each request.")
        if found.answer is not None:
            return self._open(found.id, found.answer)
        if found.had_effect and not found.runs:
            raise Conflict(
                "The first request with this Idempotency-Key was interrupted after it had taken effect, and its "
                "answer is lost: look at what is there now.",
                code="answer_lost",
            )
        raise _still_runs()

    async def keep(self, by: ApiKey, attempt: Attempt, answer: Answer) -> None:
        sealed = self._keyring.encrypt(TenantId(attempt.id), _ANSWER, _dump(answer))
        async with self._database.owner(by.owner) as unit:
            await unit.execute(_STORE, {"id": attempt.id, "attempt": attempt.number, "answer": sealed})

    async def give_up(self, by: ApiKey, attempt: Attempt) -> None:
        """It failed on our side: it may be tried again at once, unless it has taken effect."""
        values = {"id": attempt.id, "attempt": attempt.number}
        async with self._database.owner(by.owner) as unit:
            await unit.execute(_DROP, values)
            await unit.execute(_END, values)

    def _open(self, request: UUID, sealed: bytes) -> Answer:
        stored = json.loads(self._keyring.decrypt(TenantId(request), _ANSWER, sealed))
        return Answer(stored["status"], stored["headers"], b64decode(stored["body"]))


def _dump(answer: Answer) -> bytes:
    body = b64encode(answer.body).decode()
    return json.dumps({"status": answer.status, "headers": dict(answer.headers), "body": body}).encode()


def _still_runs() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key still runs: try again in a moment.", code="still_runs"
    )


async def forget_old(unit: UnitOfWork) -> None:
    """Of all keys, in a fleet unit."""
    await unit.execute(_FORGET, {"kept": KEPT})
