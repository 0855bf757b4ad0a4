"""Identifiers as types of their own, so that a chat id passed for a topic id is a type error."""

import os
import time
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
DialogId = NewType("DialogId", UUID)
LaneId = NewType("LaneId", UUID)
RowId = NewType("RowId", UUID)
WorkerId = NewType("WorkerId", UUID)

UserId = NewType("UserId", int)
ChatId = NewType("ChatId", int)
TopicId = NewType("TopicId", int)
MessageId = NewType("MessageId", int)
UpdateId = NewType("UpdateId", int)

_MILLISECOND = 1_000_000


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits, so that indexes grow at one end.

    Two ids made in one millisecond have no order: never sort messages by them.
    """
    stamp = time.time_ns() // _MILLISECOND
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return UUID(int=(stamp << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)
