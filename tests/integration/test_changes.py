"""Edits, reactions and deletions as rows: what is merged, what stands back, what is told, and what a repeat does."""

from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest

from sessions.errors import Rejected
from sessions.events import Batch, ChatKind, Message
from sessions.port import Copy, Edit, Text
from tenants.outbox import ages_of_recent_sends, give_numbers
from tests.fakes import GROUP, texts, with_digest
from tests.integration.conftest import DeskUnderTest
from worker.decisions.edits import NEVER_SENT, STAYS_SENT


async def _store(desk: DeskUnderTest, *events) -> None:
    await _only_store(desk, *events)
    await _run(desk)


async def _only_store(desk: DeskUnderTest, *events) -> None:
    fed = await desk.session.feed(*events)
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))


async def _run(desk: DeskUnderTest, turns: int = 6) -> None:
    for _ in range(turns):
        desk.sender.wake()
        await desk.turn()


async def _open(desk: DeskUnderTest) -> tuple[Message, int]:
    """What Ann wrote first, and her topic."""
    hello = desk.session.customer("hello")
    await _store(desk, hello)
    return hello, next(iter(desk.session.topics))


async def _answered(desk: DeskUnderTest, topic: int, words: str = "an answer") -> Message:
    answer = desk.session.operator(words, topic)
    await _store(desk, answer)
    return answer


def _edits(desk: DeskUnderTest) -> list[str]:
    return [call.outgoing.text for call in desk.session.sent() if isinstance(call.outgoing, Edit)]


async def _reasons(desk: DeskUnderTest) -> list[str | None]:
    return [row.reason for row in await desk.rows("SELECT reason FROM updates ORDER BY update_id")]


async def _later(desk: DeskUnderTest, seconds: int) -> None:
    await desk.rows(
        "UPDATE outbox SET not_before = not_before - CAST(:time AS interval),"
        " tried_at = tried_at - CAST(:time AS interval) RETURNING 1",
        time=timedelta(seconds=seconds),
    )


async def test_a_hundred_edits_within_a_minute_cost_five_calls_and_the_last_one_is_shown(desk: DeskUnderTest) -> None:
    hello, _ = await _open(desk)
    began = monotonic()
    for second in range(60):
        for part in range(100 * second // 60, 100 * (second + 1) // 60):
            await _only_store(desk, desk.session.edited(hello, f"version {part}"))
        await _run(desk, 2)
        await _later(desk, 1)
    await _later(desk, 15)
    await _run(desk)
    assert len(_edits(desk)) <= 5 + (monotonic() - began) // 15
    assert _edits(desk)[-1] == "version 99"
    counted = await desk.dispositions()
    assert sum(counted.values()) == 101
    assert set(counted) == {"relayed", "handled"}


async def test_an_edit_stands_back_until_messages_leave_some_budget_or_it_has_waited(
    desk: DeskUnderTest,
) -> None:
    hello, _ = await _open(desk)
    await _only_store(desk, desk.session.edited(hello, "two"))
    holder = (desk.tenant.id, desk.line.lease)
    for spare, expected in ((0, set()), (1, {desk.tenant.id})):
        async with desk.database.tenants([desk.tenant.id]) as unit:
            assert await give_numbers(unit, [(*holder, spare)]) == expected
    await _run(desk)
    await _later(desk, 20)
    await _only_store(desk, desk.session.edited(hello, "three"), desk.session.customer("a message"))
    async with desk.database.tenants([desk.tenant.id]) as unit:
        assert await give_numbers(unit, [(*holder, 9)]) == set()
    await _later(desk, 61)
    async with desk.database.tenants([desk.tenant.id]) as unit:
        assert await give_numbers(unit, [(*holder, 0)]) == {desk.tenant.id}
    await _run(desk)
    assert [type(call.outgoing).__name__ for call in desk.session.sent(GROUP)] == ["Copy", "Edit", "Copy", "Edit"]


async def test_a_message_never_waits_behind_an_edit_that_waits(desk: DeskUnderTest) -> None:
    hello, _ = await _open(desk)
    await _store(desk, desk.session.edited(hello, "two"))
    await _store(desk, desk.session.edited(hello, "three"), desk.session.customer("a message"))
    assert [type(call.outgoing).__name__ for call in desk.session.sent(GROUP)] == ["Copy", "Edit", "Copy"]
    assert (await desk.dispositions())["waiting"] == 1


async def test_an_edit_counts_in_the_minute_after_a_restart(desk: DeskUnderTest) -> None:
    hello, _ = await _open(desk)
    await _store(desk, desk.session.edited(hello, "two"))
    async with desk.database.tenant(desk.tenant.id) as unit:
        ages = await ages_of_recent_sends(unit, desk.tenant.id)
    assert len(ages) == 3  # the topic, the copy, the edit


async def test_what_waits_is_changed_in_its_place_and_not_edited_afterwards(desk: DeskUnderTest) -> None:
    hello, _ = await _open(desk)
    first, second = desk.session.customer("one"), desk.session.customer("two")
    await _only_store(desk, first)
    await _only_store(desk, desk.session.edited(first, "uno"), second, desk.session.edited(second, "due"))
    await _run(desk)
    await _store(desk, desk.session.edited(first, "uno"), desk.session.edited(hello, "hello"))
    assert _edits(desk) == []
    assert (await _reasons(desk))[1:] == [None, "merged", None, "merged", "unchanged", "unchanged"]


async def test_an_edit_of_what_is_just_being_sent_follows_it(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    answer = desk.session.operator("an answer", topic)
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, answer)
    await _store(desk, desk.session.edited(answer, "a better one"))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    assert [type(call.outgoing).__name__ for call in desk.session.sent(77)][1:] == ["Copy", "Copy", "Edit"]


async def test_an_edit_whose_answer_was_lost_is_made_again_and_changes_nothing(desk: DeskUnderTest) -> None:
    hello, _ = await _open(desk)
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, desk.session.edited(hello, "two"))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    assert _edits(desk) == ["two", "two"]
    assert await desk.dispositions() == {"relayed": 2}
    await _later(desk, 60)
    await _store(desk, desk.session.edited(hello, "two"))
    assert (await _reasons(desk))[-1] == "unchanged"


