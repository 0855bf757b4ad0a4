"""Stories of settings: every section and setting is reachable, values are typed, wrong ones are explained."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.db import Database
from tenants.settings.catalog import entries
from tenants.settings.kinds import FLAG
from tests.e2e.setup_bot_stage import Person, Stage, running_stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


async def at_settings(stage: Stage, *, plan: str = "business") -> Person:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET plan = :plan"), {"plan": plan})
    await owner.open()
    await owner.tap("@acme_shop_bot", "🟢 running")
    await owner.tap("Settings", "Settings of @acme_shop_bot")
    return owner


async def test_every_section_and_setting_can_be_opened_and_left_again(stage: Stage) -> None:
    owner = await at_settings(stage)
    sections = [label for label in owner.labels() if "Back" not in label]
    seen = 0
    for section in sections:
        await owner.tap(section, section)
        settings = [label for label in owner.labels() if "Back" not in label]
        for setting in settings:
            await owner.tap(setting, setting, "Now:")
            await owner.tap("Back", section)
            seen += 1
        await owner.tap("Back", "Settings of @acme_shop_bot")
    assert seen == len(entries())
    await owner.tap("Back", "🟢 running")
    await owner.tap("All connections", "Your connections")


async def test_a_number_is_typed_refused_out_of_range_typed_again_and_reset(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Dialogs", "Close after, hours: 48")
    await owner.tap("Close after", "Now: 48", "Example: 24")
    owner.send("tomorrow")
    await owner.sees("Send a whole number", "Now: 48")
    owner.send("0")
    await owner.sees("should be 1 or more", "Now: 48")
    owner.send(sticker=b"webp")
    await owner.sees("Send it as text, please.")
    assert (await stage.tenant(owner)).overrides == {}
    owner.send("24")
    await owner.sees("✅ Saved: Close after, hours.", "Close after, hours: 24")
    assert (await stage.tenant(owner)).overrides == {"AUTOCLOSE": 24}
    owner.send("12")
    await owner.sees("I know /start")
    assert (await stage.tenant(owner)).overrides == {"AUTOCLOSE": 24}

    owner.press("Close after", owner.read()[-2])
    await stage.until(lambda: "Now: 24" in owner.read()[-2].text)
    callback = owner.press("Reset", owner.read()[-2])
    assert await owner.hears(callback) == "✅ Reset to the default: Close after, hours."
    assert (await stage.tenant(owner)).overrides == {}


async def test_only_the_last_prompt_stays_in_the_chat(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Dialogs", "Close after")
    await owner.tap("Close after", "Now: 48")
    for typed in ("x", "y", "24"):
        owner.send(typed)
    await owner.sees("✅ Saved")
    await stage.until(lambda: sum("Close after, hours" in message.text for message in owner.read()) == 1)


async def test_options_are_buttons_that_are_ticked_and_unticked(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("The team", "Hide from operators: OFF")
    await owner.tap("Hide from operators", "Now: OFF")
    await owner.tap("Names", "Now: Names")
    await owner.tap("Phone numbers", "Now: Names, Phone numbers")
    assert (await stage.tenant(owner)).overrides == {"HIDE_INFO": ["name", "phone"]}
    await owner.tap("✅ Names", "Now: Phone numbers")
    twice = owner.press("✅ Phone numbers"), owner.press("✅ Phone numbers")
    for callback in twice:
        await owner.hears(callback)
    await owner.sees("Now: OFF")
    assert (await stage.tenant(owner)).overrides == {"HIDE_INFO": []}


async def test_of_colours_one_is_chosen(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Dialogs", "Colour of topics")
    await owner.tap("Colour of topics", "Now: Telegram's choice")
    await owner.tap("Green", "Now: Green")
    await owner.tap("Rose", "Now: Rose")
    await owner.tap("✅ Rose", "Now: Rose")
    assert (await stage.tenant(owner)).overrides == {"ICON_COLOR": "rose"}
    await owner.tap("Switch off", "Now: Telegram's choice")


async def test_options_that_the_plan_does_not_have_are_no_buttons(stage: Stage) -> None:
    owner = await at_settings(stage, plan="free")
    await owner.tap("The team", "Hide from operators: OFF")
    await owner.tap("Hide from operators", "not included")
    assert owner.labels() == ["◀️ Back"]


async def test_a_flag_is_a_button_and_a_second_tap_changes_nothing_more(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Dialogs", "Silent mode: OFF")
    await owner.tap("Silent mode", "Now: OFF")
    first, second = owner.press("Switch on"), owner.press("Switch on")
    await owner.hears(first)
    await owner.hears(second)
    await owner.sees("Now: ON")
    assert (await stage.tenant(owner)).overrides == {"SILENT_MODE": True}
    await owner.tap("Switch off", "Now: OFF")
    await owner.tap("Reset to default", "Now: OFF")
    assert (await stage.tenant(owner)).overrides == {}
    owner.send("ON")
    await owner.sees("I know /start")
    assert entries()["SILENT_MODE"].setting.kind is FLAG


async def test_a_text_is_shown_as_customers_will_see_it(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Dialogs", "Welcome text")
    await owner.tap("Welcome text", "Now: Hello, {title}")
    owner.send("Hi *{title}*\\! We are here\\.")
    await owner.sees("✅ Saved: Welcome text. Above is what customers will see.")
    preview = owner.read()[-2]
    assert preview.text == "Hi Olivia! We are here."
    assert [entity.type for entity in preview.content.entities] == ["bold"]
    assert (await stage.tenant(owner)).overrides == {"WELCOME": "Hi *{title}*\\! We are here\\."}
    await owner.tap("Welcome text", "Now: Hi *{title}*")
    await owner.tap("Switch off", "Now: OFF")
    assert (await stage.tenant(owner)).overrides == {"WELCOME": ""}


async def test_a_text_that_telegram_cannot_read_is_explained_and_not_stored(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Dialogs", "Welcome text")
    await owner.tap("Welcome text", "Now: Hello")
    owner.send("Hello! We answer soon.")
    await owner.sees("WELCOME: Character 6, “!”, must be written as “\\!”.")
    owner.send("💥" * 3000)
    await owner.sees("it is too long")
    owner.send("x" * 3501)
    await owner.sees("at most 3,500 characters")
    assert (await stage.tenant(owner)).overrides == {}
    owner.send("Hello\\!")
    await owner.sees("✅ Saved")


async def test_lists_and_keywords_are_typed_as_the_hint_says(stage: Stage) -> None:
    owner = await at_settings(stage)
    await owner.tap("Filters", "White list: OFF")
    await owner.tap("White list", "Send ids separated by commas")
    owner.send("1001, abc")
    await owner.sees("“abc” is not an id")
    owner.send("1001, 1002")
    await owner.sees("White list: 1001, 1002")
    await owner.tap("Keywords", "Now: OFF")
    owner.send("help, price")
    await owner.sees("Put every keyword in double quotes")
    owner.send('“help”, ["call", "operator"]')
    await owner.sees('Keywords: "help", ["call", "operator"]')
    await owner.tap("White list", "Now: 1001, 1002")
    await owner.tap("Switch off", "Now: OFF")
    overrides = (await stage.tenant(owner)).overrides
    assert overrides == {"WHITE_LIST": [], "PRIVATE_KEYWORDS": [["help"], ["call", "operator"]]}


async def test_what_the_plan_does_not_allow_is_said_with_the_plan_that_does(stage: Stage) -> None:
    owner = await at_settings(stage, plan="free")
    await owner.tap("Dialogs", "Close after")
    await owner.tap("Close after", "🔒 On the free plan: at most 48.")
    owner.send("100")
    await owner.sees("at most 48. The pro plan allows more.")
    await owner.tap("Back", "Close after")
    await owner.tap("Welcome text", "can't be off")
    assert "Switch off" not in owner.labels()
    owner.send("OFF")
    await owner.sees("WELCOME on the free plan: can't be off")
    assert (await stage.tenant(owner)).overrides == {}


async def test_a_value_that_looks_like_a_token_is_taken_for_one(stage: Stage) -> None:
    owner = await at_settings(stage)
    other = stage.world.add_bot("Other", "other_bot", owner=owner.user)
    await owner.tap("Dialogs", "Welcome text")
    await owner.tap("Welcome text", "Now: Hello")
    owner.send(other.token)
    await owner.sees("Choose the group for @other_bot")
    await stage.until(lambda: other.token not in owner.typed())
    assert all(tenant.overrides == {} for tenant in await stage.tenants(owner))
