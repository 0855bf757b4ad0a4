"""All that a person can do with messages, with their name, with topics and with channels, by hand."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from sandbox.server import Sandbox
from sandbox.world import Chat, User
from tests.browser.panes import Telegram
from tests.browser.test_messages import PIXEL

pytestmark = pytest.mark.browser


def anna(sandbox: Sandbox) -> User:
    return next(user for user in sandbox.world.users.values() if user.first_name == "Anna")


def dialog(sandbox: Sandbox) -> Chat:
    return sandbox.world.private(anna(sandbox), sandbox.world.bot("acme_shop_bot"))


async def attach(telegram: Telegram, item: str) -> None:
    await telegram.left.find("attach").click()
    await telegram.find(item).click()


async def test_a_part_is_quoted(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.say("red or blue?")
    await telegram.left.choose("red or blue?", "menu-quote")
    text = telegram.find("quote-text")
    await text.evaluate("node => node.setSelectionRange(7, 11)")
    await telegram.find("quote-marked").click()
    await telegram.left.say("this one")
    await expect(telegram.left.message("this one").get_by_test_id("reply-quote")).to_contain_text("blue")


async def test_a_message_is_forwarded_into_a_topic(telegram: Telegram) -> None:
    right = telegram.right
    await right.open_topic("General")
    await right.say("for all")
    await right.choose("for all", "menu-forward")
    await telegram.find("forward-choice", "General").first.click()
    await expect(right.message("for all")).to_have_count(2)
    await expect(right.message("for all").last).to_contain_text("Forwarded from")


async def test_a_reaction_is_set_and_taken_away(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.say("well?")
    for count in (1, 0):
        await telegram.left.message("well?").hover()
        await telegram.left.message("well?").get_by_test_id("message-menu").click()
        await telegram.find("quick-reaction").first.click()
        await expect(telegram.left.message("well?").get_by_test_id("reaction")).to_have_count(count)


async def test_only_the_reactions_of_the_group_are_offered(telegram: Telegram, sandbox: Sandbox) -> None:
    group = sandbox.world.chat(sandbox.cast["demo"]["group_id"])
    sandbox.world.set_reactions(group, ["🎃"])
    await telegram.right.open_topic("General")
    await telegram.right.say("boo")
    await telegram.right.message("boo").hover()
    await telegram.right.message("boo").get_by_test_id("message-menu").click()
    await expect(telegram.find("quick-reaction")).to_have_text(["🎃"])


async def test_places_people_polls_and_dice_are_sent(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.left.start()
    await attach(telegram, "attach-location")
    await telegram.fill(latitude="48.1", longitude="11.6")
    await attach(telegram, "attach-contact")
    await telegram.fill(first_name="Nina", phone_number="+49 30 1")
    await attach(telegram, "attach-phone")
    await attach(telegram, "attach-poll")
    await telegram.fill(question="When?", answers="now\nlater", right="2")
    await attach(telegram, "attach-dice")
    await telegram.find("dice-option").first.click()
    chat = dialog(sandbox)
    await sandbox.world.wait_for(lambda: len(chat.messages) == 6)
    kinds = [message.kind for message in chat.messages.values()][1:]
    assert kinds == ["location", "contact", "contact", "poll", "dice"]
    poll = next(message.content.details for message in chat.messages.values() if message.kind == "poll")
    assert (poll["options"], poll["correct_option_ids"]) == (["now", "later"], [1])
    await expect(telegram.left.find("card", "When?")).to_contain_text("Quiz")


async def test_files_of_each_kind_are_sent_without_one_at_hand(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.left.start()
    chat = dialog(sandbox)
    kinds = ["voice", "video_note", "sticker", "animation", "video", "audio"]
    for number, kind in enumerate(kinds, start=2):
        await attach(telegram, "attach-sample")
        await telegram.find(f"sample-{kind}").click()
        await sandbox.world.wait_for(lambda number=number: len(chat.messages) == number)
    sent = list(chat.messages.values())[1:]
    assert [message.kind for message in sent] == kinds
    await expect(telegram.left.node.locator("audio")).to_have_count(2)
    await expect(telegram.left.node.locator("video")).to_have_count(3)
    await expect(telegram.left.node.locator(".sticker img")).to_have_count(1)


async def test_one_of_each_rare_kind_is_sent_and_shown(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.left.start()
    kinds = ["story", "rich_message", "checklist", "game", "invoice", "paid_media", "giveaway"]
    for kind in kinds:
        await attach(telegram, "attach-rare")
        await telegram.find(f"rare-{kind}").click()
    await expect(telegram.left.find("card")).to_have_count(len(kinds))
    assert [message.kind for message in dialog(sandbox).messages.values()][1:] == kinds


async def test_a_live_place_is_moved_and_ended(telegram: Telegram) -> None:
    await telegram.left.start()
    await attach(telegram, "attach-live")
    await telegram.fill(latitude="48.1", longitude="11.6")
    card = telegram.left.find("message").filter(has=telegram.find("card"))
    await card.hover()
    await card.get_by_test_id("message-menu").click()
    await telegram.find("menu-move").click()
    await telegram.fill(latitude="48.2", longitude="11.7")
    await expect(card).to_contain_text("48.2, 11.7")
    await card.hover()
    await card.get_by_test_id("message-menu").click()
    await telegram.find("menu-stop").click()
    await expect(card).not_to_contain_text("Live")


async def test_a_caption_is_edited_and_a_file_replaced(telegram: Telegram, sandbox: Sandbox, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(PIXEL)
    await telegram.left.start()
    await telegram.left.find("file-input").set_input_files([tmp_path / "one.png", tmp_path / "two.png"])
    await telegram.left.say("The box")
    await telegram.left.choose("The box", "menu-edit")
    await telegram.left.say("The boxes")
    await expect(telegram.left.message("The boxes")).to_have_count(1)
    await telegram.left.find("file-input").set_input_files(tmp_path / "one.png")
    await telegram.left.say("Alone")
    await telegram.left.hears("Alone")
    before = list(dialog(sandbox).messages.values())[-1]
    await telegram.left.choose("Alone", "menu-replace")
    await telegram.left.find("replace-input").set_input_files(tmp_path / "two.png")
    await expect(telegram.left.message("Alone").get_by_test_id("edited")).to_be_visible()
    after = dialog(sandbox).messages[before.id]
    assert after.content.file is not before.content.file
    await telegram.left.choose("The boxes", "menu-delete")
    await expect(telegram.left.find("album")).to_have_count(0)


async def test_a_customer_changes_their_name_blocks_and_comes_back(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.left.start()
    await telegram.left.find("person-switch").click()
    await telegram.find("rename-person").click()
    await telegram.fill(first_name="Annabel", last_name="", username="annabel")
    await expect(telegram.left.find("person-switch")).to_contain_text("Annabel")
    await telegram.left.find("chat-menu").click()
    await telegram.find("menu-block").click()
    await telegram.left.find("unblock").click()
    await expect(telegram.left.find("composer")).to_be_visible()
    person = next(user for user in sandbox.world.users.values() if user.first_name == "Annabel")
    assert person.username == "annabel"


async def test_an_account_is_deleted(telegram: Telegram, sandbox: Sandbox) -> None:
    person = anna(sandbox)
    await telegram.left.start()
    await telegram.left.find("person-switch").click()
    await telegram.find("delete-person").click()
    await telegram.find("confirm-delete").click()
    await sandbox.world.wait_for(lambda: person.is_deleted)
    await expect(telegram.left.find("person-switch")).to_contain_text("Deleted Account")


async def test_an_operator_renames_closes_and_reopens_a_topic(telegram: Telegram, sandbox: Sandbox) -> None:
    group = sandbox.world.chat(sandbox.cast["demo"]["group_id"])
    topic = sandbox.world.create_topic(sandbox.world.user(sandbox.cast["demo"]["owner_id"]), group, "Anna")
    right = telegram.right
    await right.become("Olivia")
    await right.open_topic("Anna")
    await right.find("chat-menu").click()
    await telegram.find("menu-rename-topic").click()
    await telegram.fill(name="Anna, lamps")
    await expect(right.find("chat-title")).to_contain_text("Anna, lamps")
    for item, said in (("menu-close", "closed the topic"), ("menu-reopen", "reopened the topic")):
        await right.find("chat-menu").click()
        await telegram.find(item).click()
        await right.find("service", f"Olivia Owner {said}").wait_for()
        assert topic.closed is (item == "menu-close")


async def test_a_channel_is_made_and_read(telegram: Telegram, sandbox: Sandbox) -> None:
    right = telegram.right
    await right.become("Olivia")
    await right.show_chats()
    await right.find("new-group").click()
    await telegram.find("new-group").get_by_text("A channel").click()
    await telegram.fill(title="Harbour News")
    await right.say("The first post")
    await right.hears("The first post")
    channel = next(chat for chat in sandbox.world.chats.values() if chat.kind == "channel")
    sandbox.world.join(anna(sandbox), channel)
    await telegram.left.open_chat("Harbour News")
    await telegram.left.hears("The first post")
    await expect(telegram.left.node).to_contain_text("Only administrators post")
