"""What goes out of one tenant: what may be claimed, which calls are on their way, and when to look again.

Its memory is a hint; what is true is read again in each turn, under the lease's term. It has no transaction and no
task of its own: the pump asks it what it brings, and it starts the calls that it takes home.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from math import inf
from time import monotonic

import structlog

from sessions.errors import FloodWait, Gone, Revoked, SessionError
from tenants import topics
from tenants.errors import LeaseLost
from tenants.ids import ChatId, LaneId
from tenants.outbox import Row, Wish
from worker import metrics
from worker.allowance import Allowance, Spent
from worker.changing import carry_out
from worker.checkpoints import checkpoint
from worker.errands import Errand, ErrandResult, run_errand
from worker.housekeeper import Housekeeper
from worker.leases import LeaseKeeper
from worker.line import Line
from worker.sending import Deaf, Dropped, Found, Refused, Result, Sent, Taken
from worker.turn import Home, Part

TEAM_AT_ONCE = 8
CUSTOMERS_AT_ONCE = 30
SOONEST = 0.2
"""Seconds: a row that is due but can't be claimed yet (a reply that waits for its target) is asked for this often."""
LONGEST_WAIT_FOR_REPLY = 2.0
LONGEST_WAIT = 30.0

_SETTLED = {
    Dropped: "message.dropped",
    Taken: "message.taken_back",
    Found: "person.looked_up",
    Deaf: "group.found_deaf",
}

log = structlog.get_logger()


