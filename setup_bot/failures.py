"""What went wrong, as one sentence for the person; what nobody expected, as one line in the log with a number.

The log gets the place of an error, never its text: that may quote what the person wrote, and they write tokens.
"""

import secrets
import traceback
from pathlib import Path

import structlog
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from redis.exceptions import RedisError

from sessions.errors import SessionError
from setup_bot.texts import sentence, words
from tenants.db import is_passing
from tenants.errors import DomainError

log = structlog.get_logger()


def explain(error: Exception) -> str | None:
    """The sentence; None where nobody can or need be told."""
    if isinstance(error, (DomainError, SessionError)):
        return sentence(error.text)
    if isinstance(error, RedisError) or is_passing(error):
        log.warning("update.postponed", error=type(error).__name__)
        return words("trouble.away")
    if isinstance(error, TelegramRetryAfter):
        log.warning("answer.delayed", seconds=error.retry_after)
        return words("trouble.busy")
    if isinstance(error, (TelegramNetworkError, TelegramServerError)):
        log.warning("answer.failed", error=type(error).__name__)
        return words("trouble.telegram")
    if isinstance(error, TelegramForbiddenError):
        return None  # blocked by the person: nobody listens
    reference = secrets.token_hex(4)
    log.error("update.failed", reference=reference, error=type(error).__name__, at=where(error))
    return words("trouble.unexpected", reference=reference)


def where(error: BaseException) -> list[str]:
    """The stack without a word of what was in it."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
