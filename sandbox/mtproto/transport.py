"""How packets are framed on a socket: full, abridged, intermediate, padded, each in the clear or obfuscated.

core.telegram.org/mtproto/mtproto-transports
"""

import asyncio
import struct
from typing import Protocol
from zlib import crc32

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

_ABRIDGED = b"\xef" * 4
_INTERMEDIATE = b"\xee" * 4
_PADDED = b"\xdd" * 4
_LARGEST = 2 << 20
_QUICK_ACK = 1 << 31
_LONG = 127
"""Abridged: a length in words that takes three more bytes."""
FLOOD = -429


class BadFrame(Exception):
    pass


class _Source(Protocol):
    async def readexactly(self, n: int, /) -> bytes: ...


class Framing(Protocol):
    async def read(self, source: _Source) -> bytes: ...
    def frame(self, packet: bytes) -> bytes: ...
    def refuse(self, code: int) -> bytes:
        """A transport error: four bytes instead of a packet."""


class Full:
    """With a length, a number and a checksum: Telethon's default."""

    def __init__(self) -> None:
        self._sent = 0

    async def read(self, source: _Source) -> bytes:
        head = await source.readexactly(8)
        length = int.from_bytes(head[:4], "little")
        if not 12 <= length <= _LARGEST:  # noqa: PLR2004  # no packet is shorter than its frame
            raise BadFrame
        rest = await source.readexactly(length - 8)
        if crc32(head + rest[:-4]) != int.from_bytes(rest[-4:], "little"):
            raise BadFrame
        return rest[:-4]

    def frame(self, packet: bytes) -> bytes:
        data = struct.pack("<ii", len(packet) + 12, self._sent) + packet
        self._sent += 1
        return data + struct.pack("<I", crc32(data))

    def refuse(self, code: int) -> bytes:
        """-429 comes instead of the length, the number and the body (Telethon: tcpfull.py, its issue 4042)."""
        return struct.pack("<iii", code, code, code) if code == FLOOD else self.frame(struct.pack("<i", code))


class Abridged:
    async def read(self, source: _Source) -> bytes:
        words = (await source.readexactly(1))[0] & 0x7F
        if words == _LONG:
            words = int.from_bytes(await source.readexactly(3), "little")
        if not 0 < words * 4 <= _LARGEST:
            raise BadFrame
        return await source.readexactly(words * 4)

    def frame(self, packet: bytes) -> bytes:
        words = len(packet) // 4
        return (bytes([words]) if words < _LONG else b"\x7f" + words.to_bytes(3, "little")) + packet

    def refuse(self, code: int) -> bytes:
        return self.frame(struct.pack("<i", code))


class Intermediate:
    async def read(self, source: _Source) -> bytes:
        length = int.from_bytes(await source.readexactly(4), "little") & ~_QUICK_ACK
        if not 0 < length <= _LARGEST:
            raise BadFrame
        return await source.readexactly(length)

    def frame(self, packet: bytes) -> bytes:
        return struct.pack("<I", len(packet)) + packet

    def refuse(self, code: int) -> bytes:
        return self.frame(struct.pack("<i", code))


class Padded(Intermediate):
    """A client adds up to 15 bytes: an encrypted packet is 24 bytes and whole AES blocks long."""

    async def read(self, source: _Source) -> bytes:
        packet = await super().read(source)
        if packet[:8] == bytes(8):
            return packet
        return packet[: len(packet) - (len(packet) - 24) % 16]


_FRAMINGS: dict[bytes, type[Abridged | Intermediate]] = {
    _ABRIDGED: Abridged,
    _INTERMEDIATE: Intermediate,
    _PADDED: Padded,
}


class _Begun:
    """What was read to recognise the framing, and then the rest."""

    def __init__(self, begun: bytes, reader: asyncio.StreamReader) -> None:
        self._begun = begun
        self._reader = reader

    async def readexactly(self, n: int, /) -> bytes:
        if not self._begun:
            return await self._reader.readexactly(n)
        data, self._begun = self._begun[:n], self._begun[n:]
        return data if len(data) == n else data + await self._reader.readexactly(n - len(data))


class _Deciphered:
    def __init__(self, reader: asyncio.StreamReader, cipher: CipherContext) -> None:
        self._reader = reader
        self._cipher = cipher

    async def readexactly(self, n: int, /) -> bytes:
        return self._cipher.update(await self._reader.readexactly(n))


class Transport:
    """Packets of one socket."""

    def __init__(
        self, source: _Source, writer: asyncio.StreamWriter, framing: Framing, cipher: CipherContext | None = None
    ) -> None:
        self._source = source
        self._writer = writer
        self._framing = framing
        self._cipher = cipher

    @property
    def kind(self) -> str:
        name = type(self._framing).__name__.lower()
        return f"obfuscated {name}" if self._cipher else name

    async def read(self) -> bytes:
        return await self._framing.read(self._source)

    def write(self, packet: bytes) -> None:
        self._put(self._framing.frame(packet))

    def refuse(self, code: int) -> None:
        self._put(self._framing.refuse(code))

    def _put(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(self._cipher.update(data) if self._cipher else data)


async def open_transport(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Transport:
    """The framing that the first bytes announce."""
    begun = await reader.readexactly(1)
    if begun == _ABRIDGED[:1]:
        return Transport(reader, writer, Abridged())
    begun += await reader.readexactly(3)
    if begun in {_INTERMEDIATE, _PADDED}:
        return Transport(reader, writer, _FRAMINGS[begun]())
    begun += await reader.readexactly(4)
    if begun[4:] == bytes(4):
        return Transport(_Begun(begun, reader), writer, Full())
    return _open_obfuscated(begun + await reader.readexactly(56), reader, writer)


def _open_obfuscated(begun: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Transport:
    """64 random bytes that are the keys of both directions; what they hide names the framing."""
    backwards = begun[55:7:-1]
    incoming = Cipher(AES256(begun[8:40]), CTR(begun[40:56])).encryptor()
    outgoing = Cipher(AES256(backwards[:32]), CTR(backwards[32:48])).encryptor()
    framing = _FRAMINGS.get(incoming.update(begun)[56:60])
    if framing is None:
        raise BadFrame
    return Transport(_Deciphered(reader, incoming), writer, framing(), outgoing)
