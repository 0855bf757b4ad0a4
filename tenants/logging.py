"""What the processes write about themselves: JSON for machines, coloured lines for people, never a secret."""

import logging
import re
import sys
from collections.abc import Sequence

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_MASK = r"\g<kept>***"
_SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<kept>/bot\d+)(?::|%3[Aa])[^/\s\"'?]*",  # the path of a Bot API call, whatever is used as a token
        r"(?P<kept>\d{5,})(?::|%3[Aa])[A-Za-z0-9_-]{30,}",  # a bot token anywhere else
        r"(?P<kept>\bbl_)[A-Za-z0-9_-]{16,}",  # a key of our API
        r"(?P<kept>\w://[^\s:/@\"']*:)[^\s@\"']+(?=@)",  # the password in an address
    )
)
_QUIET = ("aiogram", "aiohttp", "alembic", "asyncio", "uvicorn")


def configure_logging(log_format: str) -> None:
    """Called once, where a process starts. Our own lines and the libraries' take the same way to stderr."""
    before: Sequence[Processor] = (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    )
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format),
                mask_secrets,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        """A line that can't be written. The library would print the record as it is, secrets and all."""
        error = sys.exc_info()[0]
        self.stream.write(f"A log line of {record.name} failed: {error.__name__ if error else 'unknown'}.\n")


def _renderers(log_format: str) -> Sequence[Processor]:
    if log_format == "json":
        return (
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=_shown),
        )
    plain = structlog.dev.plain_traceback  # a coloured one would cut a secret in pieces
    return (structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain),)


def _shown(value: object) -> str:
    """What is no JSON is shown as its repr; one that fails must not cost the line."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # anybody's __repr__
        return f"<{type(value).__name__}>"


def mask_secrets(_: WrappedLogger, __: str, line: str | EventDict) -> str:
    """The last processor: whatever way a secret took into the line, it ends here."""
    masked = str(line)
    for secret in _SECRETS:
        masked = secret.sub(_MASK, masked)
    return masked
