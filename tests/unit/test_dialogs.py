"""A dialog's transitions, and names that are safe in a title."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenants.dialogs import TITLE_LENGTH, Dialog, DialogBook, Status, clean_name, strip_square, topic_title
from tenants.ids import ChatId, DialogId, LaneId, TenantId, TopicId, new_id
from tenants.settings.schema import NEVER_CLOSE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_STATUS = pytest.mark.parametrize("status", Status)
NAMES = st.text(max_size=300) | st.text(alphabet="🟪🟨⬛️\ufe0f\u200d ab\n\u202e\x00", max_size=300)


def make_dialog(status: Status = Status.USER_ANSWERED, **values) -> Dialog:
    fields = {
        "id": DialogId(new_id()),
        "chat_id": ChatId(1),
        "name": "Ann",
        "username": None,
        "status": status,
        "topic_id": None,
        "topic_name": "Ann",
        "topic_open": True,
        "topic_asked_at": None,
        "close_at": None,
        "unreachable_at": None,
        "apologized_at": None,
        "topic_lane": LaneId(new_id()),
        "customer_lane": LaneId(new_id()),
    }
    return Dialog(**{**fields, **values})


@EVERY_STATUS
def test_a_customers_message_makes_it_the_teams_turn_and_cancels_the_closing(status):
    dialog = make_dialog(status, close_at=NOW, unreachable_at=NOW)
    opened = dialog.customer_wrote()
    assert opened is (status is Status.CLOSED)
    assert dialog.status is Status.USER_ANSWERED
    assert dialog.close_at is None
    assert dialog.unreachable_at is None


def test_only_the_first_message_opens_a_new_dialog():
    dialog = make_dialog(is_new=True)
    assert dialog.customer_wrote()
    assert not dialog.customer_wrote()


@EVERY_STATUS
def test_an_answer_makes_it_the_customers_turn_and_sets_the_closing(status):
    dialog = make_dialog(status)
    dialog.team_answered(NOW, 48)
    assert dialog.status is Status.SUPPORT_ANSWERED
    assert dialog.close_at == NOW + timedelta(hours=48)


def test_every_answer_counts_anew():
    dialog = make_dialog()
    dialog.team_answered(NOW, 1)
    dialog.team_answered(NOW + timedelta(minutes=30), 1)
    assert dialog.close_at == NOW + timedelta(minutes=90)


def test_never_closing_is_no_date_in_the_far_future():
    dialog = make_dialog(close_at=NOW)
    dialog.team_answered(NOW, NEVER_CLOSE)
    assert dialog.close_at is None


@EVERY_STATUS
def test_holding_and_closing_cancel_the_closing(status):
    held, closed = make_dialog(status, close_at=NOW), make_dialog(status, close_at=NOW)
    held.hold()
    closed.close()
    assert (held.status, held.close_at) == (Status.USER_ANSWERED, None)
    assert (closed.status, closed.close_at) == (Status.CLOSED, None)


@given(NAMES)
@example("a" * 123 + " b")
@example("\u200d\ufe0f")
def test_a_cleaned_name_is_short_visible_and_stays_as_it_is(name):
    cleaned = clean_name(name, "12345")
    assert 1 <= len(cleaned) <= TITLE_LENGTH
    assert cleaned == cleaned.strip()
    assert clean_name(cleaned, "12345") == cleaned
    kept = [char for char in cleaned if char != "\u200d"]
    assert not {unicodedata.category(char) for char in kept} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(char) for char in kept} & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}


@given(NAMES)
def test_a_title_fits_and_keeps_the_cleaned_name_whole(name):
    cleaned = clean_name(name, "12345")
    for status in Status:
        title = topic_title(status, cleaned)
        assert len(title) <= TITLE_LENGTH
        assert title.endswith(cleaned)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ann Lee", "Ann Lee"),
        ("  Ann\n\tLee ", "Ann Lee"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("", "12345"),
        ("\u202e\u2066", "12345"),
        ("\u200d", "12345"),
    ],
)
def test_a_name_loses_what_does_not_belong_in_a_title(name, expected):
    assert clean_name(name, "12345") == expected


@given(NAMES)
def test_a_title_without_its_squares_has_none_left(title):
    stripped = strip_square(title)
    assert strip_square(stripped) == stripped
    assert not stripped.startswith(("🟪", "🟨", "⬛"))
    assert len(stripped) <= len(title)


@given(NAMES)
def test_what_we_put_in_front_of_a_name_comes_off_again(name):
    cleaned = clean_name(strip_square(clean_name(name, "12345")), "12345")
    if strip_square(cleaned) == cleaned:
        for status in Status:
            assert strip_square(topic_title(status, cleaned)) == cleaned


@pytest.mark.parametrize("prefix", ["🟪 ", "🟨", "⬛️ ", "⬛ ", " 🟪 🟨 ", ""])
def test_an_operators_title_is_known_with_any_of_our_prefixes(prefix):
    assert strip_square(f"{prefix}Ann ") == "Ann"


def _book(*dialogs: Dialog) -> DialogBook:
    book = DialogBook(TenantId(new_id()), NOW)
    for dialog in dialogs:
        book.by_chat[dialog.chat_id] = dialog
    return book


def test_a_new_dialog_is_named_after_the_customer_or_else_the_id():
    book = _book()
    assert book.open(ChatId(7), "Ann\n", "ann").topic_name == "Ann"
    assert book.open(ChatId(8), "\u200b", None).topic_name == "8"
    assert book.by_chat[ChatId(7)].customer_wrote()


def test_a_topic_of_our_own_is_adopted_by_the_dialog_that_asked_for_it():
    asked = make_dialog(topic_asked_at=NOW)
    book = _book(asked, make_dialog(chat_id=ChatId(2), topic_name="Bob"))
    found = book.find_asked("🟨 Ann")
    assert found is asked
    book.adopt(found, TopicId(77), "🟨 Ann")
    assert book.by_topic[TopicId(77)] is asked
    assert asked.topic_status is Status.SUPPORT_ANSWERED
    assert asked.topic_asked_at is None
    assert book.find_asked("🟨 Ann") is None


def test_a_topic_that_nobody_asked_for_is_nobodys():
    assert _book(make_dialog()).find_asked("🟪 Ann") is None
    assert _book(make_dialog(topic_asked_at=NOW)).find_asked("🟪 Bob") is None
