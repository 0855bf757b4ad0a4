"""Dead letters over a real database: seen by their own tenant only, replayed in order, and only once."""

import asyncio
import contextvars

import asyncpg
import pytest

from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database, shard_channel
from tenants.dead_letters import DeadLetter, DeadLetters, Position, list_dead_letters, read_id, replay
from tenants.errors import Conflict, Invalid, NotFound
from tenants.ids import RowId, UpdateId, new_id
from tenants.outbox.rows import BODY, Body
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tests.factories import OWNER, STRANGER, make_running, make_tenant
from tests.letters import GROUP, TOPIC, Mail

DEFAULTS = effective({}, Plan.PRO)


async def _open(database: Database, keyring: Keyring, **whose) -> Mail:
    tenant = await make_tenant(database, keyring, **whose)
    await make_running(database, tenant, group=GROUP)
    return Mail(database, keyring, tenant)


@pytest.fixture
async def mail(database: Database, keyring: Keyring) -> Mail:
    return await _open(database, keyring)


@pytest.fixture
async def theirs(database: Database, keyring: Keyring) -> Mail:
    return await _open(database, keyring, owner=STRANGER, bot=6000)


@pytest.fixture
def service(database: Database, keyring: Keyring) -> DeadLetters:
    return DeadLetters(database, Connections(database, keyring, plan=Plan.PRO), keyring)


async def _list(mail: Mail, **page) -> list[DeadLetter]:
    async with mail.database.tenant(mail.tenant.id) as unit:
        return await list_dead_letters(unit, mail.tenant.id, DEFAULTS, **{"limit": 100, **page})


async def _replay(mail: Mail, *ids: RowId | UpdateId) -> None:
    async with mail.database.tenant(mail.tenant.id) as unit:
        await replay(unit, mail.tenant.id, ids, mail.keyring)


async def _lane(mail: Mail, lane) -> list[tuple[str, str, str]]:
    """Kind, state and words of a lane's rows, in its order."""
    rows = await mail.rows("SELECT kind, state, body FROM outbox WHERE lane_id = :lane ORDER BY lane_seq", lane=lane)
    return [(r.kind, r.state, Body.load(mail.keyring.decrypt(mail.tenant.id, BODY, r.body)).text) for r in rows]


async def test_a_buried_answer_is_shown_with_its_reason_and_its_customer(mail: Mail):
    ann = await mail.open_dialog()
    row = await mail.answer(ann, "Hi!", message=300)
    await mail.bury(row)
    (letter,) = await _list(mail)
    assert (letter.id, letter.what, letter.direction) == (row, "answer", "customer")
    assert (letter.customer, letter.topic, letter.attempts) == ("Ann", TOPIC, 1)
    assert (letter.reason.code, letter.reason.text) == ("blocked", "The customer has blocked it.")
    assert letter.reason.retry_helps


@pytest.mark.parametrize("code", ["too_long", "bad_formatting", "empty", "deactivated"])
async def test_what_would_be_refused_again_is_said_to_be_hopeless(mail: Mail, code: str):
    await mail.bury(await mail.answer(await mail.open_dialog(), "x", message=300), error=code)
    assert [letter.reason.retry_helps for letter in await _list(mail)] == [False]


async def test_a_row_without_a_sentence_gets_one(mail: Mail):
    await mail.bury(await mail.answer(await mail.open_dialog(), "x", message=300), sentence=None)
    assert [letter.reason.text for letter in await _list(mail)] == ["Telegram did not take it."]


async def test_an_update_that_was_set_aside_is_shown_without_our_insides(mail: Mail):
    await mail.open_dialog()
    update = await mail.set_aside(4000)
    (letter,) = await _list(mail)
    assert (letter.id, letter.what, letter.customer, letter.direction) == (update, "update", None, None)
    assert "KeyError" not in str(letter)


@pytest.mark.parametrize(("chat", "topic", "direction"), [(77, None, "team"), (GROUP, TOPIC, "customer")])
async def test_an_update_that_was_set_aside_belongs_to_a_dialog(mail: Mail, chat, topic, direction):
    await mail.open_dialog()
    await mail.open_dialog("Bob", chat=78, topic=501)
    await mail.set_aside(4000)
    await mail.locate(4000, chat=chat, message=9, topic=topic)
    (letter,) = await _list(mail)
    assert (letter.customer, letter.topic, letter.direction) == ("Ann", TOPIC, direction)


