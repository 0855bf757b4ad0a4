"""What the audit of `make chaos` finds in evidence that was tampered with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from chaos.conductor import Event
from chaos.evidence import Call, Evidence, Poll
from chaos.ledger import AFTER, BEFORE, Ledger
from chaos.messages import strays, streams
from chaos.polls import conflicts, takeovers
from chaos.telegram import Customer, Desk, Voice
from tenants.ids import TenantId
from tenants.leases import shard_of

BOT, GROUP, CUSTOMER, TOPIC = 5000, -100, 77, "2"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


@dataclass
class Story:
    """One customer of one desk, whose questions worker 1 relays one second after the other."""

    tenant: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        self.asks, self.answers = Voice("c0a", "q", CUSTOMER), Voice("c0a", "a", GROUP)
        customer = Customer("c0a", CUSTOMER, self.asks, self.answers, topic=int(TOPIC))
        desk = Desk(0, BOT, f"{BOT}:token", "shop_bot", GROUP, owner=1, operator=2, customers=[customer])
        self.calls: list[Call] = []
        self.evidence = Evidence({self.tenant: desk})
        self.evidence.calls[BOT, str(GROUP)] = self.calls
        self.evidence.texts = {str(GROUP): {TOPIC: []}}
        self.evidence.rows = []

    def ask(self, *, attempts: int = 1) -> None:
        self.asks.said.append(900 + len(self.asks.said))
        self.evidence.rows.append(
            {
                "tenant": self.tenant,
                "customer": CUSTOMER,
                "direction": "topic",
                "kind": "copy",
                "source_chat_id": CUSTOMER,
                "source_message_id": self.asks.said[-1],
                "attempts": attempts,
                "result_message_id": None,
            }
        )

    def show(
        self, *numbers: int, recorded: bool = True, answered: bool = True, fault: str = "", worker: str = "worker 1"
    ) -> float:
        """A message with these questions stands in the topic. When its call came in."""
        message = 10 + len(self.calls)
        at = NOON + len(self.calls)
        self.evidence.texts[str(GROUP)][TOPIC].append((message, "\n".join(f"c0a q{number}" for number in numbers)))
        self.calls.append(Call(message, at, "copyMessage", answered, fault, worker))
        self.evidence.carried_out["copyMessage"] += 1
        if recorded:
            for number in numbers:
                self.evidence.rows[number - 1]["result_message_id"] = message
        return at

    def log(self, worker: str, event: str, at: float, **values: Any) -> None:
        line = {"worker": worker, "event": event, "timestamp": datetime.fromtimestamp(at, UTC).isoformat(), **values}
        self.evidence.lines.append(line)

    def ledger(self, *events: Event) -> Ledger:
        return Ledger(self.evidence, events)


@pytest.fixture
def story() -> Story:
    """Two questions, each relayed once."""
    story = Story()
    story.ask()
    story.ask(attempts=2)
    story.show(1)
    return story


def test_a_whole_conversation_has_nothing_to_tell(story: Story) -> None:
    story.show(2)
    asked, answered = streams(story.evidence)
    assert (asked.lost, asked.first_seen, asked.extra, asked.late_repeats()) == ([], [1, 2], {}, [])
    assert answered.lost == []
    assert story.ledger().balanced
    assert story.ledger().extras == strays(story.evidence) == []


def test_a_question_that_stands_nowhere_is_lost(story: Story) -> None:
    assert streams(story.evidence)[0].lost == [2]


def test_joined_questions_stand_there_one_by_one(story: Story) -> None:
    story.ask()
    story.show(2, 3)
    assert streams(story.evidence)[0].numbers == [1, 2, 3]


def test_a_repeat_behind_a_later_recorded_question_is_late(story: Story) -> None:
    story.show(2)
    story.show(1, recorded=False)
    assert streams(story.evidence)[0].late_repeats() == [1]


def test_a_repeat_of_what_was_not_recorded_is_not_late(story: Story) -> None:
    story.show(2, recorded=False)
    story.show(2)
    asked = streams(story.evidence)[0]
    assert (asked.late_repeats(), asked.extra) == ([], {2: 1})


def test_a_line_of_somebody_else_is_a_stray(story: Story) -> None:
    story.evidence.texts[str(GROUP)][TOPIC].append((99, "c1a q1"))
    assert len(strays(story.evidence)) == 1


def test_a_message_without_a_call_does_not_balance(story: Story) -> None:
    story.evidence.texts[str(GROUP)][TOPIC].append((99, "c0a q2"))
    assert story.ledger().differences


def test_a_copy_whose_answer_was_cut_off_is_explained(story: Story) -> None:
    story.show(2, recorded=False, answered=False, fault="drop_answer")
    story.show(2)
    ledger = story.ledger()
    assert len(ledger.unanswered) == len(ledger.extras) == 1
    assert not ledger.unexplained


def test_a_copy_whose_caller_was_gone_is_explained(story: Story) -> None:
    story.show(2, recorded=False, answered=False)
    assert len(story.ledger().deserted) == 1


@pytest.mark.parametrize(("after", "explains"), [(0.1, True), (BEFORE + 0.1, False), (-AFTER - 0.1, False)])
def test_an_answered_copy_is_explained_by_the_death_of_its_worker_right_then(
    story: Story, after: float, explains: bool
) -> None:
    at = story.show(2, recorded=False)
    ledger = story.ledger(Event("worker killed", at + after, at + after + 9, worker="worker 1"))
    assert (len(ledger.interrupted), len(ledger.unexplained)) == ((1, 0) if explains else (0, 1))


@pytest.mark.parametrize("kind", ["worker killed", "worker paused"])
def test_the_trouble_of_another_worker_explains_nothing(story: Story, kind: str) -> None:
    at = story.show(2, recorded=False)
    assert len(story.ledger(Event(kind, at - 0.1, at + 5, worker="worker 2")).unexplained) == 1


@pytest.mark.parametrize(("seconds", "explains"), [(5, False), (9, True)])
def test_a_worker_that_had_no_time_to_end_may_leave_something_unrecorded(
    story: Story, seconds: float, explains: bool
) -> None:
    at = story.show(2, recorded=False)
    ledger = story.ledger(Event("worker drained", at - 0.1, at + seconds, worker="worker 1"))
    assert bool(ledger.interrupted) == explains


@pytest.mark.parametrize("kind", ["worker drained", "PostgreSQL killed"])
def test_who_is_asked_to_end_or_loses_the_database_records_what_it_knows(story: Story, kind: str) -> None:
    at = story.show(2, recorded=False)
    assert len(story.ledger(Event(kind, at - 0.1, at + 5, worker="worker 1")).unexplained) == 1


def test_what_waited_for_the_database_dies_with_its_worker(story: Story) -> None:
    at = story.show(2, recorded=False)
    outage = Event("PostgreSQL killed", at + 0.1, at + 3)
    death = Event("worker killed", at + 5, at + 9, worker="worker 1")
    assert len(story.ledger(outage, death).interrupted) == 1


def test_an_outage_that_cost_the_lease_explains_a_copy(story: Story) -> None:
    at = story.show(2, recorded=False)
    story.log("worker 1", "lease.lost", at + 7)
    assert len(story.ledger(Event("PostgreSQL killed", at + 0.5, at + 6)).interrupted) == 1
    assert len(story.ledger().unexplained) == 1


def test_a_lost_lease_explains_a_copy_of_its_own_worker(story: Story) -> None:
    at = story.show(2, recorded=False)
    story.log("worker 1", "lease.lost", at + 1)
    assert len(story.ledger().interrupted) == 1


def killed(story: Story) -> Event:
    return Event("worker killed", NOON, NOON + 9, worker="worker 1", shards=[shard_of_story(story)])


def shard_of_story(story: Story) -> int:
    return shard_of(TenantId(UUID(story.tenant)))


def test_a_takeover_ends_with_the_first_poll_of_another_worker(story: Story) -> None:
    polls = [Poll(NOON - 1, "worker 2"), Poll(NOON + 0.01, "worker 1"), Poll(NOON + 4.5, "worker 3")]
    story.evidence.polls[BOT] = [*polls, Poll(NOON + 6, "worker 2")]
    took = takeovers(story.evidence, [killed(story)])
    assert took.seconds == [pytest.approx(4.5)]
    assert took.part(0.99) == pytest.approx(4.5)


def test_a_bot_that_nobody_polls_again_is_named(story: Story) -> None:
    story.evidence.polls[BOT] = [Poll(NOON + 0.01, "worker 1")]
    assert len(takeovers(story.evidence, [killed(story)]).never) == 1


def test_bots_of_other_shards_are_not_taken_over(story: Story) -> None:
    event = Event("worker killed", NOON, worker="worker 1", shards=[(shard_of_story(story) + 1) % 256])
    took = takeovers(story.evidence, [event])
    assert (took.seconds, took.never) == ([], [])


def conflict(story: Story, *, held: bool) -> None:
    story.log("worker 1", "session.receive_failed", NOON, tenant=story.tenant, code="conflict", lease_held=held)


def test_a_conflict_of_who_holds_no_lease_is_only_counted(story: Story) -> None:
    conflict(story, held=False)
    found = conflicts(story.evidence, [])
    assert (found.number, found.by_the_woken, found.unexplained) == (1, [], [])


def test_a_conflict_under_a_lease_names_whose_poll_it_was(story: Story) -> None:
    story.evidence.polls[BOT] = [Poll(NOON - 9, "worker 1"), Poll(NOON - 0.1, "worker 2"), Poll(NOON + 1, "worker 3")]
    conflict(story, held=True)
    assert "by a poll of worker 2" in conflicts(story.evidence, []).unexplained[0]


def test_a_poll_that_a_pause_had_held_up_is_told_apart(story: Story) -> None:
    story.evidence.polls[BOT] = [Poll(NOON - 0.1, "worker 2")]
    conflict(story, held=True)
    paused = Event("worker paused", NOON - 7, NOON - 0.2, worker="worker 2")
    found = conflicts(story.evidence, [paused])
    assert (len(found.by_the_woken), found.unexplained) == (1, [])
