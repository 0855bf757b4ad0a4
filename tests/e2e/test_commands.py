"""Commands in a dialog's topic, as operators see them."""

import pytest

from tenants.config import Config
from tests.e2e.conftest import Stage
from tests.e2e.orders import ANNA, mentioned, opened, say


@pytest.fixture
def config(config: Config) -> Config:
    """Commands are what is tried here, not the group's budget."""
    return config.model_copy(update={"group_sends_per_minute": 100_000})


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


async def test_ban_needs_the_right_and_ends_everything_until_unban(desk: Stage) -> None:
    world = desk.world
    await opened(desk)
    refused = await say(desk, "/ban")
    assert refused.text == "/ban needs the right to ban users in this group."
    done = await say(desk, "/ban", who=desk.owner)
    assert done.text.startswith(f"🚫 {ANNA} is banned, and the dialog is closed")
    topic = desk.topic(ANNA)
    await desk.until(lambda: topic.closed)
    world.send(desk.customer, desk.bot, "let me in")
    unsent = await say(desk, "no", who=desk.owner)
    assert unsent.text == "⚠️ Not sent: this customer is banned. /unban lets them write again."
    again = await say(desk, "/ban", who=desk.owner)
    assert again.text == f"{ANNA} is banned already: /unban lets them write again."
    assert "Banned: nothing of theirs is relayed" in (await say(desk, "/info", who=desk.owner)).text
    back = await say(desk, "/unban", who=desk.owner)
    assert back.text.startswith(f"✅ {ANNA} is not banned any more")
    world.send(desk.customer, desk.bot, "thank you")
    await desk.until(lambda: desk.in_topic(ANNA)[-1].text == "thank you")
    assert "let me in" not in [message.text for message in desk.in_topic(ANNA)]
    await desk.until(lambda: [m.text for m in desk.seen_by()][1:] != [], "WELCOME again")
    settings = await desk.rows("SELECT settings FROM tenants")
    assert settings[0].settings == {"IGNORE_CHATS": [777000]}


async def test_assign_shows_gives_and_takes_a_dialog(desk: Stage) -> None:
    world = desk.world
    await opened(desk)
    mary = world.add_user("Mary", username="mary_desk")
    world.add_member(desk.group, mary)
    assert (await say(desk, "/assign")).text == "Nobody owns this dialog. /assign me takes it."
    unseen = await say(desk, "/assign @mary_desk")
    assert unseen.text.startswith("@mary_desk has written nothing in this group so far")
    world.send(mary, desk.group, "hello everybody")
    given = await say(desk, "/assign @Mary_Desk")
    assert (given.text, mentioned(given)) == ("👤 Mary owns this dialog for 12 h.", {"Mary": mary.id})
    assert (await say(desk, "/assign")).text.startswith("Mary owns this dialog for ")
    mine = await say(desk, "/assign me")
    assert mine.text == "👤 Max owns this dialog for 12 h."
    by_id = await say(desk, f"/assign *{mary.id}")
    assert by_id.text == "👤 Mary owns this dialog for 12 h."
    assert (
        await say(desk, f"/assign *{desk.customer.id}")
    ).text == "There is nobody of that name or id in this group."
    world.remove_member(desk.group, mary)
    assert (await say(desk, "/assign off")).text == "Nobody owns this dialog any more."
    topic = desk.topic(ANNA)
    world.send(desk.owner, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.closed)
    assert (await say(desk, "/assign me", who=desk.owner)).text.startswith("The dialog is closed")


async def test_an_anonymous_administrator_is_told_why_a_command_needs_a_name(desk: Stage) -> None:
    await opened(desk)
    desk.world.promote(desk.group, desk.operator, ["restrict_members", "anonymous"])
    for command in ("/ban", "/note she is kind", "/assign me"):
        assert "anonymous administrator has no name" in (await say(desk, command)).text
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "an answer", topic=topic)
    await desk.until(lambda: desk.seen_by()[-1].text == "an answer")
    assert (await say(desk, "/assign")).text == "Nobody owns this dialog. /assign me takes it."


async def test_a_claim_that_runs_out_is_the_next_ones_and_closing_ends_it(desk: Stage) -> None:
    await opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "I take this", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 2)
    await desk.rows("UPDATE dialogs SET owned_until = now() - interval '1 second' RETURNING 1")
    desk.world.send(desk.owner, desk.group, "then I do", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 3)
    assert (await say(desk, "/assign")).text.startswith("Olivia Owner owns this dialog for ")
    assert not [m for m in desk.in_topic(ANNA) if m.text.startswith("👥")]
    await desk.rows("UPDATE dialogs SET close_at = now() - interval '1 second' RETURNING 1")
    await desk.until(lambda: topic.closed)
    assert (await desk.rows("SELECT owner_id, owned_until FROM dialogs"))[0] == (None, None)


async def test_a_new_topic_begins_with_the_card_where_that_is_set(desk: Stage) -> None:
    await desk.change(AUTO_INFO=True)
    await opened(desk)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2)
    first, second = desk.in_topic(ANNA)
    assert first.text.splitlines()[:3] == [ANNA, "@anna_p", f"Id: {desk.customer.id}"]
    assert mentioned(first) == {str(desk.customer.id): desk.customer.id}
    assert second.text == "hello"


async def test_help_names_what_works_in_a_topic_and_a_listed_command_is_left_alone(desk: Stage) -> None:
    await opened(desk)
    shown = await say(desk, "/help")
    assert "/assign @OPERATOR, *ID, me or off — " in shown.text
    assert "(needs the right to ban users)" in shown.text
    assert shown.text.splitlines()[-1] == "In General: /find, /new, /stats"
    assert (await say(desk, "/stats")).text == "/stats works in General."
    assert (await say(desk, "/invoice 5")).text == "There is no command /invoice: /help lists those there are."
    await desk.change(CUSTOM_COMMANDS=["invoice"])
    silent = desk.world.send(desk.operator, desk.group, "/invoice 6", topic=desk.topic(ANNA))
    await say(desk, "/help")
    assert not [m for m in desk.in_topic(ANNA) if m.reply_to == silent.id]
    assert len(desk.seen_by()) == 1


async def test_odd_input_gets_one_clear_sentence(desk: Stage) -> None:
    await opened(desk)
    expected = {
        "/ban 5": "Nothing goes behind /ban: it is about the customer of this topic.",
        "/note": "Write the note behind it: /note prefers to be called in the evening.",
        "/note \u202e\u200f": "Write the note behind it: /note prefers to be called in the evening.",
        "/note " + "x" * 4000: "A note has at most 2000 characters, this one has 4000: make it shorter.",
        "/assign *12ab": None,
        "/assign max": None,
        "/assign @" + "x" * 4000: None,
        "/assign \u202e@max": None,
        "/assign *999999999999": "There is nobody of that name or id in this group.",
    }
    whom = "Say whose it shall be: /assign @max, /assign *123456789 for an id, /assign me, or /assign off."
    for typed, answer in expected.items():
        assert (await say(desk, typed)).text == (answer or whom), typed[:40]
    assert await desk.rows("SELECT 1 FROM notes") == []


async def test_a_topic_that_is_made_again_shows_the_card_again(desk: Stage) -> None:
    await desk.change(AUTO_INFO=True)
    await opened(desk)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2)
    desk.world.delete_topic(desk.owner, desk.group, desk.topic(ANNA))
    desk.world.send(desk.customer, desk.bot, "still there?")
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2, "the message and the card")
    message, shown = desk.in_topic(ANNA)
    assert message.text == "still there?"
    assert shown.text.splitlines()[:2] == [ANNA, "@anna_p"]
