"""Commands in General: counts, a search, and several bots in one group."""

from dataclasses import replace

import pytest

from tenants.config import Config
from tenants.connections import Connections
from tenants.plans import Plan
from tests.e2e.conftest import RIGHTS, Stage, connect_desk, working
from tests.e2e.orders import ANNA, address, answers_to, ask, links


@pytest.fixture
def config(config: Config) -> Config:
    """Commands are what is tried here, not the group's budget."""
    return config.model_copy(update={"group_sends_per_minute": 100_000})


async def write(stage: Stage, name: str, username: str | None = None):
    user = stage.world.add_user(name, username=username)
    stage.world.send(user, stage.bot, f"hello from {name}")
    await stage.until(lambda: stage.in_topic(name) and stage.seen_by(user))
    return user


async def test_stats_counts_dialogs_and_messages_and_says_who_owns_what(desk: Stage) -> None:
    await write(desk, "Waiting")
    await write(desk, "Answered")
    await write(desk, "Closed")
    desk.world.send(desk.operator, desk.group, "yes", topic=desk.topic("Answered"))
    await desk.until(lambda: desk.topic("Answered").name.startswith("🟨"))
    desk.world.send(desk.operator, desk.group, "/close", topic=desk.topic("Closed"))
    await desk.until(lambda: desk.topic("Closed").closed)
    await desk.rows(
        "UPDATE dialogs SET waiting_since = now() - interval '3 hours' WHERE name = 'Waiting' RETURNING 1"
    )
    shown = await ask(desk, "/stats")
    assert shown.text.splitlines() == [
        "Open: 2 (🟪 1 waiting, 🟨 1 answered). Closed: 1.",
        "Last 24 hours: 3 in, 1 out.",
        "Waits longest: Waiting, 3 h 0 min",
        "👤 Max, 1: Answered",
    ]
    assert links(shown) == {name: address(desk, name) for name in ("Waiting", "Answered")}


async def test_find_looks_at_names_usernames_ids_and_notes_whatever_the_case(desk: Stage) -> None:
    anna = await write(desk, "Анна Петрова", "anna_shop")
    bob = await write(desk, "Bob 100% _safe_")
    noted = desk.world.send(desk.operator, desk.group, "/note Likes MARZIPAN", topic=desk.topic("Bob 100% _safe_"))
    await desk.until(lambda: [m for m in desk.in_topic("Bob 100% _safe_") if m.reply_to == noted.id])
    for words in ("анна", "ПЕТРОВА", "@Anna_Shop", "NA_SH", str(anna.id)):
        shown = await ask(desk, f"/find {words}")
        assert (shown.text, links(shown)) == ("🟪 Анна Петрова", {"Анна Петрова": address(desk, "Анна Петрова")})
    for words in ("0% _", str(bob.id)):
        assert (await ask(desk, f"/find {words}")).text == "🟪 Bob 100% _safe_"
    assert (await ask(desk, "/find marzipan")).text == "🟪 Bob 100% _safe_ 📝"
    assert (await ask(desk, "/find %")).text == "🟪 Bob 100% _safe_"
    assert (await ask(desk, "/find nobody like that")).text.startswith("Nothing was found")


async def test_find_shows_ten_and_says_how_many_more(desk: Stage) -> None:
    for number in range(12):
        await write(desk, f"Customer{number:02}")
    shown = await ask(desk, "/find customer")
    assert len(links(shown)) == 10
    assert shown.text.splitlines()[-1] == "… and 2 more: write more of it."


async def test_odd_input_in_general_gets_one_clear_sentence(desk: Stage) -> None:
    expected = {
        "/find": "Say what to look for: /find anna. It looks at names, usernames, ids and notes.",
        "/find \u202e \u200f": "Say what to look for: /find anna. It looks at names, usernames, ids and notes.",
        "/find " + "x" * 4000: "Look for at most 100 characters: these are 4000.",
        "/close": "/close works in a customer's topic.",
        "/nonsense": "There is no command /nonsense: /help lists those there are.",
        "/new icecream @ann": "None of the bots here is called so: write one of iacme_shop_bot, or leave it away.",
    }
    for typed, answer in expected.items():
        assert (await ask(desk, typed)).text == answer, typed[:40]
    assert "/find TEXT — " in (await ask(desk, "/help")).text


