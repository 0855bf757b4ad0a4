"""HIDE_INFO while it is switched: titles follow an active dialog, trusted people see more, groups count too."""

import re

from sandbox.world import Message
from tenants.plans import Plan
from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"
ALIAS = re.compile(r"Customer [2-9A-Z]{4}-[2-9A-Z]{4}")


def shown(desk: Stage) -> list[str]:
    """In the only topic, by the bot."""
    (topic,) = desk.topics() or (None,)
    history: list[Message] = desk.world.history(desk.group, topic) if topic else []
    return [message.text for message in history if message.sender is desk.bot and message.text]


async def say(desk: Stage, words: str, *, answer: str = "") -> None:
    """Until it is shown."""
    desk.world.send(desk.customer, desk.bot, words)
    await desk.until(lambda: (answer or words) in shown(desk), f"{words} is shown")


async def until_called(desk: Stage, pattern: str) -> str:
    (topic,) = desk.topics()
    await desk.until(lambda: re.fullmatch(pattern, topic.name), f"the topic is called {pattern}")
    return str(topic.name)


async def test_a_title_follows_the_setting_when_the_customer_writes_next(desk: Stage) -> None:
    await say(desk, "hello")
    await until_called(desk, f"🟪 {ANNA}")
    await desk.change(HIDE_INFO=["name"])
    await say(desk, "hello again")
    called = await until_called(desk, f"🟪 {ALIAS.pattern}")
    await desk.change(HIDE_INFO=[])
    await say(desk, "and again")
    await until_called(desk, f"🟪 {ANNA}")
    await desk.change(HIDE_INFO=["name"])
    await say(desk, "one more")
    assert await until_called(desk, f"🟪 {ALIAS.pattern}") == called
    await desk.until(lambda: desk.sandbox.journal.count("editForumTopic", carried_out=True) == 3, "one call for each")


async def test_what_an_operator_called_a_topic_stays(desk: Stage) -> None:
    await say(desk, "hello")
    (topic,) = desk.topics()
    desk.world.promote(desk.group, desk.operator, ["manage_topics"], by=desk.owner)
    desk.world.rename_topic(desk.operator, desk.group, topic, "The lady from Kazan")
    await until_called(desk, "🟪 The lady from Kazan")
    await desk.change(HIDE_INFO=["name"])
    await say(desk, "hello again")
    desk.world.send(desk.operator, desk.group, "yes?", topic=topic)
    await until_called(desk, "🟨 The lady from Kazan")


async def test_info_says_less_to_the_team_than_to_whom_the_owner_trusts(desk: Stage) -> None:
    await desk.change(HIDE_INFO=["command", "name", "link"])
    await say(desk, "hello")
    (topic,) = desk.topics()
    desk.world.send(desk.operator, desk.group, "/info", topic=topic)
    await desk.until(lambda: "Status:" in shown(desk)[-1], "the card")
    card = shown(desk)[-1]
    assert ALIAS.match(card)
    assert not {ANNA, "anna_p", str(desk.customer.id), "Language"} & set(re.split(r"[\n @:]", card))
    desk.world.send(desk.owner, desk.group, "/info", topic=topic)
    await desk.until(lambda: ANNA in shown(desk)[-1], "the owner's card")
    assert {"@anna_p", f"Id: {desk.customer.id}"} <= set(shown(desk)[-1].splitlines())


async def test_after_a_downgrade_nothing_is_shown_that_was_hidden(desk: Stage) -> None:
    await desk.change(HIDE_INFO=["name", "phone"])
    await desk.rows("UPDATE tenants SET plan = :plan RETURNING 1", plan=Plan.FREE)
    await say(desk, "call +7 916 555-01-99", answer="call +7 ••• •••-01-99")
    await until_called(desk, f"🟪 {ALIAS.pattern}")


async def test_members_of_a_group_have_aliases_and_their_media_are_not_forwarded(desk: Stage) -> None:
    await desk.change(MONITOR_GROUPS=True, HIDE_INFO=["name", "title", "phone"])
    world = desk.world
    clara = world.add_user("Clara")
    club = world.add_supergroup("Chess club", clara)
    world.add_member(club, desk.bot, by=clara)
    world.promote(club, desk.bot, [], by=clara)
    world.send(clara, club, "call +7 916 555-01-99")
    await desk.until(lambda: any("call +7 ••• •••-01-99" in words for words in shown(desk)), "the text")
    world.send(clara, club, photo=b"picture", caption="or +48 512 345 678")
    await desk.until(lambda: any("or +48 ••• ••5 678" in words for words in shown(desk)), "the photo")
    (topic,) = desk.topics()
    assert re.fullmatch("🟪 Chat [2-9A-Z]{4}-[2-9A-Z]{4}", topic.name)
    assert re.match("Member [2-9A-Z]{4}-[2-9A-Z]{4}\n", next(words for words in shown(desk) if "call" in words))
    everything = "\n".join([topic.name, *shown(desk)])
    assert "Clara" not in everything
    assert "Chess" not in everything
    assert all(message.origin is None for message in world.history(desk.group, topic))
