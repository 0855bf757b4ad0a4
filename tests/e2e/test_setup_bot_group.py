"""Stories of the group step: the link, groups that are not ready and how they are mended, the owner's yes."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import Bot, Chat
from setup_bot.callbacks import Use
from tenants.config import Config
from tenants.db import Database
from tenants.groups import ProposedGroup, propose_group
from tenants.ids import ChatId, UserId
from tenants.tokens import mark_revoked
from tests.e2e.setup_bot_stage import RIGHTS, Person, Stage, open_stage, running_stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


async def at_the_link(stage: Stage) -> tuple[Person, Bot]:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste(bot.token, "Choose the group")
    return owner, bot


async def test_the_chosen_group_is_confirmed_by_its_title_and_becomes_the_desk(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    link_screen = owner.screen().id
    await stage.choose(owner, group)
    await owner.sees("Group «Acme Support» found", "answers the customers of @acme_shop_bot")
    await stage.until(lambda: all(message.id != link_screen for message in owner.read()), "the link's screen to go")
    assert (await stage.tenant(owner)).state == "setup"
    await owner.tap("Use this group", "Done", "@acme_shop_bot now relays to «Acme Support»")
    tenant = await stage.tenant(owner)
    assert (tenant.state, tenant.group_id, tenant.group_title) == ("running", group.id, "Acme Support")
    assert owner.link() == "https://t.me/acme_shop_bot"
    await owner.tap("Manage the connection", "🟢 running", "Group: Acme Support")


async def test_a_group_without_topics_is_mended_step_by_step(stage: Stage) -> None:
    owner, bot = await at_the_link(stage)
    founder = stage.world.add_user("Fiona")
    group = stage.world.add_supergroup("Plain", founder)
    stage.world.add_member(group, owner.user, by=founder)
    stage.world.promote(group, owner.user, by=founder)
    await stage.choose(owner, group)
    await owner.sees("The group can't be used yet", "Topics are off")
    assert not any("Use this group" in label for label in owner.labels())

    stage.world.set_forum(group, on=True)
    stage.world.demote(group, bot)
    await owner.tap("Check again", "@acme_shop_bot is not an administrator")

    stage.world.promote(group, bot, ["invite_users"])
    await owner.tap("Check again", "may not manage topics")

    stage.world.promote(group, bot, ["manage_topics"])
    stage.world.demote(group, owner.user)
    await owner.tap("Check again", "You are not an administrator of this group")

    stage.world.promote(group, owner.user)
    await owner.tap("Check again", "found", "may not delete messages", "may not pin messages")

    stage.world.promote(group, bot, RIGHTS)
    await owner.tap("Use this group", "Done")
    assert (await stage.tenant(owner)).group_id == group.id


async def test_what_is_missing_ticks_itself_off_where_it_stands(stage: Stage) -> None:
    """Nobody presses anything: the owner is busy in the group's settings."""
    owner, bot = await at_the_link(stage)
    group = stage.world.add_supergroup("Plain", owner.user)
    await stage.choose(owner, group)
    await owner.sees("◻️ Topics are off", "✅ @acme_shop_bot may manage topics", "I look again by myself")
    shown = owner.screen().id
    stage.world.set_forum(group, on=True)
    await owner.sees("Group «Plain» found", "✅ Topics are on")
    stage.world.demote(group, bot)
    await owner.sees("◻️ @acme_shop_bot is not an administrator", "✅ Topics are on")
    stage.world.promote(group, bot, RIGHTS)
    await owner.sees("Group «Plain» found", "✅ @acme_shop_bot is an administrator")
    assert owner.screen().id == shown, "it changed in place"
    await owner.tap("Use this group", "Done")
    stage.world.demote(group, bot)
    await owner.tap("Manage the connection", "🟢 running")


