"""Pages of a list: all lists take the same parameters, answer in the same shape and have cursors of two kinds.

A cursor names the last item of the page before, by its id, or by a moment and its id where the list goes by time.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from litestar.params import QueryParameter
from pydantic import BaseModel, Field

from tenants.errors import Invalid

Item = TypeVar("Item")
Found = TypeVar("Found")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_NUMBER = 20

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.")]


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next: str | None = Field(description="Send it as `cursor` to get the next page. null = this is the last one.")


def cut(found: Sequence[Found], limit: int, cursor_of: Callable[[Found], str]) -> tuple[Sequence[Found], str | None]:
    """The page of `limit` and the cursor of the next one. `found` are `limit` + 1, where there are so many."""
    page = found[:limit]
    return page, cursor_of(page[-1]) if len(found) > limit else None


def read_id(cursor: str | None) -> UUID | None:
    """The id in a cursor. Raises `Invalid`, as the next one does."""
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError:
        raise none_of_ours() from None


def read_moment(cursor: str | None) -> tuple[datetime, str] | None:
    """The moment in a cursor, and the id behind it."""
    if cursor is None:
        return None
    number, _, last = cursor.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise none_of_ours()
    try:
        return _EPOCH + int(number) * _MICROSECOND, last
    except OverflowError:
        raise none_of_ours() from None


def moment_cursor(moment: datetime, last: object) -> str:
    return f"{(moment - _EPOCH) // _MICROSECOND}.{last}"


def none_of_ours() -> Invalid:
    return Invalid("This cursor is none of ours: use `next` of the page before.", field="cursor")
