"""Commands in parallel mode: Telegram is asked over MTProto, and says more than the Bot API does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.conftest import Stage, working
from tests.e2e.orders import ANNA, address, ask, links, mentioned, opened, say
from tests.e2e.parallel import parallel_stage


@pytest.fixture
async def desk(config: Config, database: Database, keyring: Keyring, tmp_path: Path) -> AsyncIterator[Stage]:
    """A connection in parallel mode, with a worker that listens."""
    async with Sandbox(latency=timedelta(milliseconds=20), flood_control=False, mtproto_port=0) as sandbox:
        stage = await parallel_stage(sandbox, config, database, keyring, tmp_path)
        async with working(stage):
            await stage.until(lambda: sandbox.journal.count("updates.getState"), "the session listens")
            yield stage


async def test_the_card_leads_to_the_customer_and_a_note_stays_inside(desk: Stage) -> None:
    await opened(desk)
    await say(desk, "/note likes marzipan")
    shown = await say(desk, "/info")
    assert shown.text.splitlines()[:4] == [ANNA, "@anna_p", f"Id: {desk.customer.id}", "Language: en"]
    assert shown.text.endswith("Max: likes marzipan")
    assert mentioned(shown) == {str(desk.customer.id): desk.customer.id}
    assert len(desk.seen_by()) == 1


async def test_two_operators_are_both_mentioned(desk: Stage) -> None:
    await opened(desk)
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, "I take this", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 2)
    told = await say(desk, "me too", who=desk.owner)
    assert mentioned(told) == {"Max": desk.operator.id, "Olivia Owner": desk.owner.id}
    await desk.until(lambda: desk.seen_by()[-1].text == "me too")


async def test_rights_are_asked_of_telegram(desk: Stage) -> None:
    await opened(desk)
    assert (await say(desk, "/ban")).text == "/ban needs the right to ban users in this group."
    assert (await say(desk, "/ban", who=desk.owner)).text.startswith(f"🚫 {ANNA} is banned")
    desk.world.send(desk.customer, desk.bot, "let me in")
    assert (await say(desk, "/unban", who=desk.owner)).text.startswith(f"✅ {ANNA} is not banned any more")
    desk.world.send(desk.customer, desk.bot, "thank you")
    await desk.until(lambda: desk.in_topic(ANNA)[-1].text == "thank you")
    assert "let me in" not in [message.text for message in desk.in_topic(ANNA)]


async def test_an_operator_who_never_wrote_is_found_by_name(desk: Stage) -> None:
    world = desk.world
    await opened(desk)
    mary = world.add_user("Mary", username="mary_desk")
    world.add_member(desk.group, mary)
    world.add_user("Stranger", username="a_stranger")
    given = await say(desk, "/assign @mary_desk")
    assert (given.text, mentioned(given)) == ("👤 Mary owns this dialog for 12 h.", {"Mary": mary.id})
    nobody = "There is nobody of that name or id in this group."
    for whom in ("@a_stranger", "@nobody_at_all", f"*{desk.customer.id}", "*999999999999"):
        assert (await say(desk, f"/assign {whom}")).text == nobody, whom
    world.remove_member(desk.group, mary)


async def test_general_counts_and_finds(desk: Stage) -> None:
    await opened(desk)
    shown = await ask(desk, "/find ANNA_P")
    assert (shown.text, links(shown)) == (f"🟪 {ANNA}", {ANNA: address(desk, ANNA)})
    assert (await ask(desk, "/stats")).text.startswith("Open: 1 (🟪 1 waiting, 🟨 0 answered). Closed: 0.")
    assert "/new @USERNAME or *USER_ID — " in (await ask(desk, "/help")).text
