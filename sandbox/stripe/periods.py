"""Billing periods: months that begin on the anchor's day, or on the last one where a month has no such day."""

import calendar
from datetime import UTC, datetime, timedelta

from sandbox.stripe.account import Thing

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def period_end(start: int, anchor: int, recurring: Thing) -> int:
    """The first renewal after `start` of a cycle that began at `anchor`."""
    interval, count = recurring["interval"], int(recurring["interval_count"])
    if interval in _DAYS:
        return start + _DAYS[interval] * count * int(timedelta(days=1).total_seconds())
    began = datetime.fromtimestamp(anchor, UTC)
    step = _MONTHS[interval] * count
    cycles = 1
    while (end := int(_months_later(began, step * cycles).timestamp())) <= start:
        cycles += 1
    return end


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def share(amount: int, now: int, start: int, end: int) -> int:
    """Of an amount for a whole period, what falls on the rest of it, to the second, rounded half up
    (docs.stripe.com/billing/subscriptions/prorations).
    """
    left, whole = max(end - now, 0), max(end - start, 1)
    return (2 * amount * left + whole) // (2 * whole)
