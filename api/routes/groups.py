"""The group of a connection: a one-time link proposes it, Telegram is asked about it, then it becomes the desk."""

from datetime import UTC, datetime
from uuid import UUID

from litestar import Router, get, post, put
from litestar.params import FromPath, JSONBody

from api.deps import TheConnections, TheGroups, TheOwner
from api.etags import IfMatch, read_version
from api.models.groups import GroupChoice, GroupLink, GroupReport, GroupView, current_group, report_view
from api.openapi import Documented, Repeatable
from api.routes.tenants import Detail, answer
from connecting.groups import Groups
from connecting.links import group_link
from tenants.errors import Conflict
from tenants.groups import LINK_LIVES, ProposedGroup
from tenants.ids import TenantId, UserId


@post("/group-link", operation_class=Repeatable, summary="Make a link that chooses the group")
async def make_group_link(owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID]) -> GroupLink:
    """For ten minutes, once, and for you only. It replaces the last one. Then look at GET …/group."""
    tenant = await connections.get(owner, TenantId(tenant_id))
    if tenant.is_undecided:
        raise Conflict("Choose its mode first: until then nothing hears of the group.", code="undecided")
    word = await connections.make_group_link(owner, tenant.id)
    return GroupLink(link=group_link(tenant.bot_username, word), expires_at=datetime.now(UTC) + LINK_LIVES)


@get("/group", operation_class=Documented, summary="Check the group")
async def check_group(
    owner: TheOwner, connections: TheConnections, groups: TheGroups, tenant_id: FromPath[UUID]
) -> GroupView:
    """The one that is the desk, and the one that was chosen with the last link."""
    tenant = await connections.get(owner, TenantId(tenant_id))
    proposed = await connections.find_proposed_group(owner, tenant.id)
    return GroupView(
        current=await _report(owner, groups, current_group(tenant)),
        proposed=await _report(owner, groups, proposed),
    )


@put("/group", operation_class=Documented, summary="Make the proposed group the desk")
async def choose_group(
    *,
    owner: TheOwner,
    connections: TheConnections,
    groups: TheGroups,
    tenant_id: FromPath[UUID],
    data: JSONBody[GroupChoice],
    if_match: IfMatch = None,
) -> Detail:
    """It is checked once more; then the relay runs."""
    version = read_version(if_match)
    proposed = await connections.find_proposed_group(owner, TenantId(tenant_id))
    if proposed is None or proposed.chat != data.id:
        raise Conflict("This group is not proposed: choose it with a new link first.", code="not_proposed")
    report = await groups.inspect(owner, proposed)
    if report.problems:
        view = report_view(proposed, report)
        mend = view.problem or next(check.text for check in view.checks if check.required and check.text)
        raise Conflict(f"The group can't be used yet. {mend}", code="group_unusable")
    tenant = await connections.attach_group(owner, proposed, title=report.title, version=version)
    return await answer(owner, connections, tenant)


async def _report(owner: UserId, groups: Groups, group: ProposedGroup | None) -> GroupReport | None:
    return None if group is None else report_view(group, await groups.inspect(owner, group))


router = Router(
    "/tenants/{tenant_id:uuid}", route_handlers=[make_group_link, check_group, choose_group], tags=["group"]
)
