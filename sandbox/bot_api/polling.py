"""getUpdates: one program at a time waits for a bot's updates."""

import asyncio
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import ApiError, conflict, restart
from sandbox.bot_api.render import Json
from sandbox.bot_api.render_message import update_json
from sandbox.world import Bot, World
from sandbox.world.delivery import fetch
from sandbox.world.updates import DEFAULT_KINDS, UPDATE_KINDS

_LIMIT = 100
_LONGEST = 50
_CONFLICT = 409
_CONFLICT_EVERY = 3.0
_HASTY = 3.0
_VERY_HASTY = 0.5
_OTHER_PROGRAM = "terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
_NEW_WEBHOOK = "terminated by setWebhook request"


class _Polled:
    """What is remembered of a bot's polls."""

    def __init__(self) -> None:
        self.parked: asyncio.Future[None] | None = None
        self.offset: int | None = None
        self.started = 0.0
        self.next_conflict = 0.0


class Polls:
    def __init__(self) -> None:
        self._bots: dict[int, _Polled] = {}

    async def get_updates(self, call: Call, token: str) -> list[Json]:
        loop = asyncio.get_running_loop()
        bot, polled = call.bot, self._bots.setdefault(call.bot.id, _Polled())
        if bot.webhook:
            await self._space_conflicts(polled)
            raise conflict(_WEBHOOK)
        offset = call.number("offset")
        limit = call.number("limit", _LIMIT, 1, _LIMIT)
        timeout = call.number("timeout", 0, 0, _LONGEST)
        set_allowed(call)
        if call.world.rules.hasty_polls_are_slowed:
            timeout, limit = _slow_down(polled, offset, timeout, limit, loop.time())
        polled.offset, polled.started = offset, loop.time()
        updates = fetch(call.world, bot, offset, limit)
        if not updates and timeout and bot.token == token:  # it may have been revoked while this request arrived
            self.abort(bot, conflict(_OTHER_PROGRAM))
            await self._park(call.world, polled, bot, timeout)
            if bot.token != token or bot.is_deleted:
                return []
            updates = fetch(call.world, bot, max(offset, 0), limit)
        return [update_json(call.world, update, bot) for update in updates]

    def on_webhook(self, bot: Bot) -> None:
        self.abort(bot, conflict(_NEW_WEBHOOK))

    def abort(self, bot: Bot, error: ApiError) -> None:
        polled = self._bots.get(bot.id)
        if polled is not None and polled.parked is not None and not polled.parked.done():
            polled.parked.set_exception(error)

    def close(self) -> None:
        for polled in self._bots.values():
            if polled.parked is not None and not polled.parked.done():
                polled.parked.set_exception(restart())

    async def _park(self, world: World, polled: _Polled, bot: Bot, timeout: int) -> None:  # noqa: ASYNC109 - a parameter of the API
        loop = asyncio.get_running_loop()
        parked: asyncio.Future[None] = loop.create_future()
        polled.parked = parked

        def wake() -> None:
            # After what else happens right now, so that one answer carries it all.
            loop.call_soon(_finish, parked)

        bot.updates.on_arrival = wake
        world.emit("updates.awaited", bot)
        timer = loop.call_later(timeout, _finish, parked)
        try:
            await parked
        except ApiError as error:
            if error.code == _CONFLICT:
                await self._space_conflicts(polled)
            raise
        finally:
            timer.cancel()
            if polled.parked is parked:
                polled.parked = None
            if bot.updates.on_arrival is wake:
                bot.updates.on_arrival = None

    async def _space_conflicts(self, polled: _Polled) -> None:
        """Conflicts are answered every three seconds at most."""
        loop = asyncio.get_running_loop()
        if loop.time() >= polled.next_conflict:
            polled.next_conflict = loop.time() + _CONFLICT_EVERY
        else:
            await asyncio.sleep(_CONFLICT_EVERY)


def _finish(parked: asyncio.Future[None]) -> None:
    if not parked.done():
        parked.set_result(None)


def _slow_down(polled: _Polled, offset: int, timeout: int, limit: int, now: float) -> tuple[int, int]:
    """Asking again at once for the same waits a little, and gets one update only."""
    if offset == polled.offset:
        if timeout < _HASTY and now < polled.started + _HASTY:
            timeout = int(_HASTY)
        if now < polled.started + _VERY_HASTY:
            limit = 1
    return timeout, limit


def set_allowed(call: Call) -> None:
    """Omitted keeps what was; an empty list means nearly all."""
    given: Any = call.json("allowed_updates", "allowed_updates")
    if not isinstance(given, list):
        return
    kinds = frozenset(str(kind) for kind in given) & UPDATE_KINDS
    call.bot.updates.allowed = kinds or DEFAULT_KINDS
