"""What is said arrives: media, albums, replies, in both directions, and what can't be copied as a line."""

import base64

from sandbox.faults import Fault
from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_an_album_stays_together_and_in_order(desk: Stage) -> None:
    items = [{"photo": PNG, "caption": f"piece {number}"} for number in range(3)]
    desk.world.send_album(desk.customer, desk.bot, items)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 3)
    relayed = desk.in_topic(ANNA)
    assert [message.text for message in relayed] == ["piece 0", "piece 1", "piece 2"]
    assert len({message.album_id for message in relayed}) == 1
    assert relayed[0].album_id is not None


async def test_every_kind_of_media_is_copied_both_ways(desk: Stage) -> None:
    kinds = ["photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker"]
    for kind in kinds:
        desk.world.send(desk.customer, desk.bot, **{kind: PNG})
    await desk.until(lambda: len(desk.in_topic(ANNA)) == len(kinds))
    assert [message.kind for message in desk.in_topic(ANNA)] == kinds
    topic = desk.topic(ANNA)
    for kind in kinds:
        desk.world.send(desk.operator, desk.group, topic=topic, **{kind: PNG})
    await desk.until(lambda: len(desk.seen_by()) == len(kinds) + 1)
    assert [message.kind for message in desk.seen_by()[1:]] == kinds


async def test_a_reply_of_the_customer_points_to_the_operators_own_message(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA))
    answer = desk.world.send(desk.operator, desk.group, "which size?", topic=desk.topic(ANNA))
    await desk.until(lambda: len(desk.seen_by()) == 2)
    desk.world.send(desk.customer, desk.bot, "large", reply_to=desk.seen_by()[1])
    await desk.until(lambda: desk.in_topic(ANNA)[-1].text == "large")
    assert desk.in_topic(ANNA)[-1].reply_to == answer.id


async def test_what_bots_may_not_copy_becomes_a_readable_line(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "before")
    desk.world.send(desk.customer, desk.bot, giveaway={"winner_count": 1})
    desk.world.send(desk.customer, desk.bot, "after")
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 3)
    assert [message.text for message in desk.in_topic(ANNA)] == [
        "before",
        "🎉 giveaway for 1 winners",
        "after",
    ]


async def test_a_message_deleted_before_it_was_copied_is_said_in_words(desk: Stage) -> None:
    desk.sandbox.flood.rules.enabled = False
    desk.world.send(desk.customer, desk.bot, "first")
    await desk.until(lambda: desk.in_topic(ANNA))
    gone = desk.world.send(desk.customer, desk.bot, "I take this back")
    desk.world.delete(desk.customer, gone)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2)
    assert desk.in_topic(ANNA)[1].text == "🗑 deleted before it could be copied\n\nI take this back"


async def test_a_text_of_5000_characters_arrives_whole_in_the_two_messages_that_the_app_makes_of_it(
    desk: Stage,
) -> None:
    text = "x" * 4096 + "y" * 904
    for part in (text[:4096], text[4096:]):
        desk.world.send(desk.customer, desk.bot, part)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2)
    assert "".join(message.text for message in desk.in_topic(ANNA)) == text


async def test_a_file_over_the_limit_is_told_to_whoever_sent_it_and_holds_up_nothing(desk: Stage) -> None:
    """Copies have no limit of their own today; where Telegram names one, the operator reads it."""
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA))
    topic = desk.topic(ANNA)
    desk.sandbox.faults.add(
        Fault(
            kind="error",
            method="copyMessage",
            chat=desk.customer.id,
            code=400,
            description="Bad Request: file is too big",
        )
    )
    film = desk.world.send(desk.operator, desk.group, video=PNG, caption="a long film", topic=topic)
    desk.world.send(desk.operator, desk.group, "Did you get the film?", topic=topic)
    await desk.until(lambda: any(message.reply_to == film.id for message in desk.in_topic(ANNA)))
    told = next(message for message in desk.in_topic(ANNA) if message.reply_to == film.id)
    assert told.text == "⚠️ Not delivered: The file is larger than bots may send."
    await desk.until(lambda: desk.seen_by()[-1].text == "Did you get the film?")
