"""The dialogs of a connection."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from api.deps import TheDialogs, TheOwner
from api.models.dialogs import DialogPage, DialogView, dialog_view
from api.openapi import Documented
from api.pages import Cursor, Limit, cut, moment_cursor, none_of_ours, read_id, read_moment
from tenants.dialog_pages import Position
from tenants.dialogs import Status
from tenants.ids import DialogId, TenantId

_Status = Annotated[Status | None, QueryParameter(description="Only dialogs of this status.")]


@get("/", operation_class=Documented, summary="List dialogs")
async def list_dialogs(
    *,
    owner: TheOwner,
    dialogs: TheDialogs,
    tenant_id: FromPath[UUID],
    limit: Limit = 50,
    cursor: Cursor = None,
    status: _Status = None,
) -> DialogPage:
    """The one that was active last comes first."""
    after = _position(cursor)
    found = await dialogs.list_page(owner, TenantId(tenant_id), status=status, after=after, limit=limit + 1)
    page, more = cut(found, limit, lambda dialog: moment_cursor(dialog.active_at, dialog.id))
    return DialogPage(items=[dialog_view(dialog) for dialog in page], next=more)


@get("/{dialog_id:uuid}", operation_class=Documented, summary="Get a dialog")
async def show_dialog(
    owner: TheOwner, dialogs: TheDialogs, tenant_id: FromPath[UUID], dialog_id: FromPath[UUID]
) -> DialogView:
    return dialog_view(await dialogs.get(owner, TenantId(tenant_id), DialogId(dialog_id)))


def _position(cursor: str | None) -> Position | None:
    found = read_moment(cursor)
    if found is None:
        return None
    moment, last = found
    dialog = read_id(last)
    if dialog is None:
        raise none_of_ours()
    return Position(moment, DialogId(dialog))


router = Router("/tenants/{tenant_id:uuid}/dialogs", route_handlers=[list_dialogs, show_dialog], tags=["dialogs"])
