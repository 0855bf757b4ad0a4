"""What the port promises, kept by every session: the one in memory, the Bot API's and the parallel one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions.errors import Flaky, FloodWait, Gone, Rejected
from sessions.events import Cursor, Edited, Event, Message, ReachChanged, Reacted, TopicEvent
from sessions.port import Caption, Copy, Doubt, Edit, IdempotencyKey, Text
from tenants.ids import ChatId, MessageId, TopicId
from tests.e2e.rigs import RIGS, Rig


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with request.param.open() as made:
        yield made


_numbers = iter(range(10**9))


def key() -> IdempotencyKey:
    return IdempotencyKey(f"row-{next(_numbers)}")


def text(to: ChatId, words: str, topic: TopicId | None = None, **more: object) -> Text:
    return Text(key(), to, topic, words, markdown=False, reply_to=None, **more)  # type: ignore[arg-type]


def copy(rig: Rig, topic: TopicId, *ids: MessageId, reply_to: MessageId | None = None) -> Copy:
    return Copy(key(), rig.group, topic, rig.customer, tuple(ids), reply_to)


async def heard(rig: Rig, cursor: Cursor | None, count: int) -> tuple[list[Message], Cursor]:
    """So many messages, however they are spread over batches."""
    messages: list[Message] = []
    while len(messages) < count:
        batch = await rig.session.receive(cursor)
        cursor = batch.cursor
        messages += [update.event for update in batch.updates if isinstance(update.event, Message)]
    assert cursor is not None
    return messages, cursor


async def told(rig: Rig, cursor: Cursor | None, kind: type[Event]) -> tuple[Any, Cursor]:
    """The next event of that kind."""
    while True:
        batch = await rig.session.receive(cursor)
        cursor = batch.cursor
        found = [update.event for update in batch.updates if isinstance(update.event, kind)]
        if found:
            return found[0], cursor


async def test_messages_come_in_order_with_who_wrote_them_and_where(rig: Rig) -> None:
    cursor = await rig.begin()
    await rig.customer_writes("one")
    await rig.customer_writes("two")
    messages, _ = await heard(rig, cursor, 2)
    assert [message.text for message in messages] == ["one", "two"]
    first = messages[0]
    assert (first.chat.id, first.chat.title, first.content, first.topic_id) == (rig.customer, "Ann", "text", None)
    assert first.sender is not None
    assert (first.sender.id, first.sender.is_bot, first.outgoing) == (rig.customer, False, False)


async def test_what_an_operator_writes_in_a_topic_says_which_topic(rig: Rig) -> None:
    cursor = await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    await rig.operator_writes("hello", topic)
    messages, _ = await heard(rig, cursor, 1)
    assert [(m.text, m.topic_id, m.reply_to, m.chat.id) for m in messages] == [("hello", topic, None, rig.group)]


async def test_after_a_cursor_only_what_is_newer_comes(rig: Rig) -> None:
    cursor = await rig.begin()
    await rig.customer_writes("one")
    _, cursor = await heard(rig, cursor, 1)
    await rig.customer_writes("two")
    messages, _ = await heard(rig, cursor, 1)
    assert [message.text for message in messages] == ["two"]


async def test_what_was_not_acknowledged_comes_again_with_the_same_id(rig: Rig) -> None:
    cursor = await rig.begin()
    await rig.customer_writes("one")
    first = await rig.receive_until_something(cursor)
    await rig.restart()
    again = await rig.receive_until_something(cursor)
    assert [update.id for update in again.updates] == [update.id for update in first.updates]
    assert [update.event for update in again.updates] == [update.event for update in first.updates]


async def test_an_update_that_was_kept_can_be_read_again(rig: Rig) -> None:
    cursor = await rig.begin()
    await rig.customer_writes("one")
    update = (await rig.receive_until_something(cursor)).updates[0]
    assert rig.session.read(update.raw).event == update.event


async def test_a_text_arrives_and_its_id_is_told(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    (first,) = await rig.session.send(text(rig.customer, "hello"))
    (second,) = await rig.session.send(text(rig.customer, "again"))
    assert second > first
    assert await rig.heard_by_customer() == ["hello", "again"]


async def test_a_copy_shows_what_the_customer_wrote_in_the_topic(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    number = await rig.customer_writes("my order")
    (shown,) = await rig.session.send(copy(rig, topic, number))
    (reply,) = await rig.session.send(copy(rig, topic, await rig.customer_writes("again"), reply_to=shown))
    assert await rig.in_topic(topic) == ["my order", "again"]
    assert await rig.replied_to(reply) == shown


async def test_an_album_is_one_call_and_as_many_ids(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    parts = await rig.customer_sends_album(["one", "two", "three"])
    shown = await rig.session.send(copy(rig, topic, *parts))
    assert len(shown) == 3
    assert list(shown) == sorted(shown)
    assert await rig.in_topic(topic) == ["one", "two", "three"]


def caption(message: Message, words: str) -> Caption:
    return Caption(words, message.content, (("bold", 0, 3, ""),), message.look)


async def test_a_media_is_shown_with_the_caption_that_is_given(rig: Rig) -> None:
    cursor = await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    await rig.customer_sends_album(["my card", "another"])
    (first, second), _ = await heard(rig, cursor, 2)
    one = replace(copy(rig, topic, first.id), captions=(caption(first, "my •••"),))
    (shown,) = await rig.session.send(one)
    bare = Caption("", second.content, (), second.look)
    await rig.session.send(replace(copy(rig, topic, second.id, reply_to=shown), captions=(bare,)))
    assert await rig.in_topic(topic) == ["my •••", ""]


async def test_an_album_is_shown_with_the_captions_that_are_given_and_stays_one(rig: Rig) -> None:
    cursor = await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    await rig.customer_sends_album(["one", "two", "three"])
    parts, _ = await heard(rig, cursor, 3)
    captions = tuple(caption(part, f"piece {number}") for number, part in enumerate(parts))
    shown = await rig.session.send(replace(copy(rig, topic, *[part.id for part in parts]), captions=captions))
    assert len(shown) == 3
    assert list(shown) == sorted(shown)
    assert await rig.in_topic(topic) == ["piece 0", "piece 1", "piece 2"]


async def test_topics_are_made_renamed_closed_and_reopened(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "🟪 Ann", key())
    await rig.session.rename_topic(rig.group, topic, "🟨 Ann")
    assert await rig.topic(topic) == ("🟨 Ann", True)
    await rig.session.close_topic(rig.group, topic)
    await rig.session.close_topic(rig.group, topic)
    assert await rig.topic(topic) == ("🟨 Ann", False)
    await rig.session.reopen_topic(rig.group, topic)
    await rig.session.reopen_topic(rig.group, topic)
    assert await rig.topic(topic) == ("🟨 Ann", True)


async def test_an_operator_closing_a_topic_is_an_event(rig: Rig) -> None:
    cursor = await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    await rig.operator_closes(topic)
    while True:
        batch = await rig.session.receive(cursor)
        cursor = batch.cursor
        found = [
            update.event
            for update in batch.updates
            if isinstance(update.event, TopicEvent) and update.event.what == "closed"
        ]
        if found:
            break
    assert (found[0].topic_id, found[0].chat.id) == (topic, rig.group)


async def test_what_was_sent_can_be_taken_back(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    (shown,) = await rig.session.send(text(rig.group, "oops", topic))
    await rig.session.delete(rig.group, [shown])
    assert await rig.in_topic(topic) == []


async def test_a_deleted_topic_is_gone(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    await rig.delete_topic(topic)
    with pytest.raises(Gone) as caught:
        await rig.session.send(text(rig.group, "hello", topic))
    assert caught.value.what == "topic"


async def test_a_customer_who_blocked_the_bot_is_gone(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    await rig.block()
    with pytest.raises(Gone) as caught:
        await rig.session.send(text(rig.customer, "hello"))
    assert (caught.value.what, caught.value.code) == ("customer", "blocked")


async def test_a_block_is_told(rig: Rig) -> None:
    cursor = await rig.begin()
    await rig.customer_writes("hi")
    _, cursor = await heard(rig, cursor, 1)
    await rig.block()
    while True:
        batch = await rig.session.receive(cursor)
        cursor = batch.cursor
        told = [update.event for update in batch.updates if isinstance(update.event, ReachChanged)]
        if told:
            break
    assert (told[0].chat.id, told[0].reachable) == (rig.customer, False)


async def test_a_source_that_was_deleted_is_gone(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    number = await rig.customer_writes("never mind")
    await rig.delete_source(number)
    with pytest.raises(Gone) as caught:
        await rig.session.send(copy(rig, topic, number))
    assert caught.value.what == "source"


async def test_a_flood_wait_says_how_long(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    rig.break_next_text("flood")
    with pytest.raises(FloodWait) as caught:
        await rig.session.send(text(rig.customer, "hello"))
    assert caught.value.seconds == 37


@pytest.mark.parametrize("how", ["server_error", "lost_answer"])
async def test_trouble_on_the_way_may_have_happened(rig: Rig, how: str) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    rig.break_next_text(how)
    with pytest.raises(Flaky) as caught:
        await rig.session.send(text(rig.customer, "hello"))
    assert caught.value.ambiguous


async def test_a_sending_that_is_repeated_arrives_once_where_the_protocol_can_do_that(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    since = datetime.now(UTC)
    once = text(rig.customer, "hello")
    rig.break_next_text("lost_answer")
    with pytest.raises(Flaky):
        await rig.session.send(once)
    again = Text(once.key, once.to, None, once.text, markdown=False, reply_to=None, doubt=Doubt(None, since))
    await rig.session.send(again)
    assert await rig.heard_by_customer() == ["hello"] * (1 if rig.sends_once else 2)


async def test_a_text_that_is_too_long_is_rejected_in_a_sentence(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    rig.refuse_long_texts()
    with pytest.raises(Rejected, match="longer than Telegram's 4096 characters"):
        await rig.session.send(text(rig.customer, "x" * 5000))


async def test_it_knows_itself_the_group_and_its_members(rig: Rig) -> None:
    await rig.begin()
    me = await rig.session.identify()
    assert (me.name, me.username, me.can_join_groups) == ("Shop", "shop_bot", True)
    state = await rig.session.group(rig.group)
    assert (state.title, state.kind, state.is_forum) == ("Desk", "supergroup", True)
    own = await rig.session.membership(rig.group, me.id)
    assert (own.is_administrator, own.may("can_manage_topics")) == (True, True)


async def test_a_person_is_found_by_id(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    assert (await rig.session.find_person(str(rig.customer))).name == "Ann"


async def test_an_id_of_nobody_is_refused_in_words(rig: Rig) -> None:
    await rig.begin()
    with pytest.raises(Rejected, match="Telegram"):
        await rig.session.find_person("123456")


async def test_an_edited_message_comes_as_it_is_now_and_differs_from_what_it_was(rig: Rig) -> None:
    cursor = await rig.begin()
    number = await rig.customer_writes("one")
    (before,), cursor = await heard(rig, cursor, 1)
    await rig.customer_edits(number, "two")
    edited, _ = await told(rig, cursor, Edited)
    now = edited.message
    assert (now.id, now.chat.id, now.text, now.outgoing) == (number, rig.customer, "two", False)
    assert before.digest != now.digest != ""


async def test_an_edit_changes_what_the_bot_has_sent_and_changing_it_again_is_no_error(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    source = await rig.customer_writes("one")
    (shown,) = await rig.session.send(text(rig.group, "one", topic))
    edit = Edit(key(), rig.group, shown, (rig.customer, source), "two", "text", (("bold", 0, 3, ""),))
    for _ in range(2):
        assert await rig.session.send(edit) == [shown]
    assert (await rig.in_topic(topic))[-1] == "two"


async def test_what_is_gone_or_has_no_words_can_not_be_edited(rig: Rig) -> None:
    await rig.begin()
    topic = await rig.session.create_topic(rig.group, "Ann", key())
    source = await rig.customer_writes("one")
    (shown,) = await rig.session.send(text(rig.group, "one", topic))
    rig.lose(shown)
    with pytest.raises(Rejected) as refused:
        await rig.session.send(Edit(key(), rig.group, shown, (rig.customer, source), "two", "text"))
    assert refused.value.code == "message_gone"


async def test_a_reaction_is_told_with_what_was_there_before(rig: Rig) -> None:
    cursor = await rig.begin()
    number = await rig.customer_writes("hi")
    await rig.customer_reacts(number, "👍")
    reacted, _ = await told(rig, cursor, Reacted)
    assert (reacted.chat.id, reacted.message, reacted.emoji, reacted.before) == (rig.customer, number, "👍", ())


async def test_the_bot_reacts_otherwise_and_not_at_all(rig: Rig) -> None:
    await rig.begin()
    number = await rig.customer_writes("hi")
    for emoji in ("👍", "🔥", "🔥", None, None):
        await rig.session.react(rig.customer, number, emoji)
        assert await rig.reaction_of_bot(number) == emoji


async def test_an_emoji_that_is_no_reaction_is_refused(rig: Rig) -> None:
    await rig.begin()
    number = await rig.customer_writes("hi")
    rig.refuse_reactions()
    with pytest.raises(Rejected) as refused:
        await rig.session.react(rig.customer, number, "🧦")
    assert refused.value.code == "reaction_refused"


async def test_deleting_what_is_not_there_any_more_is_no_error(rig: Rig) -> None:
    await rig.begin()
    await rig.customer_writes("hi")
    (number,) = await rig.session.send(text(rig.customer, "oops"))
    for _ in range(2):
        await rig.session.delete(rig.customer, [number])
    await rig.session.send(text(rig.customer, "better"))
    assert (await rig.heard_by_customer())[-1] == "better"