async def test_nothing_that_is_alive_is_listed(mail: Mail):
    ann = await mail.open_dialog()
    await mail.deliver(await mail.copy(ann, "one", message=1), result=600)
    await mail.copy(ann, "two", message=2)
    assert await _list(mail) == []


async def test_pages_follow_each_other_newest_first_across_both_kinds(mail: Mail):
    ann = await mail.open_dialog()
    made: list[RowId | UpdateId] = []
    for number in range(1, 4):
        row = await mail.answer(ann, "x", message=number)
        await mail.bury(row)
        made += [row, await mail.set_aside(4000 + number)]
    seen: list[RowId | UpdateId] = []
    after: Position | None = None
    while page := await _list(mail, after=after, limit=4):
        seen += [letter.id for letter in page]
        after = page[-1].position
    assert seen == made[::-1]


async def test_a_replayed_row_goes_to_the_end_of_its_lane(mail: Mail):
    ann = await mail.open_dialog()
    first = await mail.answer(ann, "first", message=1)
    await mail.bury(first)
    await mail.answer(ann, "second", message=2)
    await _replay(mail, first)
    assert await _lane(mail, ann.customer_lane) == [("answer", "waiting", "second"), ("answer", "waiting", "first")]
    (row,) = await mail.rows("SELECT * FROM outbox WHERE id = :id", id=first)
    assert (row.attempts, row.error, row.error_text, row.ended_at, row.generation) == (0, None, None, None, 1)
    (lane,) = await mail.rows("SELECT * FROM lanes WHERE id = :id", id=ann.customer_lane)
    assert (lane.head_seq, lane.next_seq) == (2, 4)


async def test_rows_of_several_lanes_keep_the_order_they_had(mail: Mail):
    lanes = {}
    rows: list[RowId] = []
    for number, name in enumerate(("Ann", "Bob")):
        dialog = await mail.open_dialog(name, chat=77 + number, topic=500 + number)
        lanes[name] = dialog.customer_lane
        rows += [await mail.answer(dialog, f"{name} {n}", message=100 * number + n) for n in range(1, 4)]
    await mail.bury(*rows)
    await _replay(mail, *reversed(rows))
    for name, lane in lanes.items():
        assert [words for _, _, words in await _lane(mail, lane)] == [f"{name} {n}" for n in range(1, 4)]


async def test_late_copies_are_announced_once_and_albums_stay_together(mail: Mail):
    ann = await mail.open_dialog()
    pieces = [await mail.copy(ann, f"{n}", message=n, album="a") for n in (1, 2)]
    await mail.bury(*pieces, error="no_rights")
    await mail.rows("UPDATE outbox SET created_at = '2026-03-02 14:05:09+00' WHERE id = :id", id=pieces[0])
    await _replay(mail, *pieces)
    lane = await _lane(mail, ann.topic_lane)
    assert [kind for kind, _, _ in lane] == ["notice", "copy", "copy"]
    assert lane[0][2] == "⏳ The next 2 messages are late: the first was written at 2026-03-02 14:05 UTC."


async def test_an_answer_that_is_replayed_is_announced_to_nobody(mail: Mail):
    ann = await mail.open_dialog()
    row = await mail.answer(ann, "Hi!", message=1)
    await mail.bury(row)
    await _replay(mail, row)
    assert await _lane(mail, ann.topic_lane) == []


async def test_a_second_replay_is_refused_in_one_sentence(mail: Mail):
    row = await mail.answer(await mail.open_dialog(), "Hi!", message=1)
    await mail.bury(row)
    await _replay(mail, row)
    with pytest.raises(Conflict, match="delivered or on its way"):
        await _replay(mail, row)
    assert (await mail.rows("SELECT generation FROM outbox"))[0].generation == 1


