"""Settings that decide who gets through, changed while the session runs."""

import pytest

from sandbox.world.updates import Update
from tenants.errors import Invalid
from tests.e2e.conftest import Stage

ANNA, BORIS = "Anna Petrova", "Boris"


async def test_only_the_white_list_gets_through_and_a_change_counts_at_once(desk: Stage) -> None:
    boris = desk.world.add_user("Boris")
    await desk.change(WHITE_LIST=[boris.id])
    desk.world.send(desk.customer, desk.bot, "let me in")
    desk.world.send(boris, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(BORIS))
    assert desk.topic(ANNA) is None
    await desk.change(WHITE_LIST=None)
    desk.world.send(desk.customer, desk.bot, "and now?")
    await desk.until(lambda: [m.text for m in desk.in_topic(ANNA)] == ["and now?"])
    assert (await desk.dispositions())["ignored"] >= 1


async def test_keywords_open_a_dialog_and_everything_is_relayed_while_it_is_open(desk: Stage) -> None:
    await desk.change(PRIVATE_KEYWORDS=[["help"], ["price", "~wholesale"]])
    for words in ("good morning", "wholesale price?", "What is the PRICE?", "thanks"):
        desk.world.send(desk.customer, desk.bot, words)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2)
    assert [m.text for m in desk.in_topic(ANNA)] == ["What is the PRICE?", "thanks"]


async def test_welcome_off_sends_nothing_and_back_on_sends_the_new_text(desk: Stage) -> None:
    await desk.change(WELCOME="")
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA))
    await desk.change(WELCOME="Hi *{title}*\\!")
    boris = desk.world.add_user("B_o_r_i_s!")
    desk.world.send(boris, desk.bot, "hello")
    await desk.until(lambda: desk.seen_by(boris))
    assert desk.seen_by(boris)[0].text == "Hi B_o_r_i_s!!"
    assert desk.seen_by() == []


async def test_a_broken_welcome_is_refused_with_its_place(desk: Stage) -> None:
    with pytest.raises(Invalid, match="WELCOME: Character 11, “!”, must be written as"):
        await desk.change(WELCOME="Hi {title}! *unclosed")
    with pytest.raises(Invalid, match="The bold text that begins at character 14 has no end"):
        await desk.change(WELCOME="Hi {title}\\! *unclosed")


async def test_a_broken_welcome_of_an_earlier_day_is_sent_as_the_standard_one(desk: Stage) -> None:
    await desk.rows("""UPDATE tenants SET settings = '{"WELCOME": "Hi {title}! *unclosed"}' RETURNING 1""")
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: [m.text[:5] for m in desk.seen_by()] == ["Hello"])


async def test_an_update_of_an_unknown_kind_is_counted_and_stops_nothing(desk: Stage) -> None:
    queue = desk.bot.updates
    queue.put(Update(queue.last_id + 1, "quantum_message", {"entangled": True}, desk.world.now()))
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA))
    reasons = {row.kind: row.reason for row in await desk.rows("SELECT kind, reason FROM updates")}
    assert reasons["quantum_message"] == "unknown_kind"


async def _break_what_mentions(desk: Stage, chat: int) -> None:
    """The database refuses rows from this customer's chat: an error that comes again each time."""
    import asyncpg

    admin = await asyncpg.connect(desk.config.database_url.get_secret_value())
    now = await admin.fetchval("SELECT now()")
    check = f"source_chat_id <> {int(chat)} OR created_at <= '{now.isoformat()}'"
    await admin.execute(f"ALTER TABLE outbox ADD CONSTRAINT broken CHECK ({check}) NOT VALID")
    await admin.close()


async def test_an_update_that_can_never_be_stored_is_set_aside_with_one_apology_and_others_go_on(
    desk: Stage,
) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())
    await _break_what_mentions(desk, desk.customer.id)
    boris = desk.world.add_user("Boris")
    desk.world.send(desk.customer, desk.bot, "this one breaks")
    desk.world.send(desk.customer, desk.bot, "and this one")
    desk.world.send(boris, desk.bot, "I am fine")
    await desk.until(lambda: desk.in_topic(BORIS))
    await desk.until(lambda: len(desk.seen_by()) == 2)
    assert desk.seen_by()[1].text.startswith("Sorry, this message could not be processed.")
    counted = await desk.dispositions()
    assert (counted["failed"], "unaccounted" in counted) == (2, False)


async def test_silent_mode_hides_the_apology(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())
    await desk.change(SILENT_MODE=True)
    await _break_what_mentions(desk, desk.customer.id)
    desk.world.send(desk.customer, desk.bot, "this one breaks")
    boris = desk.world.add_user("Boris")
    desk.world.send(boris, desk.bot, "I am fine")
    await desk.until(lambda: desk.in_topic(BORIS))
    assert len(desk.seen_by()) == 1
