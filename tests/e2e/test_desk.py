"""Stories at the desk: what customers and operators see, over real sockets."""

from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"


async def test_a_customer_writes_an_operator_answers_with_a_reply_and_both_see_it(desk: Stage) -> None:
    world = desk.world
    hello = world.send(desk.customer, desk.bot, "Hello, is anybody there?")
    await desk.until(lambda: desk.in_topic(ANNA), "the message in the topic")
    relayed = desk.in_topic(ANNA)[0]
    assert relayed.text == "Hello, is anybody there?"
    assert desk.topic(ANNA).name == f"🟪 {ANNA}"
    await desk.until(desk.seen_by, "WELCOME")
    assert desk.seen_by()[0].text.startswith("Hello, Anna Petrova!")

    world.send(desk.operator, desk.group, "Yes, we are.", reply_to=relayed)
    await desk.until(lambda: len(desk.seen_by()) == 2, "the answer")
    answer = desk.seen_by()[1]
    assert (answer.text, answer.reply_to) == ("Yes, we are.", hello.id)
    await desk.until(lambda: desk.topic(ANNA).name == f"🟨 {ANNA}", "the yellow square")


async def test_close_ends_the_dialog_and_the_next_message_reopens_it_with_welcome(desk: Stage) -> None:
    world = desk.world
    world.send(desk.customer, desk.bot, "first")
    await desk.until(lambda: desk.in_topic(ANNA))
    topic = desk.topic(ANNA)
    world.send(desk.operator, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.name == f"⬛️ {ANNA}" and topic.closed, "the black square")
    world.send(desk.customer, desk.bot, "one more thing")
    await desk.until(lambda: topic.name == f"🟪 {ANNA}" and not topic.closed, "the purple square")
    await desk.until(lambda: [m.text for m in desk.in_topic(ANNA)][-1] == "one more thing")
    await desk.until(lambda: len(desk.seen_by()) == 2, "WELCOME again")
