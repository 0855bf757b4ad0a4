"""Secrets at rest: AES-256-GCM under a versioned keyring that lives outside the database."""

import json
import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenants.config import ConfigError
from tenants.ids import TenantId

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION_BYTES = 2


class Keyring:
    """Encrypts with the current key, decrypts with any. Tenant and column are associated data, so that
    a ciphertext moved to another tenant or column does not open.

    Ciphertext: 2 bytes of key version, 12 bytes of nonce, then GCM's text and tag.
    """

    def __init__(self, keys: dict[int, bytes], current: int) -> None:
        self._ciphers = {version: AESGCM(key) for version, key in keys.items()}
        self._current = current

    def __repr__(self) -> str:
        return f"Keyring(versions={sorted(self._ciphers)}, current={self._current})"

    def encrypt(self, tenant: TenantId, column: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, _associated(tenant, column))
        return self._current.to_bytes(_VERSION_BYTES, "big") + nonce + sealed

    def decrypt(self, tenant: TenantId, column: str, sealed: bytes) -> bytes:
        """Raises `ConfigError` where the keyring lacks the key or the ciphertext belongs elsewhere."""
        version = int.from_bytes(sealed[:_VERSION_BYTES], "big")
        cipher = self._ciphers.get(version)
        if cipher is None:
            raise ConfigError(f"The keyring has no key of version {version}: restore the keyring file.")
        nonce = sealed[_VERSION_BYTES : _VERSION_BYTES + _NONCE_BYTES]
        try:
            body = sealed[_VERSION_BYTES + _NONCE_BYTES :]
            return cipher.decrypt(nonce, body, _associated(tenant, column))
        except (InvalidTag, ValueError):  # ValueError: cut short, with no whole nonce
            raise ConfigError("A stored secret does not open with this keyring: restore the keyring file.") from None


def _associated(tenant: TenantId, column: str) -> bytes:
    return tenant.bytes + column.encode()


def generate_keyring(path: Path) -> None:
    """Writes a new keyring with one random key, readable by its owner only. Never overwrites one."""
    text = json.dumps({"current": 1, "keys": {"1": b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}})
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def load_keyring(path: Path) -> Keyring:
    """Reads `{"current": 1, "keys": {"1": "<base64 of 32 bytes>"}}`."""
    try:
        document = json.loads(path.read_text())
        keys = {int(version): b64decode(key) for version, key in document["keys"].items()}
        current = int(document["current"])
    except OSError as error:
        raise ConfigError(f"The keyring {path} can't be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"The keyring {path} is not a keyring: restore it from your backup.") from None
    if current not in keys or any(len(key) != _KEY_BYTES for key in keys.values()):
        raise ConfigError(f"The keyring {path} lacks its current key, or a key is not 32 bytes long.")
    return Keyring(keys, current)
