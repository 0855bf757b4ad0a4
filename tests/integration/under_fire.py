"""Several desks and the workers that run them, turn by turn: workers die anywhere, lose leases, and are succeeded."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from sessions.events import Cursor
from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import WorkerId, new_id
from tenants.intake import open_desk
from tenants.leases import Lease
from tests.factories import make_running, make_tenant
from tests.fakes import GROUP
from tests.integration.model import CALLER, Telegram, Time
from worker import checkpoints
from worker.allowance import Allowance
from worker.line import Line
from worker.pump import Pump
from worker.relay import Relay
from worker.seat import TenantSeat
from worker.turn import Homes, Part, Turn

LONG = 400.0
"""Seconds: no wait is longer."""
MOST_ROUNDS = 300
_SHIFTED = {
    "lanes": ("blocked_until",),
    "outbox": ("not_before", "tried_at", "created_at"),
    "dialogs": ("retry_at", "topic_asked_at"),
    "pauses": ("until",),
}
_SHIFTS = [
    text(
        f"UPDATE {table} SET {', '.join(f'{time} = {time} - CAST(:gone AS interval)' for time in times)} "  # noqa: S608
        "WHERE tenant_id = ANY(:tenants)"
    )
    for table, times in _SHIFTED.items()
]
_TAKE = text(
    "UPDATE leases SET holder = :holder, term = term + 1, expires_at = clock_timestamp() + interval '1 hour' "
    "WHERE shard = :shard RETURNING term"
)
_KEPT = ("updates", "dialogs", "lanes", "outbox", "message_map", "pauses", "intakes")
_EVERYTHING = text(
    " UNION ALL ".join(f"SELECT to_jsonb(t)::text AS row FROM {table} t WHERE tenant_id = :tenant" for table in _KEPT)  # noqa: S608
    + " ORDER BY 1"
)


class Killed(BaseException):
    """The process is no more."""


class Lost(Exception):
    """The connection to the database broke at a bad moment."""


class Trusting:
    """A worker that believes in its leases, as one does that was asleep while they ran out."""

    def require(self, lease: Lease) -> None:
        """It does not know better."""


@dataclass
class Shop:
    """A tenant, its bot's Telegram, and what happened to it that may double a message."""

    tenant: Tenant
    telegram: Telegram
    database: Database
    budget: int
    shaken: bool = False
    late_holds: list[asyncio.Event] = field(default_factory=list)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.tenant(self.tenant.id) as unit:
            return list((await unit.execute(text(statement), values)).all())

    async def everything(self) -> list[Any]:
        async with self.database.tenant(self.tenant.id) as unit:
            return [tuple(row) for row in await unit.execute(_EVERYTHING, {"tenant": self.tenant.id})]

    def release(self) -> None:
        for event in (*self.late_holds, *filter(None, [self.telegram.hold])):
            event.set()
        self.late_holds, self.telegram.hold = [], None


class ShakyTurn(Turn):
    """Breaks where it is told to: the process dies, or the database's connection does and the turn is taken again."""

    dies_at: str | None = None
    breaks_at: str | None = None

    async def run(self, parts: Sequence[Part]) -> Homes:
        self._arm()
        try:
            return await super().run(parts)
        except Lost:
            return await super().run(parts)
        finally:
            checkpoints.hook = None

    def _arm(self) -> None:
        dies_at, breaks_at = self.dies_at, self.breaks_at

        def at(name: str) -> None:
            if name == dies_at:
                raise Killed
            if name == breaks_at:
                checkpoints.hook = self.breaks_at = None
                raise Lost

        checkpoints.hook = at


@dataclass
class Place:
    """One shop at one worker."""

    shop: Shop
    lease: Lease
    seat: TenantSeat
    relaying: asyncio.Task[None]

    def close(self) -> None:
        self.relaying.cancel()
        self.seat.close()

    def errors(self) -> list[BaseException]:
        ends = [self.seat.sender.ended, self.relaying]
        return [error for end in ends if end.done() and not end.cancelled() and (error := end.exception())]