class Sender:
    """`wake` asks the pump for a turn."""

    def __init__(
        self,
        line: Line,
        keeper: LeaseKeeper,
        allowance: Allowance,
        housekeeper: Housekeeper | None = None,
        *,
        wake: Callable[[], None],
    ) -> None:
        self._line = line
        self._keeper = keeper
        self._allowance = allowance
        self.housekeeper = housekeeper
        """Where the setup bot may manage the group's topics."""
        self.heard_for: Callable[[], float] = lambda: inf
        """Seconds for which the session has listened: a topic in doubt may still turn up."""
        self._ask = wake
        self._timer: asyncio.TimerHandle | None = None
        self._look = self._look_for_errands = self._unsure = True
        self._has_more: set[LaneId] = set()
        self._in_flight: dict[LaneId, Sequence[Row]] = {}
        self._results: list[Result] = []
        self._errand: Errand | None = None
        self._errand_waits_since: float | None = None
        self._errand_result: ErrandResult | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = self._closed = False
        self._group_in_trouble = True  # an earlier life may have noted some
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises what ended it: `LeaseLost`, `Revoked`, or an error of our own."""
        self.idle = asyncio.Event()
        """Set once it drains and everything that was on its way has been recorded."""

    def wake(self, *, errands: bool = True) -> None:
        """Something may have come; `errands`: also about topics."""
        self._look = True
        self._look_for_errands |= errands
        self._ask_for_turn()

    def drain(self) -> None:
        """Claims nothing more; what is on its way is recorded."""
        self._draining = True
        self._stop_timer()
        self._ask_for_turn()

    def _ask_for_turn(self) -> None:
        if not self._closed:
            self._ask()

    def close(self) -> None:
        """Starts nothing more, also of what a turn that is on its way brings home."""
        self._draining = self._closed = True
        self._stop_timer()
        for task in self._tasks:
            task.cancel()
        if self.ended.done() and not self.ended.cancelled():
            self.ended.exception()  # whoever waited for it has seen it
        self.ended.cancel()

    def fail(self, error: Exception, *, for_good: bool = False) -> None:
        """Nothing more is sent; without the lease, or `for_good`, nothing more can be recorded either."""
        if for_good or isinstance(error, LeaseLost):
            self._closed = True
            self.idle.set()  # nobody has to wait for what can't be recorded
        self.drain()
        if not self.ended.done():
            self.ended.set_exception(error)

    def bring(self, *, comes: bool) -> Part | None:
        """What it has for the next turn; `comes`: updates are stored in it, so there may be rows to claim."""
        if self._closed:
            return None
        results, errand_result = list(self._results), self._errand_result
        self._look_again(results, errand_result)
        self._look |= comes
        recorded = {result.run[0].lane for result in results}
        busy = [lane for lane in self._in_flight if lane not in recorded]
        part = Part(
            self._line,
            sent=[result for result in results if isinstance(result, Sent)],
            refused=[result for result in results if isinstance(result, Refused)],
            settled=[result for result in results if isinstance(result, (Dropped, Taken, Found, Deaf))],
            errand_result=errand_result,
            wish=self._wish(busy) if self._look and not self._draining else None,
            errands=self._look_for_errands and self._may_errand(),
            errands_are_free=self._may_errand() and (self._errand is None or errand_result is not None),
            spare=self._spare(),
            housekept=self.housekeeper is not None,
            has_listened=self.heard_for() >= topics.IN_DOUBT.total_seconds(),
            unsure=self._unsure and not self._draining,
        )
        if self._group_in_trouble and any(result.run[0].direction != "customer" for result in part.sent):
            part.group_recovered = True
        self._look = False
        if part.errands and part.errands_are_free:
            self._look_for_errands = False
        if not (comes or results or errand_result or part.wish or part.errands or part.unsure):
            self._tell_idle()
            return None
        return part

    def _spare(self) -> int:
        """Units that an errand may use."""
        if self.housekeeper is not None and self._line.group is not None:
            return self.housekeeper.budget(self._line.group).available()
        return min(self._allowance.for_group(), self._allowance.sends())

    def _may_errand(self) -> bool:
        return not self._draining and self._line.group is not None

    def _look_again(self, results: Sequence[Result], errand_result: ErrandResult | None) -> None:
        """What has ended may have made way for something else."""
        refused = any(isinstance(result, Refused) for result in results)
        followed = any(result.run[0].lane in self._has_more for result in results)
        opened = any(isinstance(result, Found) for result in results)
        self._unsure |= refused
        self._look |= refused or opened or followed or errand_result is not None or (bool(results) and self._unsure)
        self._look_for_errands |= refused or opened or errand_result is not None

    def _wish(self, busy: Sequence[LaneId]) -> Wish:
        """Room for so many; the attempts of what it gets are recorded with the claim."""
        directions = [self._in_flight[lane][0].direction for lane in busy]
        customers = directions.count("customer")
        waits = None if self._errand_waits_since is None else monotonic() - self._errand_waits_since
        units, room = self._allowance.for_messages(waits), self._allowance.sends()
        team = max(0, min(units, room, TEAM_AT_ONCE - len(directions) + customers))
        return Wish(
            self._line.tenant,
            self._line.lease,
            self._line.group,
            team=team,
            units=units,
            customers=max(0, min(room - team, CUSTOMERS_AT_ONCE - customers)),
            scarce=self._allowance.is_scarce(),
            busy=busy,
            resting=list(self._allowance.resting()),
        )

    def take_home(self, part: Part, home: Home) -> None:
        """Forgets what the commit has made permanent, and starts what was claimed."""
        if self._closed:
            return
        self._forget(part)
        if part.wish is not None:
            self._has_more |= home.claimed.has_more
            self._has_more.update(part.wish.busy)  # what came for them meanwhile could not be seen
        for run in home.claimed.runs:
            self._start(run)
        if home.errand is not None:
            self._start_errand(home.errand)
        self._look_for_errands |= home.errands_wait
        if not home.errands_wait:
            self._errand_waits_since = None
        elif self._errand_waits_since is None:
            self._errand_waits_since = monotonic()
        self._unsure = home.due is not None
        self._set_timer(home.due)
        self._tell_idle()

    def _forget(self, part: Part) -> None:
        done: list[Result] = [*part.sent, *part.refused, *part.settled]
        self._results = [result for result in self._results if not any(result is other for other in done)]
        for result in done:
            self._in_flight.pop(result.run[0].lane, None)
            self._has_more.discard(result.run[0].lane)
        if part.errand_result is not None:
            self._errand = self._errand_result = None
        if part.group_recovered:
            self._group_in_trouble = False

    def _set_timer(self, due: float | None) -> None:
        """Only where something is known to wait; the worker's sweep finds what everybody forgot."""
        self._stop_timer()
        if due is None or self._draining:
            return
        if due <= 0:  # the budget keeps it, or a reply that waits for its target
            due = min(self._allowance.wait(), LONGEST_WAIT_FOR_REPLY)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(LONGEST_WAIT, max(SOONEST, due)), self.wake)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell_idle(self) -> None:
        if self._draining and not self._in_flight and self._errand is None and not self._results:
            self.idle.set()

    def _start(self, run: Sequence[Row]) -> None:
        self._in_flight[run[0].lane] = run
        self._spawn(self._send(run, self._allowance.spend(run)))

    def _start_errand(self, errand: Errand) -> None:
        group = self._line.group
        if group is None:
            raise RuntimeError("an errand without a group")
        self._errand = errand
        self._spawn(self._do_errand(errand, group))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error if isinstance(error, Exception) else RuntimeError("a sending task broke"))
        self._ask_for_turn()

    async def _send(self, run: Sequence[Row], spent: Spent) -> None:
        self._keeper.require(self._line.lease)
        checkpoint("sender.before_call")
        began = monotonic()
        results = await carry_out(self._line, run)
        checkpoint("sender.after_call")
        for result in results:
            self._note(result, spent, monotonic() - began)
        self._results.extend(results)

    async def _do_errand(self, errand: Errand, group: ChatId) -> None:
        self._keeper.require(self._line.lease)
        keeper = self.housekeeper
        spent = self._allowance.spend_on_errand() if keeper is None else None
        at = 0.0 if keeper is None else keeper.budget(group).spend_on_errand()
        result = await run_errand(
            self._line.session, group, errand, housekeeper=None if keeper is None else keeper.session
        )
        checkpoint("errand.after_call")
        if result.dismissed:
            self.housekeeper = None
            spent = self._allowance.spend_on_errand()
        if spent is not None and result.error is not None:
            self._obey(result.error, spent)
        elif keeper is not None and isinstance(result.error, FloodWait):
            keeper.budget(group).refused(result.error.seconds, 1, at)
        self._errand_result = result

    def _note(self, result: Result, spent: Spent, seconds: float) -> None:
        first = result.run[0]
        about = log.bind(
            tenant=str(self._line.tenant),
            row=str(first.id),
            to=first.direction,
            rows=len(result.run),
            attempts=first.attempts,
        )
        if isinstance(result, Sent):
            about.info("message.sent", seconds=round(seconds, 3))
            metrics.RELAYED.labels(first.direction).inc(len(result.run))
            return
        if not isinstance(result, Refused):
            about.info(_SETTLED[type(result)])
            return
        about.info("message.refused", code=result.error.code)
        metrics.RETRIES.labels(result.error.code).inc()
        self._obey(result.error, spent)

    def _obey(self, error: SessionError, spent: Spent) -> None:
        if isinstance(error, FloodWait):
            self._allowance.refused(spent, error.seconds)
        if isinstance(error, Gone) and spent.lane is None:
            self._group_in_trouble = True
        if isinstance(error, Revoked):
            self.fail(error)
