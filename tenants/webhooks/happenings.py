"""What happens to dialogs, stored as deliveries in the transaction that stores the happening itself."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import ChatId, DialogId, MessageId, RowId, TenantId, new_id
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings
from tenants.settings.webhooks import EventName

CHANNEL = "webhooks"


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind` is the dialog's; `message` is the one with the customer that it is about. `cause`: the row that led to
    it, where it might be recorded again.
    """

    event: EventName
    at: datetime
    dialog: DialogId
    kind: str
    chat: ChatId
    message: MessageId | None = None
    cause: RowId | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A happening with the settings that say who is told of it, and what."""

    tenant: TenantId
    settings: Settings
    happening: Happening

    @property
    def urls(self) -> list[str]:
        return [url for url, names in self.settings.WEBHOOKS.items() if self.happening.event in names]


_INSERT = text(
    """
    INSERT INTO webhook_deliveries (id, tenant_id, event, url, payload, cause)
    SELECT n.id, n.tenant, n.event, n.url, CAST(n.payload AS jsonb), n.cause
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:events AS text[]), CAST(:urls AS text[]),
        CAST(:payloads AS text[]), CAST(:causes AS uuid[])
    ) AS n(id, tenant, event, url, payload, cause)
    ON CONFLICT (tenant_id, cause) DO NOTHING
    """
)


async def tell(unit: UnitOfWork, told: Iterable[Told]) -> None:
    """One delivery for each address that wants to know. What has a cause is told once, as often as it is recorded."""
    rows = [(one, url) for one in told for url in one.urls]
    if not rows:
        return
    values = {
        "ids": sorted(new_id() for _ in rows),
        "tenants": [one.tenant for one, _ in rows],
        "events": [one.happening.event for one, _ in rows],
        "urls": [url for _, url in rows],
        "payloads": [json.dumps(_payload(one)) for one, _ in rows],
        "causes": [_cause(one.happening, url) for one, url in rows],
    }
    await unit.execute(_INSERT, values)
    for tenant in {one.tenant for one, _ in rows}:
        unit.notify(CHANNEL, str(tenant))


def _cause(happening: Happening, url: str) -> UUID | None:
    return None if happening.cause is None else uuid5(happening.cause, f"{happening.event} {url}")


def _payload(told: Told) -> dict[str, Any]:
    """Ids and times; under HIDE_INFO the customer's own id is hidden as links to profiles are."""
    happening = told.happening
    hidden = "link" in told.settings.HIDE_INFO
    data: dict[str, Any] = {
        "tenant_id": str(told.tenant),
        "dialog_id": str(happening.dialog),
        "dialog_kind": happening.kind,
        "customer_id": None if hidden else happening.chat,
    }
    if happening.message is not None:
        data["message_id"] = happening.message
    return {"type": happening.event, "timestamp": happening.at.astimezone(UTC).isoformat(), "data": data}


_ANSWERS = text(
    """
    SELECT o.id, o.tenant_id, o.result_message_id, o.ended_at, d.id AS dialog, d.kind, d.chat_id, t.settings, t.plan
    FROM outbox o JOIN tenants t ON t.id = o.tenant_id AND t.settings ? 'WEBHOOKS'
    JOIN lanes l ON l.tenant_id = o.tenant_id AND l.id = o.lane_id
    JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
    WHERE o.id = ANY(:rows) AND o.kind = 'answer' AND o.state = 'delivered'
    ORDER BY o.ended_at, o.lane_seq
    """
)


async def tell_answered(unit: UnitOfWork, rows: Sequence[RowId]) -> None:
    """Answers of the team were delivered, if these rows say so."""
    found = await unit.execute(_ANSWERS, {"rows": list(rows)})
    await tell(
        unit,
        [
            Told(
                row.tenant_id,
                effective(row.settings, Plan(row.plan)),
                Happening(
                    "message_sent",
                    row.ended_at,
                    row.dialog,
                    row.kind,
                    row.chat_id,
                    row.result_message_id,
                    cause=row.id,
                ),
            )
            for row in found
        ],
    )


_CLOSED = text(
    """
    SELECT d.id, d.kind, d.chat_id, t.settings, t.plan, now() AS at
    FROM tenants t JOIN dialogs d ON d.tenant_id = t.id
    WHERE t.id = :tenant AND t.settings ? 'WEBHOOKS' AND d.id = ANY(:dialogs)
    """
)


async def tell_closed(unit: UnitOfWork, tenant: TenantId, dialogs: Sequence[DialogId]) -> None:
    """These dialogs were closed outside of a batch."""
    if not dialogs:
        return
    found = await unit.execute(_CLOSED, {"tenant": tenant, "dialogs": list(dialogs)})
    await tell(
        unit,
        [
            Told(
                tenant,
                effective(row.settings, Plan(row.plan)),
                Happening("dialog_closed", row.at, row.id, row.kind, row.chat_id),
            )
            for row in found
        ],
    )
