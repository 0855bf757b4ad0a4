"""The messages of a dialog, where ARCHIVE keeps them."""

from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath

from api.deps import TheArchive, TheOwner
from api.models.messages import MessagePage, message_view
from api.openapi import Documented
from api.pages import Cursor, Limit, cut, read_id
from tenants.ids import DialogId, TenantId


@get("/", operation_class=Documented, summary="Read a dialog's messages")
async def list_messages(
    *,
    owner: TheOwner,
    archive: TheArchive,
    tenant_id: FromPath[UUID],
    dialog_id: FromPath[UUID],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> MessagePage:
    """Newest first, with what they were before they were edited. Empty where ARCHIVE is 0: then nothing is kept."""
    found = await archive.list_page(
        owner, TenantId(tenant_id), DialogId(dialog_id), after=read_id(cursor), limit=limit + 1
    )
    page, more = cut(found, limit, lambda message: str(message.id))
    return MessagePage(items=[message_view(message) for message in page], next=more)


router = Router(
    "/tenants/{tenant_id:uuid}/dialogs/{dialog_id:uuid}/messages", route_handlers=[list_messages], tags=["messages"]
)
