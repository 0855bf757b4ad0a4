"""What another program writes to customers, shown in their topics: in order, once, never what we sent ourselves."""

from sessions.errors import Gone, Rejected
from sessions.events import Batch, Cursor
from sessions.port import Copy, Edit, Mirror, Text
from tenants.outbox import seconds_until_due
from tenants.parallel import HASH
from tests.fakes import GROUP, texts
from tests.integration.conftest import DeskUnderTest
from worker.turn import Part


async def _store(desk: DeskUnderTest, *events) -> None:
    """A batch, stored, and everything sent that may go out then."""
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    await _run(desk)


async def _run(desk: DeskUnderTest, turns: int = 8) -> None:
    for _ in range(turns):
        desk.sender.wake()
        await desk.turn()


async def _open(desk: DeskUnderTest):
    """Ann's dialog with its topic; the topic's id."""
    await _store(desk, desk.session.customer("hello"))
    return next(iter(desk.session.topics))


def _in_group(desk: DeskUnderTest) -> list[object]:
    return [call.outgoing for call in desk.session.sent(GROUP)]


async def _reasons(desk: DeskUnderTest) -> list[str | None]:
    return [row.reason for row in await desk.rows("SELECT reason FROM updates ORDER BY update_id")]


async def _settle_albums(desk: DeskUnderTest) -> None:
    await desk.rows("UPDATE outbox SET not_before = now() RETURNING 1")


