"""How connections stand with their payments, and the links to the page on which they are paid."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from tenants.billing.facts import Provider
from tenants.billing.ledger import Entry
from tenants.billing.links import make_pay_link
from tenants.billing.standing import Reason
from tenants.billing.tables import plan_ledger, standings
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict
from tenants.ids import TenantId, UserId
from tenants.plans import Plan


@dataclass(frozen=True, slots=True)
class Account:
    """How a connection stands with its payments. `subscription` is None where nobody pays for it now; `payer` is who
    ordered the last one.
    """

    tenant: Tenant
    units: int
    reason: Reason
    since: datetime | None
    provider: Provider | None
    subscription: str | None
    customer: str | None
    payer: UserId | None
    paid_until: datetime | None
    ends_at: datetime | None


_NOW = text("SELECT clock_timestamp()")
_UNITS = text("SELECT units FROM tenants WHERE id = :tenant")


class Accounts:
    """`page` is where the pay page's links begin; None where no card is taken."""

    def __init__(self, database: Database, connections: Connections, keyring: Keyring, page: str | None) -> None:
        self._database = database
        self._connections = connections
        self._keyring = keyring
        self._page = page

    async def read(self, person: UserId, tenant: TenantId) -> Account:
        """Raises `NotFound` where the person does not manage it."""
        return await read_account(self._database, await self._connections.get(person, tenant))

    async def make_page_link(self, person: UserId, tenant: TenantId) -> str:
        """The pay page's address, for this person and an hour. Raises `NotFound`, or `Conflict` without a page."""
        await self._connections.get(person, tenant)
        if self._page is None:
            raise Conflict("No card is taken here: ask whoever runs this Backline.", code="no_pay_page")
        link = make_pay_link(self._keyring, tenant, person, await read_clock(self._database))
        return f"{self._page}/pay/{link}"


async def read_clock(database: Database) -> datetime:
    """The database's."""
    async with database.fleet() as unit:
        moment: datetime = (await unit.execute(_NOW)).scalar_one()
    return moment


async def read_account(database: Database, tenant: Tenant) -> Account:
    async with database.tenant(tenant.id) as unit:
        row = (await unit.execute(select(standings).where(standings.c.tenant_id == tenant.id))).first()
        last = (
            await unit.execute(
                select(plan_ledger)
                .where(plan_ledger.c.tenant_id == tenant.id)
                .order_by(plan_ledger.c.number.desc())
                .limit(1)
            )
        ).first()
        units = (await unit.execute(_UNITS, {"tenant": tenant.id})).scalar_one()
    entry = None if last is None else Entry(last.at, Plan(last.plan), last.units, Reason(last.reason))
    reason = Reason.NONE if entry is None else entry.reason
    pays = row is not None and reason in {Reason.PAID, Reason.GRACE, Reason.UNPAID}
    return Account(
        tenant=tenant,
        units=units,
        reason=reason,
        since=None if entry is None else entry.at,
        provider=Provider(row.provider) if row is not None and row.provider else None,
        subscription=row.subscription if row is not None and pays else None,
        customer=row.customer if row is not None else None,
        payer=UserId(row.payer_id) if row is not None and row.payer_id is not None else None,
        paid_until=row.paid_until if row is not None else None,
        ends_at=row.ends_at if row is not None else None,
    )
