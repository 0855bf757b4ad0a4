"""What a row may hold of a customer's message under HIDE_INFO."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sessions.events import Chat, ChatKind, Contact, Edited, Message, Origin, Person
from tenants.dialogs import DialogBook
from tenants.ids import ChatId, MessageId, TenantId, UserId, new_id
from tenants.intake import Desk
from tenants.outbox import Look
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tests.fakes import BOT, GROUP, FakeSession
from worker.decisions.customers import shown_as
from worker.decisions.edits import body_of
from worker.decisions.veil import veil
from worker.decisions.work import Work

PHONE = "+7 916 555-01-99"
ANNA = {"user": 77, "name": "Anna Petrova", "sender": Person(UserId(77), "Anna Petrova", "anna_p", is_bot=False)}


def hiding(*what: str) -> Work:
    tenant, now = TenantId(new_id()), datetime(2026, 1, 1, tzinfo=UTC)
    desk = Desk(
        tenant=tenant,
        owner_id=UserId(1),
        bot_id=BOT.id,
        bot_username="shop_bot",
        group_id=GROUP,
        state="running",
        plan=Plan.PRO,
        settings=effective({"HIDE_INFO": list(what)}, Plan.PRO),
        cursor=None,
        now=now,
        known=frozenset(),
        is_warm=True,
        is_housekept=False,
    )
    return Work(desk, DialogBook(tenant, now), "https://backline.example")


def wrote(text: str = "", **more: object) -> Message:
    return FakeSession().customer(text, **{**ANNA, **more})


def seen(message: Message, *hidden: str) -> Message:
    event = veil(message, hiding(*hidden))
    assert isinstance(event, Message)
    return event


@pytest.mark.parametrize("hidden", [(), ("command",), ("title",)])
def test_where_nothing_of_a_message_is_hidden_it_is_what_it_was(hidden: tuple[str, ...]) -> None:
    message = wrote(f"call {PHONE}")
    assert seen(message, *hidden) is message


def test_what_the_team_writes_is_its_own() -> None:
    message = FakeSession().operator(f"call us, {PHONE}", 5)
    assert seen(message, "phone", "name") is message


def test_words_are_sent_anew_and_a_filter_finds_the_typed_ones() -> None:
    message = seen(wrote(f"call {PHONE}", quote=f"yours is {PHONE}"), "phone")
    assert (message.text, message.words) == ("call +7 ••• •••-01-99", f"call {PHONE}")
    assert message.quote == "yours is +7 ••• •••-01-99"
    assert body_of(message).look.anew
    assert shown_as(message) == "copy"


def test_an_innocent_text_is_sent_anew_too_since_it_may_be_edited_before_it_is_copied() -> None:
    assert body_of(seen(wrote("hello"), "phone")).look.anew
    assert body_of(seen(wrote("", content="photo", look=Look(media="file")), "phone")).look == Look("file", anew=True)
    assert not body_of(seen(wrote("", content="sticker"), "phone")).look.anew


def test_an_edit_is_veiled_as_the_message_was() -> None:
    event = veil(Edited(wrote(f"call {PHONE}")), hiding("phone"))
    assert isinstance(event, Edited)
    assert event.message.text == "call +7 ••• •••-01-99"


@pytest.mark.parametrize(
    ("contact", "hidden", "said"),
    [
        (Contact("Plumber", PHONE), ("phone",), "👤 contact: Plumber, +7 ••• •••-01-99"),
        (Contact("Plumber", "112"), ("phone",), "👤 contact: Plumber, ••2"),
        (Contact("Anna", PHONE, UserId(77)), ("name",), f"👤 contact: their own, {PHONE}"),
        (Contact("anna petrova", PHONE), ("name", "phone"), "👤 contact: their own, +7 ••• •••-01-99"),
        (Contact("Plumber", PHONE, UserId(78)), ("name",), None),
        (Contact("Anna", PHONE, UserId(77)), ("email",), None),
    ],
)
def test_a_card_is_told_in_words_where_it_shows_too_much(
    contact: Contact, hidden: tuple[str, ...], said: str | None
) -> None:
    message = seen(wrote(content="contact", contact=contact), *hidden)
    assert (shown_as(message) == "line") is (said is not None)
    assert message.text == (said or "")


@pytest.mark.parametrize("content", ["dice", "quiz", "story"])
def test_what_can_only_be_forwarded_is_told_in_words(content: str) -> None:
    message = wrote("🎲 5" if content == "dice" else "", content=content)
    assert shown_as(seen(message, "name")) == "line"
    assert seen(message, "link").text == ("🎲 5" if content == "dice" else f"📎 {content}")
    assert shown_as(seen(message, "phone")) != "line"


def test_a_forward_of_the_customers_own_is_copied_and_one_of_anybody_else_is_forwarded() -> None:
    own, hides, other = Origin("A", UserId(77)), Origin("Anna Petrova"), Origin("Bob", UserId(9))
    kinds = [shown_as(seen(wrote("hi", origin=origin), "name")) for origin in (own, hides, other)]
    assert kinds == ["copy", "copy", "forward"]
    assert shown_as(seen(wrote("hi", origin=own), "phone")) == "forward"


def test_a_forward_that_says_too_much_says_where_it_is_from_instead() -> None:
    message = wrote(f"it is {PHONE}", origin=Origin("Bob", UserId(9)), entities=(("bold", 6, 16, ""),))
    shown = seen(message, "phone")
    assert shown.text == "↪️ Bob\nit is +7 ••• •••-01-99"
    assert shown.entities == (("bold", 13, 16, ""),)
    assert shown_as(shown) == "copy"
    linked = wrote("mail", origin=Origin("Bob"), entities=(("text_link", 0, 4, "mailto:anna@example.com"),))
    assert seen(linked, "email").text == "↪️ Bob\nmail"


def test_a_long_caption_of_a_forward_still_fits() -> None:
    message = wrote(f"{PHONE} " + "x" * 1000, content="photo", origin=Origin("Bob " * 10))
    assert len(seen(message, "phone").text) <= 1024


def test_a_program_does_not_greet_by_name_and_the_customers_own_words_stay() -> None:
    greeting = wrote("Hello, Anna! Anna_P is @anna_p", outgoing=True, buttons=(("Call Anna", PHONE),))
    told = seen(greeting, "name", "phone")
    assert told.text == "Hello, •••! Anna_P is @anna_p"
    assert told.buttons == (("Call •••", "+7 ••• •••-01-99"),)
    assert seen(wrote("I am Anna"), "name").text == "I am Anna"


def test_a_line_about_shared_people_does_not_name_the_customer() -> None:
    message = wrote("👤 shared contacts: Anna Petrova, Bob", described=True, content="users_shared")
    assert seen(message, "name").text == "👤 shared contacts: ••• •••, Bob"


def test_in_a_group_the_profile_is_the_authors() -> None:
    club = Chat(ChatId(-100), ChatKind.SUPERGROUP, "Chess club")
    message = replace(wrote("I am @anna_p of t.me/chess"), chat=club, id=MessageId(4))
    assert seen(message, "link").text == "I am @••• of t.me/chess"


def test_a_pressed_button_is_told_without_what_it_carries() -> None:
    pressed = FakeSession().pressed(wrote("menu"), f"Yes, it is {PHONE}")
    event = veil(pressed, hiding("phone", "name"))
    assert event == replace(pressed, label="Yes, it is +7 ••• •••-01-99")
