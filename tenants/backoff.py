"""Trying again: exponential backoff with jitter, and patience with a database that is away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from tenants.db import is_passing

T = TypeVar("T")
LONGEST = 60.0
"""Seconds."""
_TROUBLES = {
    "53100": "disk_full",
    "53300": "too_many_connections",
    "57014": "timeout",
    "08": "connection",
    "40": "conflict",
    "53": "resources",
    "55": "lock",
    "57": "shutdown",
    "58": "system",
}
"""By SQLSTATE, or its class."""

log = structlog.get_logger()


def backoff(failures: int, *, longest: float = LONGEST) -> float:
    """Seconds to wait after so many failures in a row: doubling from one, with half of it left to chance."""
    ceiling = min(longest, 2.0 ** min(failures - 1, 10))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret


def trouble(error: BaseException) -> str:
    """A word for what the database said; for one that said nothing, the name of the error."""
    said: BaseException | None = error
    while said is not None:
        state = getattr(said, "sqlstate", None)
        if state:
            return _TROUBLES.get(state) or _TROUBLES.get(state[:2]) or str(state)
        said = getattr(said, "orig", None) or said.__cause__
    return type(error).__name__


async def patiently(
    act: Callable[[], Awaitable[T]],
    *,
    name: str,
    longest: float = 10,
    failed: Callable[[str], None] | None = None,
) -> T:
    """Repeats what a passing trouble of the database broke. Everything else is raised.

    `failed` hears of each failure, in a word.
    """
    failures = 0
    while True:
        try:
            done = await act()
        except Exception as error:
            if not is_passing(error):
                raise
            failures += 1
            what = trouble(error)
            log.warning("database.call_failed", during=name, failures=failures, what=what, error=type(error).__name__)
            if failed is not None:
                failed(what)
            await asyncio.sleep(backoff(failures, longest=longest))
        else:
            if failures:
                log.info("database.call_recovered", during=name, failures=failures)
            return done
