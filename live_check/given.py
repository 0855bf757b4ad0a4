"""What whoever runs the check has given, read from the environment. Tokens don't show in a repr."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from live_check.check import Need
from sessions.mtproto import AppIdentity, DataCentre

TELEGRAM = "https://api.telegram.org"
_TOKEN = re.compile(r"\d{5,15}:[A-Za-z0-9_-]{30,60}")
_VARIABLES = {
    Need.BOT: ("LIVE_BOT_TOKEN",),
    Need.GROUP: ("LIVE_GROUP_ID",),
    Need.CUSTOMER: ("LIVE_CUSTOMER_ID",),
    Need.APP: ("TELEGRAM_API_ID", "TELEGRAM_API_HASH"),
}


class NotGiven(Exception):
    """Something is missing or unreadable; the text is one sentence that says what to set."""


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. `arriving`: for what should be there at once; `answering`: for a person, 0 asks nobody; `away`: how
    long the session is offline; `quiet`: after which a minute's budget is whole again.
    """

    arriving: float = 10.0
    answering: float = 60.0
    away: float = 60.0
    quiet: float = 65.0


@dataclass(frozen=True, slots=True)
class Given:
    """Ids are 0 where none was given, which no check that needs one gets to see."""

    token: str = field(repr=False)
    group: int = 0
    customer: int = 0
    app: AppIdentity | None = None
    centre: DataCentre = field(default_factory=DataCentre.production)
    api_root: str = TELEGRAM
    second_token: str = field(default="", repr=False)
    may_poll: bool = False
    is_slow: bool = False
    patience: Patience = field(default_factory=Patience)

    def has(self, need: Need) -> bool:
        """Whether an optional one is there."""
        return {
            Need.SECOND_BOT: bool(self.second_token),
            Need.POLLING: self.may_poll,
            Need.PATIENCE: self.is_slow,
            Need.PERSON: self.patience.answering > 0,
        }.get(need, True)


def read_given(environ: Mapping[str, str], needs: Sequence[Need]) -> Given:
    """Raises `NotGiven`."""
    missing = [name for need in needs for name in _VARIABLES[need] if not environ.get(name)]
    if missing:
        names = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
        raise NotGiven(f"Set {names}: docs/live-check.md says where each comes from.")
    return Given(
        token=_token(environ, "LIVE_BOT_TOKEN"),
        group=_number(environ, "LIVE_GROUP_ID"),
        customer=_number(environ, "LIVE_CUSTOMER_ID"),
        app=_app(environ) if Need.APP in needs else None,
        centre=_centre(environ),
        api_root=environ.get("TELEGRAM_API_ROOT", TELEGRAM).rstrip("/"),
        second_token=_token(environ, "LIVE_SECOND_BOT_TOKEN"),
        may_poll=environ.get("LIVE_MAY_POLL") == "1",
        is_slow=environ.get("LIVE_SLOW") == "1",
        patience=Patience(
            arriving=_seconds(environ, "LIVE_ARRIVE_SECONDS", Patience().arriving),
            answering=_seconds(environ, "LIVE_ANSWER_SECONDS", Patience().answering),
            away=_seconds(environ, "LIVE_AWAY_SECONDS", Patience().away),
            quiet=_seconds(environ, "LIVE_QUIET_SECONDS", Patience().quiet),
        ),
    )


def _token(environ: Mapping[str, str], name: str) -> str:
    token = environ.get(name, "")
    if token and not _TOKEN.fullmatch(token):
        raise NotGiven(f"{name} is no bot token: copy it whole from @BotFather.")
    return token


def _number(environ: Mapping[str, str], name: str) -> int:
    try:
        return int(environ.get(name) or 0)
    except ValueError:
        raise NotGiven(f"{name} must be a number, as Telegram's ids are.") from None


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        return max(0.0, float(environ.get(name) or default))
    except ValueError:
        raise NotGiven(f"{name} must be a number of seconds.") from None


def _app(environ: Mapping[str, str]) -> AppIdentity:
    return AppIdentity(_number(environ, "TELEGRAM_API_ID"), environ["TELEGRAM_API_HASH"])


def _centre(environ: Mapping[str, str]) -> DataCentre:
    address, key = environ.get("TELEGRAM_DC", ""), environ.get("TELEGRAM_DC_KEY", "")
    if bool(address) != bool(key):
        raise NotGiven("Set both TELEGRAM_DC and TELEGRAM_DC_KEY, or neither.")
    if not address:
        return DataCentre.production()
    try:
        return DataCentre.private(address, Path(key))
    except (OSError, ValueError):
        raise NotGiven(
            "TELEGRAM_DC must look like 127.0.0.1:8082, and TELEGRAM_DC_KEY be a file with an RSA public key as PEM."
        ) from None
