"""The messages of a dialog, where ARCHIVE keeps them."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from api.deps import TheArchive, TheOwner
from api.models import MessagePage, message_view
from api.openapi import Documented
from tenants.errors import Invalid
from tenants.ids import DialogId, TenantId

_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
_Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.")]


@get("/", operation_class=Documented, summary="Read a dialog's messages")
async def list_messages(
    *,
    owner: TheOwner,
    archive: TheArchive,
    tenant_id: FromPath[UUID],
    dialog_id: FromPath[UUID],
    limit: _Limit = 50,
    cursor: _Cursor = None,
) -> MessagePage:
    """Newest first, with what they were before they were edited. Empty where ARCHIVE is 0: then nothing is kept."""
    found = await archive.list_page(
        owner, TenantId(tenant_id), DialogId(dialog_id), after=_position(cursor), limit=limit + 1
    )
    page = found[:limit]
    more = str(page[-1].id) if len(found) > limit else None
    return MessagePage(items=[message_view(message) for message in page], next=more)


def _position(cursor: str | None) -> UUID | None:
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError:
        raise Invalid("This cursor is none of ours: use `next` of the page before.", field="cursor") from None


router = Router(
    "/tenants/{tenant_id:uuid}/dialogs/{dialog_id:uuid}/messages", route_handlers=[list_messages], tags=["messages"]
)
