"""Named edges of the way of a message. They do nothing; a test that kills the process there installs a hook."""

from collections.abc import Callable

NAMES = (
    "relay.received",
    "turn.opened",
    "turn.stored",
    "turn.recorded",
    "turn.claimed",
    "turn.committed",
    "relay.acknowledged",
    "sender.before_call",
    "sender.after_call",
    "errand.before_call",
    "errand.after_call",
)

hook: Callable[[str], None] | None = None


def checkpoint(name: str) -> None:
    if hook is not None:
        hook(name)