WAITING_FOR_LOCKS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def test_of_two_replays_at_once_one_is_refused(mail: Mail, database_url: str):
    row = await mail.answer(await mail.open_dialog(), "Hi!", message=1)
    await mail.bury(row)
    watcher = await asyncpg.connect(database_url)
    async with mail.database.tenant(mail.tenant.id) as unit, asyncio.timeout(20):
        await replay(unit, mail.tenant.id, [row], mail.keyring)
        second = asyncio.create_task(_replay(mail, row), context=contextvars.Context())
        while not await watcher.fetchval(WAITING_FOR_LOCKS):
            pass
    with pytest.raises(Conflict):
        await second
    await watcher.close()
    assert (await mail.rows("SELECT next_seq FROM lanes WHERE direction = 'customer'"))[0].next_seq == 3


async def test_one_that_can_not_be_replayed_keeps_all_where_they_are(mail: Mail):
    ann = await mail.open_dialog()
    buried, waiting = await mail.answer(ann, "a", message=1), await mail.answer(ann, "b", message=2)
    await mail.bury(buried)
    for other, refusal in ((waiting, Conflict), (RowId(new_id()), NotFound), (UpdateId(1), Conflict)):
        with pytest.raises(refusal):
            await _replay(mail, buried, other)
    assert [letter.id for letter in await _list(mail)] == [buried]


async def test_the_law_of_conservation_holds_before_and_after(mail: Mail):
    row = await mail.copy(await mail.open_dialog(), "Hi!", message=1)
    await mail.bury(row)
    assert await mail.dispositions() == {"buried": 1}
    await _replay(mail, row)
    assert await mail.dispositions() == {"waiting": 1}


async def test_a_tenant_sees_and_replays_nothing_of_another(mail: Mail, theirs: Mail):
    row = await theirs.answer(await theirs.open_dialog(), "secret", message=1)
    await theirs.bury(row)
    update = await theirs.set_aside(4000)
    assert await _list(mail) == []
    for one in (row, update):
        with pytest.raises(NotFound):
            await _replay(mail, one)
        async with mail.database.tenant(mail.tenant.id) as unit:  # even where the code names the other tenant
            assert await list_dead_letters(unit, theirs.tenant.id, DEFAULTS, limit=9) == []
            with pytest.raises(NotFound):
                await replay(unit, theirs.tenant.id, [one], theirs.keyring)
    assert len(await _list(theirs)) == 2


async def test_a_replay_wakes_whoever_runs_the_tenant(mail: Mail, database_url: str):
    row = await mail.answer(await mail.open_dialog(), "Hi!", message=1)
    await mail.bury(row)
    connection = await asyncpg.connect(database_url)
    heard: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    await connection.add_listener(shard_channel(mail.tenant.shard), lambda *told: heard.set_result(told[3]))
    await _replay(mail, row)
    async with asyncio.timeout(20):
        assert await heard == str(mail.tenant.id)
    await connection.close()


async def test_all_means_what_people_wrote_and_may_arrive(mail: Mail, service: DeadLetters):
    ann = await mail.open_dialog()
    rows = [await mail.answer(ann, "x", message=n) for n in range(1, 4)]
    notice = await mail.notice(ann, "a line of ours")
    await mail.bury(*rows[:2], notice)
    await mail.bury(rows[2], error="too_long")
    update = await mail.set_aside(4000)
    assert await service.replay_all(OWNER, mail.tenant.id) == 3
    left = {(letter.id, letter.asked_at is None) for letter in await _list(mail)}
    assert left == {(notice, True), (rows[2], True), (update, False)}
    assert await service.replay_all(OWNER, mail.tenant.id) == 0


async def test_another_owners_dead_letters_do_not_exist(mail: Mail, service: DeadLetters):
    with pytest.raises(NotFound):
        await service.list_page(STRANGER, mail.tenant.id, limit=9)
    with pytest.raises(NotFound):
        await service.replay(STRANGER, mail.tenant.id, [])
    with pytest.raises(NotFound):
        await service.replay_all(STRANGER, mail.tenant.id)


def test_ids_are_read_as_they_are_shown():
    row = RowId(new_id())
    assert read_id(str(row)) == row
    assert read_id("4000") == 4000
    for typed in ("", "x", "-1", "1.5", "٣", "9" * 40):
        with pytest.raises(Invalid, match="no id of a dead letter"):
            read_id(typed)
