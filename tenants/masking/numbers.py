"""Card and phone numbers: what counts as one, and which of their digits stay.

A number is written in many ways, so one is a run of digits with a few separators between them. Ten digits count as a
phone number, and seven behind a plus (E.164: at most 15 with the country's code). Dates, times, sums of money, IP
addresses and numbers as long as a card's that are none are left alone.
"""

import re
from collections.abc import Iterator, Sequence

from tenants.masking.draft import Draft

FEWEST_DIGITS = 10
FEWEST_BEHIND_PLUS = 7
SHOWN = 4
"""Last digits that stay, as of cards (PCI DSS allows them)."""
SHOWN_OF_SHORT = 2
_ENOUGH_HIDDEN = 5
_SEPARATOR = r"[\s().\-\[\]/_*~|·]"
_RUN = re.compile(rf"\d(?:{_SEPARATOR}{{0,5}}\d)*")
_PLUS_BEFORE = re.compile(r"\+[\s(]{0,3}\Z")
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_DATE_OR_TIME = re.compile(
    rf"(?<!\d)(?<!\d[./-])(?:{_DAY}([./-]){_MONTH}\1{_YEAR}|{_MONTH}/{_DAY}/{_YEAR}|{_YEAR}([./-]){_MONTH}\2{_DAY}"
    rf"|{_DAY}([./]){_MONTH}\3\d\d|(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)(?!\d)(?![./-]\d)"
)
_AMOUNT = r"\d{1,3}(?:[ .]\d{3})+"
_ONE_AMOUNT = re.compile(_AMOUNT)
_TWO_AMOUNTS = re.compile(rf"({_AMOUNT}) ?- ?({_AMOUNT})")
_ANY_AMOUNTS = re.compile(rf"(?:\d+|{_AMOUNT})(?:\.\d\d?)?(?: ?- ?(?:\d+|{_AMOUNT}))?")
_SIGN = r"[$€£¥₹₽₴₸₺₩₫₱฿]"
_CURRENCY_BEFORE = re.compile(rf"{_SIGN} ?\Z")
_CURRENCY_BEHIND = re.compile(
    rf" ?(?:{_SIGN}|(?:usd|eur|gbp|rub|uah|kzt|inr|try|aed|idr|vnd|irr|rials?|rupees?|dollars?|euros?|руб|р\.|тенге)"
    r"(?!\w))",
    re.IGNORECASE,
)
_IP = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\Z)|\Z)){4}")
_LONG_AS_A_CARDS = re.compile(r"\d{16,}|\d{4}(?:[ -]\d{4}){3}")
_CODES_OF_ONE = frozenset("17")
_CODE_OF_TWO = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
"""ITU-T E.164: the other countries have three digits."""
_CARD_LENGTHS = {
    "2": range(16, 20),
    "3": range(14, 17),
    "4": (13, 16, 19),
    "5": range(16, 20),
    "6": range(13, 20),
    "8": range(16, 20),
    "9": range(16, 20),
}
"""By the first digit (ISO/IEC 7812)."""


def hide_phones(draft: Draft) -> None:
    for begin, end in _runs(draft):
        if _is_phone(draft.plain, begin, end):
            hide_number(draft, begin, end)


def hide_number(draft: Draft, begin: int, end: int) -> None:
    """But its country, where a plus says that there is one, and its end."""
    digits = [at for at in range(begin, end) if draft.plain[at].isdigit()]
    plus = _has_plus(draft.plain, begin) or "+" in draft.plain[begin:end]
    country = _country(draft.plain, digits) if plus else 0
    spare = len(digits) - country
    shown = SHOWN if spare >= SHOWN + _ENOUGH_HIDDEN else min(SHOWN_OF_SHORT, spare // 2)
    for at in digits[country : len(digits) - shown]:
        draft.dot(at)


def hide_cards(draft: Draft) -> None:
    """And what follows in the same run: often the month and the code on the back."""
    for begin, end in _runs(draft):
        digits = [at for at in range(begin, end) if draft.plain[at].isdigit()]
        card = _find_card(draft.plain, digits)
        if card is not None:
            first, last = card
            for at in (*digits[first : last - SHOWN], *digits[last:]):
                draft.dot(at)


def _runs(draft: Draft) -> Iterator[tuple[int, int]]:
    """Dates and times stand between numbers, not in them."""
    text = _DATE_OR_TIME.sub(lambda found: "\0" * len(found[0]), draft.plain)
    for found in _RUN.finditer(text):
        yield found.span()


def _has_plus(plain: str, begin: int) -> bool:
    return _PLUS_BEFORE.search(plain, max(0, begin - 4), begin) is not None


def _is_phone(plain: str, begin: int, end: int) -> bool:
    run, size = plain[begin:end], sum(char.isdigit() for char in plain[begin:end])
    plus = _has_plus(plain, begin)
    if size < (FEWEST_BEHIND_PLUS if plus else FEWEST_DIGITS):
        return False
    has_currency = _CURRENCY_BEFORE.search(plain, max(0, begin - 2), begin) or _CURRENCY_BEHIND.match(plain, end)
    if has_currency and _ANY_AMOUNTS.fullmatch(run):
        return False
    return plus or not (_is_round(run) or _IP.fullmatch(run) or _LONG_AS_A_CARDS.fullmatch(run))


def _is_round(run: str) -> bool:
    """Millions, or from so many thousands to so many."""
    if _ONE_AMOUNT.fullmatch(run):
        return re.sub(r"\D", "", run).endswith("000000")
    two = _TWO_AMOUNTS.fullmatch(run)
    return two is not None and all(amount.endswith("000") for amount in two.groups())


def _country(plain: str, digits: Sequence[int]) -> int:
    """How many digits of a number are its country's."""
    two = "".join(plain[at] for at in digits[:2])
    if two[:1] in _CODES_OF_ONE:
        return 1
    return 2 if _CODE_OF_TWO.fullmatch(two) else min(3, len(digits))


def _find_card(plain: str, digits: Sequence[int]) -> tuple[int, int] | None:
    """The first and longest: a number that begins and ends where a group of digits does."""
    numbers = "".join(plain[at] for at in digits)
    starts = [n for n, at in enumerate(digits) if n == 0 or digits[n - 1] != at - 1]
    ends = [*starts[1:], len(digits)]
    for first in starts:
        for last in reversed(ends):
            if last - first in _CARD_LENGTHS.get(numbers[first], ()) and _passes_luhn(numbers[first:last]):
                return first, last
    return None


def _passes_luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * 2 for digit in number[-2::-2]]
    rest = sum(int(digit) for digit in number[-1::-2])
    return (rest + sum(twice - 9 * (twice > 9) for twice in doubled)) % 10 == 0  # noqa: PLR2004  # a digit sum