async def test_a_text_that_shares_a_message_with_others_is_followed_by_its_new_words(
    desk: DeskUnderTest,
) -> None:
    await _open(desk)
    parts = [desk.session.customer(words) for words in ("one", "two")]
    await _store(desk, *parts)
    shown = desk.session.sent(GROUP)[-1].ids[0]
    await desk.rows("UPDATE message_map SET topic_message_id = :shown RETURNING 1", shown=shown)
    bold = desk.session.edited(parts[0], "uno", entities=(("bold", 0, 3, ""),))
    await _store(desk, bold)
    told = desk.session.sent(GROUP)[-1].outgoing
    assert isinstance(told, Text)
    assert (told.text, told.reply_to, told.entities) == ("✏️ edited: uno", shown, (("bold", 11, 3, ""),))
    await _store(desk, bold)
    assert desk.session.sent(GROUP)[-1].outgoing is told


@pytest.mark.parametrize(("code", "told"), [("not_editable", ["✏️ edited: two"]), ("message_gone", [])])
async def test_what_can_not_be_edited_in_the_topic(desk: DeskUnderTest, code: str, told: list[str]) -> None:
    hello, _ = await _open(desk)
    desk.session.faults["send"].append(Rejected(code, "No."))
    await _store(desk, desk.session.edited(hello, "two"))
    assert texts(desk.session.sent(GROUP)) == told
    assert await desk.dispositions() == ({"relayed": 2} if told else {"relayed": 1, "ignored": 1})


