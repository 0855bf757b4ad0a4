"""Mirrors over the Bot API, for a tenant that polls again while some still wait."""

from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from sessions.bot_api import BotApiSessions
from sessions.errors import Rejected
from sessions.port import Copy, Edit, IdempotencyKey, Mirror, Session, Text
from tenants.ids import ChatId, MessageId, TopicId
from tests.e2e.test_content import PNG


@pytest.fixture
async def session(sandbox: Sandbox, cast) -> AsyncIterator[Session]:
    made = BotApiSessions(sandbox.url, poll_seconds=1)
    opened = made.open(cast[3].token)
    yield opened
    await opened.close()
    await made.close()


@pytest.fixture
def cast(sandbox: Sandbox):
    world = sandbox.world
    owner, ann = world.add_user("Olivia"), world.add_user("Ann", last_name="Lee", username="ann")
    bot = world.add_bot("Shop", "shop_bot", owner=owner)
    group = world.add_forum("Desk", owner)
    world.add_member(group, bot, by=owner)
    world.promote(group, bot, ["manage_topics"], by=owner)
    topic = world.create_topic(owner, group, "Ann")
    world.start(ann, bot)
    return world, ann, group, bot, topic


async def _sent(session: Session, cast, words: str) -> int:
    """What the bot's other program sends to Ann; its id in her chat."""
    (number,) = await session.send(Text(IdempotencyKey("p"), ChatId(cast[1].id), None, words, False, None))
    return number


def _mirror(cast, *ids: int, content: str = "text", text: str = "hi", buttons=()) -> Mirror:
    _, ann, group, _, topic = cast
    return Mirror(
        IdempotencyKey("k"),
        ChatId(group.id),
        TopicId(topic.id),
        ChatId(ann.id),
        tuple(MessageId(number) for number in ids),
        None,
        text=text,
        content=content,
        entities=(("bold", 0, 2, ""),),
        buttons=buttons,
    )


def _shown(cast, number: int):
    world, _, group, bot, _ = cast
    return world.find_message(group, number, bot)


async def test_a_text_is_marked_and_its_buttons_do_nothing(session: Session, cast) -> None:
    (number,) = await session.send(_mirror(cast, await _sent(session, cast, "hi"), buttons=(("Prices",),)))
    shown = _shown(cast, number)
    assert (shown.text, shown.topic_id) == ("🤖 hi", cast[4].id)
    (button,) = shown.markup["inline_keyboard"][0]
    assert (button["text"], button["disabled"]) == ("Prices", {})


async def test_a_captions_message_is_marked_in_its_caption(session: Session, cast) -> None:
    world, ann, _, bot, _ = cast
    source = world.send(ann, bot, "a long look", photo=PNG)
    ann_id = ChatId(ann.id)
    ids = (MessageId(source.id_for(bot)),)
    (own,) = await session.send(Copy(IdempotencyKey("c"), ann_id, None, ann_id, ids, None))
    (number,) = await session.send(_mirror(cast, own, content="photo", text="a long look", buttons=(("A",),)))
    shown = _shown(cast, number)
    assert (shown.kind, shown.text) == ("photo", "🤖 a long look")
    assert shown.markup["inline_keyboard"][0][0]["disabled"] == {}


async def test_an_edit_shows_what_the_original_shows_now_also_twice(session: Session, cast) -> None:
    source = await _sent(session, cast, "hi")
    (number,) = await session.send(_mirror(cast, source))
    edit = Edit(
        IdempotencyKey("e"),
        ChatId(cast[2].id),
        number,
        (ChatId(cast[1].id), MessageId(source)),
        text="🤖 new",
        content="text",
        buttons=(("B",),),
    )
    for _ in range(2):
        assert await session.send(edit) == [number]
    shown = _shown(cast, number)
    assert shown.text == "🤖 new"
    assert shown.markup["inline_keyboard"][0][0]["text"] == "B"


async def test_an_edit_of_a_deleted_message_says_so(session: Session, cast) -> None:
    source = (ChatId(cast[1].id), MessageId(1))
    edit = Edit(IdempotencyKey("e"), ChatId(cast[2].id), MessageId(9999), source, text="new", content="text")
    with pytest.raises(Rejected) as refused:
        await session.send(edit)
    assert refused.value.code == "message_gone"


async def test_what_has_no_caption_is_forwarded_with_the_bot_as_its_author(session: Session, cast) -> None:
    (number,) = await session.send(_mirror(cast, await _sent(session, cast, "hi"), content="dice"))
    shown = _shown(cast, number)
    assert shown.origin is not None
    assert shown.topic_id == cast[4].id


async def test_an_album_is_forwarded_together(session: Session, cast) -> None:
    ids = [await _sent(session, cast, "one"), await _sent(session, cast, "two")]
    numbers = await session.send(_mirror(cast, *ids, content="photo"))
    assert [_shown(cast, number).text for number in numbers] == ["one", "two"]


async def test_a_person_is_found_by_id_but_not_by_name(session: Session, cast) -> None:
    ann = cast[1]
    found = await session.find_person(str(ann.id))
    assert (found.id, found.name, found.username) == (ann.id, "Ann Lee", "ann")
    for who, code in (("@ann", "needs_id"), ("123456789", "unknown_person")):
        with pytest.raises(Rejected) as refused:
            await session.find_person(who)
        assert refused.value.code == code
