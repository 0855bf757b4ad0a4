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

log = structlog.get_logger()


def backoff(failures: int, *, longest: float = LONGEST) -> float:
    """Seconds to wait after so many failures in a row: doubling from one, with half of it left to chance."""
    ceiling = min(longest, 2.0 ** min(failures - 1, 10))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret


async def patiently(act: Callable[[], Awaitable[T]], *, name: str, longest: float = 10) -> T:
    """Repeats what a passing trouble of the database broke. Everything else is raised."""
    failures = 0
    while True:
        try:
            return await act()
        except Exception as error:
            if not is_passing(error):
                raise
            failures += 1
            log.warning("database.call_failed", during=name, failures=failures, error=type(error).__name__)
            await asyncio.sleep(backoff(failures, longest=longest))
