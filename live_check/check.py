"""A check: a question to Telegram, the premise behind it, and what may come out."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from live_check.stage import Stage

Confidence = Literal["H", "M", "L"]
"""How sure we are: sources agree, one good source, folklore."""


class Need(StrEnum):
    """What a check can't do without, by the words that tell a person what to set."""

    BOT = "LIVE_BOT_TOKEN"
    GROUP = "LIVE_GROUP_ID"
    CUSTOMER = "LIVE_CUSTOMER_ID"
    APP = "TELEGRAM_API_ID and TELEGRAM_API_HASH"
    SECOND_BOT = "LIVE_SECOND_BOT_TOKEN"
    POLLING = "LIVE_MAY_POLL=1"
    PATIENCE = "LIVE_SLOW=1"
    PERSON = "LIVE_ANSWER_SECONDS=60"


OPTIONAL = frozenset({Need.SECOND_BOT, Need.POLLING, Need.PATIENCE, Need.PERSON})
"""Without these a check is not asked, and the others are."""

PRIVATE = frozenset({Need.BOT, Need.CUSTOMER})
GROUP = frozenset({Need.BOT, Need.GROUP})
BOTH = PRIVATE | GROUP
APP = frozenset({Need.BOT, Need.APP})


@dataclass(frozen=True, slots=True)
class Holds:
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Differs:
    seen: str


@dataclass(frozen=True, slots=True)
class Unknown:
    why: str


Verdict = Holds | Differs | Unknown


class Undecided(Exception):
    """Raised inside a check where it can't go on; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Check:
    """`relied_on`: where the product or the sandbox relies on the premise, FILE or FILE:NAME."""

    name: str
    asks: str
    premise: str
    confidence: Confidence
    relied_on: tuple[str, ...]
    needs: frozenset[Need]
    ask: Callable[["Stage"], Awaitable[Verdict]]


def needed(checks: Iterable[Check]) -> list[Need]:
    """What must be given for any of these to be asked, in the order in which it is declared."""
    together = frozenset[Need]().union(*(check.needs for check in checks))
    return [need for need in Need if need in together and need not in OPTIONAL]
