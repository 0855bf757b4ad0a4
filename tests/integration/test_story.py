"""What became of one message, read off the rows of a real database, and what a retry would replay."""

import pytest

from tenants.crypto import Keyring
from tenants.db import Database
from tenants.dead_letters import replay
from tenants.ids import MessageId
from tenants.set_aside import request_replay
from tenants.story import Story, Wait, find_story
from tests.factories import STRANGER, make_running, make_tenant
from tests.letters import GROUP, TOPIC, Mail, Talk


@pytest.fixture
async def mail(database: Database, keyring: Keyring) -> Mail:
    tenant = await make_tenant(database, keyring)
    await make_running(database, tenant, group=GROUP)
    return Mail(database, keyring, tenant)


@pytest.fixture
async def ann(mail: Mail) -> Talk:
    return await mail.open_dialog()


async def _find(mail: Mail, talk: Talk, message: int) -> Story | None:
    async with mail.database.tenant(mail.tenant.id) as unit:
        return await find_story(unit, mail.tenant.id, talk.id, GROUP, MessageId(message))


async def _story(mail: Mail, talk: Talk, message: int) -> Story:
    found = await _find(mail, talk, message)
    assert found is not None
    return found


async def test_a_copy_in_the_topic_tells_when_it_came_and_was_shown(mail: Mail, ann: Talk):
    await mail.deliver(await mail.copy(ann, "Hi", message=1), result=600)
    story = await _story(mail, ann, 600)
    assert (story.direction, story.state, story.dead, story.reason) == ("team", "delivered", (), None)
    assert story.ended_at is not None
    assert story.received_at <= story.ended_at <= story.told_at


async def test_an_answer_is_found_by_the_operators_own_message(mail: Mail, ann: Talk):
    await mail.deliver(await mail.answer(ann, "Hello", message=700), result=2)
    assert (await _story(mail, ann, 700)).state == "delivered"


async def test_a_buried_answer_tells_why_and_what_a_retry_would_replay(mail: Mail, ann: Talk):
    row = await mail.answer(ann, "Hello", message=700)
    await mail.bury(row)
    story = await _story(mail, ann, 700)
    assert (story.state, story.dead) == ("buried", (row,))
    assert story.reason is not None
    assert story.reason.text == "The customer has blocked it."


async def test_a_retry_of_one_piece_replays_its_album(mail: Mail, ann: Talk):
    pieces = [await mail.answer(ann, "x", message=700 + n, album="a") for n in range(3)]
    await mail.deliver(pieces[0], result=2)
    await mail.bury(*pieces[1:])
    assert (await _story(mail, ann, 700)).dead == tuple(pieces[1:])


async def test_texts_that_were_joined_are_one_message(mail: Mail, ann: Talk):
    for number in (1, 2):
        await mail.deliver(await mail.copy(ann, "x", message=number), result=600)
    assert (await _story(mail, ann, 600)).state == "delivered"


async def test_our_notice_leads_to_the_answer_that_it_replies_to(mail: Mail, ann: Talk):
    row = await mail.answer(ann, "Hello", message=700)
    await mail.bury(row)
    await mail.deliver(await mail.notice(ann, "⚠️ Not delivered", reply_to=700), result=701)
    assert (await _story(mail, ann, 701)).dead == (row,)


async def test_our_notice_leads_to_the_copy_that_it_tells_of(mail: Mail, ann: Talk):
    row = await mail.copy(ann, "Hi", message=1)
    await mail.bury(row)
    await mail.deliver(await mail.notice(ann, "⚠️ A message could not be shown", update_id=1), result=601)
    story = await _story(mail, ann, 601)
    assert (story.direction, story.dead) == ("team", (row,))


async def test_a_notice_about_nothing_tells_its_own_story(mail: Mail, ann: Talk):
    for result, about in ((601, {}), (602, {"reply_to": 999})):
        await mail.deliver(await mail.notice(ann, "a line of ours", **about), result=result)
        assert (await _story(mail, ann, result)).state == "delivered"