@pytest.fixture
async def twins(stage: Stage):
    """Two bots of one owner in one group, the second connected later."""
    world = stage.world
    bot = world.add_bot("Tea Room", "tea_room_bot", owner=stage.owner)
    world.add_member(stage.group, bot, by=stage.owner)
    world.promote(stage.group, bot, RIGHTS, by=stage.owner)
    connections = Connections(stage.database, stage.keyring, plan=Plan.BUSINESS)
    tenant = await connect_desk(connections, stage.database, stage.owner, bot, stage.group)
    async with working(stage):
        yield stage, replace(stage, bot=bot, tenant=tenant)


async def settled(*stages: Stage) -> None:
    """Everything that was typed so far has been decided."""
    for stage in stages:
        customer = stage.world.add_user("Last")
        stage.world.send(customer, stage.bot, "the last one")
        await stage.until(lambda s=stage, c=customer: s.seen_by(c))


async def test_of_several_bots_in_a_group_one_answers_in_general(twins) -> None:
    shop, tea = twins
    typed = [
        shop.world.send(shop.operator, shop.group, words) for words in ("/help", "/stats", "/find x", "/nonsense")
    ]
    await shop.until(lambda: all(answers_to(shop, one) for one in typed))
    await settled(shop, tea)
    assert [[m.sender.username for m in answers_to(shop, one)] for one in typed] == [["acme_shop_bot"]] * 4
    assert answers_to(shop, typed[1])[0].text.startswith("@acme_shop_bot (others: /stats@tea_room_bot)\n")
    named = await ask(shop, "/stats@tea_room_bot")
    assert named.sender.username == "tea_room_bot"


async def test_each_bot_leaves_the_topics_of_the_other_alone(twins) -> None:
    shop, tea = twins
    shop.world.send(shop.customer, shop.bot, "hello shop")
    await shop.until(lambda: shop.in_topic(ANNA) and shop.seen_by())
    topic = shop.topic(ANNA)
    typed = shop.world.send(shop.operator, shop.group, "/nonsense", topic=topic)
    shop.world.send(shop.operator, shop.group, "an answer", topic=topic)
    await shop.until(lambda: shop.seen_by()[-1].text == "an answer")
    await settled(shop, tea)
    assert [m.sender.username for m in shop.in_topic(ANNA) if m.reply_to == typed.id] == ["acme_shop_bot"]


async def test_new_opens_one_dialog_per_bot_or_the_one_that_is_picked(twins) -> None:
    shop, tea = twins
    world = shop.world
    people = {name: world.add_user(name) for name in ("Both", "Picked", "ByAt", "ById")}
    for user in people.values():
        for stage in twins:
            world.start(user, stage.bot)
            await stage.until(lambda s=stage, u=user: s.seen_by(u))
    await shop.until(lambda: len(shop.topics()) == 8)
    for stage in twins:
        await stage.rows("UPDATE dialogs SET status = 'closed', waiting_since = NULL RETURNING 1")
    both = world.send(shop.operator, shop.group, f"/new *{people['Both'].id}")
    await shop.until(lambda: len(answers_to(shop, both)) == 2)
    words = {
        "Picked": f"/new itea_room_bot *{people['Picked'].id}",
        "ByAt": f"/new I@Tea_Room_Bot *{people['ByAt'].id}",
        "ById": f"/new i{tea.tenant.id} *{people['ById'].id}",
    }
    typed = {name: world.send(shop.operator, shop.group, text) for name, text in words.items()}
    wrong = world.send(shop.operator, shop.group, "/new nonsense")
    await shop.until(lambda: all(answers_to(shop, one) for one in (*typed.values(), wrong)))
    await settled(shop, tea)
    for one in typed.values():
        assert [m.sender.username for m in answers_to(shop, one)] == ["tea_room_bot"]
    assert [m.sender.username for m in answers_to(shop, wrong)] == ["acme_shop_bot"]


async def test_where_the_first_is_stopped_the_next_answers(twins) -> None:
    shop, tea = twins
    connections = Connections(shop.database, shop.keyring, plan=Plan.BUSINESS)
    await connections.set_running(shop.owner.id, shop.tenant.id, running=False)
    assert (await ask(tea, "/help")).sender.username == "tea_room_bot"
