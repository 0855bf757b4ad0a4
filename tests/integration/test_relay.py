"""The way of one message, in and out, over a real database and a session in memory."""

from sessions.port import Copy, Text
from tests.fakes import GROUP, texts
from tests.integration.conftest import DeskUnderTest


async def test_first_message_makes_a_topic_and_is_copied_into_it_and_the_customer_is_welcomed(
    desk: DeskUnderTest,
) -> None:
    desk.start()
    message = desk.session.customer("Hello")
    await desk.session.feed(message)
    await desk.session.until(lambda: len(desk.session.sent()) == 2)
    copy = desk.session.sent(GROUP)[0].outgoing
    assert isinstance(copy, Copy)
    assert copy.ids == (message.id,)
    assert desk.session.topics[copy.topic] == "🟪 Ann"
    assert texts(desk.session.sent(77)) == [
        "Hello, Ann\\! Thank you for writing\\. We answer here as soon as we can\\."
    ]


async def test_an_answer_reaches_the_customer_as_a_reply_and_turns_the_square_yellow(desk: DeskUnderTest) -> None:
    desk.start()
    message = desk.session.customer("Hello")
    await desk.session.feed(message)
    await desk.session.until(lambda: len(desk.session.sent()) == 2)
    call = desk.session.sent(GROUP)[0]
    topic = call.outgoing.topic
    answer = desk.session.operator("Hi!", topic, reply_to=call.ids[0])
    await desk.session.feed(answer)
    await desk.session.until(lambda: desk.session.topics[topic] == "🟨 Ann" and len(desk.session.sent(77)) == 2)
    sent = desk.session.sent(77)[1].outgoing
    assert isinstance(sent, Copy)
    assert sent.ids == (answer.id,)
    assert sent.reply_to == message.id


async def test_a_burst_of_five_first_messages_makes_one_topic_in_order(desk: DeskUnderTest) -> None:
    desk.start()
    burst = [desk.session.customer(f"{number}") for number in range(5)]
    await desk.session.feed(*burst)
    await desk.session.until(lambda: len(desk.session.sent(GROUP)) == 5)
    assert len(desk.session.topics) == 1
    assert [call.outgoing.ids[0] for call in desk.session.sent(GROUP)] == [message.id for message in burst]
    assert len([call for call in desk.session.sent(77) if isinstance(call.outgoing, Text)]) == 1
