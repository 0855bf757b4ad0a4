"""What people do in Telegram, and what the World remembers of it."""

import asyncio
from datetime import timedelta

import pytest

from sandbox.world import Bot, Chat, ManualClock, NotAllowed, User, World


@pytest.fixture
def world() -> World:
    return World(ManualClock())


@pytest.fixture
def olga(world: World) -> User:
    return world.add_user("Olga")


@pytest.fixture
def carl(world: World) -> User:
    return world.add_user("Carl")


@pytest.fixture
def bot(world: World, olga: User) -> Bot:
    return world.add_bot("Shop", "shop_bot", owner=olga)


@pytest.fixture
def desk(world: World, olga: User) -> Chat:
    return world.add_forum("Desk", olga)


def waiting(bot: Bot) -> list[str]:
    """The kinds of the updates that wait, messages by their text."""
    return [
        f"{u.kind}: {u.subject.text or u.subject.kind}" if u.kind.endswith("message") else u.kind
        for u in bot.updates.waiting
    ]


def test_two_worlds_of_one_seed_tell_the_same_story() -> None:
    def story() -> tuple[object, ...]:
        world = World(ManualClock(), seed=7)
        user = world.add_user("Olga")
        bot = world.add_bot("Shop", "shop_bot")
        chat = world.add_forum("Desk", user)
        photo = world.send(user, bot, photo=b"jpeg", caption="look")
        return user.id, bot.token, chat.id, photo.id, photo.content.file, bot.updates.last_id

    assert story() == story()


def test_a_token_is_the_id_and_35_characters(bot: Bot) -> None:
    number, _, secret = bot.token.partition(":")
    assert int(number) == bot.id
    assert len(secret) == 35
    assert secret.startswith("AA")


def test_a_supergroup_id_is_minus_100_and_ten_digits(desk: Chat) -> None:
    assert str(desk.id).startswith("-100")
    assert len(str(desk.id)) == 14


def test_private_messages_are_numbered_by_the_bot_across_people_and_by_each_person_for_themselves(
    world: World, bot: Bot, carl: User, olga: User
) -> None:
    """(Bot API: one sequence per account for private chats and basic groups.)"""
    first, second = world.send(carl, bot, "a"), world.send(olga, bot, "b")
    assert second.id == first.id + 1
    assert first.id_for(carl) != first.id_for(bot)
    assert first.id_for(bot) == first.id


def test_a_supergroup_numbers_its_own_messages_from_one(world: World, olga: User, desk: Chat) -> None:
    other = world.add_forum("Other", olga)
    assert [world.send(olga, chat, "x").id for chat in (desk, other, desk)] == [2, 2, 3]


def test_everyone_has_their_own_id_of_a_message_in_a_basic_group(world: World, olga: User, bot: Bot) -> None:
    group = world.add_group("Basic", olga)
    world.add_member(group, bot)
    message = world.send(olga, group, "/start@shop_bot")
    assert message.id_for(bot) == bot.last_box_id
    assert world.find_message(group, message.id_for(bot), bot) is message


def test_a_topic_is_named_by_the_message_that_created_it(world: World, olga: User, desk: Chat) -> None:
    topic = world.create_topic(olga, desk, "Carl")
    opening = world.history(desk, topic)[0]
    assert (opening.kind, opening.id) == ("forum_topic_created", topic.id)


def test_a_deleted_topic_takes_its_messages_along(world: World, olga: User, desk: Chat) -> None:
    topic = world.create_topic(olga, desk, "Carl")
    lost = world.send(olga, desk, "hello", topic=topic)
    kept = world.send(olga, desk, "general")
    world.delete_topic(olga, desk, topic)
    assert lost.id not in desk.messages
    assert kept.id in desk.messages
    with pytest.raises(NotAllowed, match="This topic has been deleted"):
        world.send(olga, desk, "more", topic=topic)


