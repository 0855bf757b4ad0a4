"""`/new` in General: the team writes first, or watches."""

import pytest

from sessions.errors import Flaky, FloodWait, Gone
from sessions.events import Batch, Cursor, Person
from sessions.port import Copy, Mirror
from tenants.ids import UserId
from tenants.lapses import close_due
from tests.fakes import GROUP, texts
from tests.integration.conftest import DeskUnderTest

ANN = Person(UserId(77), "Ann Lee", "ann", is_bot=False)


async def _say(desk: DeskUnderTest, *events) -> None:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    await _run(desk)


async def _run(desk: DeskUnderTest) -> None:
    for _ in range(8):
        desk.sender.wake()
        await desk.turn()


async def _new(desk: DeskUnderTest, typed: str = "/new @ann"):
    asked = desk.session.operator(typed, None)
    await _say(desk, asked)
    return asked


def _general(desk: DeskUnderTest) -> list[tuple[str, int | None]]:
    calls = [call.outgoing for call in desk.session.sent(GROUP) if call.outgoing.topic is None]
    return [(outgoing.text, outgoing.reply_to) for outgoing in calls]


@pytest.fixture
def known(desk: DeskUnderTest) -> DeskUnderTest:
    desk.session.people = {"@ann": ANN, "77": ANN}
    return desk


@pytest.mark.parametrize("typed", ["/new @ann", "/new *77", "/new@shop_bot   @ann ", "/NEW\n*77"])
async def test_a_person_that_telegram_knows_gets_a_topic_and_no_welcome(known: DeskUnderTest, typed: str) -> None:
    asked = await _new(known, typed)
    (topic,) = known.session.topics
    assert known.session.topics[topic] == "🟪 Ann Lee"
    shown = [call.outgoing.text for call in known.session.sent(GROUP) if call.outgoing.topic == topic]
    assert shown == ["Opened by /new: Ann Lee, @ann, id 77. The topic shows what they and the bot write from now on."]
    assert _general(known) == [("Opened: Ann Lee.", asked.id)]
    assert known.session.sent(77) == []
    assert await known.dispositions() == {"relayed": 1}


async def test_the_team_writes_first_and_the_customers_answer_brings_no_welcome(known: DeskUnderTest) -> None:
    await _new(known)
    (topic,) = known.session.topics
    await _say(known, known.session.operator("Good morning!", topic))
    await _say(known, known.session.customer("Who is that?"))
    assert [type(call.outgoing) for call in known.session.sent(77)] == [Copy]
    assert len(known.session.topics) == 1


async def test_an_open_dialog_is_not_opened_twice(known: DeskUnderTest) -> None:
    await _say(known, known.session.customer("hello"))
    asked = await _new(known)
    assert _general(known) == [("There is a dialog with Ann already.", asked.id)]
    assert len(await known.rows("SELECT 1 FROM dialogs")) == 1


async def test_a_closed_dialog_is_opened_again_in_its_topic(known: DeskUnderTest) -> None:
    await _new(known)
    (topic,) = known.session.topics
    await _say(known, known.session.operator("/close", topic))
    await _new(known)
    assert [text for text, _ in _general(known)] == ["Opened: Ann Lee."] * 2
    assert list(known.session.topics.items()) == [(topic, "🟪 Ann Lee")]
    assert [call.method for call in known.session.calls if "open_topic" in call.method] == ["reopen_topic"]


async def test_a_dialog_of_new_passes_the_filters_until_it_is_closed(known: DeskUnderTest) -> None:
    await known.change_settings(WHITE_LIST=[1], PRIVATE_KEYWORDS=[["help"]])
    await _say(known, known.session.customer("before"))
    await _new(known)
    (topic,) = known.session.topics
    await _say(known, known.session.customer("during"), known.session.program("watched"))
    await _say(known, known.session.operator("/close", topic))
    await _say(known, known.session.customer("after"), known.session.program("unseen"))
    reasons = [row.reason for row in await known.rows("SELECT reason FROM updates ORDER BY update_id")]
    assert reasons == ["not_on_white_list", None, None, None, "close", "not_on_white_list", "closed"]
    assert len([call for call in known.session.sent(GROUP) if isinstance(call.outgoing, (Copy, Mirror))]) == 2


