"""The environment, read into `tenants.config.Config`; a variable that a command has no use for may be missing."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from backline.failure import Failure

if TYPE_CHECKING:
    from tenants.config import Config

UNUSED = {
    "DATABASE_URL": "postgresql://127.0.0.1/backline",
    "REDIS_URL": "redis://127.0.0.1",
    "BACKLINE_KEYRING": "keyring.json",
}


def read_config(environ: Mapping[str, str], *, not_needed: Collection[str] = ()) -> "Config":
    from tenants.config import Config, ConfigError  # noqa: PLC0415 — `backline --help` needs no pydantic

    given = {name: value for name, value in environ.items() if value.strip()}
    try:
        return Config.from_env({**{name: UNUSED[name] for name in not_needed}, **given})
    except ConfigError as error:
        raise Failure(str(error)) from None
