"""An event as JSON that is read long after, whatever protocol it came by."""

from typing import Any

import orjson
from pydantic import TypeAdapter

from sessions.events import (
    Cursor,
    Edited,
    Event,
    GroupMoved,
    Incoming,
    Message,
    Other,
    Pressed,
    ReachChanged,
    Reacted,
    StandingChanged,
    TopicEvent,
)
from tenants.ids import UpdateId

_EVENTS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (Message, Edited, Reacted, Pressed, TopicEvent, ReachChanged, StandingChanged, GroupMoved, Other)
}


def dump_event(number: UpdateId, kind: str, event: Event) -> bytes:
    """A list, where an update of the Bot API's is an object."""
    return orjson.dumps([number, kind, type(event).__name__, event])


def is_dumped(raw: bytes) -> bool:
    return raw.startswith(b"[")


def load_event(raw: bytes) -> Incoming:
    """What `dump_event` wrote. It carries no cursor."""
    number, kind, name, body = orjson.loads(raw)
    event: Event = _EVENTS[name].validate_python(body)
    return Incoming(UpdateId(number), kind, event, Cursor("0"), raw)
