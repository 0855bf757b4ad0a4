"""The page as a person uses it. Stories name what is on it by these `data-testid`, which stay as they are:

pane-left, pane-right   one person's app each            tab-left, tab-right   which of them, on a phone
person-switch           who one is; person-option, add-person, rename-person, delete-person in its menu
chat-item, topic-item   rows of the list; item-title, unread, closed in them; botfather, new-group, new-topic
back, back-to-chats     out of a chat, out of a group    group-info            members and rights: member, promote,
                                                         demote, remove-member, right-NAME, add-member
chat-title, chat-menu   the open chat; menu-close, menu-reopen, menu-rename-topic,
                        menu-delete-topic, menu-members, menu-block
messages, message       the list, one bubble (data-id, data-sender, data-mine); message-text, reply-quote,
                        edited, album, file, card, reaction, service; message-menu: menu-reply,
                        menu-quote, menu-forward, menu-edit, menu-replace, menu-move, menu-stop, menu-delete,
                        menu-close-poll, quick-reaction
inline-button           a button under a message         toast, alert          what a bot or Telegram answers
message-state           where a sent message is (data-state: sent, waiting, fetched, copied, refused, unseen)
journey, journey-step   its story, once pressed (data-kind), in journey-dialog
budget                  what a bot may still send to the group (data-bot)
composer, send, attach, file-input, replace-input, attachment, cancel-reply, reply, start, unblock
attach-KIND             in the menu of attach: files, document, sample, location, live, venue, contact, phone,
                        poll, dice, rare; behind two of them sample-KIND and rare-KIND; dice-option
quote-text, quote-marked, forward-choice   the dialogs of quoting and forwarding
choose-group, group-choice   behind a link with `startgroup`
invoice                 behind an invoice's link: pay-price, pay, pay-cancel, pay-outcome, pay-close
menu-stars, stars       in the chat's menu: star-balance, more-stars, subscription (subscription-until,
                        cancel-subscription, renew-subscription)
open-trouble, trouble   flood-control, fault-KIND-CODE, stop-telegram, resume, faults, month, revoke,
                        trouble-delete-topic
open-tour, tour         tour-write, tour-answer, tour-close, tour-wait, tour-connect (each a step), tour-hide
botfather-dialog        own-bot, token, copy-token, new-bot-form; dialog-close, form-submit, field-NAME everywhere
reconnect               the banner while the stream is lost
"""

from dataclasses import dataclass
from re import Pattern
from typing import Self

from playwright.async_api import Locator, Page


@dataclass(frozen=True)
class Pane:
    """One person's app."""

    page: Page
    node: Locator

    def find(self, testid: str, text: str | Pattern[str] = "") -> Locator:
        found = self.node.get_by_test_id(testid)
        return found.filter(has_text=text) if text else found

    def row(self, testid: str, title: str) -> Locator:
        return self.find(testid).filter(has=self.page.get_by_test_id("item-title").filter(has_text=title))

    def message(self, text: str) -> Locator:
        return self.find("message").filter(has=self.page.get_by_test_id("message-text").filter(has_text=text))

    def state(self, text: str) -> Locator:
        return self.message(text).get_by_test_id("message-state")

    async def become(self, name: str) -> None:
        await self.find("person-switch").click()
        label = self.page.get_by_test_id("menu-label").filter(has_text=name)
        await self.page.get_by_test_id("person-option").filter(has=label).click()

    async def show_chats(self) -> None:
        for way_out in ("back", "back-to-chats"):
            if await self.find(way_out).is_visible():
                await self.find(way_out).click()

    async def open_chat(self, title: str) -> None:
        await self.show_chats()
        await self.row("chat-item", title).click()

    async def open_topic(self, name: str) -> None:
        await self.row("topic-item", name).click()

    async def start(self) -> None:
        await self.find("start").click()
        await self.find("composer").wait_for()

    async def say(self, text: str) -> None:
        await self.find("composer").fill(text)
        await self.find("composer").press("Enter")

    async def hears(self, text: str) -> None:
        await self.message(text).first.wait_for()

    async def press(self, label: str) -> None:
        """The newest button that says so."""
        await self.find("inline-button", label).last.click()

    async def choose(self, text: str, item: str) -> None:
        """From the menu of a message."""
        await self.message(text).hover()
        await self.message(text).get_by_test_id("message-menu").click()
        await self.page.get_by_test_id(item).click()


@dataclass(frozen=True)
class Telegram:
    page: Page
    left: Pane
    right: Pane

    @classmethod
    async def open(cls, page: Page, url: str) -> Self:
        await page.goto(f"{url}/")
        await page.get_by_test_id("person-switch").first.wait_for()
        left, right = (Pane(page, page.get_by_test_id(f"pane-{side}")) for side in ("left", "right"))
        return cls(page, left, right)

    def find(self, testid: str, text: str = "") -> Locator:
        found = self.page.get_by_test_id(testid)
        return found.filter(has_text=text) if text else found

    async def fill(self, **fields: str) -> None:
        """The form of the open dialog, sent."""
        for name, value in fields.items():
            await self.find(f"field-{name}").fill(value)
        await self.page.locator("dialog form").get_by_test_id("form-submit").click()

    async def close_dialog(self) -> None:
        await self.find("dialog-close").click()

    async def width_of_content(self) -> int:
        width: int = await self.page.evaluate("document.documentElement.scrollWidth")
        return width
