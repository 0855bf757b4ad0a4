"""Commands over a fake session: what is asked of Telegram, what is stored, and how odd input is answered."""

import pytest

from sessions.errors import FloodWait, Gone, Rejected
from sessions.events import Batch, Cursor, Person
from sessions.port import Membership, Text
from tenants.ids import ChatId, UserId
from tests.fakes import GROUP
from tests.integration.conftest import DeskUnderTest
from worker.inquiries import REMEMBERED_SECONDS, Rights

OLGA = UserId(9)
MAX = Person(UserId(8), "Max", "max_desk", is_bot=False)
BANS = Membership("administrator", frozenset({"can_restrict_members"}))


async def say(desk: DeskUnderTest, *events) -> None:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    for _ in range(8):
        desk.sender.wake()
        await desk.turn()


async def order(desk: DeskUnderTest, words: str, **more) -> str:
    """What the bot answers."""
    (topic,) = desk.session.topics
    typed = desk.session.operator(words, topic, **more)
    await say(desk, typed)
    (answer,) = [
        call.outgoing.text
        for call in desk.session.sent(GROUP)
        if isinstance(call.outgoing, Text) and call.outgoing.reply_to == typed.id
    ]
    return answer


def asked(desk: DeskUnderTest, method: str) -> list[tuple[object, ...]]:
    return [call.outgoing for call in desk.session.calls if call.method == method]


@pytest.fixture
async def opened(desk: DeskUnderTest) -> DeskUnderTest:
    await say(desk, desk.session.customer("hello"))
    return desk


async def test_a_right_is_asked_once_a_minute(opened: DeskUnderTest) -> None:
    opened.session.members[OLGA] = BANS
    await order(opened, "/ban")
    opened.session.members[OLGA] = Membership("member", frozenset())
    assert "is not banned any more" in await order(opened, "/unban")
    assert asked(opened, "membership") == [(GROUP, OLGA)]


async def test_what_was_heard_of_a_right_is_forgotten_after_a_minute(opened: DeskUnderTest) -> None:
    moments = [0.0, REMEMBERED_SECONDS - 1, REMEMBERED_SECONDS, 2 * REMEMBERED_SECONDS - 1]
    rights = Rights(iter(moments).__next__)
    for _ in moments:
        await rights.of(opened.session, GROUP, OLGA)
    assert REMEMBERED_SECONDS <= 60
    assert len(asked(opened, "membership")) == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FloodWait(30), "Telegram asks to wait 30 s before asking it again: repeat the command then."),
        (Gone("group", "no_rights", "The bot is no administrator of the group."), "The bot is no administrator"),
    ],
)
async def test_a_right_that_telegram_does_not_tell_is_none(opened: DeskUnderTest, error, words: str) -> None:
    opened.session.members[OLGA] = BANS
    opened.session.faults["membership"].append(error)
    assert (await order(opened, "/ban")).startswith(words)
    assert (await opened.rows("SELECT settings FROM tenants"))[0].settings == {}


async def test_a_ban_keeps_out_what_the_customer_and_the_program_write(opened: DeskUnderTest) -> None:
    opened.session.members[OLGA] = BANS
    await order(opened, "/ban")
    before = len(opened.session.sent())
    await say(opened, opened.session.customer("again"), opened.session.program("from the program"))
    assert len(opened.session.sent()) == before
    reasons = [row.reason for row in await opened.rows("SELECT reason FROM updates ORDER BY update_id")]
    assert reasons[-2:] == ["ignored_chat", "ignored_chat"]


async def test_an_album_into_a_banned_dialog_is_refused_once(opened: DeskUnderTest) -> None:
    opened.session.members[OLGA] = BANS
    await order(opened, "/ban")
    (topic,) = opened.session.topics
    parts = [opened.session.operator("", topic, content="photo", album="a") for _ in range(3)]
    await say(opened, *parts)
    refused = [call for call in opened.session.sent(GROUP) if getattr(call.outgoing, "text", "").startswith("⚠️ Not")]
    assert len(refused) == 1


