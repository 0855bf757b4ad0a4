"""All that one Stripe account holds: its objects, its clock, and the events in which it tells what became of them.

Objects are dicts in Stripe's shapes, as they will be shown; a key that begins with an underscore is never shown. So
the whole of it can be written as JSON.
"""

import copy
import random
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sandbox.stripe.refusals import missing

Thing = dict[str, Any]
API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits
_LETTERS = 24
DAY = 86_400
HOUR = 3600


@dataclass(slots=True)
class Settings:
    """What one sets in Stripe's dashboard: durations in seconds."""

    retries: list[int] = field(default_factory=lambda: [1 * DAY, 3 * DAY, 5 * DAY, 7 * DAY])
    """How long after each failed attempt the card of a renewal is tried again."""
    after_retries: Literal["cancel", "unpaid", "past_due"] = "cancel"
    draft_for: int = HOUR
    """How long the invoice of a renewal stays a draft (docs.stripe.com/billing/invoices/subscription)."""
    incomplete_for: int = 23 * HOUR
    """How long a first payment may take (docs.stripe.com/billing/subscriptions/overview)."""


class Account:
    """`wall` gives seconds since 1970; the account's own time runs ahead of it by as much as it was advanced."""

    def __init__(self, *, wall: Callable[[], float] = time.time, seed: int = 1) -> None:
        self.things: dict[str, dict[str, Thing]] = {}
        self.settings = Settings()
        self.wall = wall
        self.base = ""
        """Where the pages are: http://127.0.0.1:port."""
        self.request: Thing = {"id": None, "idempotency_key": None}
        """Whose doing an event is."""
        self.on_event: Callable[[Thing], None] = lambda _: None
        self.number = 0
        self._seed = seed
        self._ahead = 0
        self._held: int | None = None

    def now(self, customer: str | None = None) -> int:
        """A customer with a test clock lives by that one."""
        clock = self.find("test_helpers.test_clock", self.clock_of(customer))
        if clock is not None:
            return int(clock["frozen_time"])
        return self._held if self._held is not None else int(self.wall()) + self._ahead

    def clock_of(self, customer: str | None) -> str | None:
        known = self.find("customer", customer)
        return known["test_clock"] if known else None

    def set_ahead(self, seconds: int) -> None:
        self._ahead = seconds

    @property
    def ahead(self) -> int:
        return self._ahead

    @contextmanager
    def held_at(self, moment: int) -> Iterator[None]:
        """What is due earlier than now happens at its own time."""
        before, self._held = self._held, moment
        try:
            yield
        finally:
            self._held = before

    def new_id(self, prefix: str) -> str:
        self.number += 1
        drawn = random.Random(f"{self._seed}:{self.number}")
        return f"{prefix}_{''.join(drawn.choices(_ALPHABET, k=_LETTERS))}"

    def add(self, thing: Thing) -> Thing:
        self.things.setdefault(thing["object"], {})[thing["id"]] = thing
        return thing

    def remove(self, thing: Thing) -> Thing:
        del self.things[thing["object"]][thing["id"]]
        return {"id": thing["id"], "object": thing["object"], "deleted": True}

    def find(self, kind: str, identity: str | None) -> Thing | None:
        return None if identity is None else self.things.get(kind, {}).get(identity)

    def get(self, kind: str, identity: str, param: str = "id") -> Thing:
        found = self.find(kind, identity)
        if found is None:
            raise missing(kind, identity, param)
        return found

    def newest(self, kind: str) -> list[Thing]:
        return list(reversed(self.things.get(kind, {}).values()))

    def emit(self, name: str, thing: Thing, previous: Thing | None = None) -> Thing:
        """Tells what became of a thing, which is copied as it is now."""
        data: Thing = {"object": shown(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": API_VERSION,
            "context": None,
            "created": self.now(owner(thing)),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": dict(self.request),
            "type": name,
        }
        event = {key: value for key, value in event.items() if key not in {"account", "context"}}
        self.add(event)
        self.on_event(event)
        return event

    @contextmanager
    def changing(self, name: str, thing: Thing) -> Iterator[Thing]:
        """Emits `name` with what was before, if anything is different afterwards."""
        before = shown(thing)
        yield thing
        previous = difference(before, shown(thing))
        if previous:
            self.emit(name, thing, previous)

    def stored(self) -> Thing:
        return {
            "things": self.things,
            "settings": asdict(self.settings),
            "number": self.number,
            "seed": self._seed,
            "ahead": self._ahead,
        }

    def restore(self, stored: Thing) -> None:
        self.things = stored["things"]
        self.settings = Settings(**stored["settings"])
        self.number = int(stored["number"])
        self._seed = stored["seed"]
        self._ahead = int(stored["ahead"])


def owner(thing: Thing) -> str | None:
    """The customer's id."""
    return str(thing["id"]) if thing["object"] == "customer" else thing.get("customer")


def shown(thing: Any) -> Any:
    """A copy without what is never shown."""
    if isinstance(thing, dict):
        return {key: shown(value) for key, value in thing.items() if not key.startswith("_")}
    if isinstance(thing, list):
        return [shown(value) for value in thing]
    return copy.copy(thing)


def difference(before: Thing, after: Thing) -> Thing:
    """What the values were that are others now: None for keys that came later, lists as a whole, objects by key."""
    found: Thing = {}
    for key in {**before, **after}:
        was, is_ = before.get(key), after.get(key)
        if was == is_:
            continue
        found[key] = difference(was, is_) if isinstance(was, dict) and isinstance(is_, dict) else was
    return found


def listed(things: list[Thing], url: str, *, more: bool = False) -> Thing:
    return {"object": "list", "data": things, "has_more": more, "url": url}
