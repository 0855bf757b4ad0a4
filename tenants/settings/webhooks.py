"""WEBHOOKS as people type it: JSON that gives each address its events."""

import contextlib
import json
from typing import Any, Literal, get_args

from tenants.errors import Invalid
from tenants.phrases import Phrase
from tenants.settings.kinds import OFF, Kind
from tenants.webhooks.urls import is_local, why_not

EventName = Literal[
    "dialog_created", "dialog_reopened", "dialog_closed", "message_received", "message_sent", "message_intercepted"
]
EVENTS: tuple[EventName, ...] = get_args(EventName)
MOST_ADDRESSES = 10
EXAMPLE = '{"https://example.com/hook": ["dialog_created", "message_received"]}'
_QUOTES = str.maketrans("“”„«»‟″", '"""""""')
_LONGEST_ECHO = 40


def checked(addresses: dict[str, list[EventName]]) -> dict[str, list[EventName]]:
    """Raises `ValueError` with a sentence."""
    if len(addresses) > MOST_ADDRESSES:
        raise ValueError(Phrase("Send at most {count} addresses.", count=MOST_ADDRESSES))
    for url, names in addresses.items():
        if (wrong := why_not(url)) is not None:
            raise ValueError(wrong)
        if not names:
            raise ValueError(Phrase("Give every address at least one event."))
    return {url: [name for name in EVENTS if name in names] for url, names in addresses.items()}


def _parse(typed: str) -> dict[str, list[EventName]]:
    if typed.strip().upper() == OFF:
        return {}
    addresses = _read(typed)
    for names in addresses.values():
        for name in names:
            if name not in EVENTS:
                unknown = "“{name}” is no event. Send some of these: {events}."
                raise Invalid(Phrase(unknown, name=str(name)[:_LONGEST_ECHO], events=", ".join(EVENTS)))
    try:
        return checked(addresses)
    except ValueError as error:
        raise Invalid(error.args[0]) from None


def _read(typed: str) -> dict[str, list[Any]]:
    for text in (typed, typed.translate(_QUOTES)):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text, object_pairs_hook=_once_each)
            if isinstance(found, dict) and all(isinstance(names, list) for names in found.values()):
                return found
    raise Invalid(Phrase("Send JSON that gives each address its events: {example}.", example=EXAMPLE))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Invalid("Send every address once.")
    return found


def _show(addresses: dict[str, list[EventName]]) -> str:
    return json.dumps(addresses, ensure_ascii=False) if addresses else OFF


def _require_public(addresses: dict[str, list[EventName]]) -> None:
    if any(is_local(url) for url in addresses):
        raise Invalid("Send addresses that begin with https:// and are on the public internet.", field="WEBHOOKS")


ADDRESSES = Kind(
    "webhooks",
    "Send JSON that gives each address its events. OFF clears the list.",
    _parse,
    _show,
    require_public=_require_public,
)
"""Not audited: an address may hold a secret."""
