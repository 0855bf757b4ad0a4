"""A plan that is given without a payment, by whoever runs the deployment."""

from uuid import UUID

from sqlalchemy import text

from tenants.billing.applying import settle
from tenants.billing.facts import Fact, Kind, Provider
from tenants.billing.standing import Standing
from tenants.db import Database
from tenants.errors import NotFound
from tenants.ids import TenantId, new_id
from tenants.plans import Plan

_FIND = text(
    """
    SELECT id, bot_username, clock_timestamp() AS now FROM tenants
    WHERE erased_at IS NULL AND (id = CAST(:id AS uuid) OR lower(bot_username) = lower(:username))
    """
)


async def grant(database: Database, name: str, plan: Plan, *, units: int = 1) -> tuple[str, Standing]:
    """The bot's username, and what counts for it now: a subscription to a higher plan goes on. `name` is a tenant's
    id or its bot's username. Raises `NotFound`.
    """
    async with database.fleet() as unit:
        row = (await unit.execute(_FIND, _named(name))).first()
        if row is None:
            raise NotFound("connection")
    given = Fact(
        f"grant:{new_id()}",
        Provider.OPERATOR,
        Kind.GRANTED,
        at=row.now,
        received_at=row.now,
        tenant=TenantId(row.id),
        plan=plan,
        units=units,
    )
    standing = await settle(database, given)
    if standing is None:
        raise NotFound("connection")
    return row.bot_username, standing


def _named(name: str) -> dict[str, str | UUID | None]:
    try:
        return {"id": UUID(name), "username": None}
    except ValueError:
        return {"id": None, "username": name.removeprefix("@")}
