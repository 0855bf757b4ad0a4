"""What a parallel session finds of what it may have sent before, and whom it knows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sessions.errors import Flaky, Gone, Rejected
from sessions.events import Person
from sessions.port import Copy, Doubt, Membership, Mirror, Outgoing
from tenants.ids import ChatId, MessageId, TopicId, UserId
from tests.e2e.mtproto_trouble import add_fault, count_asked, new_key, receive_all, reopen, text
from tests.e2e.rigs import OverMtproto

SENDS = ("messages.sendMessage", "messages.forwardMessages", "messages.sendMedia", "messages.sendMultiMedia")


@pytest.fixture
async def rig() -> AsyncIterator[OverMtproto]:
    async with OverMtproto.open() as made:
        await made.begin()
        yield made


async def outgoing(rig: OverMtproto, what: str) -> Outgoing:
    topic = await rig.session.create_topic(rig.group, "Ann", new_key())
    if what == "text":
        return text(rig, "words")
    if what == "text in a topic":
        return replace(text(rig, "words"), to=rig.group, topic=topic)
    if what == "mirror":
        source = await rig.customer_writes("source")
        return Mirror(new_key(), rig.group, topic, rig.customer, (source,), None, "source", "text")
    if what == "copy":
        return Copy(new_key(), rig.group, topic, rig.customer, (await rig.customer_writes("source"),), None)
    ids = tuple(await rig.customer_sends_album(["one", "two", "three"]))
    if what == "mirrored album":
        return Mirror(new_key(), rig.group, topic, rig.customer, ids, None, "one", "photo")
    return Copy(new_key(), rig.group, topic, rig.customer, ids, None)


KINDS = ["text", "text in a topic", "mirror", "copy", "album", "mirrored album"]


def sent(rig: OverMtproto) -> list[MessageId]:
    """The bot's own, wherever they are."""
    chats = (rig.chat, rig.world.private(rig.ann, rig.bot))
    messages = [message for chat in chats for message in rig.world.history(chat)]
    return [MessageId(m.id) for m in messages if m.sender is rig.bot and not m.content.is_service]


async def send_without_answer(rig: OverMtproto, one: Outgoing) -> None:
    (method,) = {method for method in SENDS if method == _method(one)}
    add_fault(rig, "drop_answer", method=method)
    with pytest.raises(Flaky) as lost:
        await rig.session.send(one)
    assert lost.value.ambiguous


def _method(one: Outgoing) -> str:
    if isinstance(one, Copy):
        return "messages.forwardMessages"
    return "messages.sendMultiMedia" if isinstance(one, Mirror) and len(one.ids) > 1 else "messages.sendMessage"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_sent_without_an_answer_is_found_and_not_sent_twice(rig: OverMtproto, kind: str) -> None:
    one = await outgoing(rig, kind)
    await send_without_answer(rig, one)
    before = sent(rig)
    assert await rig.session.send(one) == before
    assert sent(rig) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_a_login_that_is_new_finds_it_as_well(rig: OverMtproto, kind: str) -> None:
    """It does not remember random_ids: a row that is in doubt is looked for before it is sent."""
    one = await outgoing(rig, kind)
    began = datetime.now(UTC)
    await send_without_answer(rig, one)
    before = sent(rig)
    await rig.session.close()
    rig.safe.login = None
    rig.world.boxes.random_ids.clear()
    reopen(rig)
    await rig.session.receive(None)
    doubt = Doubt(MessageId(min(before) - 1), began - timedelta(minutes=1))
    assert await rig.session.send(replace(one, doubt=doubt)) == before
    assert sent(rig) == before


