"""Being several people: switching, adding, groups and their rights, bots of one's own."""

import pytest
from playwright.async_api import expect

from sandbox.server import Sandbox
from tests.browser.panes import Telegram

pytestmark = pytest.mark.browser
HOSTILE = '<img src=x onerror="document.title=1"><b>Bob</b>'


@pytest.mark.usefixtures("relay")
async def test_a_person_is_added_and_writes_at_once(telegram: Telegram) -> None:
    await telegram.left.find("person-switch").click()
    await telegram.find("add-person").click()
    await telegram.fill(first_name="Dora")
    await expect(telegram.left.find("person-switch")).to_contain_text("Dora")
    await telegram.left.start()
    await telegram.right.open_topic("Dora")
    await telegram.right.hears("/start")


async def test_another_customer_is_in_the_same_chat_with_a_draft_of_their_own(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.find("composer").fill("Anna's unfinished")
    await telegram.left.become("Boris")
    await expect(telegram.left.find("chat-title")).to_have_text("Acme Shop")
    await telegram.left.start()
    await expect(telegram.left.find("composer")).to_have_value("")
    await telegram.left.become("Anna")
    await expect(telegram.left.find("composer")).to_have_value("Anna's unfinished")


async def test_hostile_names_and_texts_are_shown_as_they_are(telegram: Telegram, sandbox: Sandbox) -> None:
    world = sandbox.world
    group = world.chat(sandbox.cast["demo"]["group_id"])
    mallory = world.add_user(HOSTILE)
    world.add_member(group, mallory)
    world.create_topic(next(iter(world.users.values())), group, HOSTILE)
    world.send(mallory, group, f"{HOSTILE} javascript:alert(1)")
    world.rename_chat(next(iter(world.users.values())), group, HOSTILE)
    await telegram.right.open_topic("General")
    await telegram.right.hears(HOSTILE)
    await expect(telegram.right.row("topic-item", HOSTILE)).to_be_visible()
    await telegram.right.become(HOSTILE)
    await expect(telegram.right.find("person-switch")).to_contain_text(HOSTILE)
    assert await telegram.page.locator("img[src=x]").count() == 0
    assert await telegram.page.title() == "Backline · Telegram sandbox"


@pytest.mark.usefixtures("relay")
async def test_a_right_to_left_name_fits(telegram: Telegram) -> None:
    await telegram.left.become("عبد الرحمن")
    await telegram.left.start()
    await telegram.left.say("مرحبا")
    await telegram.right.open_topic("عبد الرحمن")
    await telegram.right.hears("مرحبا")
    assert await telegram.width_of_content() == 1280


async def test_a_bot_is_made_and_its_token_shown(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.right.show_chats()
    await telegram.right.find("botfather").click()
    await telegram.fill(name="Corner Bakery", username="corner_bakery_bot")
    token = await telegram.find("own-bot", "Corner Bakery").get_by_test_id("token").text_content()
    assert token == sandbox.world.bot("corner_bakery_bot").token


async def test_a_bot_is_put_into_a_group_by_a_link_of_the_setup_bot(telegram: Telegram, sandbox: Sandbox) -> None:
    world = sandbox.world
    olivia = world.user(sandbox.cast["demo"]["owner_id"])
    setup = world.bot("backline_setup_bot")
    shop = world.bot("acme_shop_bot")
    await telegram.right.become("Olivia")
    await telegram.right.open_chat("Backline Setup")
    await telegram.right.start()
    url = "https://t.me/acme_shop_bot?startgroup=word&admin=manage_topics+delete_messages"
    params = {
        "chat_id": olivia.id,
        "text": "Choose the group.",
        "reply_markup": {"inline_keyboard": [[{"text": "Choose a group", "url": url}]]},
    }
    await telegram.page.request.post(f"{sandbox.url}/bot{setup.token}/sendMessage", data=params)
    await telegram.right.find("inline-button", "Choose a group").click()
    await expect(telegram.find("group-choice")).to_have_count(2)
    await telegram.fill(title="Bakery desk")
    await telegram.right.hears("/start@acme_shop_bot word")
    group = next(chat for chat in world.chats.values() if chat.title == "Bakery desk")
    assert group.is_forum
    assert group.member(shop).may("manage_topics")


@pytest.mark.usefixtures("relay")
async def test_buttons_are_answered_by_a_toast_or_an_alert(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.find("inline-button", "Prices").click()
    await expect(telegram.find("toast")).to_have_text("Acme Shop: All for one coin.")
    await telegram.left.find("inline-button", "Rules").click()
    await expect(telegram.find("alert")).to_contain_text("Be kind.")
    await telegram.close_dialog()
    await expect(telegram.left.find("inline-button", "Sold out")).to_be_disabled()


async def test_what_one_may_not_do_is_said_in_a_sentence(telegram: Telegram, complaints: list[str]) -> None:
    await telegram.right.find("group-info").click()
    await telegram.find("member", "Nora").get_by_test_id("promote").click()
    await expect(telegram.find("toast").first).to_contain_text("You have no right to promote members")
    complaints[:] = [text for text in complaints if "400 (Bad Request)" not in text]


async def test_rights_of_a_bot_are_taken_and_given(telegram: Telegram, sandbox: Sandbox) -> None:
    world = sandbox.world
    group = world.chat(sandbox.cast["demo"]["group_id"])
    shop = world.bot("acme_shop_bot")
    await telegram.right.become("Olivia")
    await telegram.right.find("group-info").click()
    member = telegram.find("member", "Acme Shop")
    await member.get_by_text("Rights").click()
    await member.get_by_test_id("right-manage_topics").uncheck()
    await world.wait_for(lambda: not group.member(shop).may("manage_topics"))
    await member.get_by_test_id("right-manage_topics").check()
    await world.wait_for(lambda: group.member(shop).may("manage_topics"))
    await member.get_by_test_id("remove-member").click()
    await expect(member).to_have_count(0)


async def test_a_blocked_bot_waits_behind_unblock(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.find("chat-menu").click()
    await telegram.find("menu-block").click()
    await telegram.left.find("unblock").click()
    await expect(telegram.left.find("composer")).to_be_visible()


async def test_topics_are_made_closed_reopened_and_deleted(telegram: Telegram) -> None:
    right = telegram.right
    await right.become("Olivia")
    await right.find("new-topic").click()
    await telegram.fill(name="🟪 Plans")
    await expect(right.find("chat-title")).to_have_text("🟪 Plans")
    for item in ("menu-close", "menu-reopen"):
        await right.find("chat-menu").click()
        await telegram.find(item).click()
        await expect(right.find("closed")).to_have_count(1 if item == "menu-close" else 0)
    await right.find("chat-menu").click()
    await telegram.find("menu-delete-topic").click()
    await expect(right.find("chat-title")).to_have_text("General")
