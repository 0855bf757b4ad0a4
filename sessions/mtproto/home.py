"""Where a session connects and as whom: the application, a data centre, and the login kept between runs."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from telethon.crypto import rsa

FIRST = ("149.154.167.51", 443)
"""The production data centre 2, as Telegram's own applications begin (core.telegram.org/api/datacenter)."""
FIRST_DC = 2


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """One pair for all tenants: an application of the deployment's (core.telegram.org/api/obtaining_api_id)."""

    api_id: int
    api_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DataCentre:
    """Telegram's, or with a `key` of its own, an RSA public key as PEM, another one."""

    id: int
    host: str
    port: int

    @classmethod
    def production(cls) -> "DataCentre":
        return cls(FIRST_DC, *FIRST)

    @classmethod
    def private(cls, address: str, key: Path) -> "DataCentre":
        """`address` is HOST:PORT. Telegram's own keys stay trusted: nobody else has them."""
        rsa.add_key(key.read_text(), old=False)
        host, _, port = address.rpartition(":")
        return cls(FIRST_DC, host, int(port))


@dataclass(frozen=True, slots=True)
class Login:
    """An authorization: as good as the token. `key` has 256 bytes."""

    centre: DataCentre
    key: bytes = field(repr=False)

    def dump(self) -> bytes:
        centre = self.centre
        return orjson.dumps([centre.id, centre.host, centre.port, b64encode(self.key).decode()])

    @classmethod
    def load(cls, dumped: bytes) -> "Login":
        number, host, port, key = orjson.loads(dumped)
        return cls(DataCentre(number, host, port), b64decode(key))