async def test_an_edit_that_the_customer_can_not_get_is_told_as_a_reply(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    answer = await _answered(desk, topic)
    desk.session.faults["send"].append(Rejected("not_editable", "No."))
    await _store(desk, desk.session.edited(answer, "a better one"))
    told = desk.session.sent(GROUP)[-1].outgoing
    assert (told.text, told.reply_to) == ("⚠️ The customer does not have your change: No.", answer.id)
    assert await desk.dispositions() == {"relayed": 2, "buried": 1}


async def test_a_place_that_is_shared_live_is_shown_anew_once_a_minute(desk: DeskUnderTest) -> None:
    await _open(desk)
    place = desk.session.customer("", content="location")
    await _store(desk, place)
    shown = desk.session.sent(GROUP)[-1].ids[0]
    for number in range(5):
        moved = with_digest(_at(place, number))
        await _store(desk, desk.session.edited(moved, ""))
    snapshots = [call.outgoing for call in desk.session.sent(GROUP)][2:]
    assert [(type(one), one.ids, one.reply_to) for one in snapshots] == [(Copy, (place.id,), shown)]
    await _later(desk, 60)
    await _run(desk)
    assert len(desk.session.sent(GROUP)) == 4


def _at(place: Message, number: int) -> Message:
    return replace(place, look=replace(place.look, media=str(number)))


@pytest.mark.parametrize(
    ("first", "then", "reason", "told"),
    [
        ("/ a note", "/ another note", "comment", None),
        ("/hold", "/close", "edited_command", None),
        ("/ a note", "not a note", "edited_into_text", NEVER_SENT),
        ("/hold", "hold on", "edited_into_text", NEVER_SENT),
        ("hold on", "/hold", "edited_into_command", STAYS_SENT),
        ("hold on", "/ hold on", "edited_into_command", STAYS_SENT),
    ],
)
async def test_commands_and_notes_stay_what_they_were(
    desk: DeskUnderTest, first: str, then: str, reason: str, told: str | None
) -> None:
    _, topic = await _open(desk)
    typed = await _answered(desk, topic, first)
    status = await desk.rows("SELECT status FROM dialogs")
    before = len(desk.session.sent(77))
    await _store(desk, desk.session.edited(typed, then))
    assert (await _reasons(desk))[-1] == reason
    assert texts(desk.session.sent(GROUP)) == ([told] if told else [])
    assert len(desk.session.sent(77)) == before
    assert await desk.rows("SELECT status FROM dialogs") == status


async def test_nobody_edits_where_there_is_nothing_to_edit(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    stranger = desk.session.customer("hi", user=78)
    bots = desk.session.operator("a bot speaks", topic, sender=desk.session.program("x").sender)
    elsewhere = [desk.session.operator("hi", None), desk.session.operator("hi", 4711)]
    known = desk.session.customer("never seen")
    edits = [desk.session.edited(message, "new") for message in (stranger, bots, *elsewhere, known)]
    await _store(desk, *edits)
    assert (await _reasons(desk))[1:] == ["no_dialog", "bot", "general", "not_a_dialog", "not_relayed"]
    assert stranger.chat.kind is ChatKind.PRIVATE


def _reactions(desk: DeskUnderTest) -> list[tuple[int, int, str | None]]:
    return [call.outgoing for call in desk.session.calls if call.method == "react"]


async def test_of_reactions_that_wait_only_the_newest_goes_out(desk: DeskUnderTest) -> None:
    hello, _ = await _open(desk)
    shown = desk.session.sent(GROUP)[0].ids[0]
    await _store(desk, desk.session.reacted(hello, "👍"))
    for emoji, before in (("🔥", ("👍",)), (None, ("🔥",)), ("🎉", ())):
        await _store(desk, desk.session.reacted(hello, emoji, before))
    assert _reactions(desk) == [(GROUP, shown, "👍")]
    await _later(desk, 10)
    await _run(desk)
    assert _reactions(desk)[1:] == [(GROUP, shown, "🎉")]
    assert await desk.dispositions() == {"relayed": 3, "handled": 2}


async def test_a_reaction_in_the_group_finds_the_dialog_by_its_message(desk: DeskUnderTest) -> None:
    hello, topic = await _open(desk)
    shown = desk.session.operator("", topic, id=desk.session.sent(GROUP)[0].ids[0])
    answer = await _answered(desk, topic)
    sent = desk.session.sent(77)[-1].ids[0]
    unknown = desk.session.operator("", topic)
    await _store(desk, *(desk.session.reacted(message, "👍") for message in (shown, answer, unknown)))
    assert set(_reactions(desk)) == {(77, hello.id, "👍"), (77, sent, "👍")}
    assert (await _reasons(desk))[-1] == "no_dialog"


async def test_a_deletion_whose_answer_was_lost_is_said_once(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    answer = await _answered(desk, topic)
    desk.session.carried_out_but_lost["delete"] = 1
    await _store(desk, desk.session.operator("/del", topic, reply_to=answer.id))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    assert [call.outgoing for call in desk.session.calls if call.method == "delete"] == [
        (77, (desk.session.sent(77)[-1].ids[0],))
    ] * 2
    assert texts(desk.session.sent(GROUP)) == ["🗑 Deleted for the customer."]


async def test_a_deletion_that_telegram_refuses_is_told(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    answer = await _answered(desk, topic)
    desk.session.faults["delete"].append(Rejected("not_deletable", "No."))
    await _store(desk, desk.session.operator("/del", topic, reply_to=answer.id))
    assert texts(desk.session.sent(GROUP)) == ["⚠️ Not deleted for the customer: No."]


async def test_what_is_just_being_sent_is_deleted_as_soon_as_it_has_arrived(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    answer = desk.session.operator("a slip", topic)
    desk.session.carried_out_but_lost["send"] = 1
    await _store(desk, answer)
    await _store(desk, desk.session.operator("/del", topic, reply_to=answer.id))
    await desk.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _run(desk)
    arrived = desk.session.sent(77)[-1].ids
    assert [call.outgoing for call in desk.session.calls if call.method == "delete"] == [(77, arrived)]


async def test_edits_that_wait_go_with_what_is_taken_back(desk: DeskUnderTest) -> None:
    _, topic = await _open(desk)
    answer = await _answered(desk, topic)
    await _store(desk, desk.session.edited(answer, "two"))
    await _store(desk, desk.session.edited(answer, "three"))
    await _store(desk, desk.session.operator("/del", topic, reply_to=answer.id))
    await _later(desk, 60)
    await _run(desk)
    assert _edits(desk) == ["two"]
    assert await desk.dispositions() == {"relayed": 3, "ignored": 1, "handled": 1}