async def test_bans_keep_what_the_owner_listed_and_say_when_there_is_no_more_room(opened: DeskUnderTest) -> None:
    opened.session.members[OLGA] = BANS
    await opened.change_settings(IGNORE_CHATS=[5, 6])
    await order(opened, "/ban")
    assert (await opened.rows("SELECT settings FROM tenants"))[0].settings == {"IGNORE_CHATS": [5, 6, 77]}
    await opened.change_settings(IGNORE_CHATS=list(range(100, 10_100)))
    assert await order(opened, "/ban") == "IGNORE_CHATS is full: take ids off that list in the setup bot first."
    assert len((await opened.rows("SELECT settings FROM tenants"))[0].settings["IGNORE_CHATS"]) == 10_000


async def test_an_owner_who_saves_what_was_shown_before_a_ban_is_told(opened: DeskUnderTest) -> None:
    (before,) = await opened.rows("SELECT version FROM tenants")
    opened.session.members[OLGA] = BANS
    await order(opened, "/ban")
    (after,) = await opened.rows("SELECT version FROM tenants")
    assert after.version == before.version + 1


async def test_an_operator_by_name_is_one_who_wrote_and_is_there_still(opened: DeskUnderTest) -> None:
    session = opened.session
    assert (await order(opened, "/assign @max_desk")).startswith("@max_desk has written nothing")
    await say(opened, session.operator("hello", None, sender=MAX))
    session.members[MAX.id] = Membership("member", frozenset(), MAX)
    assert await order(opened, "/assign @MAX_desk") == "👤 Max owns this dialog for 12 h."
    assert asked(opened, "find_person") == []


@pytest.mark.parametrize(
    "membership",
    [
        Membership("left", frozenset(), MAX),
        Membership("kicked", frozenset(), MAX),
        Membership("member", frozenset()),
        Membership("member", frozenset(), Person(MAX.id, "Max", "renamed", is_bot=False)),
    ],
)
async def test_who_left_or_goes_by_another_name_owns_nothing(opened: DeskUnderTest, membership: Membership) -> None:
    await say(opened, opened.session.operator("hello", None, sender=MAX))
    opened.session.members[MAX.id] = membership
    assert await order(opened, "/assign @max_desk") == "There is nobody of that name or id in this group."
    assert (await opened.rows("SELECT owner_id FROM dialogs"))[0].owner_id is None


async def test_an_id_that_telegram_does_not_know_is_nobody_and_a_bot_owns_nothing(opened: DeskUnderTest) -> None:
    opened.session.faults["membership"].append(Rejected("refused", "Telegram refused: PARTICIPANT_ID_INVALID"))
    assert await order(opened, "/assign *123") == "There is nobody of that name or id in this group."
    robot = Person(UserId(55), "Robot", "robot_bot", is_bot=True)
    opened.session.members[55] = Membership("administrator", frozenset(), robot)
    assert await order(opened, "/assign *55") == "That is a bot: bots answer nobody here."


async def test_an_operator_is_noted_once_and_again_under_a_new_name(opened: DeskUnderTest) -> None:
    session = opened.session
    renamed = Person(MAX.id, "Max\u202e Power", "max_power", is_bot=False)
    await say(opened, session.operator("one", None, sender=MAX), session.operator("two", None, sender=MAX))
    await say(opened, session.operator("three", None, sender=renamed))
    await say(opened, session.operator("four", None, sender=renamed, anonymous=True))
    rows = await opened.rows("SELECT user_id, username, name FROM operators ORDER BY user_id")
    assert [tuple(row) for row in rows] == [(MAX.id, "max_power", "Max Power")]


