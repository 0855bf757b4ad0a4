"""Whatever is bought, canceled and refunded as time goes by: no Star appears, each month is one payment."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.world import Invoice, ManualClock, NotAllowed, Subscription, World
from sandbox.world.checkouts import ANSWERED_WITHIN, answer
from sandbox.world.payments import bar, cancel, refund, resume
from sandbox.world.stars import FIRST_BALANCE, PERIOD

_PRICES = (900, 3_000)
_WHICH = st.integers(0, 3)
_OPERATIONS = st.one_of(
    st.tuples(st.just("buy"), st.integers(0, len(_PRICES))),
    st.tuples(st.sampled_from(["agree", "refuse", "refund", "cancel", "renew", "bar", "allow"]), _WHICH),
    st.tuples(st.just("days"), st.sampled_from([0, 1, 29, 30, 61])),
)


class Play:
    """Ann and a bot that sells two subscriptions, and one thing that is paid once."""

    def __init__(self) -> None:
        self.world = World(ManualClock())
        self.ann = self.world.add_user("Ann")
        self.bot = self.world.add_bot("Shop", "shop_bot")
        self.links = [self._sell(f"{price}", price, is_subscription=True) for price in _PRICES]
        self.links.append(self._sell("once", 500, is_subscription=False))
        self.refunds = 0

    def _sell(self, name: str, price: int, *, is_subscription: bool) -> str:
        invoice = Invoice(name, self.bot, name, name, name, price, is_subscription)
        self.world.stars.invoices[name] = invoice
        return invoice.link

    def do(self, name: str, which: int) -> None:
        deeds: dict[str, Callable[[int], object]] = {
            "buy": lambda n: self.world.pay(self.ann, self.links[n]),
            "agree": lambda n: self._answer(n, ""),
            "refuse": lambda n: self._answer(n, "No."),
            "refund": self._refund,
            "cancel": lambda n: self._change(n, lambda one: cancel(self.world, one)),
            "renew": lambda n: self._change(n, lambda one: resume(self.world, one)),
            "bar": lambda n: self._change(n, lambda one: bar(self.world, one, barred=True)),
            "allow": lambda n: self._change(n, lambda one: bar(self.world, one, barred=False)),
            "days": lambda n: self.world.advance(timedelta(days=n) or ANSWERED_WITHIN),
        }
        try:
            deeds[name](which)
        except NotAllowed:
            return

    def _answer(self, which: int, error: str) -> None:
        waiting = [one for one in self.world.stars.checkouts.values() if one.outcome == "waiting"]
        if waiting:
            assert answer(self.world, waiting[which % len(waiting)], error)

    def _refund(self, which: int) -> None:
        stars = self.world.stars
        open_ones = [payment for charge_id, payment in stars.payments.items() if charge_id not in stars.refunded]
        if open_ones:
            self.refunds += 1
            refund(self.world, open_ones[which % len(open_ones)])

    def _change(self, which: int, change: Callable[[Subscription], object]) -> None:
        lasting = self.world.stars.lasting(self.ann, self.bot)
        if lasting:
            change(lasting[which % len(lasting)])

    def check(self) -> None:
        world, stars = self.world, self.world.stars
        paid = sum(payment.invoice.amount for payment in stars.payments.values())
        returned = sum(stars.payments[charge_id].invoice.amount for charge_id in stars.refunded)
        assert world.balance(self.bot) == paid - returned
        assert world.balance(self.ann) == FIRST_BALANCE - paid + returned
        assert world.balance(self.ann) >= 0
        assert len(stars.refunded) == self.refunds
        said = [message.kind for message in world.history(world.private(self.ann, self.bot))]
        assert said.count("successful_payment") == len(stars.payments)
        assert said.count("refunded_payment") == self.refunds
        assert all(one.has_ended or one.expires_at > world.now() for one in stars.subscriptions)
        months = [(one.expires_at - stars.payments[one.charge_id].at) // PERIOD for one in stars.subscriptions]
        once = sum(not payment.invoice.is_subscription for payment in stars.payments.values())
        assert len(stars.payments) == once + sum(months)


@settings(max_examples=150, deadline=None)
@given(st.lists(_OPERATIONS, max_size=30))
def test_the_books_balance_and_each_month_is_one_payment(operations: list[tuple[str, int]]) -> None:
    play = Play()
    for name, which in operations:
        play.do(name, which)
        play.check()
