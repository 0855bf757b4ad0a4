"""One turn: a transaction that serves many tenants at once, so that what it costs is shared.

It records what became of earlier calls, stores what came in, and claims what may go out now. Each statement joins
on the leases' terms; a tenant whose lease does not hold any more is left out and told so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from sessions.events import Cursor, Incoming
from tenants import archive, audit, intake, outbox, topics
from tenants.backlog import look_back
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.dialogs import Wanted, load_books, save_books
from tenants.errors import LeaseLost
from tenants.groups import note_group_troubles
from tenants.ids import ChatId, TenantId
from tenants.intake import Intake, Opening, Outcome, Stored
from tenants.leases import Lease
from tenants.outbox import Claimed, Wish
from tenants.parallel import save_hashes
from tenants.plans import TERMS, TermsByPlan
from tenants.usage.limits import Gate
from tenants.usage.telling import Counted
from tenants.usage.telling import tell as tell_usage
from tenants.webhooks.happenings import tell
from worker.checkpoints import checkpoint
from worker.decisions.dispatch import (
    also_touched,
    awaits_own_topic,
    list_asks,
    touched,
    touched_message,
)
from worker.decisions.happenings import told_by
from worker.decisions.work import Work
from worker.effects import follow_up
from worker.errands import Errand, ErrandResult, record_errand
from worker.general import meet_operators, open_general
from worker.introductions import introduce_again
from worker.line import Line
from worker.outcomes import decide, set_aside, unhandled
from worker.results import record_refused, record_sent, record_settled
from worker.sending import Refused, Sent, Settled, units_of

log = structlog.get_logger()


@dataclass(slots=True)
class Part:
    """What one tenant brings to a turn.

    `wish` is None where nothing has to be claimed. `errands` = look for one; `spare` is how many units of the
    group's budget an errand would have, before the claim; where the group is `housekept` a claim takes none of them.
    `looks_back`: how far is the group behind?
    `has_listened` long enough for a topic in doubt to have turned up. `hashes` came with the updates.
    `aside` is why the only update is to be set aside.
    """

    line: Line
    updates: Sequence[Incoming] = ()
    cursor: Cursor | None = None
    hashes: Mapping[int, int] = field(default_factory=dict, repr=False)
    aside: str | None = None
    sent: Sequence[Sent] = ()
    refused: Sequence[Refused] = ()
    settled: Sequence[Settled] = ()
    errand_result: ErrandResult | None = None
    group_recovered: bool = False
    wish: Wish | None = None
    errands: bool = False
    errands_are_free: bool = False
    spare: int = 0
    housekept: bool = False
    has_listened: bool = False
    unsure: bool = False
    looks_back: bool = False
    completes: bool = False
    """Whether the batch is stored with this."""
    completes_release: bool = False
    """Whether what had waited is."""

    @property
    def tenant(self) -> TenantId:
        return self.line.tenant

    @property
    def has_more_than_an_update(self) -> bool:
        results = self.sent or self.refused or self.settled
        other = results or self.errand_result is not None or self.wish is not None
        return len(self.updates) > 1 or bool(other)

    def results_only(self) -> "Part":
        return replace(
            self,
            updates=(),
            cursor=None,
            hashes={},
            wish=None,
            errands=False,
            completes=False,
            completes_release=False,
        )

    def without_results(self) -> "Part":
        return replace(self, sent=(), refused=(), settled=(), errand_result=None, group_recovered=False)

    def pieces(self) -> list["Part"]:
        """The same, one thing at a time: what went out, then each update with its own cursor, then the wish."""
        updates = [
            Part(
                self.line,
                updates=[update],
                cursor=update.cursor if update.waited_since is None else None,
                hashes=self.hashes,
            )
            for update in self.updates
        ]
        rest = Part(
            self.line,
            wish=self.wish,
            errands=True,
            unsure=True,
            completes=self.completes,
            completes_release=self.completes_release,
        )
        return [self.results_only(), *updates, rest]

    def set_aside(self, reason: str) -> "Part":
        return replace(self, aside=reason)

    @property
    def holder(self) -> tuple[TenantId, Lease]:
        return self.line.tenant, self.line.lease


@dataclass(slots=True)
class Home:
    """What a tenant takes home: runs to send, an errand to do, and when to come again, in seconds. `is_behind` is
    None where nobody looked back.
    """

    error: Exception | None = None
    stored: Sequence[Outcome] = ()
    claimed: Claimed = field(default_factory=Claimed)
    errand: Errand | None = None
    errands_wait: bool = False
    is_behind: bool | None = None
    due: float | None = None


Homes = dict[TenantId, Home]


class Turn:
    """`run` raises where the database is in trouble, or where one part's data is; nothing is stored then."""

    def __init__(self, database: Database, keyring: Keyring, brand_link: str, terms: TermsByPlan = TERMS) -> None:
        self._database = database
        self._keyring = keyring
        self._brand_link = brand_link
        self._terms = terms

    async def run(self, parts: Sequence[Part]) -> Homes:
        homes = {part.tenant: Home() for part in parts}
        async with self._database.tenants([part.tenant for part in parts]) as unit:
            await self._record(unit, parts, homes)
            changed = await self._store(unit, parts, homes)
            await self._claim(unit, parts, homes)
            await self._find_errands(unit, parts, homes, changed)
            await self._look_ahead(unit, parts, homes)
        checkpoint("turn.committed")
        return homes

    async def _record(self, unit: UnitOfWork, parts: Sequence[Part], homes: Homes) -> None:
        with_results = [part for part in parts if part.sent]
        if with_results:
            for tenant in await record_sent(unit, [(part.line, part.sent) for part in with_results]):
                homes[tenant].error = LeaseLost()
        for part in _alive(parts, homes):
            for refused in part.refused:
                await record_refused(unit, part.line, refused, self._keyring)
            for settled in part.settled:
                await record_settled(unit, part.line, settled, self._keyring, self._brand_link)
            if part.group_recovered:
                await intake.note_group_problem(unit, part.tenant, None)
            if part.errand_result is not None:
                is_new = await record_errand(unit, part.line, part.errand_result)
                if is_new and part.errand_result.is_remade:
                    await introduce_again(unit, part.line, part.errand_result, self._keyring)
        checkpoint("turn.recorded")

    async def _store(self, unit: UnitOfWork, parts: Sequence[Part], homes: Homes) -> set[TenantId]:
        """The tenants of which a topic may have to change."""
        storing = [part for part in _alive(parts, homes) if part.updates]
        if not storing:
            return set()
        works = await self._open(unit, storing, homes)
        intakes: list[Intake] = []
        for part in storing:
            work = works.get(part.tenant)
            if work is not None and (outcomes := _decide(part, work, homes[part.tenant])) is not None:
                intakes.append(_intake(part, work, outcomes))
        works = {done.tenant: works[done.tenant] for done in intakes}
        await meet_operators(unit, list(works.values()))
        for work in works.values():
            await follow_up(unit, work, self._keyring)
            if work.group_troubles is not None:
                await note_group_troubles(unit, work.desk.tenant, work.group_troubles)
        await audit.record_all(unit, {tenant: work.acts for tenant, work in works.items()})
        await tell(unit, told_by(*works.values()))
        changed = await save_books(unit, [work.dialogs for work in works.values()])
        await archive.keep(unit, {tenant: work.keeping for tenant, work in works.items()}, self._keyring)
        if intakes:
            await self._commit_intakes(unit, intakes, works, homes)
            hashes = {part.tenant: part.hashes for part in storing if part.hashes and part.tenant in works}
            if hashes:
                await save_hashes(unit, self._keyring, hashes)
        checkpoint("turn.stored")
        return changed

    async def _open(self, unit: UnitOfWork, storing: Sequence[Part], homes: Homes) -> dict[TenantId, Work]:
        openings = [Opening(part.tenant, part.line.lease, [update.id for update in part.updates]) for part in storing]
        desks = await intake.open_desks(unit, openings, self._terms)
        checkpoint("turn.opened")
        wanted = []
        for part in storing:
            if part.tenant in desks:
                wanted.append(wanted_by(part.tenant, part.updates, desks[part.tenant].group_id))
            else:
                homes[part.tenant].error = LeaseLost()
        now = next((desk.now for desk in desks.values()), datetime.now(UTC))
        books = await load_books(unit, wanted, now) if wanted else {}
        works = {
            tenant: Work(
                desks[tenant], book, self._brand_link, gate=Gate(desks[tenant].allotment, holds=desks[tenant].holds)
            )
            for tenant, book in books.items()
        }
        for part in storing:
            if part.tenant in works:
                works[part.tenant].albums = part.line.albums
        for part in storing:
            if part.tenant in works:
                await open_general(unit, works[part.tenant], part.updates)
        await trace(unit, [(works[part.tenant], part.updates) for part in storing if part.tenant in works])
        return works

    async def _commit_intakes(
        self, unit: UnitOfWork, intakes: Sequence[Intake], works: Mapping[TenantId, Work], homes: Homes
    ) -> None:
        """Raises `LeaseLost` where one ended since it was opened: its dialogs must not be stored without it."""
        stored = await intake.store(unit, intakes, self._keyring)
        for done in intakes:
            if done.tenant not in stored:
                raise LeaseLost
            homes[done.tenant].stored = done.outcomes
        await tell_usage(unit, [_counted(done, works[done.tenant], stored[done.tenant]) for done in intakes])

    async def _claim(self, unit: UnitOfWork, parts: Sequence[Part], homes: Homes) -> None:
        for part in _alive(parts, homes):
            if part.looks_back:
                homes[part.tenant].is_behind = await look_back(unit, part.tenant, self._keyring)
        wishes = [part.wish for part in _alive(parts, homes) if part.wish is not None]
        if wishes:
            for tenant, claimed in (await outbox.claim(unit, wishes, self._keyring)).items():
                homes[tenant].claimed = claimed
            await _let_changes_queue_up(unit, parts, homes)
        checkpoint("turn.claimed")

    async def _find_errands(
        self, unit: UnitOfWork, parts: Sequence[Part], homes: Homes, changed: set[TenantId]
    ) -> None:
        """Messages come first: an errand takes what they leave of the group's budget. Topics before titles: a
        message waits for the one, nobody for the other.
        """
        looking = []
        for part in _alive(parts, homes):
            home = homes[part.tenant]
            if not part.errands and part.tenant not in changed:
                continue
            taken = 0 if part.housekept else _units(home.claimed)
            if part.errands_are_free and part.spare > taken:
                looking.append(part)
            else:
                home.errands_wait = True
        if not looking:
            return
        asked = await topics.ask_for_topics(unit, [(*part.holder, part.has_listened) for part in looking])
        found: dict[TenantId, Errand] = {**asked}
        rest = [part.holder for part in looking if part.tenant not in found]
        if rest:
            found |= await topics.take_stale_topics(unit, rest)
        for tenant, errand in found.items():
            homes[tenant].errand = errand

    async def _look_ahead(self, unit: UnitOfWork, parts: Sequence[Part], homes: Homes) -> None:
        """Only where something is known to wait. Once nothing does, the next wake-up says that something came."""
        unsure = [part for part in _alive(parts, homes) if part.unsure or _waits(homes[part.tenant])]
        if not unsure:
            return
        busy = [lane for part in unsure if part.wish is not None for lane in part.wish.busy]
        rows = await outbox.seconds_until_due(unit, [(part.tenant, part.line.group) for part in unsure], busy=busy)
        errands = await topics.seconds_until_errand(
            unit, [part.tenant for part in unsure if part.line.group is not None]
        )
        for part in unsure:
            due = [seconds[part.tenant] for seconds in (rows, errands) if part.tenant in seconds]
            homes[part.tenant].due = min(due, default=None)


