"""The deployment's configuration, read once from the environment at the edge of each process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from tenants.plans import Plan


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


class Config(BaseModel):
    """Field names are the environment's variables in lower case. Secrets don't show in a repr."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)]
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)]
    backline_keyring: Path
    telegram_api_root: Annotated[str, AfterValidator(_http_root)] = "https://api.telegram.org"
    setup_bot_token: SecretStr | None = None
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=0, le=65535)
    worker_host: str = "127.0.0.1"
    worker_port: int | None = Field(default=None, ge=0, le=65535)
    """Where a worker answers `/livez`, `/readyz` and `/metrics`. None: nowhere. 0: any free port, which it logs."""
    default_plan: Plan = Plan.BUSINESS
    """The plan of new tenants while no billing provider is configured."""
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
    log_format: Annotated[str, Field(pattern="^(json|console)$")] = "json"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Raises `ConfigError` with a sentence that names the variable."""
        given = {name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper(), "").strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = str(first["loc"][0]).upper()
            if first["type"] == "missing":
                raise ConfigError(f"{name} is not set.") from None
            raise ConfigError(f"{name}: {_sentence(first['msg'])}") from None


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".") + "."
