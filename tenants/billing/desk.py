"""The pay desk: what somebody may buy for a connection, and the way to pay for it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from tenants.billing.facts import Provider
from tenants.billing.ledger import Entry
from tenants.billing.links import make_pay_link, read_pay_link
from tenants.billing.port import Gateway, Order, Prices
from tenants.billing.standing import Reason
from tenants.billing.tables import plan_ledger, standings
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.ids import TenantId, UserId
from tenants.phrases import Phrase
from tenants.plans import Plan

MOST_UNITS = 1000


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


class PayDesk:
    """`gateway` is where money is paid; Stars are paid in Telegram."""

    def __init__(
        self, database: Database, connections: Connections, keyring: Keyring, gateway: Gateway, prices: Prices
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._connections = connections
        self._gateway = gateway
        self.prices = prices

    async def read_link(self, link: str) -> tuple[TenantId, UserId]:
        """Raises `Invalid` for one that is too old, was changed, or never was one."""
        return read_pay_link(self._keyring, link, await _now(self._database))

    async def open_account(self, person: UserId, tenant: TenantId) -> Account:
        """Raises `NotFound` where the person does not manage it."""
        return await read_account(self._database, await self._connections.get(person, tenant))

    async def pay(self, person: UserId, tenant: TenantId, wish: "Wish", back: str) -> str | None:
        """The address at which to pay; None where what is paid already was changed. Raises `Invalid`, `Unavailable`,
        or `Conflict` where it is paid in another way.
        """
        account = await self.open_account(person, tenant)
        self._require_sold(wish)
        order = Order(
            tenant=tenant,
            person=person,
            plan=wish.plan,
            units=wish.units,
            currency=wish.currency,
            key=f"{tenant}:{account.tenant.version}:{wish.plan}:{wish.units}:{wish.currency}",
            back=back,
            customer=account.customer if self._is_customer(account, person) else None,
        )
        if account.subscription is None:
            return await self._gateway.open_checkout(order)
        if account.provider is not self._gateway.provider:
            raise Conflict(
                "This connection is paid in another way: end that subscription first.", code="other_provider"
            )
        _require_payer(account, person)
        return await self._gateway.change(account.subscription, order)

    async def open_portal(self, person: UserId, tenant: TenantId, back: str) -> str:
        """Cards, invoices and the end of the subscription."""
        account = await self.open_account(person, tenant)
        if account.customer is None or account.provider is not self._gateway.provider:
            raise Invalid("Nobody has paid for this connection here so far.", code="no_customer")
        _require_payer(account, person)
        return await self._gateway.open_portal(account.customer, back)

    def _is_customer(self, account: Account, person: UserId) -> bool:
        """Whoever pays next may be somebody else than before, with a card and invoices of their own."""
        return account.provider is self._gateway.provider and account.payer in {None, person}

    def _require_sold(self, wish: "Wish") -> None:
        if wish.plan not in self.prices:
            raise Invalid("Choose one of the plans that are sold.", field="plan")
        if wish.currency not in self.prices[wish.plan]:
            problem = Phrase(
                "The {plan} plan has no price in {currency}.", plan=wish.plan, currency=wish.currency[:8].upper()
            )
            raise Invalid(problem, field="currency")
        if not 1 <= wish.units <= MOST_UNITS or (wish.plan is not Plan.PRO and wish.units != 1):
            raise Invalid(Phrase("Choose from 1 to {most} units.", most=MOST_UNITS), field="units")


def _require_payer(account: Account, person: UserId) -> None:
    """Cards, addresses and invoices are the payer's, also where somebody else manages the connection by now."""
    if account.payer not in {None, person}:
        raise Forbidden("Somebody else pays for this connection: only they can change or end it.", code="other_payer")


@dataclass(frozen=True, slots=True)
class Wish:
    plan: Plan
    units: int
    currency: str


async def offer_link(database: Database, keyring: Keyring, person: UserId, tenant: TenantId) -> str:
    """The last part of the page's address, for an hour. The caller knows that the person manages the connection."""
    return make_pay_link(keyring, tenant, person, await _now(database))


async def _now(database: Database) -> datetime:
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