class Worker:
    def __init__(self, number: int, database: Database, keyring: Keyring, time: Time) -> None:
        self.number = number
        self.id = WorkerId(new_id())
        self.turn_of = ShakyTurn(database, keyring, "https://backline.example")
        self.pump = Pump(self.turn_of)
        self.places: dict[int, Place] = {}
        self._database = database
        self._time = time

    async def take(self, shop: Shop) -> None:
        async with self._database.fleet() as unit:
            taken = await unit.execute(_TAKE, {"holder": self.id, "shard": shop.tenant.shard})
            lease = Lease(shop.tenant.shard, self.id, taken.scalar_one())
        await self.open(shop, lease)

    async def open(self, shop: Shop, lease: Lease) -> None:
        async with self._database.tenant(shop.tenant.id) as unit:
            desk = await open_desk(unit, shop.tenant.id, lease)
        line = Line(shop.tenant.id, lease, shop.telegram, GROUP)
        seat = TenantSeat(line, Trusting(), Allowance(shop.budget, self._time.now), self.pump)  # type: ignore[arg-type]
        cursor = None if desk.cursor is None else Cursor(desk.cursor)
        relay = Relay(
            line,
            Trusting(),  # type: ignore[arg-type]
            self._database,
            cursor=cursor,
            store=seat.store,
            answered=lambda: None,
        )
        self.places[shop.telegram.number] = Place(shop, lease, seat, asyncio.create_task(relay.run()))
        seat.sender.wake()

    async def turn(self, *, dies_at: str | None = None, breaks_at: str | None = None) -> None:
        """Those that have something take a turn together, and their calls end, unless they hang."""
        await settle()
        self._time.turn += 1
        CALLER.set((self.number, self._time.turn))
        self.turn_of.dies_at, self.turn_of.breaks_at = dies_at, breaks_at
        seats = self.pump._next_seats()
        brought = [(seat, part) for seat in seats if (part := seat.bring()) is not None]
        if brought:
            await self.pump._serve(brought)
        self.turn_of.dies_at = self.turn_of.breaks_at = None

    def die(self) -> None:
        for place in self.places.values():
            place.close()
        self.places.clear()


async def settle() -> None:
    """Everybody does what can be done without the database."""
    for _ in range(25):
        await asyncio.sleep(0)