def _intake(part: Part, work: Work, outcomes: Sequence[Outcome]) -> Intake:
    return Intake(
        part.tenant,
        part.line.lease,
        outcomes,
        work.rows,
        part.cursor,
        part.line.mode,
        handled=work.gate.counted,
        allowed=work.desk.allotment.allowed,
        has_room=work.gate.has_room,
    )


def _counted(done: Intake, work: Work, stored: Stored) -> Counted:
    return Counted(
        done.tenant,
        work.desk.allotment,
        done.handled,
        stored.used,
        waited=work.desk.holds,
        waits=stored.waits,
        at=work.desk.now,
    )


async def _let_changes_queue_up(unit: UnitOfWork, parts: Sequence[Part], homes: Homes) -> None:
    """They are claimed in the next turn."""
    spares = [(*part.holder, homes[part.tenant].claimed.spare) for part in parts if homes[part.tenant].claimed.later]
    if spares:
        await outbox.give_numbers(unit, spares)


def _waits(home: Home) -> bool:
    return home.claimed.others_wait or home.claimed.later > 0 or home.errands_wait


def _alive(parts: Sequence[Part], homes: Homes) -> list[Part]:
    return [part for part in parts if homes[part.tenant].error is None]


def _units(claimed: Claimed) -> int:
    """Of the group's budget; a joined text is one message."""
    return sum(units_of(run) for run in claimed.runs)


