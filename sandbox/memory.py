"""The World in a file, so that a second `make run` goes on where the first one stopped.

What is connected to a running process (listeners, polls that wait) is left out. A World that was not kept in good
order, because its process was killed, skips ahead with its counters: no id is given twice.
"""

import asyncio
import contextlib
import io
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from sandbox.world import Chat, Message, Origin, World

_VERSION = 1
_SKIP = 1000
_EVERY = 2.0
_TRANSIENT = (asyncio.Event, asyncio.Future, MethodType)
_MODULES = ("sandbox.", "builtins", "collections", "datetime", "random", "_random", "zoneinfo")
_FORBIDDEN = frozenset({"eval", "exec", "compile", "open", "__import__", "getattr", "setattr", "delattr"})


class _Writer(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        is_local = isinstance(obj, FunctionType) and "<locals>" in obj.__qualname__
        return "transient" if is_local or isinstance(obj, _TRANSIENT) else None


class _Reader(pickle.Unpickler):
    def persistent_load(self, _: Any) -> None:
        return None

    def find_class(self, module: str, name: str) -> Any:
        """Only what a World is made of."""
        if not module.startswith(_MODULES) or name in _FORBIDDEN:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a World")
        return super().find_class(module, name)


class Memory:
    """One file. `cast` is what programs are told about the people of the demo."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self) -> tuple[World, dict[str, Any]] | None:
        """None where there is nothing, or nothing that this version understands."""
        try:
            stored = _Reader(io.BytesIO(self._path.read_bytes())).load()
            version, in_order, world, cast = stored
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, AttributeError, EOFError, ImportError, pickle.UnpicklingError):
            self._path.replace(self._path.with_suffix(".unreadable"))
            return None
        if version != _VERSION:
            return None
        _complete(world)
        _disconnect(world)
        if not in_order:
            _skip_ahead(world)
        return world, cast

    def keep(self, world: World, cast: dict[str, Any], *, in_order: bool = False) -> None:
        """Replaces the file as a whole or not at all."""
        written = io.BytesIO()
        _Writer(written, protocol=pickle.HIGHEST_PROTOCOL).dump((_VERSION, in_order, world, cast))
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(written.getvalue())
        fresh.replace(self._path)

    async def follow(self, world: World, cast: dict[str, Any]) -> None:
        """Keeps the World every few seconds while something happens, and once more, in good order, when cancelled."""
        kept = -1
        try:
            while True:
                if kept != world.number:
                    kept = world.number
                    with contextlib.suppress(OSError):
                        self.keep(world, cast)
                await asyncio.sleep(_EVERY)
        finally:
            with contextlib.suppress(OSError):
                self.keep(world, cast, in_order=True)


def _complete(world: World) -> None:
    """What an earlier version did not know of has its default."""
    for name, default in vars(World()).items():
        vars(world).setdefault(name, default)
    accounts = [*world.users.values(), *world.bots.values(), world.anonymous_admin]
    chats = [*world.chats.values(), *world.privates.values()]
    for known in (world.rules, *accounts, *chats, *_told(world, chats)):
        for field in fields(known):
            if not hasattr(known, field.name):
                object.__setattr__(known, field.name, _default(field))


def _told(world: World, chats: Iterable[Chat]) -> Iterator[Message | Origin]:
    """Messages as they are and as updates remember them, and whence they were forwarded."""
    waiting = (update.subject for bot in world.bots.values() for update in bot.updates.waiting)
    events = (event.message for box in world.boxes.all() for event in box.events)
    messages = (message for chat in chats for message in chat.messages.values())
    for message in (*messages, *waiting, *events):
        if isinstance(message, Message):
            yield message
            if message.origin is not None:
                yield message.origin


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _disconnect(world: World) -> None:
    world.forget_listeners()
    for bot in world.bots.values():
        bot.updates.on_arrival = None


def _skip_ahead(world: World) -> None:
    for account in (*world.users.values(), *world.bots.values()):
        account.last_box_id += _SKIP
    for chat in (*world.chats.values(), *world.privates.values()):
        chat.last_message_id += _SKIP
    for bot in world.bots.values():
        bot.updates.last_id += _SKIP
    world.boxes.skip(_SKIP)