def test_a_reply_stays_in_the_topic_of_what_it_answers(world: World, olga: User, desk: Chat) -> None:
    topic = world.create_topic(olga, desk, "Carl")
    asked = world.send(olga, desk, "?", topic=topic)
    assert world.send(olga, desk, "!", reply_to=asked).topic_id == topic.id
    elsewhere = world.send(olga, desk, "!", reply_to=asked, topic=1)
    assert (elsewhere.topic_id, elsewhere.reply_to_chat) == (1, desk)


def test_general_can_not_be_deleted(world: World, olga: User, desk: Chat) -> None:
    with pytest.raises(NotAllowed, match="General"):
        world.delete_topic(olga, desk, 1)


def test_only_those_who_manage_topics_write_into_a_closed_one(
    world: World, olga: User, carl: User, desk: Chat
) -> None:
    world.join(carl, desk)
    topic = world.create_topic(olga, desk, "Carl")
    world.close_topic(olga, desk, topic)
    world.send(olga, desk, "still here", topic=topic)
    with pytest.raises(NotAllowed, match="This topic is closed"):
        world.send(carl, desk, "me too", topic=topic)


def test_a_member_without_rights_manages_no_topics(world: World, carl: User, desk: Chat) -> None:
    world.join(carl, desk)
    with pytest.raises(NotAllowed, match="You may not manage topics here"):
        world.create_topic(carl, desk, "Mine")


def test_an_edit_replaces_the_message_and_leaves_the_old_one_as_it_was(world: World, carl: User, bot: Bot) -> None:
    before = world.send(carl, bot, "helo")
    after = world.edit(carl, before, "hello")
    assert (before.text, after.text) == ("helo", "hello")
    assert world.history(world.private(carl, bot)) == [after]


def test_commands_links_and_mentions_are_found_in_utf16_units(world: World, carl: User, bot: Bot) -> None:
    message = world.send(carl, bot, "😀 /start @somebody https://x.org/a.")
    found = [(e.type, e.offset, e.length) for e in message.content.entities]
    assert found == [("bot_command", 3, 6), ("mention", 10, 9), ("url", 20, 15)]


def test_turning_topics_on_upgrades_a_basic_group_to_another_id(world: World, olga: User, bot: Bot) -> None:
    group = world.add_group("Basic", olga)
    world.promote(group, bot)
    bot.updates.waiting.clear()
    forum = world.set_forum(group, True)
    assert forum.id != group.id
    assert forum.is_forum
    assert waiting(bot) == ["message: migrate_to_chat_id", "message: migrate_from_chat_id"]
    with pytest.raises(NotAllowed, match="upgraded to a supergroup"):
        world.send(olga, group, "anyone?")


def test_rights_that_a_basic_group_does_not_know_upgrade_it(world: World, olga: User, bot: Bot) -> None:
    group = world.add_group("Basic", olga)
    world.add_member(group, bot)
    now = world.promote(group, bot, ["manage_topics"])
    assert now.kind == "supergroup"
    assert now.member(bot).may("manage_topics")


def test_an_administrator_of_a_basic_group_manages_no_topics(world: World, olga: User, bot: Bot) -> None:
    group = world.add_group("Basic", olga)
    assert world.promote(group, bot) is group
    assert group.member(bot).may("delete_messages")
    assert not group.member(bot).may("manage_topics")


def test_only_the_owner_turns_topics_on(world: World, olga: User, carl: User) -> None:
    group = world.add_supergroup("Group", olga)
    world.join(carl, group)
    world.promote(group, carl)
    with pytest.raises(NotAllowed, match="Only the owner"):
        world.set_forum(group, True, user=carl)


