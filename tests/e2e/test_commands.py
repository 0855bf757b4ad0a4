"""Commands in a dialog's topic, as operators see them."""

from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"


async def opened(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())


async def say(desk: Stage, words: str, who=None):
    """What the bot answers in the topic, as a reply."""
    topic = desk.topic(ANNA)
    typed = desk.world.send(who or desk.operator, desk.group, words, topic=topic)
    await desk.until(lambda: [m for m in desk.in_topic(ANNA) if m.reply_to == typed.id], f"an answer to {words[:60]}")
    return next(m for m in desk.in_topic(ANNA) if m.reply_to == typed.id)


def mentioned(message) -> dict[str, int]:
    """The words of each mention, and whom it leads to."""
    text = message.text.encode("utf-16-le")
    found = [entity for entity in message.content.entities if entity.type == "text_mention"]
    return {
        text[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le"): entity.user.id
        for entity in found
    }


async def test_info_shows_the_customers_card_with_a_link_and_the_notes(desk: Stage) -> None:
    await opened(desk)
    noted = await say(desk, "/note <b>prefers</b> *evenings* \u202eevil")
    assert noted.text.startswith("📝 Noted.")
    shown = await say(desk, "/info")
    lines = shown.text.splitlines()
    assert lines[:5] == [ANNA, "@anna_p", f"Id: {desk.customer.id}", "Language: en", "Status: 🟪 waits for the team"]
    assert lines[-1].endswith("Max: <b>prefers</b> *evenings* evil")
    assert mentioned(shown) == {str(desk.customer.id): desk.customer.id}
    assert len(desk.seen_by()) == 1
    stored = await desk.rows("SELECT body FROM notes")
    assert b"evenings" not in stored[0].body


async def test_the_first_answer_claims_the_dialog_and_a_second_operator_is_told(desk: Stage) -> None:
    await opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "I take this", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 2)
    second = desk.world.send(desk.owner, desk.group, "me too", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 3, "the second answer is sent all the same")
    await desk.until(lambda: desk.in_topic(ANNA)[-1].reply_to == second.id)
    told = desk.in_topic(ANNA)[-1]
    assert mentioned(told) == {"Max": desk.operator.id, "Olivia Owner": desk.owner.id}
    desk.world.send(desk.owner, desk.group, "and again", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 4)
    owner = await say(desk, "/info")
    assert "Owner: you, until" in owner.text
    assert len([m for m in desk.in_topic(ANNA) if m.text.startswith("👥")]) == 1