async def test_autoclose_also_ends_what_new_allowed(known: DeskUnderTest) -> None:
    await _new(known)
    (topic,) = known.session.topics
    await _say(known, known.session.operator("hello", topic))
    await known.rows("UPDATE dialogs SET close_at = now() RETURNING 1")
    async with known.database.tenant(known.tenant.id) as unit:
        assert await close_due(unit, known.tenant.id) == 1
    assert [row.opened_by_team for row in await known.rows("SELECT opened_by_team FROM dialogs")] == [False]


async def test_whom_telegram_does_not_know_is_said_in_general(desk: DeskUnderTest) -> None:
    asked = await _new(desk)
    assert _general(desk) == [("Telegram knows nobody of that name.", asked.id)]
    assert await desk.rows("SELECT 1 FROM dialogs") == []
    assert await desk.dispositions() == {"relayed": 1}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FloodWait(3600), "Telegram asks to wait 3600 s before asking it again: repeat the command then."),
        (Gone("customer", "chat_not_found", "Telegram knows no such chat."), "Telegram knows no such chat."),
    ],
)
async def test_a_lookup_that_telegram_refuses_holds_up_no_message(desk: DeskUnderTest, error, words) -> None:
    desk.session.faults["find_person"].append(error)
    asked = await _new(desk)
    await _say(desk, desk.session.customer("hello"))
    assert _general(desk) == [(words, asked.id)]
    assert any(isinstance(call.outgoing, Copy) for call in desk.session.sent(GROUP))


async def test_a_lookup_without_an_answer_is_tried_again(known: DeskUnderTest) -> None:
    known.session.faults["find_person"].append(Flaky("timeout", "Telegram did not answer.", ambiguous=True))
    await _new(known)
    assert _general(known) == []
    await known.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(known)
    assert [text for text, _ in _general(known)] == ["Opened: Ann Lee."]


async def test_a_bot_is_no_customer(desk: DeskUnderTest) -> None:
    desk.session.people = {"@robot": Person(UserId(5), "Robot", "robot", is_bot=True)}
    await _new(desk, "/new @robot")
    assert [text for text, _ in _general(desk)] == ["That is a bot: bots can't write to each other."]
    assert await desk.rows("SELECT 1 FROM dialogs") == []


@pytest.mark.parametrize(
    "typed",
    ["/new", "/new foo", "/new *abc", "/new *-5", "/new *0", "/new @", "/new @ann bob", "/new @" + "x" * 10_000],
)
async def test_odd_input_is_answered_with_an_example(desk: DeskUnderTest, typed: str) -> None:
    asked = await _new(desk, typed)
    assert _general(desk) == [("Say whom: /new @ann for a name, or /new *123456789 for an id.", asked.id)]
    assert [call.method for call in desk.session.calls if call.method == "find_person"] == []


async def test_in_a_topic_new_says_where_it_works(known: DeskUnderTest) -> None:
    await _say(known, known.session.customer("hello"))
    (topic,) = known.session.topics
    await _say(known, known.session.operator("/new @ann", topic))
    assert texts(known.session.sent(GROUP))[-1].endswith("/new works in General.")


async def test_recording_a_lookup_again_is_recording_it(known: DeskUnderTest) -> None:
    """After a commit whose answer was lost."""
    (fed,) = await known.session.feed(known.session.operator("/new @ann", None))
    await known.store(Batch((fed,), fed.cursor))
    part = known.seat.bring()
    assert part.settled
    await known.pump._turn.run([part])
    await known.pump._serve([(known.seat, part)])
    await _run(known)
    assert [text for text, _ in _general(known)] == ["Opened: Ann Lee."]