class TestLinks:
    def test_start_carries_its_payload(self, world: World, carl: User, bot: Bot) -> None:
        message = world.open_link(carl, "https://t.me/shop_bot?start=ad_42")
        assert message is not None
        assert message.text == "/start ad_42"

    def test_start_unblocks_the_bot(self, world: World, carl: User, bot: Bot) -> None:
        world.start(carl, bot)
        world.block(carl, bot)
        with pytest.raises(NotAllowed, match="blocked"):
            world.send(carl, bot, "hello?")
        bot.updates.waiting.clear()
        world.open_link(carl, "t.me/shop_bot?start")
        assert waiting(bot) == ["my_chat_member", "message: /start"]

    def test_startgroup_adds_the_bot_as_administrator_and_says_start_there(
        self, world: World, olga: User, bot: Bot, desk: Chat
    ) -> None:
        link = "https://t.me/shop_bot?startgroup=secret&admin=manage_topics+delete_messages"
        world.open_link(olga, link, desk)
        assert waiting(bot) == ["my_chat_member", "message: new_chat_members", "message: /start@shop_bot secret"]
        assert desk.member(bot).rights == {"manage_topics", "delete_messages", "manage_chat"}

    def test_startgroup_gives_rights_to_a_bot_that_is_there_already(
        self, world: World, olga: User, bot: Bot, desk: Chat
    ) -> None:
        world.add_member(desk, bot)
        world.open_link(olga, "t.me/shop_bot?startgroup=x&admin=manage_topics", desk)
        assert desk.member(bot).may("manage_topics")

    def test_only_who_may_add_administrators_opens_such_a_link(
        self, world: World, carl: User, bot: Bot, desk: Chat
    ) -> None:
        world.join(carl, desk)
        with pytest.raises(NotAllowed, match="administrator"):
            world.open_link(carl, "t.me/shop_bot?startgroup=x&admin=manage_topics", desk)

    def test_a_bot_that_may_not_join_groups_stays_outside(self, world: World, olga: User, desk: Chat) -> None:
        world.add_bot("Shy", "shy_bot", can_join_groups=False)
        with pytest.raises(NotAllowed, match="can't join groups"):
            world.open_link(olga, "t.me/shy_bot?startgroup=x", desk)

    def test_newbot_creates_a_bot_that_the_person_owns_and_the_manager_hears_of(
        self, world: World, carl: User
    ) -> None:
        """(Bot API: managed bots.)"""
        manager = world.add_bot("Setup", "setup_bot", can_manage_bots=True)
        world.open_link(carl, "https://t.me/newbot/setup_bot/carls_bot?name=Carl%27s%20Shop")
        made = world.bot("@carls_bot")
        assert (made.name, made.owner) == ("Carl's Shop", carl)
        assert waiting(manager) == ["managed_bot", "message: managed_bot_created"]


class TestDelivery:
    def test_an_administrator_bot_sees_everything_people_say(
        self, world: World, olga: User, bot: Bot, desk: Chat
    ) -> None:
        world.promote(desk, bot)
        bot.updates.waiting.clear()
        world.send(olga, desk, "to nobody")
        world.send(olga, desk, "/for@other_bot")
        assert waiting(bot) == ["message: to nobody", "message: /for@other_bot"]

    def test_privacy_mode_leaves_commands_to_the_bot_and_replies_to_it(
        self, world: World, olga: User, bot: Bot, desk: Chat
    ) -> None:
        world.add_member(desk, bot)
        bot.updates.waiting.clear()
        for text in ("chatter", "/help@other_bot", "/help@Shop_Bot", "/bare"):
            world.send(olga, desk, text)
        assert waiting(bot) == ["message: /help@Shop_Bot", "message: /bare"]

    def test_without_privacy_mode_a_member_sees_everything(self, world: World, olga: User, desk: Chat) -> None:
        nosy = world.add_bot("Nosy", "nosy_bot", can_read_all_group_messages=True)
        world.add_member(desk, nosy)
        nosy.updates.waiting.clear()
        world.send(olga, desk, "chatter")
        assert waiting(nosy) == ["message: chatter"]

    def test_a_block_and_its_end_are_told_as_my_chat_member(self, world: World, carl: User, bot: Bot) -> None:
        world.start(carl, bot)
        bot.updates.waiting.clear()
        world.block(carl, bot)
        world.unblock(carl, bot)
        changes = [(u.subject.before.status, u.subject.after.status) for u in bot.updates.waiting]
        assert changes == [("member", "kicked"), ("kicked", "member")]

    def test_a_removed_bot_hears_of_it_and_of_nothing_after_it(
        self, world: World, olga: User, bot: Bot, desk: Chat
    ) -> None:
        world.promote(desk, bot)
        world.remove_member(desk, bot)
        bot.updates.waiting.clear()
        world.send(olga, desk, "gone?")
        assert waiting(bot) == []
        assert desk.member(bot).status == "kicked"

    def test_edits_by_people_are_delivered_and_deletions_are_not(self, world: World, carl: User, bot: Bot) -> None:
        message = world.send(carl, bot, "helo")
        world.delete(carl, world.edit(carl, message, "hello"))
        assert waiting(bot) == ["message: helo", "edited_message: hello"]

    def test_reactions_go_to_bots_that_asked_for_them(self, world: World, carl: User, bot: Bot) -> None:
        """(Bot API: message_reaction must be in allowed_updates.)"""
        message = world.send(carl, bot, "hello")
        bot.updates.waiting.clear()
        world.react(carl, message, "👍")
        assert waiting(bot) == []
        bot.updates.allowed = frozenset({"message_reaction"})
        world.react(carl, message, "🔥")
        assert waiting(bot) == ["message_reaction"]

    def test_update_ids_start_anew_at_random_after_a_quiet_week(self, world: World, carl: User, bot: Bot) -> None:
        clock = world.clock
        assert isinstance(clock, ManualClock)
        world.send(carl, bot, "one")
        first = bot.updates.last_id
        clock.advance(timedelta(days=8))
        world.send(carl, bot, "two")
        assert abs(bot.updates.last_id - first) > 1
        world.rules.update_ids_jump_after = None
        second = bot.updates.last_id
        clock.advance(timedelta(days=8))
        world.send(carl, bot, "three")
        assert bot.updates.last_id == second + 1


