"""Numbers and addresses that are masked, in whatever way they are written; ordinary numbers that stay."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.ids import UserId
from tenants.masking import MASKED, Profile, conceal, mask, mask_phone
from tenants.outbox.rows import Entity, utf16

PHONES = [
    ("+7 999 123-45-67", "+7 ••• •••-45-67"),
    ("+(7) 999-123 45 67", "+(7) •••-••• 45 67"),
    ("+ 7 (999) 123 45 67", "+ 7 (•••) ••• 45 67"),
    ("8 (999) 123-45-67", "• (•••) •••-45-67"),
    ("8(8312)12-11-26", "•(••••)••-11-26"),
    ("89991234567", "•••••••4567"),
    ("call 212.555.0123 now", "call •••.•••.0123 now"),
    ("+380 50 123 45 67", "+380 •• ••• 45 67"),
    ("+44 20 7946 0958", "+44 •• •••• 0958"),
    ("0044 20 7946 0958", "•••• •• •••• 0958"),
    ("+48512345678", "+48•••••5678"),
    ("+683 4123", "+683 ••23"),
    ("06 12 34 56 78", "•• •• •• 56 78"),
    ("06.12.34.56.78", "••.••.••.56.78"),
    ("+7 999\n123 45 67", "+7 •••\n••• 45 67"),
    ("+7\u00a0999\u2011123\u201345\u201467", "+7\u00a0•••\u2011•••\u201345\u201467"),
    ("8\u200b9991234\u200d567", "•\u200b••••••4\u200d567"),
    ("８９９９１２３４５６７", "•••••••４５６７"),
    ("٠٩٩٩١٢٣٤٥٦٧", "•••••••٤٥٦٧"),
    ("𝟖𝟗𝟗𝟗𝟏𝟐𝟑𝟒𝟓𝟔𝟕", "•••••••𝟒𝟓𝟔𝟕"),
    ("8️⃣9️⃣9️⃣9️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣", "•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣4️⃣5️⃣6️⃣7️⃣"),
    ("https://wa.me/79991234567", "https://wa.me/•••••••4567"),
    ("a 89991234567 and +7 999 765 43 21", "a •••••••4567 and +7 ••• ••• 43 21"),
    ("order 1234567, then 89991234567", "order 1234567, then •••••••4567"),
    ("+48 512 345 000", "+48 ••• ••5 000"),
]
CARDS = [
    ("4111 1111 1111 1111", "•••• •••• •••• 1111"),
    ("4111111111111111", "••••••••••••1111"),
    ("5500-0000-0000-0004", "••••-••••-••••-0004"),
    ("3782 822463 10005", "•••• •••••• •0005"),
    ("2200 0000 0000 0004 12/27 123", "•••• •••• •••• 0004 ••/•• •••"),
    ("6799\n9901\n0000\n0000\n019", "••••\n••••\n••••\n•••0\n019"),
    ("４１１１\u200b１１１１１１１１１１１１", "••••\u200b••••••••１１１１"),
]
EMAILS = [
    ("anna@domain.com", "a•••@d•••.com"),
    ("a@b.co", "•@•.co"),
    ("write to x.y+z@mail.example.co.uk.", "write to x•••@m•••.uk."),
    ("mailto:anna@domain.com?subject=x", "mailto:a•••@d•••.com?subject=x"),
    ("an\u200bna＠do\u00admain．com", "a•••＠d•••．com"),
    ("анна@почта.рф", "а•••@п•••.рф"),
]
ORDINARY = [
    "12.11.2026 18:30",
    "2026-11-23 06:46:12",
    "11/23/2026",
    "from 12.11.26 to 15.11.26, or 12.11.26 - 15.11.26",
    "order 12345 of 12.11.26",
    "orders 12345678, 123456789 and 555-1234",
    "1 000 000 000 ₽",
    "$1000000000",
    "10 000 - 20 000",
    "1.250.000.000",
    "15 999,90 руб",
    "1234567890123456",
    "1234 5678 9012 3456",
    "192.168.100.100",
    "18:30, 19:30",
    "2+2=4",
    "me@home",
    "@anna_p",
]


@pytest.mark.parametrize(("written", "shown"), PHONES)
def test_a_phone_number_keeps_its_country_and_its_end(written: str, shown: str) -> None:
    assert mask(written, (), {"phone"}) == (shown, ())


@pytest.mark.parametrize(("written", "shown"), CARDS)
def test_a_card_keeps_its_last_four_digits(written: str, shown: str) -> None:
    assert mask(written, (), {"card"}) == (shown, ())


@pytest.mark.parametrize(("written", "shown"), EMAILS)
def test_an_address_keeps_its_first_letters_and_its_country(written: str, shown: str) -> None:
    assert mask(written, (), {"email"}) == (shown, ())


@pytest.mark.parametrize("written", ORDINARY)
def test_ordinary_numbers_and_words_stay(written: str) -> None:
    assert mask(written, (), MASKED) == (written, ())


@pytest.mark.parametrize("written", [text for text, _ in (*PHONES, *CARDS, *EMAILS)])
def test_what_nobody_hides_stays(written: str) -> None:
    assert mask(written, (), ()) == (written, ())


def test_a_link_that_carries_a_number_or_an_address_is_no_link_any_more() -> None:
    links = [
        "tel:+79991234567",
        "mailto:anna@domain.com",
        "mailto:anna%40domain.com",
        "https://wa.me/79991234567",
        "tg://resolve?phone=79991234567",
    ]
    for link in links:
        assert mask("write here", (("text_link", 6, 4, link), ("bold", 0, 5, "")), MASKED)[1] == (("bold", 0, 5, ""),)
    kept = (("text_link", 6, 4, "https://example.com/orders/1234567"),)
    assert mask("write here", kept, MASKED)[1] == kept


def test_what_telegram_takes_for_a_phone_number_is_one() -> None:
    assert mask("ring 555 1234!", (("phone_number", 5, 8, ""),), {"phone"}) == ("ring ••• ••34!", ())
    assert mask_phone("112") == "••2"


def test_formatting_moves_along() -> None:
    text = "🎈 anna.petrova@domain.com and so on"
    entities = (("bold", 3, 23, ""), ("italic", 27, 3, ""), ("code", 8, 4, ""))
    assert mask(text, entities, MASKED) == (
        "🎈 a•••@d•••.com and so on",
        (("bold", 3, 13, ""), ("italic", 17, 3, "")),
    )


ANNA = Profile(UserId(123456), frozenset({"Anna Petrova"}), frozenset({"anna_p", "anna_old"}))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("I am @Anna_P, not @anna_petrova", "I am @•••, not @anna_petrova"),
        ("https://t.me/anna_p/s/5?x=1 or telegram.me/anna_old", "https://t.me/•••/s/5?x=1 or telegram.me/•••"),
        ("anna_p.t.me", "•••.t.me"),
        ("tg://resolve?domain=anna_p tg://user?id=123456", "tg://resolve?domain=••• tg://user?id=•••"),
        ("@an\u200bna＿p", "@•••"),
        ("Anna Petrova, 1234567", "Anna Petrova, 1234567"),
    ],
)
def test_what_leads_to_the_profile_is_hidden(written: str, shown: str) -> None:
    assert conceal(written, (), ANNA) == (shown, ())


def test_a_mention_of_the_customer_and_a_link_to_the_profile_are_hidden_and_others_are_not() -> None:
    text = "Anna here, and Bob here"
    others = (("text_mention", 15, 3, "99"), ("text_link", 19, 4, "https://t.me/bob"))
    own = (("text_mention", 0, 4, "123456"), ("text_link", 5, 4, "tg://user?id=123456"))
    shown, entities = conceal(text, (*own, *others), ANNA)
    assert shown == "••• here, and Bob here"
    assert entities == (("text_mention", 14, 3, "99"), ("text_link", 18, 4, "https://t.me/bob"))


def test_a_program_that_greets_by_name_does_not_say_it() -> None:
    assert conceal("Hello, Anna! Annabel waits.", (), ANNA, names=True)[0] == "Hello, •••! Annabel waits."


SCRIPTS = [0x30, 0xFF10, 0x0660, 0x06F0, 0x0966, 0x1D7CE]
"""Where the digits of ASCII, of full width, of Arabic, Persian, Hindi and of mathematics begin."""
STYLES = ["", " ", "-", ".", "\u00a0", "\n", " - ", ") ", "\u2011", "/"]
UNSEEN = ["", "\u200b", "\u200d", "\u2060", "\ufe0f", "\u00ad"]


@st.composite
def written(draw: st.DrawFn, digits: str) -> str:
    """A number in some script, grouped somehow, with something unseen between its digits."""
    zero = draw(st.sampled_from(SCRIPTS))
    separator, unseen = draw(st.sampled_from(STYLES)), draw(st.sampled_from(UNSEEN))
    breaks = draw(st.sets(st.integers(1, len(digits) - 1), max_size=len(digits) // 2))
    parts = [chr(zero + int(digit)) for digit in digits]
    return "".join((separator if n in breaks else unseen if n else "") + part for n, part in enumerate(parts))


@st.composite
def phones(draw: st.DrawFn) -> tuple[str, int]:
    """As it is written, and how many digits may stay."""
    country = draw(st.sampled_from(["7", "1", "44", "49", "380", "971"]))
    national = draw(st.text("0123456789", min_size=7, max_size=11))
    if draw(st.booleans()):
        return "+" + draw(written(country + national)), len(country) + 4
    trunk = draw(st.sampled_from(["8", "0", "00" + country]))
    number = (trunk + "9" * 3 + national)[:15]
    return draw(written(number)), 6 if len(number) > 12 else 4  # what follows the prefix may pass for a card


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.sampled_from("2456")) + draw(st.text("0123456789", min_size=14, max_size=14))
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(body))
    return draw(written(body + str(-total % 10)))


def digits_of(text: str) -> str:
    return "".join(str(unicodedata.digit(char)) for char in text if unicodedata.digit(char, None) is not None)


@given(phones())
def test_no_phone_number_survives(phone: tuple[str, int]) -> None:
    number, may_stay = phone
    shown, _ = mask(f"ring {number}, please", (), MASKED)
    assert len(digits_of(shown)) <= may_stay, shown


@given(cards())
def test_no_card_survives(card: str) -> None:
    shown, _ = mask(f"it is {card}, please", (), {"card"})
    assert len(digits_of(shown)) <= 4, shown


ordinary = st.one_of(
    st.integers(10_000, 999_999_999).map(str),
    st.dates().filter(lambda day: 1900 <= day.year < 2100).map(lambda day: f"{day:%d.%m.%Y}"),
    st.dates().filter(lambda day: 1900 <= day.year < 2100).map(lambda day: f"{day:%Y-%m-%d}"),
    st.times().map(lambda time: f"{time:%H:%M}"),
    st.decimals(0, 9_999_999, places=2).map(lambda price: f"{price:,} €"),
    st.integers(1, 10**12).map(lambda price: f"{price:,} ₽".replace(",", " ")),
)


@given(st.lists(ordinary, min_size=1, max_size=5))
def test_ordinary_numbers_survive(numbers: list[str]) -> None:
    text = " and ".join(numbers)
    assert mask(text, (), MASKED) == (text, ())


noise = st.text("ab @.+-()/0123456789\n٣𝟑🎈\u200b", max_size=12)
pieces = st.lists(
    st.one_of(noise, ordinary, cards(), phones().map(lambda phone: phone[0]), st.just("anna@domain.com")), max_size=6
)


@given(pieces)
def test_masking_twice_is_masking_once_and_makes_nothing_longer(parts: list[str]) -> None:
    text = " ".join(parts)
    once, _ = mask(text, (), MASKED)
    assert mask(once, (), MASKED) == (once, ())
    assert utf16(once) <= utf16(text)


@given(pieces)
def test_formatting_stays_on_the_words_that_it_was_on(parts: list[str]) -> None:
    text, marks = "", list[Entity]()
    for number, part in enumerate(parts):
        word = f"w🎈{chr(97 + number)}rd"
        text += f"{part} "
        marks.append(("bold", utf16(text), utf16(word), word))
        text += f"{word}, "
    shown, entities = mask(text, marks, MASKED)
    units = shown.encode("utf-16-le")
    found = [units[2 * offset : 2 * (offset + length)].decode("utf-16-le") for _, offset, length, _ in entities]
    assert found == [more for _, _, _, more in marks]
