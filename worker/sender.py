"""What goes out: one turn records results and claims heads of lanes, then the calls run side by side.

One sender per tenant. Its memory is a hint; what is true is read again in each turn, under the lease's term.
"""

import asyncio
from collections.abc import Coroutine, Sequence

import structlog

from sessions.errors import FloodWait, Gone, Revoked
from tenants import intake, outbox, topics
from tenants.backoff import backoff, patiently
from tenants.db import UnitOfWork, is_passing
from tenants.errors import LeaseLost
from tenants.ids import ChatId, LaneId
from tenants.outbox import Claimed, Row
from worker.errands import Errand, ErrandResult, next_errand, record_errand, run_errand
from worker.leases import LeaseKeeper
from worker.limits import GroupBudget
from worker.line import Line
from worker.results import record_refused, record_sent
from worker.sending import Refused, Result, Sent, send_run

TEAM_AT_ONCE = 8
CUSTOMERS_AT_ONCE = 30
SWEEP = 30.0
"""Seconds after which a sender looks again although nothing woke it."""
SOONEST = 0.2
"""Seconds: a row that is due but can't be claimed yet (a reply that waits for its target) is asked for this often."""
LONGEST_WAIT_FOR_REPLY = 2.0

log = structlog.get_logger()


class Sender:
    def __init__(self, line: Line, keeper: LeaseKeeper, budget: GroupBudget, *, group: ChatId | None) -> None:
        self._line = line
        self._keeper = keeper
        self._budget = budget
        self._group = group
        self._wake = asyncio.Event()
        self._look = self._look_for_errands = self._unsure = True
        self._has_more: set[LaneId] = set()
        self._in_flight: dict[LaneId, Sequence[Row]] = {}
        self._results: list[Result] = []
        self._errand: Errand | None = None
        self._errand_result: ErrandResult | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended_by: Exception | None = None
        self._draining = False
        self._group_in_trouble = True  # an earlier life may have noted some

    def wake(self, *, errands: bool = True) -> None:
        """Something may have come; `errands`: also about topics."""
        self._look = True
        self._look_for_errands |= errands
        self._wake.set()

    def drain(self) -> None:
        """Claims nothing more; `run` ends when everything that is on its way has been recorded."""
        self._draining = True
        self._wake.set()

    async def run(self) -> None:
        """Sends until drained. Raises `LeaseLost` and `Revoked`; trouble of the database is waited out."""
        await patiently(self._remember, name="sender.remember")
        failures = 0
        try:
            while True:
                self._wake.clear()
                try:
                    pause = await self._turn()
                    failures = 0
                except Exception as error:
                    if not is_passing(error):
                        raise
                    failures += 1
                    self._look = self._look_for_errands = self._unsure = True
                    pause = backoff(failures, longest=10)
                    log.warning("sender.turn_failed", tenant=str(self._line.tenant), failures=failures)
                if isinstance(self._ended_by, LeaseLost):
                    raise self._ended_by
                if self._draining and not self._in_flight and self._errand is None:
                    break
                await self._sleep(pause)
        finally:
            for task in self._tasks:
                task.cancel()
        if self._ended_by is not None:
            raise self._ended_by

    async def _remember(self) -> None:
        async with self._line.database.tenant(self._line.tenant) as unit:
            self._budget.remember(await outbox.ages_of_recent_sends(unit, self._line.tenant))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            self._look = self._look_for_errands = True

    async def _turn(self) -> float:
        """Seconds until there may be something to do, if nothing wakes us before."""
        results, errand_result = list(self._results), self._errand_result
        self._look_again(results, errand_result)
        recorded = {result.run[0].lane for result in results}
        busy = [lane for lane in self._in_flight if lane not in recorded]
        async with self._line.database.tenant(self._line.tenant) as unit:
            await self._record(unit, results, errand_result)
            claimed = await self._claim(unit, busy)
            errand = await self._next_errand(unit, claimed, free=self._errand is None or errand_result is not None)
            pause = await self._pause(unit, busy) if self._unsure else SWEEP
        self._settle(results, errand_result)
        self._has_more |= claimed.has_more
        for run in claimed.runs:
            self._start(run)
        if errand is not None and self._group is not None:
            self._start_errand(errand, self._group)
        return pause

    def _look_again(self, results: Sequence[Result], errand_result: ErrandResult | None) -> None:
        """What has ended may have made way for something else."""
        refused = any(isinstance(result, Refused) for result in results)
        followed = any(result.run[0].lane in self._has_more for result in results)
        self._unsure |= refused
        self._look |= refused or followed or errand_result is not None or (bool(results) and self._unsure)
        self._look_for_errands |= refused or errand_result is not None

    async def _record(self, unit: UnitOfWork, results: Sequence[Result], errand_result: ErrandResult | None) -> None:
        sent = [result for result in results if isinstance(result, Sent)]
        await record_sent(unit, self._line, sent, self._group)
        if self._group_in_trouble and any(result.run[0].direction != "customer" for result in sent):
            await intake.note_group_problem(unit, self._line.tenant, None)
            self._group_in_trouble = False
        for result in results:
            if isinstance(result, Refused):
                await record_refused(unit, self._line, result, self._group)
        if errand_result is not None:
            await record_errand(unit, self._line.tenant, self._line.lease, errand_result)

    async def _claim(self, unit: UnitOfWork, busy: Sequence[LaneId]) -> Claimed:
        """Asks only where something may have come: after a wake-up, behind a sent row, when a wait is over."""
        if self._draining or not self._look:
            return Claimed([], set(), others_wait=self._unsure)
        self._look = False
        directions = [self._in_flight[lane][0].direction for lane in busy]
        customers = directions.count("customer")
        team = min(self._budget.available(), TEAM_AT_ONCE - len(directions) + customers)
        claimed = await outbox.claim(
            unit,
            self._line.tenant,
            self._line.lease,
            self._line.keyring,
            group=self._group,
            team=max(0, team),
            customers=max(0, CUSTOMERS_AT_ONCE - customers),
            busy=busy,
        )
        self._unsure |= claimed.others_wait
        self._has_more.update(busy)  # what came for them meanwhile could not be seen
        return claimed

    async def _next_errand(self, unit: UnitOfWork, claimed: Claimed, *, free: bool) -> Errand | None:
        """Messages come first: an errand takes what they leave of the group's budget."""
        if self._draining or not free or self._group is None or not self._look_for_errands:
            return None
        units = sum(len(run) for run in claimed.runs if run[0].direction != "customer")
        if self._budget.available() <= units:
            self._unsure = True
            return None
        self._look_for_errands = False
        return await next_errand(unit, self._line.tenant, self._line.lease)

    async def _pause(self, unit: UnitOfWork, busy: Sequence[LaneId]) -> float:
        """Only where something is known to wait. Once nothing does, the next wake-up says that something came."""
        row = await outbox.seconds_until_due(unit, self._line.tenant, group=self._group, busy=busy)
        errand = None if self._group is None else await topics.seconds_until_errand(unit, self._line.tenant)
        self._unsure = row is not None or errand is not None
        due = min((seconds for seconds in (row, errand) if seconds is not None), default=SWEEP)
        if due <= 0:  # the budget keeps it, or a reply that waits for its target
            due = min(self._budget.wait(), LONGEST_WAIT_FOR_REPLY)
        return min(SWEEP, max(SOONEST, due))

    def _settle(self, results: Sequence[Result], errand_result: ErrandResult | None) -> None:
        """Forgets what the commit has made permanent."""
        del self._results[: len(results)]
        for result in results:
            self._in_flight.pop(result.run[0].lane, None)
            self._has_more.discard(result.run[0].lane)
        if errand_result is not None:
            self._errand = self._errand_result = None

    def _start(self, run: Sequence[Row]) -> None:
        self._in_flight[run[0].lane] = run
        if run[0].direction != "customer":
            self._budget.spend(len(run))
        self._spawn(self._send(run))

    def _start_errand(self, errand: Errand, group: ChatId) -> None:
        self._errand = errand
        self._budget.spend(1)
        self._spawn(self._do_errand(errand, group))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._ended_by = error if isinstance(error, Exception) else RuntimeError("a sending task broke")
            self._draining = True
        self._wake.set()

    async def _send(self, run: Sequence[Row]) -> None:
        self._keeper.require(self._line.lease)
        result = await send_run(self._line.session, run, self._group)
        if isinstance(result, Refused):
            self._obey(result.error, into_group=run[0].direction != "customer")
        self._results.append(result)

    async def _do_errand(self, errand: Errand, group: ChatId) -> None:
        self._keeper.require(self._line.lease)
        result = await run_errand(self._line.session, group, errand)
        if result.error is not None:
            self._obey(result.error, into_group=True)
        self._errand_result = result

    def _obey(self, error: Exception, *, into_group: bool) -> None:
        if isinstance(error, FloodWait) and into_group:
            self._budget.pause(error.seconds)
        if isinstance(error, Gone) and into_group:
            self._group_in_trouble = True
        if isinstance(error, Revoked):
            self._ended_by = error
            self._draining = True
