"""What a message can be: answers, edits, albums, files, long texts, marked text; and long histories."""

import base64
from pathlib import Path

import pytest
from playwright.async_api import expect

from sandbox.server import Sandbox
from sandbox.world import Entity
from tests.browser.panes import Telegram

pytestmark = pytest.mark.browser
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.usefixtures("relay")
async def test_an_answer_quotes_what_it_answers(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.hears("Welcome!")
    await telegram.left.choose("Welcome!", "menu-reply")
    await telegram.left.say("Thank you")
    await expect(telegram.left.message("Thank you").get_by_test_id("reply-quote")).to_contain_text("Welcome!")


@pytest.mark.usefixtures("relay")
async def test_an_answer_is_called_off_by_escape(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.hears("Welcome!")
    await telegram.left.choose("Welcome!", "menu-reply")
    await expect(telegram.left.find("cancel-reply")).to_be_visible()
    await telegram.left.find("composer").press("Escape")
    await expect(telegram.left.find("cancel-reply")).to_be_hidden()


async def test_a_message_is_edited_and_deleted(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.say("Helo")
    await telegram.left.choose("Helo", "menu-edit")
    await telegram.left.say("Hello")
    await expect(telegram.left.message("Hello").get_by_test_id("edited")).to_be_visible()
    await telegram.left.choose("Hello", "menu-delete")
    await expect(telegram.left.message("Hello")).to_have_count(0)


async def test_several_photos_are_an_album_and_a_file_is_a_file(
    telegram: Telegram, sandbox: Sandbox, tmp_path: Path
) -> None:
    for name in ("one.png", "two.png", "three.png", "bill.pdf"):
        (tmp_path / name).write_bytes(PIXEL)
    await telegram.left.start()
    await telegram.left.find("file-input").set_input_files([tmp_path / f"{n}.png" for n in ("one", "two", "three")])
    await telegram.left.say("The box")
    await expect(telegram.left.find("album").locator("img")).to_have_count(3)
    await expect(telegram.left.message("The box")).to_have_count(1)
    await telegram.left.find("file-input").set_input_files(tmp_path / "bill.pdf")
    await expect(telegram.left.find("attachment")).to_have_text("bill.pdf")
    await telegram.left.find("send").click()
    await expect(telegram.left.find("file")).to_contain_text("bill.pdf")
    sent = [m for chat in sandbox.world.privates.values() for m in chat.messages.values() if m.content.file]
    assert [m.kind for m in sent] == ["photo", "photo", "photo", "document"]


async def test_enter_sends_and_shift_enter_breaks_the_line(telegram: Telegram) -> None:
    await telegram.left.start()
    composer = telegram.left.find("composer")
    await composer.press_sequentially("one")
    await composer.press("Shift+Enter")
    await composer.press_sequentially("two")
    await composer.press("Enter")
    await expect(telegram.left.message("one").get_by_test_id("message-text")).to_have_text("one\ntwo")


async def test_a_text_over_the_limit_is_split_at_spaces(telegram: Telegram, sandbox: Sandbox) -> None:
    words = "word " * 2000
    await telegram.left.start()
    await telegram.left.say(words)
    anna = next(user for user in sandbox.world.users.values() if user.first_name == "Anna")
    chat = sandbox.world.private(anna, sandbox.world.bot("acme_shop_bot"))
    await sandbox.world.wait_for(lambda: len(chat.messages) == 4)
    texts = [message.text for message in list(chat.messages.values())[1:]]
    assert " ".join(texts) == words.strip()
    assert max(map(len, texts)) <= 4096


async def test_marked_text_is_shown_with_its_marks(telegram: Telegram, sandbox: Sandbox) -> None:
    world = sandbox.world
    await telegram.left.start()
    anna = next(user for user in world.users.values() if user.first_name == "Anna")
    text = "bold code secret evil 👋 link"
    entities = [
        Entity("bold", 0, 4),
        Entity("code", 5, 4),
        Entity("spoiler", 10, 6),
        Entity("text_link", 17, 4, url="javascript:alert(1)"),
        Entity("text_link", 25, 4, url="https://example.org/"),
    ]
    world.send(anna, world.bot("acme_shop_bot"), text, entities=entities)
    node = telegram.left.message("bold").get_by_test_id("message-text")
    await expect(node).to_have_text(text)
    await expect(node.locator("strong")).to_have_text("bold")
    await expect(node.locator("code")).to_have_text("code")
    await expect(node.locator(".spoiler")).to_have_text("secret")
    await expect(node.locator("a")).to_have_text("link")
    assert await node.locator("a").get_attribute("href") == "https://example.org/"


async def test_a_long_history_is_shown_page_by_page(telegram: Telegram, sandbox: Sandbox) -> None:
    world = sandbox.world
    group = world.chat(sandbox.cast["demo"]["group_id"])
    olivia = world.user(sandbox.cast["demo"]["owner_id"])
    for number in range(250):
        world.send(olivia, group, f"message number {number}.")
    right = telegram.right
    await right.hears("message number 249.")
    await expect(right.find("message")).to_have_count(100)
    await right.find("scroller").evaluate("node => { node.scrollTop = 0; }")
    await expect(right.message("message number 100.")).to_have_count(1)
    before = await right.message("message number 150.").evaluate("node => node.getBoundingClientRect().top")
    world.send(olivia, group, "while somebody reads old ones")
    await right.hears("while somebody reads old ones")
    assert await right.message("message number 150.").evaluate("node => node.getBoundingClientRect().top") == before


@pytest.mark.usefixtures("relay")
async def test_only_what_changed_is_drawn_anew(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.hears("Welcome!")
    await telegram.left.message("Welcome!").evaluate("node => { node.dataset.marked = 'yes'; }")
    await telegram.left.say("One more")
    await expect(telegram.left.state("One more")).to_contain_text("into")
    assert await telegram.left.message("Welcome!").get_attribute("data-marked") == "yes"
