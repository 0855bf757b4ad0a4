"""The audit log of a connection: who did what, and when."""

import re
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from api.deps import TheAudit, TheOwner
from api.models.audit import AuditPage, audit_entry_view
from api.openapi import Documented
from api.pages import Cursor, Limit, cut, read_id
from tenants.audit import Action
from tenants.errors import Invalid
from tenants.ids import TenantId, UserId

_Action = Annotated[Action | None, QueryParameter(description="Only acts of this kind.")]
_Actor = Annotated[int | None, QueryParameter(ge=1, le=2**52, description="Only acts of this Telegram user, by id.")]
_Since = Annotated[
    str | None,
    QueryParameter(
        description="Only acts from this moment on, with its time zone (RFC 3339).",
        schema_extra={"format": "date-time"},
    ),
]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
"""RFC 3339, section 5.6."""


@get("/", operation_class=Documented, summary="Read the audit log")
async def list_audit(
    *,
    owner: TheOwner,
    audit: TheAudit,
    tenant_id: FromPath[UUID],
    limit: Limit = 50,
    cursor: Cursor = None,
    action: _Action = None,
    actor: _Actor = None,
    since: _Since = None,
) -> AuditPage:
    """Every administrative act, newest first."""
    found = await audit.list_page(
        owner,
        TenantId(tenant_id),
        after=read_id(cursor),
        limit=limit + 1,
        action=action,
        actor=None if actor is None else UserId(actor),
        since=_moment(since),
    )
    page, more = cut(found, limit, lambda entry: str(entry.id))
    return AuditPage(items=[audit_entry_view(entry) for entry in page], next=more)


def _moment(since: str | None) -> datetime | None:
    if since is None:
        return None
    try:
        if _MOMENT.fullmatch(since):
            return datetime.fromisoformat(since).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid("Send a moment with its time zone, for example 2026-01-31T09:00:00Z.", field="since")


router = Router("/tenants/{tenant_id:uuid}/audit", route_handlers=[list_audit], tags=["audit"])
