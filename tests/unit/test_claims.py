"""Who owns a dialog, whatever operators do one after the other: nobody or one, and nobody once it is closed."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.events import Chat, ChatKind, Cursor, Incoming, Message, Person, TopicEvent
from sessions.port import Membership
from tenants.claims import WARN_EVERY, find_owner
from tenants.dialogs import Dialog, DialogBook
from tenants.ids import ChatId, LaneId, MessageId, TenantId, TopicId, UpdateId, UserId, new_id
from tenants.intake import Desk
from tenants.plans import Plan
from tenants.settings.catalog import effective
from worker.commands.assign import answer
from worker.decisions.command import Told
from worker.decisions.dispatch import dispatch
from worker.decisions.work import Work

GROUP, CUSTOMER, TOPIC = ChatId(-1001), ChatId(77), TopicId(5)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = [Person(UserId(number), f"Operator {number}", None, is_bot=False) for number in (1, 2, 3)]
HOURS = 12


@dataclass
class Floor:
    """One dialog, and who should own it by the rules."""

    dialog: Dialog
    now: datetime = BEGIN
    claim: int = HOURS
    owner: tuple[int, datetime] | None = None
    told: dict[frozenset[int], list[datetime]] = field(default_factory=dict)

    def work(self) -> Work:
        desk = Desk(
            tenant=TenantId(new_id()),
            owner_id=UserId(9),
            bot_id=UserId(5000),
            bot_username="shop_bot",
            group_id=GROUP,
            state="running",
            plan=Plan.BUSINESS,
            settings=effective({"CLAIM": self.claim}, Plan.BUSINESS),
            cursor=None,
            now=self.now,
            known=frozenset(),
            is_warm=True,
            is_housekept=False,
        )
        book = DialogBook(desk.tenant, self.now)
        book.keep(self.dialog)
        return Work(desk, book, "https://backline.example", general=LaneId(new_id()))

    def write(self, who: Person, words: str, *, anonymous: bool = False) -> Work:
        work = self.work()
        group = Chat(GROUP, ChatKind.SUPERGROUP, "Desk")
        message = Message(group, MessageId(1), who, anonymous, "text", words, TOPIC, None, None)
        dispatch(Incoming(UpdateId(1), "message", message, Cursor("1"), b""), work)
        for call in work.calls:
            asyncio.run(answer(None, call, None))  # type: ignore[arg-type]  # what it needs of them is told beforehand
        return work

    def answer(self, who: Person) -> None:
        before = self.expected()
        work = self.write(who, "an answer")
        warned = [row for row in work.rows if row.body.text.startswith("👥")]
        if before is None or before == who.id:
            self.owner = (who.id, self.now + timedelta(hours=HOURS))
            assert not warned
            return
        times = self.told.setdefault(frozenset({before, who.id}), [])
        assert bool(warned) == (not times or self.now - times[-1] >= WARN_EVERY)
        times += [self.now] * len(warned)

    def assign(self, by: Person, to: Person) -> None:
        work = self.write(by, f"/assign *{to.id}")
        if not self.dialog.is_open:
            return
        (row,) = [row for row in work.rows if row.kind == "lookup"]
        assert row.lane == self.dialog.customer_lane
        again = self.work()
        (call,) = work.calls
        told = Told(person=to, member=Membership("member", frozenset(), to))
        asyncio.run(answer(None, replace(call, work=again, told=told), None))  # type: ignore[arg-type]
        self.owner = (to.id, self.now + timedelta(hours=HOURS))

    def take(self, who: Person) -> None:
        self.write(who, "/assign me")
        if self.dialog.is_open:
            self.owner = (who.id, self.now + timedelta(hours=HOURS))

    def give_up(self, who: Person) -> None:
        self.write(who, "/assign off")
        self.owner = None

    def close(self, who: Person) -> None:
        self.write(who, "/close")
        self.owner = None

    def close_by_hand(self, who: Person) -> None:
        event = TopicEvent(Chat(GROUP, ChatKind.SUPERGROUP, "Desk"), TOPIC, "closed", who, None)
        dispatch(Incoming(UpdateId(1), "message", event, Cursor("1"), b""), self.work())
        self.owner = None

    def hold(self, who: Person) -> None:
        self.write(who, "/hold")

    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def expected(self) -> int | None:
        return self.owner[0] if self.owner is not None and self.owner[1] > self.now else None


def floor(claim: int = HOURS) -> Floor:
    book = DialogBook(TenantId(new_id()), BEGIN)
    dialog = book.open(CUSTOMER, "Ann", None)
    dialog.topic_id, dialog.is_new = TOPIC, False
    return Floor(dialog, claim=claim)


WHO = st.sampled_from(PEOPLE)
DEEDS = st.one_of(
    st.tuples(st.just("answer"), WHO),
    st.tuples(st.just("assign"), WHO, WHO),
    st.tuples(st.sampled_from(["take", "give_up", "close", "close_by_hand", "hold"]), WHO),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 9, 10, 300, 12 * 60])),
)


@given(st.lists(DEEDS, max_size=30))
@example([("answer", PEOPLE[0]), ("answer", PEOPLE[1]), ("wait", 10), ("answer", PEOPLE[1])])
@example([("answer", PEOPLE[0]), ("answer", PEOPLE[1]), ("take", PEOPLE[1]), ("answer", PEOPLE[0])])
def test_a_dialog_has_the_owner_that_the_rules_say_and_none_once_it_is_closed(deeds):
    scene = floor()
    for name, *given_to_it in deeds:
        getattr(scene, name)(*given_to_it)
        dialog = scene.dialog
        assert (dialog.owner_id is None) == (dialog.owned_until is None)
        assert dialog.is_open or dialog.owner_id is None
        owner = find_owner(dialog, scene.now)
        assert (None if owner is None else owner.id) == scene.expected()


def test_nobody_owns_a_dialog_where_the_setting_is_off():
    scene = floor(claim=0)
    scene.write(PEOPLE[0], "an answer")
    work = scene.write(PEOPLE[0], "/assign me")
    assert find_owner(scene.dialog, scene.now) is None
    assert [row.body.text for row in work.rows] == ["Nobody owns dialogs here: the setting CLAIM is 0."]


def test_an_anonymous_administrators_answer_claims_nothing_and_disturbs_nobody():
    scene = floor()
    scene.write(PEOPLE[0], "an answer", anonymous=True)
    assert find_owner(scene.dialog, scene.now) is None
    scene.write(PEOPLE[1], "mine")
    work = scene.write(PEOPLE[0], "an answer", anonymous=True)
    assert [row.kind for row in work.rows] == ["answer"]
    owner = find_owner(scene.dialog, scene.now)
    assert owner is not None
    assert owner.id == PEOPLE[1].id


@pytest.mark.parametrize("words", ["/ a note to the team", "/info"])
def test_what_is_not_sent_claims_nothing(words):
    scene = floor()
    work = scene.work()
    group = Chat(GROUP, ChatKind.SUPERGROUP, "Desk")
    message = Message(group, MessageId(1), PEOPLE[0], False, "text", words, TOPIC, None, None)
    dispatch(Incoming(UpdateId(1), "message", message, Cursor("1"), b""), work)
    assert scene.dialog.owner_id is None