async def test_a_screen_that_was_left_is_not_written_over(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    group = stage.world.add_supergroup("Plain", owner.user)
    await stage.choose(owner, group)
    await owner.sees("◻️ Topics are off")
    await owner.tap("Back", "🟡 waits for its group")
    assert await stage.redis.hlen("setup_bot:waiting") == 0
    stage.world.set_forum(group, on=True)
    await owner.tap("Connect a group", "Group «Plain» found")


async def test_a_basic_group_needs_topics_and_a_new_link_since_it_changes_its_id(stage: Stage) -> None:
    owner, bot = await at_the_link(stage)
    basic = stage.world.add_group("Basic", owner.user)
    await stage.choose(owner, basic)
    await owner.sees("basic group without topics", "Another group")
    forum = stage.world.set_forum(basic, on=True)
    await owner.tap("Another group", "Choose the group for @acme_shop_bot")
    await stage.choose(owner, forum)
    await owner.sees("Group «Basic» found")
    stage.world.promote(forum, bot, RIGHTS)
    await owner.tap("Use this group", "Done")
    assert (await stage.tenant(owner)).group_id == forum.id


async def test_a_bot_that_was_removed_meanwhile_is_noticed(stage: Stage) -> None:
    owner, bot = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    await stage.choose(owner, group)
    await owner.sees("found")
    stage.world.remove_member(group, bot)
    await owner.tap("Use this group", "@acme_shop_bot is not in the group")
    assert (await stage.tenant(owner)).group_id is None


async def test_a_public_group_is_warned_about_but_may_be_used(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    group.username = "acme_public"
    await stage.choose(owner, group)
    await owner.sees("found", "The group is public (@acme_public)")
    await owner.tap("Use this group", "Done")


async def test_telegram_being_silent_is_said_and_checking_again_helps(stage: Stage) -> None:
    owner, bot = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    stage.sandbox.faults.add(Fault(kind="error", method="getChat", bot=bot.id, code=502, html=True))
    await stage.choose(owner, group)
    await owner.sees("Telegram did not answer just now, so the group could not be checked")
    await owner.tap("Check again", "Group «Acme Support» found")


async def test_a_token_that_died_meanwhile_is_said(stage: Stage) -> None:
    owner, bot = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    message = stage.world.open_link(owner.user, owner.link(), group)
    stage.world.revoke_token(bot)
    await stage.propose(owner, group, message.text.split()[1])
    await owner.sees("The token of @acme_shop_bot is not valid any more")


async def test_checking_before_a_group_has_come_says_so(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    assert "No group has come yet" in await owner.hears(owner.press("Done, check"))
    assert "Choose the group" in owner.screen().text


async def test_a_new_link_makes_the_old_one_worthless(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    old = owner.link()
    await owner.tap("New link", "Choose the group")
    await stage.until(lambda: owner.link() != old)
    tenant = await stage.tenant(owner)
    proposed = ProposedGroup(tenant.id, ChatId(group.id), group.title, UserId(owner.user.id))
    async with stage.database.tenant(tenant.id) as unit:
        assert not await propose_group(unit, proposed, old.partition("startgroup=")[2].partition("&")[0])
    await stage.choose(owner, group)
    await owner.sees("found")


async def test_a_link_that_expired_says_so_by_itself_and_offers_a_new_one(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    await owner.hears(owner.press("Done, check"))  # the wizard waits now
    tenant = await stage.tenant(owner)
    await stage.redis.hset(
        "setup_bot:waiting", tenant.id.hex, f"[{owner.user.id},{owner.screen().id_for(stage.bot)},1]"
    )
    await owner.sees("The link for @acme_shop_bot has expired", "under your own name")
    await owner.tap("New link", "Choose the group for @acme_shop_bot")


async def test_a_lost_notice_loses_nothing(stage: Stage) -> None:
    """The proposal is committed without its NOTIFY."""
    owner, _ = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    stage.world.open_link(owner.user, owner.link(), group)
    tenant = await stage.tenant(owner)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(
            text("UPDATE group_links SET chat_id = :chat, chat_title = 'x', used_at = now()"), {"chat": group.id}
        )
    await owner.sees("Group «Acme Support» found")


async def test_a_listening_connection_that_breaks_is_opened_again(stage: Stage, database_url: str) -> None:
    owner, _ = await at_the_link(stage)
    connection = await asyncpg.connect(database_url)
    broken = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE query LIKE '%LISTEN%setup_bot%' AND pid <> pg_backend_pid()"
    )
    await connection.close()
    assert broken == 1
    await stage.choose(owner, stage.world.add_forum("Acme Support", owner.user))
    await owner.sees("found")


async def test_a_group_that_came_while_nobody_listened_is_found_from_the_card(
    sandbox: Sandbox, config: Config, database: Database
) -> None:
    """The setup bot was down and Redis was flushed: the database still knows."""
    async with open_stage(sandbox, config, database) as stage:
        await stage.start()
        owner, _ = await at_the_link(stage)
        await stage.stop()
        await stage.choose(owner, stage.world.add_forum("Acme Support", owner.user))
        await stage.redis.delete("setup_bot:waiting")
        await stage.start()
        await owner.open()
        await owner.tap("@acme_shop_bot", "waits for its group")
        await owner.tap("Connect a group", "Group «Acme Support» found")
        await owner.tap("Use this group", "Done")


async def test_two_taps_on_use_attach_once_and_the_second_says_what_is_true(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    await stage.choose(owner, group)
    await owner.sees("found")
    first, second = owner.press("Use this group"), owner.press("Use this group")
    assert await owner.hears(first) == ""
    assert await owner.hears(second) == "This button is old: here is the current state."
    await owner.sees("🟢 running", "Group: Acme Support")


async def test_a_question_about_another_group_is_not_answered_by_an_old_button(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    first = stage.world.add_forum("First", owner.user)
    second = stage.world.add_forum("Second", owner.user)
    await stage.choose(owner, first)
    await owner.sees("Group «First» found")
    tenant = await stage.tenant(owner)
    old = Use(tenant=tenant.id, chat=first.id).pack()
    await owner.tap("Another group", "Choose the group")
    await stage.choose(owner, second)
    await owner.sees("Group «Second» found")
    assert await owner.hears(owner.forge(old)) == "This button is old: here is the current state."
    assert (await stage.tenant(owner)).group_id is None


async def test_the_group_can_be_changed_later(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await stage.connect(owner, bot, stage.world.add_forum("First", owner.user))
    second = stage.world.add_forum("Second", owner.user)
    await owner.open()
    await owner.tap("@acme_shop_bot", "Group: First")
    await owner.tap("Change group", "Choose the group")
    await stage.choose(owner, second)
    await owner.sees("Group «Second» found")
    assert (await stage.tenant(owner)).group_title == "First"
    await owner.tap("Use this group", "now relays to «Second»")
    assert (await stage.tenant(owner)).group_id == second.id


async def test_hostile_titles_are_shown_as_they_are_and_nothing_more(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.world.add_bot("<b>{0}</b> *x* \u202egnp", "acme_shop_bot", owner=owner.user)
    await owner.paste(bot.token, "Choose the group")
    group: Chat = stage.world.add_forum("{bot} <i>&lt;</i> \u202e_y_", owner.user)
    await stage.choose(owner, group)
    await owner.sees("Group «{bot} <i>&lt;</i> _y_» found")
    await owner.tap("Use this group", "Done")
    await owner.tap("Manage the connection", "<b>{0}</b> *x* gnp")


async def test_the_owner_is_told_once_that_a_token_died(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    tenant = await stage.connect(owner, bot, stage.world.add_forum("Desk", owner.user))
    for _ in range(2):
        async with stage.database.tenant(tenant.id) as unit:
            await mark_revoked(unit, tenant.id)
    await owner.sees("Telegram does not accept the token of @acme_shop_bot any more")
    await owner.tap("@acme_shop_bot", "🔴 the token is not valid any more")
    assert len([m for m in owner.read() if "does not accept the token" in m.text]) == 0


async def test_the_setup_bot_offers_to_keep_house_and_ticks_it_off(stage: Stage) -> None:
    owner, _ = await at_the_link(stage)
    group = stage.world.add_forum("Acme Support", owner.user)
    await stage.choose(owner, group)
    await owner.sees("found")
    await owner.tap("Use this group", "Done", "Add me as well")
    offered = next(b["url"] for row in owner.screen().keyboard for b in row if "Add me to the group" in b["text"])
    stage.world.open_link(owner.user, offered, group)
    await owner.sees("I keep house in «Acme Support» now")
    assert group.member(stage.bot).may("manage_topics")
    await owner.tap("@acme_shop_bot", "🟢 running")
    assert [label for label in owner.labels() if "Add me" in label] == []
    stage.world.demote(group, stage.bot)
    await owner.sees("I may not manage topics in «Acme Support» any more")
    await owner.tap("@acme_shop_bot", "🟢 running")
    assert [label for label in owner.labels() if "Add me" in label]
