"""Several people manage one connection: invited, accepted, removed, left, given away; and nobody else."""

from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import Person, Stage, running_stage
from tests.factories import make_running


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


async def open_card(person: Person) -> None:
    await person.open()
    await person.tap("@acme_shop_bot", "Status")


async def invite(owner: Person) -> str:
    """The link that the owner is shown."""
    await open_card(owner)
    await owner.tap("Co-administrators", "Who manages @acme_shop_bot")
    shown = await owner.tap("Invite somebody", "https://t.me/")
    return next(word for word in shown.text.split() if word.startswith("https://t.me/"))


def follow(person: Person, link: str) -> None:
    person.send(f"/start {link.partition('?start=')[2]}")


async def join(stage: Stage, owner: Person, name: str = "Adam") -> Person:
    other = stage.person(name)
    follow(other, await invite(owner))
    await other.sees("Manage @acme_shop_bot together?")
    await other.tap("Accept", "You manage @acme_shop_bot now")
    return other


async def test_an_invited_person_changes_settings_as_the_owner_does(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    other = await join(stage, owner)
    await owner.sees("Adam now manages the connection of @acme_shop_bot, too")
    await other.tap("Settings", "Choose a section")
    await other.tap("Dialogs", "Dialogs")
    await other.tap("Close after", "Now: 48")
    other.send("24")
    await other.sees("Saved")
    assert (await stage.tenant(owner)).overrides["AUTOCLOSE"] == 24
    assert (await stage.tenant(other)).id == (await stage.tenant(owner)).id


async def test_what_another_administrator_changed_meanwhile_is_not_overwritten_unseen(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    other = await join(stage, owner)
    for person in (owner, other):
        await open_card(person)
        await person.tap("Settings", "Choose a section")
        await person.tap("Dialogs", "Dialogs")
        await person.tap("Close after", "Now: 48")
    other.send("24")
    await other.sees("Saved")
    owner.send("12")
    await owner.sees("Somebody else changed this meanwhile", "Now: 24")
    assert (await stage.tenant(owner)).overrides["AUTOCLOSE"] == 24
    owner.send("12")
    await owner.sees("Saved")
    assert (await stage.tenant(owner)).overrides["AUTOCLOSE"] == 12


async def test_an_invitation_is_good_for_one_person_and_the_newest_only(stage: Stage) -> None:
    owner, late = stage.person("Olivia"), stage.person("Lena")
    await stage.desk(owner)
    first, second = await invite(owner), await invite(owner)
    follow(late, first)
    await late.sees("used already")
    quick = stage.person("Adam")
    follow(quick, second)
    await quick.sees("together?")
    follow(late, second)
    await late.sees("together?")
    await quick.tap("Accept", "You manage")
    assert "used already" in await late.hears(late.press("Accept"))
    assert await stage.tenants(late) == []
    follow(owner, second)
    await owner.sees("used already")


async def test_a_forged_invitation_opens_nothing(stage: Stage) -> None:
    owner, stranger = stage.person("Olivia"), stage.person("Mallory")
    await stage.desk(owner)
    link = await invite(owner)
    stranger.send("/start join_" + "A" * 32)
    await stranger.sees("used already")
    stranger.forge("j:" + "A" * 32)
    follow(stranger, link)
    await stranger.sees("together?")
    await stranger.tap("No", "You have none yet")
    assert await stage.tenants(stranger) == []


async def test_a_co_administrator_can_neither_delete_nor_give_away_nor_invite(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    other = await join(stage, owner)
    assert not [label for label in other.labels() if "Delete" in label]
    tenant = await stage.tenant(owner)
    await owner.open()
    await owner.tap("@acme_shop_bot", "Status")
    delete = next(b["callback_data"] for row in owner.screen().keyboard for b in row if "Delete" in b["text"])
    data = [delete, delete[:-1] + "2", delete.replace("d:", "a:").rsplit(":", 2)[0] + ":ask"]
    for forged in data:
        await other.hears(other.forge(forged))
    assert (await stage.tenant(owner)).version == tenant.version
    await other.tap("Co-administrators", "Its owner, and: Adam")
    assert not [label for label in other.labels() if "Invite" in label]


async def test_one_who_is_removed_sees_the_connection_no_more(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    other = await join(stage, owner)
    await open_card(owner)
    await owner.tap("Co-administrators", "You and 1 co-administrator.")
    await owner.tap("Adam", "Co-administrator of @acme_shop_bot")
    await owner.tap("Remove", "Adam does not manage this connection any more", "You alone")
    await other.tap("Settings", "You have none yet")
    assert await stage.tenants(other) == []


async def test_a_co_administrator_leaves(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    other = await join(stage, owner)
    await other.tap("Leave", "Leave the connection of @acme_shop_bot?")
    await other.tap("Yes, leave", "You do not manage @acme_shop_bot any more")
    assert await stage.tenants(other) == []
    assert len(await stage.tenants(owner)) == 1


async def test_the_owner_gives_the_connection_away_and_stays_beside(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    other = await join(stage, owner)
    await open_card(owner)
    await owner.tap("Co-administrators", "You and 1")
    await owner.tap("Adam", "Co-administrator of")
    await owner.tap("Make owner", "Give @acme_shop_bot to Adam?")
    await owner.tap("Yes, give it away", "Adam is the owner now")
    await other.sees("You are the owner of the connection of @acme_shop_bot now")
    assert [label for label in owner.labels() if "Leave" in label]
    assert (await stage.tenant(other)).owner_id == other.user.id
    await open_card(other)
    await other.tap("Delete", "Erased for ever")


async def test_a_desk_that_two_connections_share_is_not_given_away_by_halves(stage: Stage) -> None:
    owner = stage.person("Olivia")
    first = await stage.desk(owner)
    other = await join(stage, owner)
    second = stage.shop(owner, "acme_help_bot")
    await stage.connections.connect(
        first.owner_id, second.token, bot_id=second.id, username="acme_help_bot", name="Acme Help"
    )
    shared = next(t for t in await stage.tenants(owner) if t.bot_username == "acme_help_bot")
    await make_running(stage.database, shared, group=first.group_id or 0)
    await open_card(owner)
    await owner.tap("Co-administrators", "You and 1")
    await owner.tap("Adam", "Co-administrator of")
    await owner.tap("Make owner", "Give @acme_shop_bot to Adam?")
    assert "another connection of yours" in await owner.hears(owner.press("Yes, give it away"))
    assert [t.bot_username for t in await stage.tenants(other)] == ["acme_shop_bot"]
    assert (await stage.connections.get(first.owner_id, first.id)).owner_id == owner.user.id
