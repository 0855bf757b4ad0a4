"""What nobody asks Stripe for, but happens: time goes by, cards go bad, banks take money back."""

from datetime import timedelta

from sandbox.stripe import checkout, cycle, portal, reversals
from sandbox.stripe.account import Account, Settings, Thing
from sandbox.stripe.cards import WORKS, Verdict
from sandbox.stripe.refusals import Refusal
from sandbox.stripe.routes import matching

_DEFAULT_OBJECT = {"id": "thing_1", "object": "thing"}


class Acts:
    """Raises `Refusal` for what is not there."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def advance(self, by: timedelta) -> int:
        """All that lives by the account's own clock. The account's time afterwards, in seconds since 1970."""
        if by < timedelta(0):
            raise Refusal("Time goes forward only.")
        moment = self._account.now() + int(by.total_seconds())
        cycle.advance(self._account, moment)
        self._account.set_ahead(self._account.ahead + int(by.total_seconds()))
        return self._account.now()

    def catch_up(self) -> None:
        """What became due as the wall's clock went on."""
        cycle.advance(self._account, self._account.now())

    def change_settings(self, **settings: object) -> Settings:
        unknown = set(settings) - set(Settings.__dataclass_fields__)
        if unknown:
            raise Refusal(f"There is no such setting: {', '.join(sorted(unknown))}.")
        for name, value in settings.items():
            setattr(self._account.settings, name, value)
        return self._account.settings

    def pay(self, session: str, number: str = WORKS, email: str | None = "ann@example.com") -> Verdict:
        """A checkout without its page; a card that asks its owner is told yes."""
        found = self._account.get("checkout.session", session)
        said = checkout.pay(self._account, found, number, email)
        return checkout.pay(self._account, found, number, email, authenticated=True) if said.kind == "asks" else said

    def pay_invoice(self, invoice: str, number: str | None = None) -> Verdict:
        """As its owner does on the invoice's page."""
        found = self._account.get("invoice", invoice)
        return portal.pay_open(self._account, found, number, authenticated=True)

    def fail_card(self, customer: str, code: str | None = "generic_decline") -> None:
        """From now on all cards of a customer decline; None: they are as they were."""
        self._account.get("customer", customer)
        for method in matching(self._account.newest("payment_method"), customer=customer):
            method["_fails"] = code

    def dispute(self, charge: str, reason: str = "fraudulent") -> Thing:
        return reversals.dispute(self._account, self._account.get("charge", charge), reason)

    def close_dispute(self, dispute: str, *, won: bool) -> Thing:
        return reversals.settle(self._account, self._account.get("dispute", dispute), won=won)

    def refund(self, charge: str, amount: int | None = None) -> Thing:
        """As from the dashboard."""
        return reversals.refund(self._account, self._account.get("charge", charge), amount)

    def delete_customer(self, customer: str) -> Thing:
        return cycle.forget_customer(self._account, self._account.get("customer", customer))

    def emit(self, name: str, thing: Thing | None = None) -> Thing:
        """Any event, also of a type that nobody has heard of."""
        return self._account.emit(name, thing or dict(_DEFAULT_OBJECT))
