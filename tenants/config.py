"""The deployment's configuration, read once from the environment at the edge of each process."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from tenants.billing.port import Prices
from tenants.billing.prices import STARS, read_prices
from tenants.plans import Plan, TermsByPlan, with_updates_a_day

LAST_PORT = 65535
_TOGETHER = (
    ("telegram_api_id", "telegram_api_hash"),
    ("telegram_dc", "telegram_dc_key"),
    ("stripe_secret_key", "stripe_webhook_secret"),
)
_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


class ConfigError(Exception):
    """The configuration can't be used; the text is one sentence for whoever starts the program."""


def _split(url: str) -> SplitResult | None:
    """None where it is no address. The library's own words quote the address, and with it the password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    return parts


def _postgres_url(url: SecretStr) -> SecretStr:
    parts = _split(url.get_secret_value())
    if parts is None or parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return url


def _redis_url(url: SecretStr) -> SecretStr:
    parts = _split(url.get_secret_value())
    if parts is None or parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must look like redis://:password@host:6379/0")
    return url


def _http_root(url: str) -> str:
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("must look like https://api.telegram.org")
    return url.rstrip("/")


def _api_hash(typed: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9a-f]{32}", typed.get_secret_value(), re.IGNORECASE):
        raise ValueError("must be the 32 letters and digits that my.telegram.org shows as api_hash")
    return typed


def _address(typed: str) -> str:
    host, _, port = typed.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= LAST_PORT:
        raise ValueError("must look like 127.0.0.1:8082")
    return typed


def _switch(typed: object) -> object:
    found = _SWITCH.get(str(typed).strip().lower())
    if found is None:
        raise ValueError("must be on or off")
    return found


def _limits(typed: object) -> object:
    """`free=2500 pro=100000`, as the environment has it."""
    if not isinstance(typed, str):
        return typed
    pairs = [item.partition("=") for item in typed.replace(",", " ").split()]
    if any(plan not in set(Plan) or not number.isdecimal() for plan, _, number in pairs):
        raise ValueError("must look like free=2500 pro=100000 business=1000000")
    return {plan: number for plan, _, number in pairs}


def _prices(typed: str) -> str:
    read_prices(typed)
    return typed


class Config(BaseModel):
    """Field names are the environment's variables in lower case. Secrets don't show in a repr."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)]
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)]
    backline_keyring: Path
    telegram_api_root: Annotated[str, AfterValidator(_http_root)] = "https://api.telegram.org"
    telegram_api_id: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """With `telegram_api_hash` the application that parallel sessions are of (my.telegram.org). None: no mode."""
    telegram_api_hash: Annotated[SecretStr, AfterValidator(_api_hash)] | None = None
    telegram_dc: Annotated[str, AfterValidator(_address)] | None = None
    """Where parallel sessions connect, HOST:PORT, with a public key of its own: for a Telegram that is none."""
    telegram_dc_key: Path | None = None
    parallel_mode: Annotated[bool, BeforeValidator(_switch)] = True
    """Off: no parallel session runs, whatever owners have chosen."""
    setup_bot_token: SecretStr | None = None
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=0, le=65535)
    api_requests_per_minute: int = Field(default=600, ge=0)
    """What one key may ask for; as many may come at once. 0: as many as it likes."""
    api_wrong_keys_per_minute: int = Field(default=30, ge=0)
    """How many wrong keys may come from one address; then it has to wait, also with a right one. 0: any number."""
    api_trusted_proxies: str = ""
    """Addresses and networks, with commas between them, whose X-Forwarded-For tells where a request comes from."""
    worker_host: str = "127.0.0.1"
    worker_port: int | None = Field(default=None, ge=0, le=65535)
    """Where a worker answers `/livez`, `/readyz` and `/metrics`. None: nowhere. 0: any free port, which it logs."""
    default_plan: Plan | None = None
    """The plan of whoever has no subscription. None: free where plans are sold, else business."""
    updates_a_day: Annotated[Mapping[Plan, Annotated[int, Field(ge=1)]], BeforeValidator(_limits)] = Field(
        default_factory=dict
    )
    """Limits of this deployment's own, by plan, instead of those that `tenants.plans` declares."""
    stripe_secret_key: SecretStr | None = None
    """With `stripe_webhook_secret` the account at Stripe that is paid to. None: no card is taken."""
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_root: Annotated[str, AfterValidator(_http_root)] | None = None
    """Another server than Stripe's own, for trying."""
    billing_prices: Annotated[str, AfterValidator(_prices)] = ""
    """A month's price of each plan by currency, in its smallest unit: `pro=usd:1900,eur:1800 business=usd:9900`. XTR
    is for Telegram Stars.
    """
    billing_link: Annotated[str, Field(pattern="^(web|stars|off)$")] = "off"
    """What the setup bot offers to whoever wants a higher plan (SECURITY.md says what Telegram thinks of it)."""
    public_url: Annotated[str, AfterValidator(_http_root)] | None = None
    """Where people reach what the API serves: the pay page's links begin with it."""
    brand_link: Annotated[str, AfterValidator(_http_root)] = "https://backline.example"
    """Where the brand line below a free tenant's WELCOME leads."""
    group_sends_per_minute: int = Field(default=20, ge=1)
    """Telegram's limit of sends, edits and topic creations per bot and group (Bots FAQ)."""
    cold_starts_per_minute: int = Field(default=20, ge=0)
    """How many bots Telegram lets one source address start anew (telegram-bot-api: ClientManager). 0: no pace."""
    cold_starts_per_hour: int = Field(default=600, ge=0)
    egress: Annotated[str, Field(pattern=r"^[\w.:-]{1,64}$")] = "default"
    """A name for the source address: all workers behind it share the pace of cold starts."""
    lease_seconds: float = Field(default=15, ge=3, le=120)
    """How long a worker's leases outlive it, and so how soon another one takes over a dead worker's tenants."""
    webhook_loopback: Annotated[bool, BeforeValidator(_switch)] = False
    """Webhooks may reach this machine, over http too: for trying, never where strangers are owners."""
    log_format: Annotated[str, Field(pattern="^(json|console)$")] = "json"

    @property
    def prices(self) -> Prices:
        return read_prices(self.billing_prices)

    @property
    def starting_plan(self) -> Plan:
        return self.default_plan or (Plan.FREE if self.billing_prices else Plan.BUSINESS)

    @property
    def pay_page(self) -> str | None:
        """Where the pay page's links begin. None where no card is taken."""
        if self.stripe_secret_key is None:
            return None
        return self.public_url or f"http://{self.api_host}:{self.api_port}"

    @property
    def offers_parallel(self) -> bool:
        return self.parallel_mode and self.telegram_api_id is not None

    @property
    def terms(self) -> TermsByPlan:
        return with_updates_a_day(self.updates_a_day)

    @model_validator(mode="after")
    def _has_both_or_none(self) -> "Config":
        for one, other in _TOGETHER:
            given, missing = (one, other) if getattr(self, one) is not None else (other, one)
            if getattr(self, given) is not None and getattr(self, missing) is None:
                raise ValueError(f"{given.upper()} is set, but {missing.upper()} is not: set both, or none")
        return self

    @model_validator(mode="after")
    def _can_sell(self) -> "Config":
        if self.billing_link != "off" and not self.billing_prices:
            raise ValueError(f"BILLING_LINK is {self.billing_link}, but BILLING_PRICES is not set")
        if self.billing_link == "web" and self.stripe_secret_key is None:
            raise ValueError("BILLING_LINK is web, but STRIPE_SECRET_KEY is not set")
        if self.billing_link == "stars" and not any(STARS in amounts for amounts in self.prices.values()):
            raise ValueError("BILLING_LINK is stars, but BILLING_PRICES has no price in xtr")
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Raises `ConfigError` with a sentence that names the variable."""
        given = {name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper(), "").strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            if not first["loc"]:
                raise ConfigError(_sentence(first["msg"])) from None
            name = str(first["loc"][0]).upper()
            if first["type"] == "missing":
                raise ConfigError(f"{name} is not set.") from None
            raise ConfigError(f"{name}: {_sentence(first['msg'])}") from None


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".") + "."
