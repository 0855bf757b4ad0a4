"""How a client and the server agree on an auth key in the clear (core.telegram.org/mtproto/auth_key)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any

from telethon.crypto import AES
from telethon.extensions import BinaryReader
from telethon.helpers import generate_key_data_from_nonce
from telethon.tl import TLObject, functions, types

from sandbox.mtproto.keys import AuthKey, RsaKey, auth_key

DH_PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F"
    "48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37"
    "20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4"
    "A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754"
    "FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
"""Telegram's own: Kurigram takes no other."""
_G = 3
_PRIMES = (2147483647, 2147483629, 2147483587, 2147483579, 2147483563, 2147483549, 2147483543, 2147483497)
"""The largest ones below 2**31: Telethon reads their product as a signed number."""
_EXPONENT_BITS = 256
"""Instead of Telegram's 2048: a quarter of the time, and no client can tell."""
_INNER = (types.PQInnerData, types.PQInnerDataDc, types.PQInnerDataTemp, types.PQInnerDataTempDc)
_HASH = 32
_PADDED = 192
"""RSA_PAD pads what it encrypts to so many bytes."""


class HandshakeFailed(Exception):
    pass


@dataclass(slots=True)
class _Exchange:
    nonce: int
    server_nonce: int
    new_nonce: int = 0
    secret: int = 0


class Handshake:
    """Of one socket. A client may begin anew at any time.

    Telethon does, once in 256 times: it cuts off the leading zeros of the key, so the hashes differ.
    """

    def __init__(self, rsa: RsaKey, now: Callable[[], int], made: Callable[[AuthKey], None]) -> None:
        self._rsa = rsa
        self._now = now
        self._made = made
        self._exchange: _Exchange | None = None

    def answer(self, body: bytes) -> bytes:
        try:
            request = BinaryReader(body).tgread_object()
        except Exception as error:
            raise HandshakeFailed from error
        match request:
            case functions.ReqPqMultiRequest() | functions.ReqPqRequest():
                return bytes(self._begin(request.nonce))
            case functions.ReqDHParamsRequest():
                return bytes(self._offer(self._current(request), request.encrypted_data))
            case functions.SetClientDHParamsRequest():
                return bytes(self._complete(self._current(request), request.encrypted_data))
        raise HandshakeFailed

    def _current(self, request: Any) -> _Exchange:
        exchange = self._exchange
        if exchange is None or (exchange.nonce, exchange.server_nonce) != (request.nonce, request.server_nonce):
            raise HandshakeFailed
        return exchange

    def _begin(self, nonce: int) -> TLObject:
        first, second = secrets.SystemRandom().sample(_PRIMES, 2)
        self._exchange = _Exchange(nonce, int.from_bytes(secrets.token_bytes(16), "little", signed=True))
        return types.ResPQ(
            nonce=nonce,
            server_nonce=self._exchange.server_nonce,
            pq=(first * second).to_bytes(8, "big"),
            server_public_key_fingerprints=[self._rsa.fingerprint],
        )

    def _offer(self, exchange: _Exchange, encrypted: bytes) -> TLObject:
        inner = _read_inner(self._rsa.decrypt(encrypted))
        if inner is None or (inner.nonce, inner.server_nonce) != (exchange.nonce, exchange.server_nonce):
            raise HandshakeFailed
        exchange.new_nonce = inner.new_nonce
        exchange.secret = secrets.randbits(_EXPONENT_BITS) | 1 << (_EXPONENT_BITS - 1)
        data = bytes(
            types.ServerDHInnerData(
                nonce=exchange.nonce,
                server_nonce=exchange.server_nonce,
                g=_G,
                dh_prime=DH_PRIME.to_bytes(256, "big"),
                g_a=pow(_G, exchange.secret, DH_PRIME).to_bytes(256, "big"),
                server_time=self._now(),
            )
        )
        plain = sha1(data).digest() + data  # noqa: S324  # the protocol's
        plain += secrets.token_bytes(-len(plain) % 16)
        key, iv = generate_key_data_from_nonce(exchange.server_nonce, exchange.new_nonce)
        return types.ServerDHParamsOk(
            nonce=exchange.nonce,
            server_nonce=exchange.server_nonce,
            encrypted_answer=AES.encrypt_ige(plain, key, iv),
        )

    def _complete(self, exchange: _Exchange, encrypted: bytes) -> TLObject:
        if not exchange.secret:
            raise HandshakeFailed
        key, iv = generate_key_data_from_nonce(exchange.server_nonce, exchange.new_nonce)
        try:
            inner = BinaryReader(AES.decrypt_ige(encrypted, key, iv)[20:]).tgread_object()
            shared = int.from_bytes(inner.g_b, "big")
        except Exception as error:
            raise HandshakeFailed from error
        made = auth_key(pow(shared, exchange.secret, DH_PRIME).to_bytes(256, "big"))
        new_nonce = exchange.new_nonce.to_bytes(32, "little", signed=True)
        server_nonce = exchange.server_nonce.to_bytes(16, "little", signed=True)
        made.salt = int.from_bytes(new_nonce[:8], "little", signed=True) ^ int.from_bytes(
            server_nonce[:8], "little", signed=True
        )
        self._exchange = None
        self._made(made)
        auxiliary = sha1(made.key).digest()[:8]  # noqa: S324
        digest = sha1(new_nonce + b"\x01" + auxiliary).digest()  # noqa: S324
        return types.DhGenOk(
            nonce=exchange.nonce,
            server_nonce=exchange.server_nonce,
            new_nonce_hash1=int.from_bytes(digest[4:20], "little", signed=True),
        )


def _read_inner(plain: bytes) -> Any:
    """Of what RSA hid: Telethon and Kurigram pad it in the old way, others by RSA_PAD."""
    if plain[0] == 0:
        inner, length = _parse(plain[21:])
        if inner is not None and sha1(plain[21 : 21 + length]).digest() == plain[1:21]:  # noqa: S324
            return inner
    masked, encrypted = plain[:_HASH], plain[_HASH:]
    temporary = bytes(a ^ b for a, b in zip(masked, sha256(encrypted).digest(), strict=True))
    both = AES.decrypt_ige(encrypted, temporary, bytes(32))
    padded = both[:_PADDED][::-1]
    return _parse(padded)[0] if sha256(temporary + padded).digest() == both[_PADDED:] else None


def _parse(data: bytes) -> tuple[Any, int]:
    reader = BinaryReader(data)
    try:
        inner = reader.tgread_object()
    except Exception:  # noqa: BLE001  # whatever Telethon's reader says of noise
        return None, 0
    return (inner, reader.tell_position()) if isinstance(inner, _INNER) else (None, 0)