HUGE = "x" * 10_000
TOO_LONG = "A note has at most 2000 characters, this one has 10000: make it shorter."
BARE = "Nothing goes behind /ban: it is about the customer of this topic."


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (f"/note {HUGE}", TOO_LONG),
        (f"/assign {HUGE}", "Say whose it shall be:"),
        (f"/assign @{HUGE}", "Say whose it shall be:"),
        (f"/assign *{'9' * 10_000}", "Say whose it shall be:"),
        (f"/ban {HUGE}", BARE),
        (f"/info {HUGE}", "Ann\nId: 77"),
        (f"/{HUGE}", f"There is no command /{'x' * 32}: /help lists those there are."),
        ("/\u202eclose", "There is no command /"),
        ("/note \u202e", "Write the note behind it"),
    ],
)
async def test_odd_input_in_a_topic(opened: DeskUnderTest, typed: str, answer: str) -> None:
    said = await order(opened, typed)
    assert said.startswith(answer)
    assert "\u202e" not in said
    assert len(said) < 300
    assert await opened.dispositions() == {"relayed": 1, "handled": 1}


async def test_notes_are_the_newest_first_and_the_card_stays_one_message(opened: DeskUnderTest) -> None:
    for number in range(12):
        await order(opened, f"/note {number:02} " + "🙂" * 900)
    shown = (await order(opened, "/info")).splitlines()
    notes = [line for line in shown if line.startswith("📝")]
    assert [line.split(": ")[1][:2] for line in notes] == [f"{number:02}" for number in range(11, 1, -1)]
    assert shown[-1] == "… and 2 older notes"


async def test_a_dialog_holds_only_so_many_notes(opened: DeskUnderTest) -> None:
    await order(opened, "/note the first")
    await opened.rows(
        "INSERT INTO notes (id, tenant_id, dialog_id, author_id, author_name, body)"
        " SELECT gen_random_uuid(), tenant_id, dialog_id, author_id, author_name, body"
        " FROM notes, generate_series(1, 199) RETURNING 1"
    )
    assert (
        await order(opened, "/note one more") == "This dialog has 200 notes already, which is the most that are kept."
    )


async def test_a_note_opens_only_with_its_tenants_key(opened: DeskUnderTest) -> None:
    await order(opened, "/note likes marzipan")
    (row,) = await opened.rows("SELECT tenant_id, body, author_id, author_name FROM notes")
    assert (row.author_id, row.author_name) == (OLGA, "Olga")
    assert b"marzipan" not in row.body
    assert opened.keyring.decrypt(row.tenant_id, "notes.body", row.body) == b"likes marzipan"


async def test_new_does_not_open_a_dialog_with_somebody_who_is_banned(opened: DeskUnderTest) -> None:
    opened.session.people["777000"] = Person(UserId(777000), "Telegram", None, is_bot=False)
    typed = opened.session.operator("/new *777000", None)
    await say(opened, typed)
    said = [call.outgoing.text for call in opened.session.sent(GROUP) if call.outgoing.reply_to == typed.id]
    assert said == ["Telegram is banned: send /unban in their topic, or take 777000 off IGNORE_CHATS, first."]
    assert await opened.rows("SELECT 1 FROM dialogs WHERE chat_id = :chat", chat=ChatId(777000)) == []


@pytest.mark.parametrize("deed", ["closed by hand", "answered", "customer"])
async def test_waiting_begins_with_the_first_unanswered_message_and_ends_with_the_answer(
    opened: DeskUnderTest, deed: str
) -> None:
    (topic,) = opened.session.topics
    (before,) = await opened.rows("SELECT waiting_since FROM dialogs")
    assert before.waiting_since is not None
    event = {
        "closed by hand": opened.session.topic_event("closed", topic),
        "answered": opened.session.operator("yes", topic),
        "customer": opened.session.customer("hello?"),
    }[deed]
    await say(opened, event)
    (after,) = await opened.rows("SELECT waiting_since FROM dialogs")
    assert after.waiting_since == (before.waiting_since if deed == "customer" else None)
