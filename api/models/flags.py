"""A flag in a body."""

from typing import Annotated

from pydantic import BeforeValidator


def _flag(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("should be true or false")  # noqa: TRY004  # pydantic takes ValueError for an answer
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
"""Not 1, not "yes". (The framework switches pydantic's own strict types off.)"""
