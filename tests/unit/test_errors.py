"""Errors are data: a code for programs, a sentence for people, nothing of any presenter."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tenants import errors
from tenants.errors import (
    ChangedMeanwhile,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    LeaseLost,
    NotFound,
    PlanRequired,
    Reused,
    Unavailable,
)

ONE_OF_EACH = [
    NotFound("connection"),
    Conflict("It is connected already."),
    ChangedMeanwhile(),
    Invalid("Send a number.", field="AUTOCLOSE"),
    Forbidden("You may not."),
    PlanRequired("The pro plan allows more.", plan="pro"),
    Reused("The key was used for something else."),
    Unavailable("Not now.", retry_after=timedelta(seconds=5)),
    LeaseLost(),
]


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _subclasses(child)


def test_one_of_each_is_tried_here():
    assert {type(error) for error in ONE_OF_EACH} == set(_subclasses(DomainError))


def test_every_error_is_drawn_in_the_hierarchy():
    assert all(f" {kind.__name__} " in errors.__doc__ for kind in _subclasses(DomainError))


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_every_error_says_one_sentence_and_has_a_code(error):
    assert error.text.endswith(".")
    assert str(error) == error.text
    assert error.code == error.code.lower()
    assert error.code.isidentifier()
    assert error.customer_text is None
    assert all(isinstance(value, str | int) for value in error.params.values())


def test_codes_tell_errors_apart():
    assert len({error.code for error in ONE_OF_EACH}) == len(ONE_OF_EACH)


def test_not_found_never_says_whether_it_is_somebody_elses():
    assert NotFound("connection").text == "There is no such connection."


def test_a_higher_plan_is_a_matter_of_permission():
    error = PlanRequired("The pro plan allows more.", plan="pro")
    assert isinstance(error, Forbidden)
    assert error.params == {"plan": "pro"}


def test_what_is_invalid_may_be_one_field():
    assert Invalid("No.", field="WELCOME").params == {"field": "WELCOME"}
    assert Invalid("No.").params == {}


def test_what_is_unavailable_says_when_to_come_back():
    assert Unavailable("Not now.", retry_after=timedelta(seconds=5)).params == {"retry_after": 5}
