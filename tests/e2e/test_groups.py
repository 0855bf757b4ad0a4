"""Groups and channels as customers: what their members, the team and the owner see."""

import pytest

from sandbox.world.messages import Entity
from tests.e2e.club import CLUB, Club
from tests.e2e.conftest import Stage


@pytest.fixture
async def club(desk: Stage) -> Club:
    await desk.change(MONITOR_GROUPS=True)
    return Club(desk)


async def test_a_group_has_one_topic_in_which_each_member_is_named_once(club: Club) -> None:
    desk, world = club.desk, club.world
    first = world.send(club.clara, club.group, "hello")
    await club.until_shown("Clara\nhello")
    assert desk.topic(CLUB).name == f"🟪 {CLUB}"
    world.send(club.clara, club.group, "is anybody there?")
    world.send(club.dan, club.group, "me")
    await club.until_shown("Clara\nhello", "is anybody there?", "Dan\nme")
    assert club.heard() == []

    world.send(desk.operator, desk.group, "We are, too.", reply_to=desk.in_topic(CLUB)[0])
    await desk.until(lambda: club.heard() == ["We are, too."])
    answer = next(m for m in world.history(club.group) if m.sender is desk.bot)
    assert answer.reply_to == first.id
    await desk.until(lambda: desk.topic(CLUB).name == f"🟨 {CLUB}")
    world.send(club.dan, club.group, "thanks")
    await club.until_shown("Clara\nhello", "is anybody there?", "Dan\nme", "Dan\nthanks")
    assert "unaccounted" not in await desk.dispositions()


async def test_media_say_who_sent_them_in_one_send_and_a_reply_keeps_its_target(club: Club) -> None:
    desk, world = club.desk, club.world
    first = world.send(club.clara, club.group, "look")
    world.send(club.dan, club.group, photo=b"picture", caption="a caption")
    world.send(club.clara, club.group, "nice", reply_to=first)
    await desk.until(lambda: len(desk.in_topic(CLUB)) == 3)
    text, photo, reply = desk.in_topic(CLUB)
    assert (photo.kind, photo.text, photo.origin.sender) == ("photo", "a caption", club.dan)
    assert (reply.text, reply.reply_to) == ("Clara\nnice", text.id)
    assert [(e.type, e.offset, e.length) for e in reply.content.entities] == [("bold", 0, 5)]


async def test_a_sticker_that_replies_stands_below_its_senders_name(club: Club) -> None:
    desk, world = club.desk, club.world
    first = world.send(club.clara, club.group, "look")
    world.send(club.dan, club.group, sticker=b"wow", reply_to=first)
    await desk.until(lambda: len(desk.in_topic(CLUB)) == 3)
    text, name, sticker = desk.in_topic(CLUB)
    assert (name.text, sticker.kind, sticker.reply_to) == ("Dan", "sticker", text.id)


async def test_formatting_stays_on_its_words_behind_a_name(club: Club) -> None:
    desk, world = club.desk, club.world
    marks = [Entity("bold", 3, 4), Entity("text_link", 8, 4, url="https://example.org/")]
    world.send(club.clara, club.group, "🙂 bold link", entities=marks)
    await club.until_shown("Clara\n🙂 bold link")
    shown = {(e.type, e.offset, e.length, e.url) for e in desk.in_topic(CLUB)[0].content.entities}
    assert shown == {("bold", 0, 5, None), ("bold", 9, 4, None), ("text_link", 14, 4, "https://example.org/")}


async def test_an_anonymous_administrator_is_the_group_and_bots_are_not_heard(club: Club) -> None:
    world = club.world
    world.promote(club.group, club.clara, ["anonymous"], by=club.boss)
    other = world.add_bot("Other", "other_bot", owner=club.boss)
    world.add_member(club.group, other, by=club.boss)
    world.send(club.clara, club.group, "official")
    await club.until_shown(f"{CLUB}\nofficial")
    assert "bot" not in club.shown()


