"""Parameters of a request: form-encoded and nested as Stripe takes them, and none that nobody reads."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.refusals import malformed

_MOST_METADATA = 50
_LONGEST_METADATA = 500
_LONGEST_METADATA_KEY = 40


def decode(encoded: str) -> dict[str, Any]:
    """`a[b][0][c]=d` as {"a": {"b": {"0": {"c": "d"}}}}; `a[]=b` counts on by itself."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        inside = found
        for step, following in zip([first, *rest], rest, strict=False):
            inside = inside.setdefault(step or str(len(inside)), {})
            if not isinstance(inside, dict):
                raise malformed(f"Invalid object: {following}", name)
        last = rest[-1] if rest else first
        inside[last or str(len(inside))] = value
    return found


class Params:
    """Each is read once; `done` refuses what was not, so that nothing is silently without effect."""

    def __init__(self, given: Mapping[str, Any], prefix: str = "") -> None:
        self._given = given
        self._prefix = prefix
        self._read: set[str] = set()
        self._inner: list[Params] = []

    def named(self, name: str) -> str:
        return f"{self._prefix}[{name}]" if self._prefix else name

    def has(self, name: str) -> bool:
        """Also of an empty one, which is how Stripe is told to forget a value."""
        return name in self._given

    def text(self, name: str) -> str | None:
        """None where it is missing or empty."""
        self._read.add(name)
        value = self._given.get(name)
        if isinstance(value, dict):
            raise malformed(f"Invalid string: {value}", self.named(name))
        return value or None

    def need(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            named = self.named(name)
            raise malformed(f"Missing required param: {named}.", named, "parameter_missing")
        return value

    def integer(self, name: str, least: int = 0) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.lstrip("-").isdigit():
            raise malformed(f"Invalid integer: {value}", self.named(name), "parameter_invalid_integer")
        if int(value) < least:
            raise malformed(f"This value must be greater than or equal to {least}.", self.named(name))
        return int(value)

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value is not None and value not in {"true", "false"}:
            raise malformed(f"Invalid boolean: {value}", self.named(name))
        return None if value is None else value == "true"

    def choice(self, name: str, allowed: Iterable[str], default: str | None = None) -> str | None:
        value, known = self.text(name), list(allowed)
        if value is not None and value not in known:
            raise malformed(f"Invalid {name}: must be one of {', '.join(known)}", self.named(name))
        return value or default

    def inner(self, name: str) -> "Params | None":
        self._read.add(name)
        value = self._given.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise malformed("Invalid object", self.named(name))
        inside = Params(value, self.named(name))
        self._inner.append(inside)
        return inside

    def each(self, name: str) -> list["Params"]:
        inside = self.inner(name)
        if inside is None:
            return []
        found = [inside.inner(index) for index in inside.positions()]
        return [entry for entry in found if entry is not None]

    def texts(self, name: str) -> list[str]:
        inside = self.inner(name)
        if inside is None:
            return []
        return [inside.need(index) for index in inside.positions()]

    def names(self) -> list[str]:
        return list(self._given)

    def positions(self) -> list[str]:
        """Of a list's entries, in order."""
        return sorted(self._given, key=lambda index: int(index) if index.isdigit() else 0)

    def everything(self) -> dict[str, Any]:
        self.ignore(*self._given)
        return dict(self._given)

    def ignore(self, *names: str) -> None:
        """What changes nothing that the sandbox shows."""
        self._read.update(names)

    def metadata(self, name: str = "metadata") -> dict[str, str] | None:
        """What to merge; {} where all of it is to be forgotten is told by `clears`."""
        inside = self.inner(name)
        if inside is None:
            return None
        found = inside.everything()
        for key, value in found.items():
            if not isinstance(value, str) or len(value) > _LONGEST_METADATA:
                raise malformed(f"Metadata values can have up to {_LONGEST_METADATA} characters.", inside.named(key))
            if len(key) > _LONGEST_METADATA_KEY:
                raise malformed(
                    f"Metadata keys can have up to {_LONGEST_METADATA_KEY} characters.", inside.named(key)
                )
        if len(found) > _MOST_METADATA:
            raise malformed(f"Metadata can have up to {_MOST_METADATA} keys.", self.named(name))
        return found

    def clears(self, name: str) -> bool:
        return self._given.get(name) == ""

    def unread(self) -> list[str]:
        own = [self.named(name) for name in self._given if name not in self._read]
        return own + [name for inside in self._inner for name in inside.unread()]

    def done(self) -> None:
        unread = self.unread()
        if unread:
            names = ", ".join(unread)
            raise malformed(f"Received unknown parameter: {names} (to this fake)", unread[0], "parameter_unknown")


def merged(known: Mapping[str, str], given: Mapping[str, str] | None, *, cleared: bool = False) -> dict[str, str]:
    """Metadata after an update: an empty value takes its key away, an empty whole takes all
    (docs.stripe.com/api/metadata).
    """
    if cleared:
        return {}
    together = {**known, **(given or {})}
    return {key: value for key, value in together.items() if value != ""}