async def test_the_programs_message_stands_in_the_topic_and_changes_no_status(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    before = await desk.rows("SELECT status, close_at FROM dialogs")
    said = desk.session.program("We are open", buttons=(("Prices", "Help"),), entities=(("bold", 0, 2, ""),))
    await _store(desk, said)
    mirror = _in_group(desk)[-1]
    assert isinstance(mirror, Mirror)
    assert (mirror.topic, mirror.source, mirror.ids) == (topic, 77, (said.id,))
    assert (mirror.text, mirror.buttons, mirror.entities) == (said.text, said.buttons, said.entities)
    assert await desk.rows("SELECT status, close_at FROM dialogs") == before
    assert len(desk.session.sent(77)) == 1  # WELCOME, once
    assert await desk.dispositions() == {"relayed": 2}


async def test_customer_and_program_take_turns_in_the_topic_as_they_did_in_the_chat(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = []
    for number in range(4):
        said += [desk.session.customer(f"c{number}"), desk.session.program(f"p{number}")]
    await _store(desk, *said)
    await _run(desk, 12)
    shown = [outgoing.ids[0] for outgoing in _in_group(desk)[1:] if isinstance(outgoing, (Copy, Mirror))]
    assert shown == [message.id for message in said]


async def test_replies_to_a_mirrored_message_find_it_both_ways(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    said = desk.session.program("Choose one")
    await _store(desk, said)
    shown = desk.session.sent(GROUP)[-1].ids[0]
    await _store(desk, desk.session.customer("this one", reply_to=said.id))
    assert _in_group(desk)[-1].reply_to == shown
    await _store(desk, desk.session.operator("a good choice", topic, reply_to=shown))
    assert desk.session.sent(77)[-1].outgoing.reply_to == said.id


async def test_a_programs_album_goes_out_as_one(desk: DeskUnderTest) -> None:
    await _open(desk)
    parts = [desk.session.program("", content="photo", album="a") for _ in range(3)]
    await _store(desk, *parts)
    await _settle_albums(desk)
    await _run(desk)
    mirrors = [outgoing for outgoing in _in_group(desk) if isinstance(outgoing, Mirror)]
    assert [mirror.ids for mirror in mirrors] == [tuple(part.id for part in parts)]
    assert len(await desk.rows("SELECT 1 FROM message_map WHERE message_id >= :first", first=parts[0].id)) == 3


async def test_nothing_is_shown_of_strangers_closed_dialogs_or_groups(desk: DeskUnderTest) -> None:
    await _open(desk)
    await _store(desk, desk.session.program("a broadcast", user=78))
    await _store(desk, desk.session.operator("in the group", None, outgoing=True))
    await desk.rows("UPDATE dialogs SET status = 'closed' RETURNING 1")
    await _store(desk, desk.session.program("a broadcast"))
    assert not any(isinstance(outgoing, Mirror) for outgoing in _in_group(desk))
    assert (await _reasons(desk))[1:] == ["no_dialog", "bot", "closed"]
    assert (await desk.rows("SELECT status FROM dialogs"))[0].status == "closed"


async def test_intercepting_is_switched_off_at_run_time(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("one")
    await _store(desk, said)
    await desk.change_settings(INTERCEPT_EXTERNAL=False)
    before = len(_in_group(desk))
    program = desk.session
    await _store(desk, program.program("two"), program.edited(said, "uno"), program.pressed(said, "Prices"))
    assert len(_in_group(desk)) == before
    assert (await _reasons(desk))[2:] == ["intercept_off"] * 3


async def test_what_is_not_on_the_white_list_is_not_mirrored(desk: DeskUnderTest) -> None:
    await _open(desk)
    await desk.change_settings(WHITE_LIST=[1])
    await _store(desk, desk.session.program("one"))
    assert (await _reasons(desk))[1:] == ["not_on_white_list"]


async def test_what_we_sent_ourselves_is_never_mirrored(desk: DeskUnderTest) -> None:
    """WELCOME and an answer come back, as a difference after a crash brings them."""
    topic = await _open(desk)
    await _store(desk, desk.session.operator("an answer", topic))
    ids = [call.ids[0] for call in desk.session.sent(77)]
    before = len(_in_group(desk))
    await _store(desk, *(desk.session.program("?", id=number) for number in ids))
    assert len(_in_group(desk)) == before
    assert (await _reasons(desk))[-2:] == ["own_message", "own_message"]


async def test_an_answer_in_doubt_is_settled_before_what_may_be_itself(desk: DeskUnderTest) -> None:
    """Telegram took the answer, we did not hear of it, and then it comes as another program's message."""
    desk.session.is_parallel = True
    topic = await _open(desk)
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, desk.session.operator("an answer", topic))
    (lost,) = desk.session.sent(77)[-1].ids
    await _store(desk, desk.session.program("an answer", id=lost), desk.session.program("of the program"))
    assert not any(isinstance(outgoing, Mirror) for outgoing in _in_group(desk))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    mirrors = [outgoing for outgoing in _in_group(desk) if isinstance(outgoing, Mirror)]
    assert [mirror.text for mirror in mirrors] == ["of the program"]
    assert [call.outgoing.to for call in desk.session.sent(77)] == [77, 77]  # WELCOME and one answer
    assert await desk.dispositions() == {"relayed": 3, "ignored": 1}
    assert len(await desk.rows("SELECT 1 FROM outbox WHERE state = 'dropped' AND body IS NULL")) == 1
    assert await desk.rows("SELECT 1 FROM lanes WHERE head_seq < next_seq") == []


async def test_what_waits_for_an_answer_in_doubt_is_due_with_it(desk: DeskUnderTest) -> None:
    """And is not asked for five times a second meanwhile."""
    topic = await _open(desk)
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, desk.session.operator("an answer", topic))
    await desk.rows(
        "UPDATE lanes SET blocked_until = now() + interval '200 seconds' WHERE head_seq < next_seq RETURNING 1"
    )
    await _store(desk, desk.session.program("something"))
    async with desk.database.tenants([desk.tenant.id]) as unit:
        due = await seconds_until_due(unit, [(desk.tenant.id, GROUP)], busy=[])
    assert 150 < due[desk.tenant.id] <= 200


async def test_a_second_attempt_says_what_it_doubts(desk: DeskUnderTest) -> None:
    await _open(desk)
    first = desk.session.sent(GROUP)[-1].ids[0]
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, desk.session.program("one"))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    once, again = [outgoing for outgoing in _in_group(desk) if isinstance(outgoing, Mirror)]
    row = (await desk.rows("SELECT created_at FROM outbox WHERE kind = 'mirror'"))[0]
    assert once.doubt is None
    assert (again.doubt.after, again.doubt.since) == (first, row.created_at)
    assert once.key == again.key


async def test_a_mirrored_message_is_edited_where_it_stands(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("one", buttons=(("A",),))
    await _store(desk, said)
    shown = desk.session.sent(GROUP)[-1].ids[0]
    await _store(desk, desk.session.edited(said, "two", buttons=()))
    edit = _in_group(desk)[-1]
    assert isinstance(edit, Edit)
    assert (edit.message, edit.source, edit.text, edit.buttons) == (shown, (77, said.id), "two", ())
    assert await desk.dispositions() == {"relayed": 3}


async def test_an_edit_of_what_still_waits_changes_it_in_its_place(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("one")
    for events in ([said, desk.session.edited(said, "two")], [desk.session.edited(said, "three")]):
        fed = await desk.session.feed(*events)
        await desk.store_only(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    await _run(desk)
    assert [outgoing.text for outgoing in _in_group(desk) if not isinstance(outgoing, Copy)] == ["three"]
    assert (await _reasons(desk))[1:] == [None, "merged", "merged"]
    assert await desk.dispositions() == {"relayed": 2, "handled": 2}


async def test_of_edits_that_wait_only_the_newest_goes_out(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("one")
    await _store(desk, said)
    for words in ("two", "three", "four"):
        (fed,) = await desk.session.feed(desk.session.edited(said, words))
        await desk.store_only(Batch((fed,), fed.cursor))
    await _run(desk)
    assert [outgoing.text for outgoing in _in_group(desk) if isinstance(outgoing, Edit)] == ["four"]
    assert await desk.dispositions() == {"relayed": 3, "handled": 2}


async def test_an_edit_of_a_mirror_on_its_way_follows_it(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("one")
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, said)
    await _store(desk, desk.session.edited(said, "two"))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    kinds = [type(outgoing).__name__ for outgoing in _in_group(desk)[1:]]
    assert kinds == ["Mirror", "Mirror", "Edit"]


async def test_an_edit_of_what_is_not_in_the_topic_is_nothing(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    await _store(desk, desk.session.operator("an answer", topic))
    answer = desk.session.sent(77)[-1].ids[0]
    unknown = desk.session.program("never seen")
    own = desk.session.program("an answer", id=answer)
    customers = desk.session.customer("hello")
    edits = [desk.session.edited(message, "new") for message in (unknown, own, customers)]
    await _store(desk, *edits)
    assert (await _reasons(desk))[-3:] == ["not_mirrored", "not_mirrored", "edit"]


async def test_an_edit_of_a_message_that_the_team_deleted_is_dropped(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("one")
    await _store(desk, said)
    desk.session.faults["send"].append(Rejected("message_gone", "The message was deleted."))
    await _store(desk, desk.session.edited(said, "two"))
    assert await desk.dispositions() == {"relayed": 2, "ignored": 1}
    assert texts(desk.session.sent(GROUP)) == []


async def test_what_cannot_be_mirrored_is_said_as_the_bots(desk: DeskUnderTest) -> None:
    await _open(desk)
    desk.session.faults["send"].append(Gone("source", "source_deleted", "The message was deleted."))
    await _store(desk, desk.session.program("gone"))
    assert texts(desk.session.sent(GROUP)) == ["🤖 🗑 deleted before it could be copied\n\ngone"]


async def test_a_refused_mirror_is_buried_and_told(desk: DeskUnderTest) -> None:
    await _open(desk)
    desk.session.faults["send"].append(Rejected("refused", "Telegram refused: nonsense"))
    await _store(desk, desk.session.program("nonsense"))
    (told,) = texts(desk.session.sent(GROUP))
    assert told == "⚠️ A message of your program could not be shown here: Telegram refused: nonsense"
    assert await desk.dispositions() == {"relayed": 1, "buried": 1}


async def test_a_press_is_a_line_below_the_message_with_the_button(desk: DeskUnderTest) -> None:
    await _open(desk)
    said = desk.session.program("Choose", buttons=(("Prices",),))
    await _store(desk, said, desk.session.pressed(said, "Prices"), desk.session.pressed(said, ""))
    shown = next(call.ids[0] for call in desk.session.sent(GROUP) if isinstance(call.outgoing, Mirror))
    lines = [outgoing for outgoing in _in_group(desk) if isinstance(outgoing, Text)]
    assert [line.text for line in lines] == ["▫️ Ann pressed “Prices”", "▫️ Ann pressed a button"]
    assert [line.reply_to for line in lines] == [shown, shown]
    assert await desk.dispositions() == {"relayed": 2, "handled": 2}


async def test_a_press_in_a_closed_dialog_or_a_strangers_is_no_line(desk: DeskUnderTest) -> None:
    await _open(desk)
    strangers = desk.session.program("Choose", user=78)
    said = desk.session.program("Choose")
    await desk.rows("UPDATE dialogs SET status = 'closed' RETURNING 1")
    await _store(desk, desk.session.pressed(strangers, "A"), desk.session.pressed(said, "A"))
    assert texts(desk.session.sent(GROUP)) == []
    assert (await _reasons(desk))[1:] == ["no_dialog", "closed"]


async def test_access_hashes_are_stored_encrypted_with_the_batch_they_came_with(desk: DeskUnderTest) -> None:
    desk.session.hashes = {77: 987654321098}
    await desk.session.feed(desk.session.customer("hello"))
    await desk.store(await desk.session.receive(None))
    (row,) = await desk.rows("SELECT chat_id, hash FROM access_hashes")
    assert row.chat_id == 77
    assert b"987654321098" not in row.hash
    assert desk.keyring.decrypt(desk.tenant.id, HASH, row.hash) == b"987654321098"
    assert "987654321098" not in repr(Part(desk.line, hashes={77: 987654321098}))


async def test_an_update_of_the_programs_that_fails_apologizes_to_nobody(desk: DeskUnderTest) -> None:
    await _open(desk)
    before = len(desk.session.sent(77))
    (fed,) = await desk.session.feed(desk.session.program("of the program"))
    part = Part(desk.line, updates=[fed], cursor=fed.cursor).set_aside("KeyError")
    await desk.pump._turn.run([part])
    await _run(desk)
    assert len(desk.session.sent(77)) == before
    assert await desk.dispositions() == {"relayed": 1, "failed": 1}


async def test_why_tells_of_a_mirrored_message(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    await _store(desk, desk.session.program("one"))
    shown = desk.session.sent(GROUP)[-1].ids[0]
    await _store(desk, desk.session.operator("/why", topic, reply_to=shown))
    assert texts(desk.session.sent(GROUP))[-1].startswith("✅ Shown here.")


async def test_a_buried_mirror_is_sent_again_with_the_words_it_has_now(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    said = desk.session.program("one")
    desk.session.faults["send"].append(Rejected("refused", "Telegram refused: nonsense"))
    await _store(desk, said)
    told = desk.session.sent(GROUP)[-1].ids[0]
    await _store(desk, desk.session.edited(said, "two"))
    await _store(desk, desk.session.operator("/retry", topic, reply_to=told))
    mirrors = [outgoing.text for outgoing in _in_group(desk) if isinstance(outgoing, Mirror)]
    assert mirrors == ["two"]
    assert any(line.startswith("⏳ The next message is late") for line in texts(desk.session.sent(GROUP)))


async def test_own_parts_of_an_album_are_dropped_and_the_others_go_out(desk: DeskUnderTest) -> None:
    """Own ones are known by a result that came in after they were queued."""
    await _open(desk)
    parts = [desk.session.program("", content="photo", album="a") for _ in range(3)]
    fed = await desk.session.feed(*parts)
    await desk.store_only(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    mapped = "UPDATE message_map SET message_id = :own WHERE message_id <> :own RETURNING 1"
    await desk.rows(mapped, own=parts[0].id)
    await _settle_albums(desk)
    await _run(desk)
    (mirror,) = [outgoing for outgoing in _in_group(desk) if isinstance(outgoing, Mirror)]
    assert mirror.ids == (parts[1].id, parts[2].id)
    assert await desk.dispositions() == {"relayed": 3, "ignored": 1}