async def test_settings_count_from_the_next_message_on(club: Club) -> None:
    desk, world = club.desk, club.world
    await desk.change(GROUPS_KEYWORDS=[["help"]])
    world.send(club.clara, club.group, "just chatting")
    world.send(club.dan, club.group, "help, please")
    await club.until_shown("Dan\nhelp, please")
    for setting in ({"IGNORE_CHATS": [club.group.id]}, {"WHITE_LIST": [1]}, {"MONITOR_GROUPS": False}):
        await desk.change(**setting)
        world.send(club.clara, club.group, f"kept out by {setting}")
        await desk.until(lambda: not desk.bot.updates.waiting, "what came is stored")
        await desk.change(**dict.fromkeys(setting, None) | {"MONITOR_GROUPS": True})
    await desk.change(WHITE_LIST=[club.group.id])
    world.send(club.clara, club.group, "let in")
    await club.until_shown("Dan\nhelp, please", "Clara\nlet in")
    reasons = {row.reason for row in await desk.rows("SELECT reason FROM updates WHERE disposition = 'ignored'")}
    assert reasons >= {"no_keyword", "ignored_chat", "not_on_white_list", "not_monitored"}


async def test_nobody_is_welcomed_and_closing_and_reopening_go_as_for_persons(club: Club) -> None:
    desk, world = club.desk, club.world
    world.send(club.clara, club.group, "hello")
    await club.until_shown("Clara\nhello")
    topic = desk.topic(CLUB)
    world.send(desk.operator, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.closed and topic.name == f"⬛️ {CLUB}")
    world.send(club.clara, club.group, "again")
    await desk.until(lambda: not topic.closed and topic.name == f"🟪 {CLUB}")
    await desk.change(LEAVE_CLOSED=["group"])
    world.send(desk.operator, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.closed)
    world.send(club.dan, club.group, "quietly")
    await desk.until(lambda: club.shown()[-1] == "Dan\nquietly")
    assert topic.closed
    assert club.heard() == []


async def test_answers_go_into_the_topic_of_a_foreign_forum_in_which_was_written(club: Club) -> None:
    desk, world = club.desk, club.world
    world.set_forum(club.group, True)
    openings = world.create_topic(club.boss, club.group, "Openings")
    endgames = world.create_topic(club.boss, club.group, "Endgames")
    world.send(club.clara, club.group, "e4?", topic=openings)
    world.send(club.dan, club.group, "rook or pawn?", topic=endgames)
    await desk.until(lambda: len(club.shown()) == 2)
    world.send(desk.operator, desk.group, "Rook.", topic=desk.topic(CLUB))
    await desk.until(lambda: len(club.heard()) == 1)
    world.send(desk.operator, desk.group, "d4!", reply_to=desk.in_topic(CLUB)[0])
    await desk.until(lambda: len(club.heard()) == 2)
    places = {m.text: m.topic_id for m in world.history(club.group) if m.sender is desk.bot}
    assert places == {"d4!": openings.id, "Rook.": endgames.id}


async def test_a_removed_bot_says_so_and_an_answer_is_refused_in_words_until_it_is_back(club: Club) -> None:
    desk, world = club.desk, club.world
    world.send(club.clara, club.group, "hello")
    await club.until_shown("Clara\nhello")
    world.remove_member(club.group, desk.bot, by=club.boss)
    await desk.until(lambda: club.shown()[-1].startswith("🚪 The bot was removed from this group."))
    world.send(desk.operator, desk.group, "are you there?", topic=desk.topic(CLUB))
    refusal = "⚠️ Not delivered: The bot was removed from the group."
    await desk.until(lambda: club.shown()[-1].startswith(refusal))
    world.promote(club.group, desk.bot, [], by=club.boss)
    await desk.until(lambda: club.shown()[-1] == "✅ The bot is in this group again: answers reach it.")
    world.send(desk.operator, desk.group, "and now?", topic=desk.topic(CLUB))
    await desk.until(lambda: club.heard() == ["and now?"])


async def test_in_privacy_mode_the_topic_and_the_owner_are_told_what_to_do(desk: Stage) -> None:
    await desk.change(MONITOR_GROUPS=True)
    world, boss = desk.world, desk.world.add_user("Boris")
    group = world.add_supergroup(CLUB, boss)
    world.add_member(group, desk.bot, by=boss)
    world.send(boss, group, f"/ask@{desk.bot.username} what is this?")
    await desk.until(lambda: len(desk.in_topic(CLUB)) == 2)
    assert desk.in_topic(CLUB)[0].text.startswith("🔇 In this group the bot hears only commands, mentions and")
    notices = await desk.rows("SELECT params FROM owner_notices WHERE kind = 'deaf'")
    assert [row.params for row in notices] == [{"chat": CLUB}]


