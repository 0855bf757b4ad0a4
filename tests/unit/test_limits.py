"""The group's budget: a sliding minute, what Telegram says on top, and what a restarted sender remembers."""

from hypothesis import given
from hypothesis import strategies as st

from worker.limits import WINDOW, GroupBudget


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_spent_comes_back_after_a_minute() -> None:
    clock = Clock()
    budget = GroupBudget(20, clock)
    budget.spend(5)
    clock.now += 30
    budget.spend(15)
    assert (budget.available(), budget.wait()) == (0, 30)
    clock.now += 30
    assert budget.available() == 5
    clock.now += 30
    assert budget.available() == 20


def test_an_album_may_overdraw_and_is_paid_back() -> None:
    clock = Clock()
    budget = GroupBudget(20, clock)
    budget.spend(18)
    clock.now += 10
    budget.spend(10)
    assert budget.available() == 0
    clock.now += WINDOW - 10
    assert budget.available() == 10


def test_a_flood_wait_counts_more_than_our_own_arithmetic() -> None:
    clock = Clock()
    budget = GroupBudget(20, clock)
    budget.pause(37)
    budget.pause(5)
    assert (budget.available(), budget.wait()) == (0, 37)
    clock.now += 37
    assert budget.available() == 20


def test_a_restarted_sender_remembers_the_last_minute() -> None:
    budget = GroupBudget(20, Clock())
    budget.remember([1, 5, 59, 61, 300])
    assert budget.available() == 17


@given(st.lists(st.tuples(st.integers(1, 12), st.floats(0, 90)), max_size=40))
def test_no_minute_ever_sees_more_than_the_limit_when_only_what_is_available_is_spent(
    steps: list[tuple[int, float]],
) -> None:
    clock = Clock()
    budget = GroupBudget(20, clock)
    spent: list[float] = []
    for wanted, pause in steps:
        units = min(wanted, budget.available())
        budget.spend(units)
        spent += [clock.now] * units
        assert sum(1 for at in spent if at > clock.now - WINDOW) <= 20
        assert (budget.wait() > 0) == (budget.available() == 0)
        clock.now += pause