async def test_a_replayed_row_says_so(mail: Mail, ann: Talk):
    row = await mail.answer(ann, "Hello", message=700)
    await mail.bury(row)
    async with mail.database.tenant(mail.tenant.id) as unit:
        await replay(unit, mail.tenant.id, [row], mail.keyring)
    story = await _story(mail, ann, 700)
    assert (story.state, story.replays, story.dead) == ("waiting", 1, ())


DELAYS = [
    ("group", "INSERT INTO pauses VALUES (:tenant, :group, now() + interval '1 hour')"),
    ("lane", "UPDATE lanes SET blocked_until = now() + interval '1 hour'"),
    ("album", "UPDATE outbox SET not_before = now() + interval '1 hour'"),
]


@pytest.fixture
async def waiting(mail: Mail, ann: Talk) -> Talk:
    """A copy waits, and a notice in the topic tells of it."""
    await mail.deliver(await mail.notice(ann, "about it", update_id=1), result=601)
    await mail.copy(ann, "Hi", message=1)
    return ann


async def test_what_waits_for_nothing_else_waits_for_its_turn(mail: Mail, waiting: Talk):
    assert (await _story(mail, waiting, 601)).waits == (Wait("turn"),)


@pytest.mark.parametrize(("obstacle", "statement"), DELAYS)
async def test_what_keeps_a_message_is_said_with_its_end(mail: Mail, waiting: Talk, obstacle, statement):
    await mail.rows(statement, **_values(mail, statement))
    (wait,) = (await _story(mail, waiting, 601)).waits
    assert wait.obstacle == obstacle
    assert wait.until is not None


def _values(mail: Mail, statement: str) -> dict[str, object]:
    return {"tenant": mail.tenant.id, "group": GROUP} if ":tenant" in statement else {}


async def test_a_message_without_a_topic_waits_for_it(mail: Mail, waiting: Talk):
    await mail.rows("UPDATE dialogs SET topic_id = NULL")
    assert (await _story(mail, waiting, 601)).waits == (Wait("topic"),)


async def test_a_group_that_rests_keeps_no_answer(mail: Mail, ann: Talk):
    await mail.answer(ann, "Hello", message=700)
    await mail.rows("INSERT INTO pauses VALUES (:t, :g, now() + interval '1 hour')", t=mail.tenant.id, g=GROUP)
    assert (await _story(mail, ann, 700)).waits == (Wait("turn"),)


async def test_how_many_go_before_it_is_counted(mail: Mail, ann: Talk):
    for number in range(3):
        await mail.answer(ann, "x", message=700 + number)
    assert (await _story(mail, ann, 702)).waits == (Wait("order", ahead=2),)


async def test_an_answer_that_was_set_aside_is_found_until_it_is_asked_for(mail: Mail, ann: Talk):
    update = await mail.set_aside(4000)
    await mail.locate(4000, chat=GROUP, message=700, topic=TOPIC)
    story = await _story(mail, ann, 700)
    assert (story.state, story.direction, story.dead) == ("set_aside", "customer", (update,))
    async with mail.database.tenant(mail.tenant.id) as unit:
        await request_replay(unit, mail.tenant.id, [update])
    story = await _story(mail, ann, 700)
    assert story.dead == ()
    assert story.asked_at is not None


async def test_what_is_none_of_ours_or_of_another_dialog_has_no_story(mail: Mail, ann: Talk):
    bob = await mail.open_dialog("Bob", chat=78, topic=501)
    await mail.answer(ann, "Hello", message=700)
    assert await _find(mail, bob, 700) is None
    assert await _find(mail, ann, 999) is None


async def test_nothing_is_told_to_another_tenant(mail: Mail, ann: Talk, database: Database, keyring: Keyring):
    await mail.answer(ann, "Hello", message=700)
    theirs = Mail(database, keyring, await make_tenant(database, keyring, owner=STRANGER, bot=6000))
    assert await _find(theirs, ann, 700) is None
    async with database.tenant(theirs.tenant.id) as unit:
        assert await find_story(unit, mail.tenant.id, ann.id, GROUP, MessageId(700)) is None
