"""What could not be delivered or processed: listing it and trying it again."""

from http import HTTPStatus
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from api.deps import TheDeadLetters, TheOwner
from api.models.dead_letters import DeadLetterPage, Replayed, ReplayRequest, dead_letter_view
from api.openapi import Documented, Repeatable
from api.pages import Cursor, Limit, cut, moment_cursor, none_of_ours, read_moment
from tenants.dead_letters import Position, read_id
from tenants.errors import Invalid
from tenants.ids import TenantId


@get("/", operation_class=Documented, summary="List dead letters")
async def list_dead_letters(
    owner: TheOwner,
    dead_letters: TheDeadLetters,
    tenant_id: FromPath[UUID],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeadLetterPage:
    """What was given up in the last seven days, newest first."""
    found = await dead_letters.list_page(owner, TenantId(tenant_id), after=_position(cursor), limit=limit + 1)
    page, more = cut(found, limit, lambda letter: moment_cursor(letter.position.since, letter.position.id))
    return DeadLetterPage(items=[dead_letter_view(letter) for letter in page], next=more)


@post("/replay", operation_class=Repeatable, summary="Try dead letters again", status_code=HTTPStatus.ACCEPTED)
async def replay_dead_letters(
    owner: TheOwner, dead_letters: TheDeadLetters, tenant_id: FromPath[UUID], data: JSONBody[ReplayRequest]
) -> Replayed:
    """A message goes to the end of its dialog's queue. The team sees that it comes late."""
    if data.all == (data.ids is not None):
        raise Invalid("Send either ids, or all as true.", field="ids")
    if data.ids is None:
        return Replayed(replayed=await dead_letters.replay_all(owner, TenantId(tenant_id)))
    ids = [read_id(typed) for typed in data.ids]
    return Replayed(replayed=await dead_letters.replay(owner, TenantId(tenant_id), ids))


def _position(cursor: str | None) -> Position | None:
    found = read_moment(cursor)
    if found is None:
        return None
    moment, last = found
    try:
        return Position(moment, str(read_id(last)))
    except Invalid:
        raise none_of_ours() from None


router = Router(
    "/tenants/{tenant_id:uuid}/dead-letters",
    route_handlers=[list_dead_letters, replay_dead_letters],
    tags=["dead letters"],
)
