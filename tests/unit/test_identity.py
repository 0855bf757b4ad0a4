"""What the team calls a customer, and when a topic changes its name."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tenants.dialogs import Dialog, Status
from tenants.identity import alias, author_name, entitle, is_trusted, name_of, rename, shown_name
from tenants.ids import ChatId, DialogId, LaneId, TopicId, UserId, new_id
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings

OWNER, OTHER = UserId(1), UserId(2)
OPEN = effective({}, Plan.PRO)


def hiding(*what: str, plan: Plan = Plan.PRO, **more: object) -> Settings:
    return effective({"HIDE_INFO": list(what), **more}, plan)


def dialog(name: str = "Anna Petrova", chat: int = 77) -> Dialog:
    return Dialog(
        id=DialogId(new_id()),
        chat_id=ChatId(chat),
        name=name,
        username="anna_p",
        status=Status.USER_ANSWERED,
        topic_id=TopicId(5),
        topic_name=name,
        topic_open=True,
        topic_asked_at=None,
        close_at=None,
        unreachable_at=None,
        apologized_at=None,
        topic_lane=LaneId(new_id()),
        customer_lane=LaneId(new_id()),
        topic_status=Status.USER_ANSWERED,
    )


def test_an_alias_is_the_same_for_ever_and_can_be_told_on_the_phone() -> None:
    anna = dialog()
    first = alias(anna.id, anna.chat_id)
    assert first == alias(anna.id, anna.chat_id)
    assert re.fullmatch(r"Customer [2-9B-DF-HJKMNP-TV-Z]{4}-[2-9B-DF-HJKMNP-TV-Z]{4}", first)
    assert alias(anna.id, ChatId(-100)).startswith("Chat ")


def test_twenty_thousand_customers_have_as_many_aliases() -> None:
    ids = [DialogId(new_id()) for _ in range(20_000)]
    assert len({alias(one, ChatId(1)) for one in ids}) == len(ids)


@pytest.mark.parametrize(
    ("hidden", "chat", "is_hidden"),
    [("name", 77, True), ("title", 77, False), ("title", -100, True), ("name", -100, False), ("link", 77, False)],
)
def test_people_have_names_and_groups_have_titles(hidden: str, chat: int, *, is_hidden: bool) -> None:
    anna = dialog(chat=chat)
    assert (name_of(anna, hiding(hidden)) == alias(anna.id, anna.chat_id)) is is_hidden
    assert name_of(anna, OPEN) == "Anna Petrova"
    assert shown_name(OPEN, anna.id, anna.chat_id, "Anna\nPetrova") == "Anna Petrova"


def test_a_lower_plan_hides_what_was_hidden() -> None:
    anna = dialog()
    assert hiding("name", "phone", plan=Plan.FREE).HIDE_INFO == ["name", "phone"]
    assert name_of(anna, hiding("name", plan=Plan.FREE)) == alias(anna.id, anna.chat_id)


def test_a_topic_is_renamed_once_when_the_setting_changes_and_once_when_it_changes_back() -> None:
    anna = dialog()
    other = alias(anna.id, anna.chat_id)
    entitle(anna, hiding("name"))
    assert (anna.topic_name, anna.topic_status) == (other, None)
    anna.topic_status = Status.USER_ANSWERED
    entitle(anna, hiding("name"))
    assert (anna.topic_name, anna.topic_status) == (other, Status.USER_ANSWERED)
    entitle(anna, OPEN)
    assert (anna.topic_name, anna.topic_status) == ("Anna Petrova", None)


def test_what_an_operator_called_a_topic_stays() -> None:
    anna = replace(dialog(), topic_name="VIP", named_by_team=True)
    entitle(anna, hiding("name"))
    assert (anna.topic_name, anna.topic_status) == ("VIP", Status.USER_ANSWERED)


def test_a_topic_that_was_asked_for_is_found_by_the_name_it_was_asked_for_with() -> None:
    asked = replace(dialog(), topic_id=None, topic_asked_at=datetime(2026, 1, 1, tzinfo=UTC))
    entitle(asked, hiding("name"))
    assert asked.topic_name == "Anna Petrova"
    asked.topic_id, asked.topic_asked_at = TopicId(5), None
    entitle(asked, hiding("name"))
    assert asked.topic_name == alias(asked.id, asked.chat_id)


def test_a_customers_new_name_reaches_the_topic_only_where_it_is_shown() -> None:
    anna = dialog()
    entitle(anna, hiding("name"))
    rename(anna, "Anna Sidorova", hiding("name"))
    assert (anna.name, anna.topic_name) == ("Anna Sidorova", alias(anna.id, anna.chat_id))
    entitle(anna, OPEN)
    rename(anna, "Anna Ivanova", OPEN)
    assert (anna.name, anna.topic_name) == ("Anna Ivanova", "Anna Ivanova")


def test_members_of_a_group_have_aliases_of_their_own() -> None:
    club = dialog("Chess club", chat=-100)
    clara = author_name(club, hiding("name"), 7, "Clara")
    assert clara == author_name(club, hiding("name"), 7, "Clara Renamed")
    assert clara.startswith("Member ")
    assert clara != author_name(club, hiding("name"), 8, "Dan")
    assert author_name(club, OPEN, 7, "Clara") == "Clara"
    assert author_name(club, hiding("title"), -100, "Chess club") == alias(club.id, club.chat_id)
    assert author_name(club, hiding("title"), None, "") == ""


def test_trusted_are_the_owner_and_whom_the_owner_trusts() -> None:
    assert is_trusted(OWNER, OPEN, OWNER)
    assert not is_trusted(OTHER, OPEN, OWNER)
    assert not is_trusted(None, OPEN, OWNER)
    some = hiding(EXTENSIONS_ALLOWED=[OTHER])
    assert is_trusted(OTHER, some, OWNER)
    assert is_trusted(OWNER, some, OWNER)
    assert is_trusted(None, hiding(EXTENSIONS_ALLOWED=["."]), OWNER)
