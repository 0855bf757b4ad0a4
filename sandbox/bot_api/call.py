"""One call of a method: who calls, with what parameters, and the budget that it is charged to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.bot_api.errors import bad_request, too_many_requests
from sandbox.flood import Flood
from sandbox.world import Bot, Chat, World

_TRUE = frozenset({"true", "yes", "1"})


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    mime_type: str
    data: bytes


@dataclass(slots=True)
class Call:
    """Parameters come as JSON, form, multipart or query; each may be a string or already an object."""

    world: World
    flood: Flood
    bot: Bot
    method: str
    """In lower case."""
    name: str
    """The method as the documentation spells it."""
    params: Mapping[str, Any]
    uploads: Mapping[str, Upload]

    def text(self, name: str) -> str:
        value = self.params.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def number(self, name: str, default: int = 0, low: int | None = None, high: int | None = None) -> int:
        """Out of range is moved into it, what is no number is 0."""
        value = self.params.get(name)
        if value is None or value == "":
            number = default
        else:
            try:
                number = int(value)
            except (TypeError, ValueError):
                number = 0
        if low is not None:
            number = max(low, number)
        return number if high is None else min(high, number)

    def decimal(self, name: str) -> float:
        try:
            return float(self.params[name])
        except (KeyError, TypeError, ValueError):
            raise bad_request(f"{name} must be a number") from None

    def flag(self, name: str) -> bool:
        value = self.params.get(name)
        if isinstance(value, bool):
            return value
        return value is not None and str(value).strip().lower() in _TRUE

    def json(self, name: str, what: str = "") -> Any:
        """None if it is absent."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return orjson.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what or name} JSON object") from None

    def user_id(self, name: str = "user_id") -> int:
        number = self.number(name)
        if number <= 0:
            raise bad_request(f"invalid {name} specified")
        return number

    def charge(self, chat: Chat, cost: int = 1) -> None:
        """Take from the flood budget, or refuse."""
        wait = self.flood.charge(self.bot.id, chat, cost, self.world.now())
        if wait is not None:
            self.world.emit("flood.refused", self.bot, chat)
            raise too_many_requests(wait)
