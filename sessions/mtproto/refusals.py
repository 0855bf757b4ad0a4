"""Telegram's RPC errors as the port's errors. The table of texts is the one in `sessions.errors`."""

import re
from collections.abc import Callable

from telethon.errors import FloodError, InvalidDCError, RPCError
from telethon.errors.rpcerrorlist import rpc_errors_dict, rpc_errors_re

from sessions.errors import Flaky, FloodWait, Revoked, SessionError, classify

_WAIT = re.compile(r"(?:FLOOD|SLOWMODE|FLOOD_PREMIUM|TAKEOUT_INIT_DELAY)_WAIT_(\d+)")
UNAUTHORIZED, NOT_ACCEPTABLE = 401, 406
_TOKEN_DEAD = frozenset({"ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_INVALID", "USER_DEACTIVATED", "USER_DEACTIVATED_BAN"})
_NAMES = {kind: name for name, kind in rpc_errors_dict.items()} | {
    kind: pattern.partition("(")[0].rstrip("_") for pattern, kind in rpc_errors_re
}
"""Telethon keeps of an error that it knows the class and drops the name, which is what the table of texts reads."""
_APP_REFUSED = frozenset({"API_ID_INVALID", "API_ID_PUBLISHED_FLOOD"})


class LoginLost(Exception):
    """This authorization is over; the token may still be good for another one. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Migrate(Exception):
    """The bot lives in the data centre `to`."""

    def __init__(self, to: int) -> None:
        super().__init__(to)
        self.to = to


class SentBefore(Exception):
    """RANDOM_ID_DUPLICATE: the same sending was accepted earlier. Telegram does not say which message it became."""


class AppRefused(Flaky):
    """The deployment's own api_id or api_hash is wrong: the tenant can do nothing about it."""

    def __init__(self) -> None:
        text = "Telegram refuses this deployment's TELEGRAM_API_ID and TELEGRAM_API_HASH."
        super().__init__("app_refused", text, ambiguous=False)


Refusal = SessionError | LoginLost | SentBefore | Migrate


def read_refusal(error: BaseException) -> Refusal:
    """What Telegram answered instead of a result. An answer that can't be read is a trouble of Telegram's."""
    if not isinstance(error, RPCError):
        return Flaky("unreadable", "Telegram answered something that this version does not know.", ambiguous=True)
    if isinstance(error, InvalidDCError):
        return Migrate(int(getattr(error, "new_dc", 0)))
    name = error_name(error)
    return _SPECIAL[name]() if name in _SPECIAL else _read_by_code(error, name)


def _read_by_code(error: RPCError, name: str) -> Refusal:
    if isinstance(error, FloodError) or "_WAIT_" in name:
        return FloodWait(float(getattr(error, "seconds", 0) or _seconds(name)))
    if error.code == UNAUTHORIZED or (error.code == NOT_ACCEPTABLE and name.startswith("AUTH_KEY")):
        return LoginLost(name.lower())
    return classify(abs(int(error.code or 500)), name)


_SPECIAL: dict[str, Callable[[], Refusal]] = {
    "RANDOM_ID_DUPLICATE": SentBefore,
    **dict.fromkeys(_TOKEN_DEAD, Revoked),
    **dict.fromkeys(_APP_REFUSED, AppRefused),
}


def error_name(error: RPCError) -> str:
    """As Telegram wrote it: USER_IS_BLOCKED. An error that Telethon does not know has it as its message."""
    return _NAMES.get(type(error)) or str(error.message).split()[0].upper()


def _seconds(name: str) -> int:
    found = _WAIT.search(name)
    return int(found[1]) if found else 30