def wanted_by(tenant: TenantId, updates: Sequence[Incoming], group: ChatId | None) -> Wanted:
    """The dialogs that these updates are about."""
    places = [touched(update, group) for update in updates]
    others = {chat for update in updates if (chat := also_touched(update)) is not None}
    return Wanted(
        tenant,
        chats={chat for chat, _ in places if chat is not None} | others,
        topics={topic for _, topic in places if topic is not None},
        adopting=any(awaits_own_topic(update) for update in updates),
        group=group,
        messages={message for update in updates if (message := touched_message(update, group)) is not None},
    )


def _decide(part: Part, work: Work, home: Home) -> list[Outcome] | None:
    """What each update means. None where that raised: the part's error says so, and the others go on without it."""
    fresh = unhandled(part.updates, work)
    if part.aside is not None:
        return set_aside(fresh, work, part.aside)
    try:
        return decide(fresh, work)
    except Exception as error:
        log.exception("update.dispatch_failed", tenant=str(part.tenant), updates=len(part.updates))
        home.error = error
        return None


async def trace(unit: UnitOfWork, works: Sequence[tuple[Work, Sequence[Incoming]]]) -> None:
    """What is known of the messages, for the few batches that need it."""
    asks = [ask for work, updates in works for update in updates for ask in list_asks(update, work)]
    if asks:
        found = await outbox.find_traces(unit, asks)
        for work, _ in works:
            work.traces = found.get(work.desk.tenant, {})
