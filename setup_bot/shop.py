"""What the setup bot offers to whoever wants a higher plan: the pay page's link, Telegram Stars, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from setup_bot.texts import spoken
from tenants.billing.accounts import Accounts
from tenants.billing.desk import PayDesk, Wish
from tenants.billing.port import Prices
from tenants.billing.prices import STARS, describe_price, only_stars, without_stars
from tenants.config import Config
from tenants.errors import Conflict
from tenants.ids import TenantId, UserId
from tenants.plans import Plan


@dataclass(frozen=True, slots=True)
class Offer:
    """`way` is web, stars or off."""

    way: str
    prices: Prices

    def price(self, plan: Plan) -> str | None:
        """A month of a plan, as the person's language writes it. None where it is not sold here."""
        amounts: Mapping[str, int] = self.prices.get(plan, {})
        language = spoken().value
        written = [describe_price(amount, currency, language) for currency, amount in sorted(amounts.items())]
        return " / ".join(written) or None


def make_offer(config: Config) -> Offer:
    if config.billing_link == "off":
        return Offer("off", {})
    if config.billing_link == "stars":
        return Offer("stars", only_stars(config.prices))
    return Offer("web", without_stars(config.prices))


class Shop:
    """`desk` takes Stars."""

    def __init__(self, config: Config, accounts: Accounts, desk: PayDesk) -> None:
        self.offer = make_offer(config)
        self.terms = config.terms
        self.accounts = accounts
        self._desk = desk

    async def make_invoice(self, person: UserId, tenant: TenantId, plan: Plan) -> str:
        """Where Stars are paid. Raises `Conflict` for a plan that what is paid now can't become."""
        address = await self._desk.pay(person, tenant, Wish(plan, 1, STARS), "")
        if address is None:
            raise Conflict("This connection is paid already: look at its plan again.", code="paid")
        return address
