"""The pay desk: what somebody may buy for a connection, and the way to pay for it."""

from dataclasses import dataclass

from tenants.billing.accounts import Account, read_account, read_clock
from tenants.billing.links import read_pay_link
from tenants.billing.port import Gateway, Order, Prices
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.ids import TenantId, UserId
from tenants.phrases import Phrase
from tenants.plans import Plan

MOST_UNITS = 1000


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
        return read_pay_link(self._keyring, link, await read_clock(self._database))

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