async def test_a_basic_group_that_becomes_a_supergroup_keeps_its_topic(desk: Stage) -> None:
    await desk.change(MONITOR_GROUPS=True)
    world, boss = desk.world, desk.world.add_user("Boris")
    small = world.add_group(CLUB, boss)
    world.promote(small, desk.bot, by=boss)
    world.send(boss, small, "small")
    await desk.until(lambda: any("small" in m.text for m in desk.in_topic(CLUB)))
    before = desk.in_topic(CLUB)[-1]
    big = world.upgrade(small)
    world.send(boss, big, "big")
    await desk.until(lambda: any("big" in m.text for m in desk.in_topic(CLUB)))
    assert len(desk.topics()) == 1
    world.send(desk.operator, desk.group, "an answer", reply_to=before)
    await desk.until(lambda: [m.text for m in world.history(big) if m.sender is desk.bot] == ["an answer"])
    assert next(m for m in world.history(big) if m.sender is desk.bot).reply_to is None


async def test_a_channel_has_a_topic_and_its_post_is_shown_once_also_from_its_group(desk: Stage) -> None:
    await desk.change(MONITOR_CHANNELS=True, MONITOR_GROUPS=True)
    club = Club(desk)
    world = desk.world
    channel = world.add_channel("Chess news", club.boss)
    world.promote(channel, desk.bot, ["post_messages"], by=club.boss)
    world.link_discussion(channel, club.group)
    world.send(club.boss, channel, "A new champion")
    await desk.until(lambda: desk.in_topic("Chess news"))
    world.sign_posts(channel)
    world.send(club.boss, channel, "And a cup")
    world.send(club.clara, club.group, "hooray")
    await club.until_shown("Clara\nhooray")
    assert [m.text for m in desk.in_topic("Chess news")] == ["A new champion", "Boris\nAnd a cup"]
    world.send(desk.operator, desk.group, "Our answer", topic=desk.topic("Chess news"))
    await desk.until(lambda: [m.text for m in world.history(channel) if m.sender is desk.bot] == ["Our answer"])
    await desk.until(lambda: not desk.bot.updates.waiting, "what came is stored")
    await desk.change(MONITOR_CHANNELS=False)
    world.send(club.boss, channel, "A rematch")
    await desk.until(lambda: club.shown()[-1] == "Chess news\nA rematch")


async def test_three_hundred_messages_in_a_group_are_all_shown_within_the_budget(club: Club) -> None:
    desk, world = club.desk, club.world
    desk.sandbox.flood.rules.enabled = True
    for number in range(100):
        for member in (club.boss, club.clara, club.dan):
            world.send(member, club.group, f"{number} of {member.name}")
    names = ("Boris", "Clara", "Dan")
    said = [f"{number} of {name}" for number in range(100) for name in names]

    def lines() -> list[str]:
        return [line for text in club.shown() for line in text.split("\n") if line and line not in names]

    await desk.until(lambda: lines() == said, "all of it, in order", 60)
    assert [call for call in desk.sandbox.journal.calls if call.code == 429] == []
    counted = await desk.dispositions()
    assert counted["relayed"] + counted.get("waiting", 0) == 300  # the last result may not be recorded yet
    assert "unaccounted" not in counted


async def test_a_flood_of_answers_into_one_group_stalls_no_other_customer(club: Club) -> None:
    desk, world = club.desk, club.world
    desk.sandbox.flood.rules.enabled = True
    world.send(club.clara, club.group, "hello")
    world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: club.shown() and desk.in_topic("Anna Petrova") and desk.seen_by())
    for number in range(25):
        world.send(desk.operator, desk.group, f"answer {number}", topic=desk.topic(CLUB))
    await desk.until(lambda: len(club.heard()) == 20, "as many as a group takes in a minute")
    world.send(desk.operator, desk.group, "at once", topic=desk.topic("Anna Petrova"))
    await desk.until(lambda: desk.seen_by()[-1].text == "at once", seconds=5)
    assert len(club.heard()) == 20
    assert [call for call in desk.sandbox.journal.calls if call.code == 429] == []