class Fleet:
    """Of each shop's places one holds the lease; others may still believe that they do."""

    def __init__(self, shops: list[Shop], database: Database, keyring: Keyring, time: Time) -> None:
        self.shops = shops
        self.database = database
        self.time = time
        self.wrongs: list[str] = []
        self._keyring = keyring
        self.workers: list[Worker] = []
        self.holder: dict[int, Worker] = {}

    def _new_worker(self) -> Worker:
        worker = Worker(len(self.workers) + 1, self.database, self._keyring, self.time)
        self.workers.append(worker)
        return worker

    async def start(self) -> None:
        worker = self._new_worker()
        for shop in self.shops:
            await self._give(shop, worker)

    async def _give(self, shop: Shop, worker: Worker) -> None:
        self.holder[shop.telegram.number] = worker
        await worker.take(shop)

    def live(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.places]

    async def turn(self, which: int, **faults: Any) -> None:
        live = self.live()
        worker = live[which % len(live)]
        if faults.get("breaks_at"):
            for place in worker.places.values():
                place.shop.shaken = True
        stale = [p for n, p in worker.places.items() if self.holder[n] is not worker]
        for place in stale:
            place.seat.sender.wake()
        before = [await place.shop.everything() for place in stale]
        try:
            await worker.turn(**faults)
        except Killed:
            await self.kill(worker)
        for place, was in zip(stale, before, strict=True):
            if await place.shop.everything() != was:
                self.wrongs.append("a turn without a lease changed something")
        await settle()
        await self._mend(worker)

    async def kill(self, worker: Worker) -> None:
        """All it holds goes to a successor."""
        mine = [place.shop for n, place in worker.places.items() if self.holder[n] is worker]
        for place in worker.places.values():
            place.shop.shaken = True
        worker.die()
        successor = self._new_worker()
        for shop in mine:
            await self._give(shop, successor)

    async def lose(self, shop: Shop) -> None:
        """Another worker takes over; the old one does not know."""
        shop.shaken = True
        if shop.telegram.hold is not None:  # only the old one's calls hang
            shop.late_holds.append(shop.telegram.hold)
            shop.telegram.hold = None
        others = [worker for worker in self.live() if worker is not self.holder[shop.telegram.number]]
        free = [worker for worker in others if shop.telegram.number not in worker.places]
        await self._give(shop, free[0] if free else self._new_worker())

    async def _mend(self, worker: Worker) -> None:
        """What has ended is started again, as the pool does it."""
        for number, place in list(worker.places.items()):
            errors = place.errors()
            if not errors:
                continue
            place.close()
            del worker.places[number]
            holds = self.holder[number] is worker
            if holds:
                self.wrongs.append(f"a place broke: {errors!r}")
            if holds:
                place.shop.shaken = True
                await worker.open(place.shop, place.lease)

    async def skip(self, seconds: float) -> None:
        """Time passes; what waits for it is asked again."""
        self.time.skipped += seconds
        tenants = [shop.tenant.id for shop in self.shops]
        values = {"gone": timedelta(seconds=seconds), "tenants": tenants}
        async with self.database.tenants(tenants) as unit:
            for statement in _SHIFTS:
                await unit.execute(statement, values)
        for shop in self.shops:
            updates = await shop.rows("SELECT update_id FROM updates")
            topics = await shop.rows("SELECT topic_id FROM dialogs WHERE topic_id IS NOT NULL")
            shop.telegram.doubt({row.update_id for row in updates}, {row.topic_id for row in topics})
        for worker in self.live():
            for place in worker.places.values():
                timer = place.seat.sender._timer
                if timer is not None:
                    place.seat.sender._stop_timer()
                    place.seat.sender.wake()

    async def come_to_rest(self) -> None:
        """Faults have stopped. Nobody sweeps: whoever waits for something has to have asked for it."""
        for shop in self.shops:
            shop.release()
            shop.telegram.no_more_faults()
        for _ in range(MOST_ROUNDS):
            await settle()
            ready = [number for number, worker in enumerate(self.live()) if worker.pump._ready]
            if ready:
                await self.turn(ready[0])
            elif any(p.seat.sender._timer for worker in self.live() for p in worker.places.values()):
                await self.skip(LONG)
            else:
                return
        self.wrongs.append("it never comes to rest")

    async def stop(self) -> None:
        for shop in self.shops:
            shop.release()
        places = [place for worker in self.workers for place in worker.places.values()]
        for worker in self.workers:
            worker.die()
        for place in places:
            with contextlib.suppress(asyncio.CancelledError, LeaseLost):
                await place.relaying
        await settle()
        for shop in self.shops:  # who comes later has the group for itself
            await shop.rows(
                "UPDATE tenants SET state = 'stopped', group_id = NULL WHERE id = :id RETURNING 1", id=shop.tenant.id
            )


async def open_shops(
    database: Database, keyring: Keyring, time: Time, *, first_bot: int, budgets: Sequence[int]
) -> list[Shop]:
    """Each in a shard of its own."""
    shops: list[Shop] = []
    for number, budget in enumerate(budgets):
        tenant = await make_tenant(database, keyring, bot=first_bot + 100 * number)
        while tenant.shard in {shop.tenant.shard for shop in shops}:
            first_bot += 1
            tenant = await make_tenant(database, keyring, bot=first_bot + 100 * number)
        await make_running(database, tenant, group=GROUP)
        telegram = Telegram(number=number, time=time)
        telegram.bot = replace(telegram.bot, id=tenant.bot_id)
        shops.append(Shop(tenant, telegram, database, budget))
    return shops