async def test_a_doubt_waits_until_it_is_known_where_the_boxes_stand() -> None:
    """A sender may be quicker than its session: among messages that nobody knows of nothing is found."""
    async with OverMtproto.open() as rig:
        cursor = await rig.begin()
        await rig.customer_writes("question")
        _, cursor = await receive_all(rig, cursor, 1)
        one = text(rig, "answer")
        await send_without_answer(rig, one)
        before = sent(rig)
        rig.world.boxes.random_ids.clear()
        await rig.session.close()
        reopen(rig)
        doubt = Doubt(None, datetime.now(UTC) - timedelta(minutes=1))
        sending = asyncio.create_task(rig.session.send(replace(one, doubt=doubt)))
        await asyncio.wait([sending], timeout=0.1)
        receiving = asyncio.create_task(rig.session.receive(cursor))
        assert await sending == before
        assert sent(rig) == before
        receiving.cancel()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_never_sent_is_sent_though_it_is_in_doubt(rig: OverMtproto, kind: str) -> None:
    one = await outgoing(rig, kind)
    add_fault(rig, "drop_request", method=_method(one))
    with pytest.raises(Flaky):
        await rig.session.send(one)
    assert not sent(rig)
    new = await rig.session.send(replace(one, doubt=Doubt(None, datetime.now(UTC) - timedelta(minutes=1))))
    assert new == sent(rig)
    assert len(new) == (3 if "album" in kind else 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_sent_and_deleted_is_said_to_be_sent_before(rig: OverMtproto, kind: str) -> None:
    one = await outgoing(rig, kind)
    ids = await rig.session.send(one)
    assert not isinstance(one, str)
    await rig.session.delete(one.to, ids)
    assert not sent(rig)
    with pytest.raises(Rejected) as refused:
        await rig.session.send(one)
    assert refused.value.code == "sent_before"
    assert not sent(rig)


async def test_a_copy_of_which_one_source_is_deleted_since_is_found_without_it(rig: OverMtproto) -> None:
    ids = (await rig.customer_writes("source"), await rig.customer_writes("other"))
    topic = await rig.session.create_topic(rig.group, "Ann", new_key())
    one = Copy(new_key(), rig.group, topic, rig.customer, ids, None)
    await send_without_answer(rig, one)
    await rig.delete_source(ids[0])
    assert await rig.session.send(one) == sent(rig)[1:]


async def test_a_copy_whose_sources_can_not_be_read_any_more_was_sent_before(rig: OverMtproto) -> None:
    one = await outgoing(rig, "copy")
    await send_without_answer(rig, one)
    add_fault(rig, "error", method="messages.getMessages", code=400, message="MSG_ID_INVALID")
    with pytest.raises(Rejected) as refused:
        await rig.session.send(one)
    assert refused.value.code == "sent_before"


async def test_an_answer_to_a_deleted_message_goes_once_without_it(rig: OverMtproto) -> None:
    """The first attempt is refused for its reply, the second is the one that is known already."""
    one = replace(text(rig, "answer"), reply_to=await rig.customer_writes("question"))
    assert one.reply_to is not None
    await rig.delete_source(one.reply_to)
    add_fault(rig, "delay", method="messages.sendMessage")
    add_fault(rig, "drop_answer", method="messages.sendMessage")
    with pytest.raises(Flaky):
        await rig.session.send(one)
    assert await rig.session.send(one) == sent(rig)
    assert len(sent(rig)) == 1


async def test_a_topic_whose_answer_was_lost_is_found(rig: OverMtproto) -> None:
    key = new_key()
    add_fault(rig, "drop_answer", method="messages.createForumTopic")
    with pytest.raises(Flaky):
        await rig.session.create_topic(rig.group, "Ann", key)
    made = await rig.session.create_topic(rig.group, "Ann", key)
    assert [topic.id for topic in rig.chat.topics.values() if topic.name == "Ann"] == [made]
    await rig.delete_topic(made)
    with pytest.raises(Rejected) as refused:
        await rig.session.create_topic(rig.group, "Ann", key)
    assert refused.value.code == "sent_before"


async def test_people_are_found_by_name_and_by_number(rig: OverMtproto) -> None:
    named = rig.world.add_user("Bo", last_name="Berg", username="bo_berg")
    found = await rig.session.find_person("@bo_berg")
    assert (found.id, found.name, found.username, found.is_bot) == (named.id, "Bo Berg", "bo_berg", False)
    assert (await rig.session.find_person(str(rig.ann.id))).id == rig.ann.id
    assert (await rig.session.find_person("@BO_BERG")).id == named.id


@pytest.mark.parametrize(
    "who", ["@nobody_here", "@bad name", "@", "", "-5", "0", "12x", "9" * 30, "never", "bot", "gone"]
)
async def test_whom_telegram_does_not_tell_is_refused_in_words(rig: OverMtproto, who: str) -> None:
    stranger, gone = rig.world.add_user("Stranger"), rig.world.add_user("Gone")
    rig.world.start(gone, rig.bot)
    rig.world.delete_user(gone)
    who = {"never": str(stranger.id), "bot": "@shop_bot", "gone": str(gone.id)}.get(who, who)
    with pytest.raises(Rejected) as refused:
        await rig.session.find_person(who)
    assert (refused.value.code, refused.value.text[-1]) == ("no_such_person", ".")


async def test_a_refusal_does_not_grow_with_each_time_it_is_given(rig: OverMtproto) -> None:
    refusals = []
    for _ in range(2):
        with pytest.raises(Rejected) as refused:
            await rig.session.find_person("@nobody_here")
        refusals.append(refused.value)
    assert refusals[0] is not refusals[1]


async def test_members_are_told_with_their_rights(rig: OverMtproto) -> None:
    member, stranger, banned = (rig.world.add_user(name) for name in ("Max", "Stranger", "Banned"))
    for person in (member, banned):
        rig.world.add_member(rig.chat, person)
    rig.world.remove_member(rig.chat, banned)
    for person in (stranger, banned):
        rig.world.start(person, rig.bot)
    told = {
        person.name: await rig.session.membership(rig.group, UserId(person.id))
        for person in (rig.owner, member, stranger, banned)
    }
    assert [told[name].status for name in ("Olivia", "Max", "Stranger", "Banned")] == [
        "creator",
        "member",
        "left",
        "kicked",
    ]
    mine = await rig.session.membership(rig.group, UserId(rig.bot.id))
    assert (mine.status, mine.may("can_manage_topics"), mine.may("can_change_info")) == ("administrator", True, False)
    assert told["Max"] == Membership("member", frozenset(), Person(UserId(member.id), "Max", None, is_bot=False))


async def test_groups_are_told_and_a_small_one_is_refused_in_words(rig: OverMtproto) -> None:
    small = rig.world.add_group("Small", rig.owner)
    rig.world.add_member(small, rig.bot)
    told = await rig.session.group(rig.group)
    assert (told.title, told.kind, told.is_forum) == ("Desk", "supergroup", True)
    with pytest.raises(Gone) as refused:
        await rig.session.group(ChatId(small.id))
    assert (refused.value.what, refused.value.text) == ("group", "The group is not a supergroup.")
    with pytest.raises(Gone) as unknown:
        await rig.session.group(ChatId(-1_000_000_000_077))
    assert unknown.value.what == "group"


async def test_who_was_met_in_a_group_is_written_to_without_a_stored_hash(rig: OverMtproto) -> None:
    topic = await rig.session.create_topic(rig.group, "Ann", new_key())
    await rig.operator_writes("hello", TopicId(topic))
    await receive_all(rig, None, 1)
    await rig.session.close()
    rig.safe.hashes.clear()
    reopen(rig)
    await rig.session.send(text(rig, "hello"))
    assert count_asked(rig, "users.getUsers") >= 1
    assert await rig.heard_by_customer() == ["hello"]
