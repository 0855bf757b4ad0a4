"""What could not be delivered or processed: listing it and trying it again."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.deps import TheDeadLetters, TheOwner
from api.models import DeadLetterPage, Replayed, ReplayRequest, dead_letter_view
from api.openapi import Documented
from tenants.dead_letters import Position, read_id
from tenants.errors import Invalid
from tenants.ids import TenantId

_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
_Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.")]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@get("/", operation_class=Documented, summary="List dead letters")
async def list_dead_letters(
    owner: TheOwner,
    dead_letters: TheDeadLetters,
    tenant_id: FromPath[UUID],
    limit: _Limit = 50,
    cursor: _Cursor = None,
) -> DeadLetterPage:
    """What was given up in the last seven days, newest first."""
    found = await dead_letters.list_page(owner, TenantId(tenant_id), after=_position(cursor), limit=limit + 1)
    page = found[:limit]
    more = _cursor_of(page[-1].position) if len(found) > limit else None
    return DeadLetterPage(items=[dead_letter_view(letter) for letter in page], next=more)


@post("/replay", operation_class=Documented, summary="Try dead letters again", status_code=HTTPStatus.ACCEPTED)
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


def _cursor_of(position: Position) -> str:
    return f"{(position.since - _EPOCH) // _MICROSECOND}.{position.id}"


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    moment, _, last = cursor.partition(".")
    try:
        return Position(_EPOCH + int(moment) * _MICROSECOND, str(read_id(last)))
    except (ValueError, OverflowError, Invalid):
        raise Invalid("This cursor is none of ours: use `next` of the page before.", field="cursor") from None


router = Router(
    "/tenants/{tenant_id:uuid}/dead-letters",
    route_handlers=[list_dead_letters, replay_dead_letters],
    tags=["dead letters"],
)
