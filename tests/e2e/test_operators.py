"""What operators do in topics and in General."""

from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"


async def _opened(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())


async def test_a_comment_is_never_sent(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "/ she is a good customer", topic=topic)
    desk.world.send(desk.operator, desk.group, "Good morning", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 2)
    assert desk.seen_by()[1].text == "Good morning"


async def test_hold_puts_the_dialog_back_to_the_team(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "one moment", topic=topic)
    await desk.until(lambda: topic.name == f"🟨 {ANNA}")
    desk.world.send(desk.operator, desk.group, "/hold", topic=topic)
    await desk.until(lambda: topic.name == f"🟪 {ANNA}")
    assert [message.text for message in desk.seen_by()][1:] == ["one moment"]


async def test_an_unknown_command_gets_one_line_of_help_and_stops_nothing(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    typed = desk.world.send(desk.operator, desk.group, "/colse", topic=topic)
    await desk.until(lambda: "There is no command /colse" in desk.in_topic(ANNA)[-1].text)
    assert desk.in_topic(ANNA)[-1].reply_to == typed.id
    desk.world.send(desk.operator, desk.group, "fine", topic=topic)
    await desk.until(lambda: desk.seen_by()[-1].text == "fine")


async def test_a_command_for_another_bot_is_left_alone(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "/close@some_other_bot", topic=topic)
    desk.world.send(desk.operator, desk.group, "still open", topic=topic)
    await desk.until(lambda: desk.seen_by()[-1].text == "still open")
    assert not topic.closed


async def test_an_operators_own_name_for_a_topic_is_kept(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.rename_topic(desk.owner, desk.group, topic, "VIP Anna")
    await desk.until(lambda: topic.name == "🟪 VIP Anna")
    desk.world.send(desk.operator, desk.group, "hi", topic=topic)
    await desk.until(lambda: topic.name == "🟨 VIP Anna")


async def test_closing_and_reopening_the_native_topic_does_the_same_as_the_commands(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.close_topic(desk.owner, desk.group, topic)
    await desk.until(lambda: topic.name == f"⬛️ {ANNA}")
    desk.world.reopen_topic(desk.owner, desk.group, topic)
    await desk.until(lambda: topic.name == f"🟪 {ANNA}")


async def test_an_answer_into_a_closed_dialog_turns_it_yellow_and_opens_its_topic(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.closed)
    desk.world.send(desk.owner, desk.group, "one more thing", topic=topic)
    await desk.until(lambda: topic.name == f"🟨 {ANNA}" and not topic.closed)


async def test_messages_in_general_and_in_the_teams_own_topics_stay_there(desk: Stage) -> None:
    await _opened(desk)
    own = desk.world.create_topic(desk.owner, desk.group, "Team talk")
    desk.world.send(desk.operator, desk.group, "who takes Anna?", topic=own)
    desk.world.send(desk.operator, desk.group, "lunch?")
    desk.world.send(desk.operator, desk.group, "hello Anna", topic=desk.topic(ANNA))
    await desk.until(lambda: len(desk.seen_by()) == 2)
    assert desk.seen_by()[1].text == "hello Anna"


async def test_autoclose_closes_a_dialog_whose_hours_have_passed(desk: Stage) -> None:
    await _opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "hi", topic=topic)
    await desk.until(lambda: topic.name == f"🟨 {ANNA}")
    closing = await desk.rows("SELECT close_at - now() AS left FROM dialogs")
    assert 47 < closing[0].left.total_seconds() / 3600 <= 48
    await desk.rows("UPDATE dialogs SET close_at = now() - interval '1 second' RETURNING 1")
    await desk.until(lambda: topic.name == f"⬛️ {ANNA}" and topic.closed)
