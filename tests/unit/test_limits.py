"""Windows of time, what Telegram says on top, what a restarted sender remembers, and who goes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.limits import CLEAN_SECONDS, FLOOR, WINDOW, BotBudget, ChatBudgets, GroupBudget


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_is_spent_comes_back_after_a_minute(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(5)
    clock.now += 30
    budget.spend(15)
    assert (budget.available(), budget.wait()) == (0, 30)
    clock.now += 30
    assert budget.available() == 5
    clock.now += 30
    assert budget.available() == 20


def test_an_album_may_overdraw_and_is_paid_back(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(18)
    clock.now += 10
    budget.spend(10)
    assert budget.available() == 0
    clock.now += WINDOW - 10
    assert budget.available() == 10


def test_a_flood_wait_counts_more_than_our_own_arithmetic(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.pause(37)
    budget.pause(5)
    assert (budget.available(), budget.wait()) == (0, 37)
    clock.now += 37
    assert (budget.available(), budget.limit) == (20, 20)


def test_a_restarted_sender_remembers_the_last_minute(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.remember([1, 5, 59, 61, 300, -0.1])
    assert budget.available() == 16


def test_a_refusal_below_our_limit_teaches_what_was_accepted(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(12)
    clock.now += 1
    at = budget.spend(1)
    clock.now += 1
    budget.refused(30, at=at)
    assert (budget.limit, budget.available(), budget.wait()) == (12, 0, 58)
    clock.now += 58
    assert budget.available() == 12


def test_calls_side_by_side_that_are_refused_teach_together(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(7)
    clock.now += 1
    moments = [budget.spend(1) for _ in range(5)]
    for at in moments[2:]:
        budget.refused(5, at=at)
    assert (budget.limit, budget.used()) == (9, 9)


def test_a_refused_overdraft_teaches_nothing(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(18)
    clock.now += 1
    budget.refused(40, units=10, at=budget.spend(10))
    assert (budget.limit, budget.wait()) == (20, 40)
    clock.now += 40
    assert budget.available() == 2


def test_an_answer_that_comes_when_the_window_has_gone_on_pauses_only(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    at = budget.spend(1)
    clock.now += WINDOW
    budget.spend(2)
    budget.refused(9, at=at)
    assert (budget.limit, budget.used(), budget.wait()) == (20, 2, 9)


def test_a_refusal_out_of_the_blue_does_not_silence_a_group(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(1)
    budget.refused(30)
    clock.now += 30
    assert (budget.limit, budget.available()) == (FLOOR, FLOOR)


def test_a_short_wait_says_nothing_of_the_minute(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(1)
    budget.refused(1)
    assert (budget.available(), budget.wait()) == (0, 1)
    assert budget.limit == 20


def test_a_limit_that_has_sunk_rises_by_one_in_a_clean_minute(clock: Clock) -> None:
    budget = GroupBudget(8, clock)
    budget.spend(6)
    budget.refused(30)
    assert budget.limit == 5
    clock.now += CLEAN_SECONDS - 1
    assert budget.limit == 5
    clock.now += 1
    assert budget.limit == 6
    clock.now += CLEAN_SECONDS / 2
    budget.spend(6)
    budget.refused(30)
    clock.now += CLEAN_SECONDS / 2
    assert budget.limit == 5
    clock.now += 10 * CLEAN_SECONDS
    assert (budget.limit, budget.available()) == (8, 8)


def test_a_limit_below_the_floor_is_its_own_floor(clock: Clock) -> None:
    budget = GroupBudget(2, clock)
    budget.spend(1)
    budget.refused(0)
    assert budget.limit == 2


def test_errands_take_what_messages_leave(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    assert budget.next_errand({}) is None
    assert budget.next_errand({"status": 0, "topic": 0}) == "topic"
    assert budget.next_errand({"status": 0}, claimed=10, waiting=9) == "status"
    assert budget.next_errand({"status": 0}, claimed=10, waiting=10) is None
    assert budget.next_errand({"status": 0}, claimed=20) is None


def test_an_errand_that_lost_patience_goes_before_waiting_messages(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    budget.spend(19)
    assert budget.for_messages({"topic": 29, "status": 59}) == 1
    assert budget.next_errand({"topic": 29, "status": 59}, waiting=100) is None
    assert budget.for_messages({"topic": 30}) == 0
    assert budget.next_errand({"topic": 30, "status": 0}, waiting=100) == "topic"
    assert budget.next_errand({"topic": 0, "status": 60}, waiting=100) == "status"
    budget.spend_on_errand()
    assert budget.for_messages({"topic": 30}) == 0
    assert budget.next_errand({"topic": 30}) is None


def test_a_title_that_is_more_overdue_than_a_topic_has_its_turn(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    assert budget.next_errand({"topic": 45, "status": 70}) == "topic"
    assert budget.next_errand({"topic": 35, "status": 70}) == "status"


def test_under_backlog_errands_get_a_quarter_and_messages_the_rest(clock: Clock) -> None:
    budget = GroupBudget(20, clock)
    kinds = []
    for _ in range(20):
        kind = budget.next_errand({"topic": 100}, waiting=100)
        kinds.append(kind)
        if kind is None:
            assert budget.for_messages({"topic": 100}) == budget.available()
            budget.spend(1)
        else:
            budget.spend_on_errand()
    assert (kinds.count("topic"), kinds.count(None)) == (5, 15)


def test_a_bot_sends_thirty_in_a_second(clock: Clock) -> None:
    budget = BotBudget(clock=clock)
    budget.spend(30)
    assert (budget.available(), budget.wait()) == (0, 1)
    clock.now += 1
    assert budget.available() == 30


def test_one_chat_that_refuses_is_no_affair_of_the_bot(clock: Clock) -> None:
    budget = BotBudget(clock=clock)
    for _ in range(10):
        budget.refused_in("anna", 60, at=budget.spend(1))
    assert (budget.available(), budget.limit) == (30, 30)


def test_three_chats_that_refuse_at_once_are_the_bots(clock: Clock) -> None:
    budget = BotBudget(clock=clock)
    budget.spend(12)
    for chat, seconds in (("anna", 60), ("bert", 3), ("group", 7)):
        budget.refused_in(chat, seconds, at=budget.spend(1))
    assert (budget.available(), budget.wait(), budget.limit) == (0, 3, 12)


def test_refusals_that_are_far_apart_are_not_added_up(clock: Clock) -> None:
    budget = BotBudget(clock=clock)
    for chat in ("anna", "bert", "carl"):
        budget.refused_in(chat, 60, at=budget.spend(1))
        clock.now += 1.5
    assert budget.wait() == 0


def test_a_chat_rests_after_a_burst_and_others_do_not(clock: Clock) -> None:
    chats: ChatBudgets[str] = ChatBudgets(burst=3, clock=clock)
    chats.spend("anna", 2)
    chats.spend("bert")
    assert chats.resting() == {}
    clock.now += 1
    chats.spend("anna")
    assert chats.resting() == {"anna": 2}
    clock.now += 2
    assert chats.resting() == {}


def test_a_chat_that_refuses_rests_alone_and_is_trusted_less(clock: Clock) -> None:
    chats: ChatBudgets[int] = ChatBudgets(clock=clock)
    chats.spend(1, 6)
    clock.now += 1
    chats.refused(1, 30, at=chats.spend(1))
    chats.spend(2, 19)
    assert chats.resting() == {1: 30}
    clock.now += 30
    assert chats.resting() == {}
    chats.spend(1, 6)
    assert chats.resting() == {1: 20}


def test_a_restarted_sender_remembers_whom_it_wrote_to(clock: Clock) -> None:
    chats: ChatBudgets[str] = ChatBudgets(burst=2, interval=1, clock=clock)
    chats.remember([("anna", 0.5), ("bert", 0.1), ("anna", 1.5), ("carl", 9), ("carl", 8)])
    assert chats.resting() == {"anna": 0.5}


def test_chats_in_which_nothing_happens_are_forgotten(clock: Clock) -> None:
    chats: ChatBudgets[int] = ChatBudgets(clock=clock)
    for chat in range(5000):
        chats.spend(chat)
        clock.now += 0.1
    assert len(chats) <= 2 * 20 * 10 + 1


def test_a_chat_that_refused_is_remembered_until_it_is_trusted_again(clock: Clock) -> None:
    chats: ChatBudgets[int] = ChatBudgets(burst=6, clock=clock)
    chats.spend(1, 1)
    chats.refused(1, 400)
    for seconds, known in ((CLEAN_SECONDS / 2, 2), (20 * CLEAN_SECONDS, 1)):
        clock.now += seconds
        chats.spend(2)
        assert len(chats) == known


STEPS = st.lists(
    st.tuples(st.integers(1, 12), st.floats(0, 90), st.booleans(), st.floats(0, 100)), min_size=1, max_size=60
)


@given(STEPS, st.integers(1, 40))
def test_no_minute_ever_sees_more_than_the_limit_when_only_what_is_available_is_spent(
    steps: list[tuple[int, float, bool, float]], limit: int
) -> None:
    clock = Clock()
    budget = GroupBudget(limit, clock)
    accepted: list[float] = []
    for wanted, pause, is_refused, seconds in steps:
        units = min(wanted, budget.available())
        at = budget.spend(units)
        if units and is_refused:
            budget.refused(seconds, units, at)
        else:
            accepted += [at] * units
        assert sum(1 for at in accepted if at > clock.now - WINDOW) <= limit
        assert min(FLOOR, limit) <= budget.limit <= limit
        assert (budget.wait() > 0) == (budget.available() == 0)
        clock.now += pause


@given(STEPS)
def test_a_wait_is_as_long_as_it_says(steps: list[tuple[int, float, bool, float]]) -> None:
    clock = Clock()
    budget = GroupBudget(20, clock)
    for units, pause, is_refused, seconds in steps:
        budget.spend(units)  # whatever was available
        if is_refused:
            budget.refused(seconds, units)
        wait = budget.wait()
        if wait > 0.001 and budget.limit == 20:  # a limit that rises meanwhile makes it shorter
            clock.now += wait - 0.001
            assert budget.available() == 0
            clock.now += 0.001
        else:
            clock.now += wait
        assert budget.available() > 0
        clock.now += pause


@given(
    st.lists(
        st.tuples(st.sampled_from(["topic", "status"]), st.floats(0, 200), st.floats(0, 20), st.integers(0, 20)),
        max_size=120,
    )
)
def test_under_backlog_no_minute_sees_more_errands_than_their_share(
    steps: list[tuple[str, float, float, int]],
) -> None:
    clock = Clock()
    budget = GroupBudget(20, clock)
    errands: list[float] = []
    for kind, age, pause, claimed in steps:
        ages = {kind: age}
        units = min(claimed, budget.for_messages(ages))
        if budget.next_errand(ages, claimed=units, waiting=1000) is not None:
            errands.append(budget.spend_on_errand())
        budget.spend(units)
        assert sum(1 for at in errands if at > clock.now - WINDOW) <= 5
        assert budget.used() <= 20
        clock.now += pause


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 3), st.integers(1, 3)), max_size=150))
def test_no_chat_gets_more_than_its_burst_and_none_rests_for_nothing(steps: list[tuple[int, float, int]]) -> None:
    clock = Clock()
    chats: ChatBudgets[int] = ChatBudgets(burst=5, clock=clock)
    sent: dict[int, list[float]] = {}
    for chat, pause, times in steps:
        for _ in range(times):
            recent = [at for at in sent.get(chat, []) if at > clock.now - 5]
            assert (chat in chats.resting()) == (len(recent) >= 5)
            if chat not in chats.resting():
                sent.setdefault(chat, []).append(chats.spend(chat))
        clock.now += pause
