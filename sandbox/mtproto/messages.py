"""What travels inside packets: encryption, containers, compression, message ids, and answers packed by hand.

core.telegram.org/mtproto/description
"""

import gzip
import secrets
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from telethon.crypto import AES
from telethon.extensions import BinaryReader
from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto.keys import AuthKey

CONTAINER = 0x73F1F8DC
GZIP_PACKED = 0x3072CFA1
_RPC_RESULT = 0xF35C6D01
_VECTOR = 0x1CB5C415
_FUTURE_SALTS = 0xAE500895
_BOOL = {True: 0x997275B5, False: 0xBC799737}
_COMPRESSED_FROM = 512
_LARGEST_UNPACKED = 16 << 20
_SALT_LIVES = 3600
_LONG_VECTORS = (
    functions.messages.ReceivedQueueRequest,
    functions.photos.DeletePhotosRequest,
)
"""The methods of layer 229 whose result is a Vector<long>: all other numbers are ints."""
_HEADER = struct.Struct("<qqqii")
_INNER = struct.Struct("<qii")


class BadPacket(Exception):
    pass


@dataclass(slots=True, frozen=True)
class Message:
    id: int
    seqno: int
    body: bytes

    @property
    def constructor(self) -> int:
        return int.from_bytes(self.body[:4], "little")


@dataclass(slots=True, frozen=True)
class Packet:
    salt: int
    session_id: int
    message: Message


class MessageIds:
    """Of the server: strictly increasing, 1 modulo 4 for answers, 3 for everything else."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last = 0

    def take(self, *, answer: bool) -> int:
        self._last = max(int(self._now() * (1 << 32)) & ~3, self._last + 4)
        return self._last | (1 if answer else 3)


def _cipher(key: bytes, message_key: bytes, x: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + key[x : x + 36]).digest()
    b = sha256(key[x + 40 : x + 76] + message_key).digest()
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


def decrypt(key: AuthKey, data: bytes) -> Packet:
    message_key, encrypted = data[8:24], data[24:]
    if len(encrypted) < _HEADER.size or len(encrypted) % 16:
        raise BadPacket
    plain = AES.decrypt_ige(encrypted, *_cipher(key.key, message_key, 0))
    if sha256(key.key[88:120] + plain).digest()[8:24] != message_key:
        raise BadPacket
    salt, session_id, message_id, seqno, length = _HEADER.unpack_from(plain)
    body = plain[_HEADER.size : _HEADER.size + length]
    if not 4 <= length == len(body):  # noqa: PLR2004  # a constructor
        raise BadPacket
    return Packet(salt, session_id, Message(message_id, seqno, body))


def encrypt(key: AuthKey, session_id: int, message: Message) -> bytes:
    plain = _HEADER.pack(key.salt, session_id, message.id, message.seqno, len(message.body)) + message.body
    plain += secrets.token_bytes(-(len(plain) + 12) % 16 + 12)
    message_key = sha256(key.key[96:128] + plain).digest()[8:24]
    encrypted: bytes = AES.encrypt_ige(plain, *_cipher(key.key, message_key, 8))
    return key.id.to_bytes(8, "little") + message_key + encrypted


def split(message: Message) -> list[Message]:
    """A container's messages by their raw lengths, as one that can't be read must not hide the others."""
    if message.constructor != CONTAINER:
        return [message]
    (count,) = struct.unpack_from("<i", message.body, 4)
    place = 8
    messages = []
    for _ in range(count):
        message_id, seqno, length = _INNER.unpack_from(message.body, place)
        place += _INNER.size
        body = message.body[place : place + length]
        if not 4 <= length == len(body):  # noqa: PLR2004
            raise BadPacket
        messages.append(Message(message_id, seqno, body))
        place += length
    return messages


def unpack(message: Message) -> Message:
    if message.constructor != GZIP_PACKED:
        return message
    packed = BinaryReader(message.body[4:]).tgread_bytes()
    body = gzip.decompress(packed)
    if not 4 <= len(body) <= _LARGEST_UNPACKED:  # noqa: PLR2004
        raise BadPacket
    return Message(message.id, message.seqno, body)


def pack_result(message_id: int, request: TLRequest, result: object) -> bytes:
    """rpc_result of any result, compressed where that is shorter."""
    body = _pack(request, result)
    if len(body) > _COMPRESSED_FROM:
        packed = struct.pack("<I", GZIP_PACKED) + TLObject.serialize_bytes(gzip.compress(body, 1))
        body = min(body, packed, key=len)
    return struct.pack("<Iq", _RPC_RESULT, message_id) + body


def pack_error(message_id: int, code: int, text: str) -> bytes:
    error = types.RpcError(error_code=code, error_message=text)
    return struct.pack("<Iq", _RPC_RESULT, message_id) + bytes(error)


def pack_future_salts(message_id: int, now: int, salts: Sequence[int]) -> bytes:
    """A bare vector of bare salts."""
    head = struct.pack("<Iqii", _FUTURE_SALTS, message_id, now, len(salts))
    return head + b"".join(struct.pack("<iiq", now, now + _SALT_LIVES, salt) for salt in salts)


def _pack(request: TLRequest, result: object) -> bytes:
    match result:
        case bool():
            return struct.pack("<I", _BOOL[result])
        case list() | tuple():
            number = "<q" if isinstance(request, _LONG_VECTORS) else "<i"
            head = struct.pack("<Ii", _VECTOR, len(result))
            return head + b"".join(struct.pack(number, x) if isinstance(x, int) else bytes(x) for x in result)
        case TLObject():
            return bytes(result)
    raise TypeError(f"{type(result).__name__} is no result of a method")
