"""The Bot API adapter against the sandbox: what the port promises, and the five errors from Telegram's own texts."""

from collections.abc import AsyncIterator

import pytest

from sandbox.faults import Fault
from sandbox.server import Sandbox
from sessions.bot_api import BotApiSessions
from sessions.errors import Flaky, FloodWait, Gone, Rejected, Revoked
from sessions.events import ChatKind, Cursor, Message
from sessions.port import IdempotencyKey, Session, Text
from tenants.errors import LeaseLost
from tenants.ids import ChatId, TopicId, UserId


@pytest.fixture
async def sessions(sandbox: Sandbox) -> AsyncIterator[BotApiSessions]:
    made = BotApiSessions(sandbox.url, poll_seconds=1)
    yield made
    await made.close()


@pytest.fixture
def cast(sandbox: Sandbox):
    world = sandbox.world
    owner, ann = world.add_user("Olivia"), world.add_user("Ann")
    bot = world.add_bot("Shop", "shop_bot", owner=owner)
    group = world.add_forum("Desk", owner)
    world.add_member(group, bot, by=owner)
    world.promote(group, bot, ["manage_topics"], by=owner)
    return world, owner, ann, bot, group


@pytest.fixture
def session(sessions: BotApiSessions, cast) -> Session:
    return sessions.open(cast[3].token)


def text(to: int, words: str = "hello", topic: int | None = None) -> Text:
    return Text(IdempotencyKey("k"), ChatId(to), TopicId(topic) if topic else None, words, False, None)


async def test_it_knows_itself_the_group_and_its_members(session: Session, cast) -> None:
    _, owner, ann, bot, group = cast
    me = await session.identify()
    assert (me.id, me.name, me.username, me.can_join_groups) == (bot.id, "Shop", "shop_bot", True)
    state = await session.group(ChatId(group.id))
    assert (state.title, state.kind, state.is_forum) == ("Desk", ChatKind.SUPERGROUP, True)
    own = await session.membership(ChatId(group.id), UserId(bot.id))
    assert (own.is_administrator, own.may("can_manage_topics"), own.may("can_pin_messages")) == (True, True, False)
    assert (await session.membership(ChatId(group.id), UserId(owner.id))).may("can_anything")
    assert not (await session.membership(ChatId(group.id), UserId(ann.id))).is_administrator


async def test_receiving_with_a_cursor_acknowledges_what_came_before_it(session: Session, cast) -> None:
    world, _, ann, bot, _ = cast
    world.send(ann, bot, "one")
    world.send(ann, bot, "two")
    batch = await session.receive(None)
    texts = [update.event.text for update in batch.updates if isinstance(update.event, Message)]
    assert texts == ["one", "two"]
    world.send(ann, bot, "three")
    following = await session.receive(batch.cursor)
    assert [update.event.text for update in following.updates if isinstance(update.event, Message)] == ["three"]
    assert len(bot.updates.waiting) == 1


async def test_a_cursor_survives_as_text(session: Session, cast) -> None:
    world, _, ann, bot, _ = cast
    world.send(ann, bot, "one")
    batch = await session.receive(None)
    again = await session.receive(Cursor(str(batch.cursor)))
    assert again.updates == ()


async def test_commands_are_offered_to_administrators_of_groups_only(session: Session, cast) -> None:
    bot = cast[3]
    await session.publish_commands([("close", "Close the dialog")])
    assert ["all_chat_administrators" in scope for scope, _ in bot.commands] == [True]


async def test_what_is_so_already_is_no_error(session: Session, cast) -> None:
    group = cast[4]
    topic = await session.create_topic(ChatId(group.id), "🟪 Ann", IdempotencyKey("t"))
    await session.rename_topic(ChatId(group.id), topic, "🟪 Ann")
    await session.close_topic(ChatId(group.id), topic)
    await session.close_topic(ChatId(group.id), topic)
    await session.reopen_topic(ChatId(group.id), topic)
    await session.reopen_topic(ChatId(group.id), topic)
    assert not group.topics[topic].closed


async def test_a_deleted_topic_is_gone(session: Session, cast) -> None:
    world, owner, _, _, group = cast
    topic = await session.create_topic(ChatId(group.id), "Ann", IdempotencyKey("t"))
    world.delete_topic(owner, group, topic)
    with pytest.raises(Gone) as caught:
        await session.send(text(group.id, topic=topic))
    assert caught.value.what == "topic"


async def test_a_customer_who_blocked_the_bot_is_gone(session: Session, cast) -> None:
    world, _, ann, bot, _ = cast
    world.start(ann, bot)
    world.block(ann, bot)
    with pytest.raises(Gone) as caught:
        await session.send(text(ann.id))
    assert (caught.value.what, caught.value.code) == ("customer", "blocked")


async def test_a_text_that_is_too_long_is_rejected_in_a_sentence(session: Session, cast) -> None:
    world, _, ann, bot, _ = cast
    world.start(ann, bot)
    with pytest.raises(Rejected, match="longer than Telegram's 4096 characters"):
        await session.send(text(ann.id, "x" * 5000))


async def test_a_flood_wait_says_how_long(session: Session, sandbox: Sandbox, cast) -> None:
    fault = {"code": 429, "description": "Too Many Requests: retry after 37", "parameters": {"retry_after": 37}}
    sandbox.faults.add(Fault(kind="error", method="sendMessage", **fault))
    with pytest.raises(FloodWait) as caught:
        await session.send(text(cast[4].id))
    assert caught.value.seconds == 37


@pytest.mark.parametrize(
    ("fault", "ambiguous"),
    [
        (Fault(kind="error", code=500), True),
        (Fault(kind="error", code=502, html=True), True),
        (Fault(kind="drop_answer"), True),
        (Fault(kind="cut"), True),
    ],
    ids=["500", "nginx", "dropped answer", "cut"],
)
async def test_trouble_on_the_way_is_flaky_and_says_whether_it_may_have_happened(
    session: Session, sandbox: Sandbox, cast, fault: Fault, ambiguous: bool
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(Flaky) as caught:
        await session.send(text(cast[4].id))
    assert caught.value.ambiguous is ambiguous


async def test_nobody_there_is_flaky_and_surely_did_not_happen() -> None:
    nobody = BotApiSessions("http://127.0.0.1:1")
    with pytest.raises(Flaky) as caught:
        await nobody.open("123456789:" + "A" * 35).identify()
    await nobody.close()
    assert not caught.value.ambiguous


async def test_a_revoked_token_is_revoked(session: Session, cast) -> None:
    world, _, _, bot, _ = cast
    world.revoke_token(bot)
    with pytest.raises(Revoked):
        await session.identify()


def test_a_token_of_the_wrong_form_is_rejected_before_anybody_is_asked(sessions: BotApiSessions) -> None:
    with pytest.raises(Rejected, match="not a bot token"):
        sessions.open("hello")


async def test_a_guard_that_raises_lets_nothing_out_on_a_new_or_a_used_connection(
    sandbox: Sandbox, sessions: BotApiSessions
) -> None:
    may = False

    def guard() -> None:
        if not may:
            raise LeaseLost

    session = sessions.open(sandbox.world.add_bot("Shop", "shop_bot").token, guard=guard)
    for connection in ("new", "used"):
        before = sandbox.journal.number
        with pytest.raises(LeaseLost):
            await session.identify()
        with pytest.raises(LeaseLost):
            await session.receive(None)
        assert sandbox.journal.number == before, connection
        may = True
        await session.identify()
        may = False
