"""What was missed on the way to a parallel session comes afterwards, in order and once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.world.entities import User
from sessions.errors import Flaky
from sessions.events import Cursor, Edited, Message, Other, ReachChanged
from sessions.mtproto import MtprotoSession
from sessions.mtproto.mailbox import MOST_ENTITIES, PRIVATE, State
from tenants.ids import ChatId, TopicId
from tests.e2e.mtproto_trouble import (
    add_fault,
    count_asked,
    new_key,
    program_writes,
    receive_all,
    reopen,
    send_from,
    text,
    words_of,
)
from tests.e2e.rigs import OverMtproto

DIFFERENCE = "updates.getDifference"
CHANNEL_DIFFERENCE = "updates.getChannelDifference"


@pytest.fixture
async def rig() -> AsyncIterator[OverMtproto]:
    async with OverMtproto.open() as made:
        yield made


async def probing(rig: OverMtproto, cursor: Cursor | None) -> None:
    await rig.session.close()
    reopen(rig, probe_seconds=0.2)
    await rig.session.receive(cursor)


async def topic_of(rig: OverMtproto, cursor: Cursor | None) -> tuple[TopicId, Cursor]:
    """With a first message that was received: now the group is counted."""
    topic = await rig.session.create_topic(rig.group, "Ann", new_key())
    await rig.operator_writes("first", topic)
    _, cursor = await receive_all(rig, cursor, 1)
    return topic, cursor


async def test_a_lost_update_is_found_by_the_next_one(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    add_fault(rig, "lose_update", bot=rig.bot.id)
    await rig.customer_writes("lost")
    await rig.customer_writes("found")
    updates, _ = await receive_all(rig, cursor, 2)
    assert words_of(updates) == ["lost", "found"]


async def test_a_lost_update_of_the_group_is_found_by_the_next_one(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    add_fault(rig, "lose_update", bot=rig.bot.id)
    await rig.operator_writes("lost", topic)
    await rig.operator_writes("found", topic)
    updates, _ = await receive_all(rig, cursor, 2)
    assert words_of(updates) == ["lost", "found"]


async def test_a_lost_update_is_found_though_nothing_else_comes(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    await probing(rig, cursor)
    add_fault(rig, "lose_update", bot=rig.bot.id)
    await rig.customer_writes("lost")
    async with asyncio.timeout(5):
        updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["lost"]


async def test_a_lost_update_of_the_group_is_found_though_nothing_else_comes(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    await probing(rig, cursor)
    add_fault(rig, "lose_update", bot=rig.bot.id)
    await rig.operator_writes("lost", topic)
    async with asyncio.timeout(5):
        updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["lost"]


async def test_own_sends_lead_to_no_gap_and_are_not_handed_out(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    for number in range(3):
        await send_from(rig, f"ours {number}")
    await rig.customer_writes("theirs")
    before = count_asked(rig, DIFFERENCE)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["theirs"]
    assert count_asked(rig, DIFFERENCE) == before


async def test_what_happened_meanwhile_comes_in_parts_in_order_and_once(rig: OverMtproto) -> None:
    assert rig.sandbox.mtproto is not None
    rig.sandbox.mtproto.api.stream.slice = 10
    topic, cursor = await topic_of(rig, await rig.begin())
    await rig.session.close()
    expected = []
    for number in range(25):
        await rig.customer_writes(f"question {number}")
        program_writes(rig, f"reply {number}")
        expected += [f"question {number}", f"reply {number}"]
    await rig.operator_writes("meanwhile", topic)
    reopen(rig)
    updates, _ = await receive_all(rig, cursor, 51)
    private = [update for update in updates if getattr(update.event, "chat", None) and update.event.chat.id > 0]  # type: ignore[union-attr]
    assert words_of(private) == expected
    assert [update.event.outgoing for update in private if isinstance(update.event, Message)] == [False, True] * 25
    assert "meanwhile" in words_of(updates)
    assert len({update.id for update in updates}) == len(updates)


async def test_the_groups_hash_comes_from_the_safe_and_its_gap_is_asked_for(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    await rig.session.close()
    rig.safe.hashes[rig.group] = real_hash(rig)
    await rig.operator_writes("meanwhile", topic)
    reopen(rig)
    before = count_asked(rig, "channels.getChannels")
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["meanwhile"]
    assert count_asked(rig, "channels.getChannels") == before


def real_hash(rig: OverMtproto) -> int:
    from sandbox.mtproto.methods.peers import access_hash, channel_number

    return access_hash(rig.bot, channel_number(rig.chat))


async def test_a_gap_that_can_not_be_asked_for_at_first_is_not_forgotten(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    await rig.session.close()
    rig.safe.hashes.clear()
    await rig.operator_writes("meanwhile", topic)
    add_fault(rig, "error", method="channels.getChannels", code=500, message="INTERNAL")
    reopen(rig)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["meanwhile"]


async def test_a_difference_that_is_too_long_is_read_id_by_id(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    rig.safe.hashes[rig.group] = real_hash(rig)
    await rig.session.close()
    rig.world.rules = replace(rig.world.rules, longest_difference=5)
    expected = []
    for number in range(60):
        await rig.customer_writes(f"question {number}")
        program_writes(rig, f"reply {number}")
        await rig.operator_writes(f"answer {number}", topic)
        expected += [f"question {number}", f"reply {number}"]
    reopen(rig)
    updates, cursor = await receive_all(rig, cursor, 180)
    messages = [update.event for update in updates if isinstance(update.event, Message)]
    assert [event.text for event in messages if event.chat.id == rig.customer] == expected
    assert [event.text for event in messages if event.chat.id == rig.group] == [f"answer {n}" for n in range(60)]
    assert [event.outgoing for event in messages if event.chat.id == rig.customer] == [False, True] * 60
    await rig.customer_writes("and on")
    await rig.operator_writes("it goes", topic)
    updates, _ = await receive_all(rig, cursor, 2)
    assert sorted(words_of(updates)) == ["and on", "it goes"]


async def test_deleted_messages_are_no_end_of_what_is_read_by_id(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    await rig.session.close()
    rig.world.rules = replace(rig.world.rules, longest_difference=5)
    for number in range(120):
        await rig.delete_source(await rig.customer_writes(f"regretted {number}"))
    await rig.customer_writes("meant")
    reopen(rig)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["meant"]


async def test_reading_by_id_goes_on_where_it_broke(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    await rig.session.close()
    rig.world.rules = replace(rig.world.rules, longest_difference=5)
    for number in range(150):
        await rig.customer_writes(f"message {number}")
    reopen(rig)
    add_fault(rig, "delay", method="messages.getMessages", times=1)
    add_fault(rig, "error", method="messages.getMessages", code=500, message="INTERNAL", times=2)
    updates, _ = await receive_all(rig, cursor, 150)
    assert words_of(updates) == [f"message {number}" for number in range(150)]


async def test_a_group_that_nobody_may_read_any_more_stops_nothing(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    await rig.session.close()
    rig.world.rules = replace(rig.world.rules, longest_difference=2)
    for number in range(5):
        await rig.operator_writes(f"answer {number}", topic)
    add_fault(rig, "error", method="channels.getMessages", code=406, message="CHANNEL_PRIVATE")
    await rig.customer_writes("hello")
    reopen(rig)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["hello"]


async def test_a_group_that_has_to_be_counted_anew_loses_nothing(rig: OverMtproto) -> None:
    topic, cursor = await topic_of(rig, await rig.begin())
    await rig.session.close()
    add_fault(rig, "error", method=CHANNEL_DIFFERENCE, code=400, message="PERSISTENT_TIMESTAMP_INVALID")
    await rig.operator_writes("meanwhile", topic)
    reopen(rig)
    updates, cursor = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["meanwhile"]
    await rig.operator_writes("after", topic)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["after"]


async def test_a_new_connection_begins_after_what_is_known_from_before(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    topic, cursor = await topic_of(rig, cursor)
    tops = State.load(cursor).tops
    await rig.session.close()
    await rig.customer_writes("meanwhile")
    await rig.operator_writes("in the group", topic)
    rig.safe.tops = dict(tops)
    reopen(rig)
    updates, cursor = await receive_all(rig, None, 3)
    assert sorted(words_of(updates)) == ["in the group", "meanwhile"]
    await rig.session.close()
    await rig.operator_writes("and offline", topic)
    reopen(rig)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["and offline"]


async def test_edits_and_blocks_that_happened_meanwhile_come_as_well(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    topic, cursor = await topic_of(rig, cursor)
    question = rig.world.send(rig.ann, rig.bot, "question")
    answer = rig.world.send(rig.owner, rig.chat, "answer", topic=topic)
    updates, cursor = await receive_all(rig, cursor, 2)
    await rig.session.close()
    rig.world.edit(rig.ann, question, "better question")
    rig.world.edit(rig.owner, answer, "better answer")
    reopen(rig)
    updates, _ = await receive_all(rig, cursor, 2)
    edited = [update.event.message.text for update in updates if isinstance(update.event, Edited)]
    assert sorted(edited) == ["better answer", "better question"]


async def test_a_block_is_heard_at_once(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    await rig.block()
    updates, _ = await receive_all(rig, cursor, 1)
    assert [u.event.reachable for u in updates if isinstance(u.event, ReachChanged)] == [False]


async def test_a_difference_that_fails_in_the_middle_loses_nothing(rig: OverMtproto) -> None:
    assert rig.sandbox.mtproto is not None
    rig.sandbox.mtproto.api.stream.slice = 3
    cursor = await rig.begin()
    await rig.session.close()
    for number in range(9):
        await rig.customer_writes(f"message {number}")
    reopen(rig)
    add_fault(rig, "delay", method=DIFFERENCE)
    add_fault(rig, "error", method=DIFFERENCE, code=500, message="INTERNAL", times=2)
    add_fault(rig, "drop_answer", method=DIFFERENCE)
    updates, _ = await receive_all(rig, cursor, 9)
    assert words_of(updates) == [f"message {number}" for number in range(9)]


async def test_own_messages_in_a_difference_are_known_by_their_ids(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    add_fault(rig, "drop_answer", method="messages.sendMessage")
    sent = text(rig, "ours")
    with pytest.raises(Flaky) as broken:
        await rig.session.send(sent)
    assert broken.value.ambiguous
    updates, _ = await receive_all(rig, cursor, 1)
    (own,) = [update.event for update in updates if isinstance(update.event, Message)]
    assert (own.text, own.outgoing, own.sender and own.sender.id) == ("ours", True, rig.bot.id)
    assert await rig.session.send(sent) == [own.id]


async def test_a_crash_after_the_first_part_brings_the_rest_again(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    await rig.session.close()
    expected = [f"message {number}" for number in range(250)]
    for words in expected:
        await rig.customer_writes(words)
    reopen(rig)
    first = await rig.receive_until_something(cursor)
    assert len(first.updates) == 100
    await rig.session.close()
    reopen(rig)
    updates, cursor = await receive_all(rig, first.cursor, 250)
    seen = {update.id: update for update in [*first.updates, *updates]}
    assert words_of(list(seen.values())) == expected
    await rig.session.close()
    reopen(rig)
    await rig.customer_writes("new")
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["new"]


async def test_hashes_of_whom_only_an_answer_named_are_stored_with_the_next_updates(rig: OverMtproto) -> None:
    await rig.begin()
    stored = dict(rig.safe.hashes)
    await rig.session.close()
    reopen(rig, probe_seconds=0.2)
    cursor = (await rig.receive_until_something(None)).cursor
    await send_from(rig, "ours")
    quiet = await rig.session.receive(cursor)
    assert (quiet.updates, quiet.hashes) == ((), {})
    await rig.customer_writes("hello")
    batch = await rig.receive_until_something(cursor)
    assert rig.customer in batch.hashes
    assert rig.customer not in stored


async def test_many_people_leave_memory_and_can_still_be_written_to(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    people: list[User] = [rig.world.add_user(f"Person {number}") for number in range(MOST_ENTITIES + 50)]
    for person in people:
        rig.world.start(person, rig.bot)
    _, cursor = await receive_all(rig, cursor, len(people))
    session = rig.session
    assert isinstance(session, MtprotoSession)
    assert len(session._mailbox.hashes) <= MOST_ENTITIES  # memory is what this is about
    before = count_asked(rig, "users.getUsers")
    await session.send(replace(text(rig, "hello"), to=ChatId(people[0].id)))
    assert [m.text for m in rig.world.history(rig.world.private(people[0], rig.bot))][-1] == "hello"
    assert count_asked(rig, "users.getUsers") == before


async def test_a_cursor_is_text_that_says_where_it_stands(rig: OverMtproto) -> None:
    _, cursor = await topic_of(rig, await rig.begin())
    state = State.load(cursor)
    assert state.dump() == cursor
    assert state.pts > 0
    assert set(state.channels) == set(state.tops) - {PRIVATE}
    assert len(state.channels) == 1


async def test_a_first_batch_says_where_to_begin(rig: OverMtproto) -> None:
    batch = await rig.session.receive(None)
    assert [update.event for update in batch.updates] == [Other("state", "cursor")]
    assert State.load(batch.cursor).pts > 0