class TestFeed:
    async def test_changes_are_numbered_without_gaps(self, world: World, carl: User, bot: Bot) -> None:
        numbers: list[int] = []
        stop = world.listen(lambda change: numbers.append(change.number))
        world.send(carl, bot, "one")
        stop()
        world.send(carl, bot, "two")
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert world.number > numbers[-1]

    async def test_changes_can_be_followed(self, world: World, carl: User, bot: Bot) -> None:
        with world.changes() as changes:
            sent = world.send(carl, bot, "hello")
            async with asyncio.timeout(5):
                async for change in changes:
                    if change.kind == "message.posted":
                        break
        assert change.subject is sent

    async def test_wait_for_asks_again_after_each_change(self, world: World, carl: User, bot: Bot) -> None:
        asyncio.get_running_loop().call_soon(world.send, carl, bot, "hello")
        found = await world.wait_for(lambda: world.history(world.private(carl, bot)), timeout=5)
        assert [m.text for m in found] == ["hello"]

    async def test_wait_for_says_what_it_missed_and_what_happened_instead(
        self, world: World, carl: User, bot: Bot
    ) -> None:
        world.send(carl, bot, "something else")
        with pytest.raises(TimeoutError, match=r"(?s)an answer: not within 0\.01 s.*something else"):
            await world.wait_for(lambda: False, timeout=0.01, what="an answer")


class TestJourney:
    def test_a_message_that_no_bot_sees_says_why(self, world: World, olga: User, bot: Bot, desk: Chat) -> None:
        world.add_member(desk, bot)
        message = world.send(olga, desk, "chatter")
        assert [step.kind for step in world.journey(message)] == ["sent", "withheld"]
        assert "privacy mode" in world.journey(message)[-1].sentence

    def test_the_memory_of_journeys_is_bounded(self, world: World, carl: User, bot: Bot) -> None:
        world.journeys._capacity = 3
        messages = [world.send(carl, bot, str(n)) for n in range(5)]
        assert [bool(world.journey(m)) for m in messages] == [False, False, True, True, True]

    def test_an_endless_journey_keeps_its_beginning_and_its_end(self, world: World, carl: User, bot: Bot) -> None:
        message = world.send(carl, bot, "0")
        for n in range(1, 200):
            message = world.edit(carl, message, str(n))
        steps = world.journey(message)
        assert len(steps) <= 100
        assert (steps[0].kind, steps[-1].kind) == ("sent", "queued")
