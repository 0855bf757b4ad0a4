"""What comes in: a batch of updates becomes rows and the cursor moves, in one transaction; then it is acknowledged.

A crash before the commit means that Telegram delivers again; after it, nothing is done twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from sessions.errors import Flaky, FloodWait, Revoked, SessionError
from sessions.port import Batch, ChatKind, Cursor, Incoming, Message
from tenants import intake, outbox
from tenants.backoff import backoff, patiently
from tenants.connections import propose_group
from tenants.db import UnitOfWork, is_passing
from tenants.dialogs import DialogBook
from tenants.errors import LeaseLost
from tenants.intake import Desk, Failed, Outcome
from tenants.outbox import Body, NewRow
from worker.dispatch import APOLOGY, Work, awaits_own_topic, dispatch, speaks_in_general, touched
from worker.line import Line

APOLOGIZE_EVERY = timedelta(minutes=10)

log = structlog.get_logger()


class Relay:
    """One tenant's intake. `stored` is called after each commit, with whether a topic has to change."""

    def __init__(self, line: Line, *, stored: Callable[[bool], None]) -> None:
        self._line = line
        self._stored = stored
        self._failures = 0

    async def run(self) -> None:
        """Receives and stores for ever. Raises `LeaseLost` and `Revoked`; everything else is waited out."""
        cursor = await patiently(self._read_cursor, name="relay.read_cursor")
        while True:
            try:
                batch = await self._line.session.receive(cursor)
            except Revoked:
                raise
            except SessionError as error:
                await self._wait_out(error)
                continue
            self._failures = 0
            if batch.updates:
                await self.store(batch)
                cursor = batch.cursor

    async def store(self, batch: Batch) -> None:
        """The whole batch, or, where one update of it raises, one update after the other.

        Only an error that would come again sets an update aside; trouble of the database is waited out.
        """
        try:
            await patiently(lambda: self._store_all(batch.updates, batch.cursor), name="relay.store")
        except LeaseLost:
            raise
        except Exception:
            log.exception("batch.store_failed", tenant=str(self._line.tenant), updates=len(batch.updates))
        else:
            return
        for incoming in batch.updates:
            await patiently(lambda: self._store_one(incoming, batch.cursor), name="relay.store_one")  # noqa: B023  # awaited here

    async def _read_cursor(self) -> Cursor | None:
        async with self._line.database.tenant(self._line.tenant) as unit:
            desk = await intake.open_desk(unit, self._line.tenant, self._line.lease)
        return None if desk.cursor is None else Cursor(desk.cursor)

    async def _wait_out(self, error: SessionError) -> None:
        self._failures += 1
        delay = error.seconds if isinstance(error, FloodWait) else backoff(self._failures)
        tenant = self._line.tenant
        log.warning("session.receive_failed", tenant=str(tenant), code=error.code, wait=round(delay, 1))
        if isinstance(error, Flaky) and error.code == "conflict":
            async with self._line.database.tenant(tenant) as unit:
                await intake.note_problem(unit, tenant, error.text)
        await asyncio.sleep(delay)

    async def _store_one(self, incoming: Incoming, cursor: Cursor) -> None:
        try:
            await self._store_all([incoming], cursor)
        except Exception as error:
            if isinstance(error, LeaseLost) or is_passing(error):
                raise
            await self._set_aside(incoming, cursor, type(error).__name__)

    async def _store_all(self, updates: Sequence[Incoming], cursor: Cursor) -> None:
        line = self._line
        async with line.database.tenant(line.tenant) as unit:
            desk = await intake.open_desk(unit, line.tenant, line.lease, received=[update.id for update in updates])
            fresh = list({update.id: update for update in updates if update.id not in desk.known}.values())
            work = await self._open_work(unit, desk, fresh)
            outcomes = [Outcome(update.id, update.kind, dispatch(update, work)) for update in fresh]
            errands = await work.dialogs.save(unit)
            await outbox.enqueue(unit, line.tenant, work.rows, line.keyring)
            for proposed, word in work.proposals:
                await propose_group(unit, proposed, word)
            await self._finish(unit, outcomes, cursor)
        if work.rows or errands:
            self._stored(errands)

    async def _open_work(self, unit: UnitOfWork, desk: Desk, fresh: Sequence[Incoming]) -> Work:
        places = [touched(update, desk.group_id) for update in fresh]
        dialogs = await DialogBook.load(
            unit,
            desk.tenant,
            desk.now,
            chats={chat for chat, _ in places if chat is not None},
            topics={topic for _, topic in places if topic is not None},
            adopting=any(awaits_own_topic(update) for update in fresh),
        )
        work = Work(desk, dialogs, self._line.brand_link)
        if any(speaks_in_general(update, desk.group_id) for update in fresh):
            work.general = await outbox.general_lane(unit, desk.tenant)
        return work

    async def _finish(self, unit: UnitOfWork, outcomes: Sequence[Outcome], cursor: Cursor) -> None:
        line = self._line
        await intake.store_outcomes(unit, line.tenant, line.lease, outcomes, cursor=cursor, keyring=line.keyring)

    async def _set_aside(self, incoming: Incoming, cursor: Cursor, reason: str) -> None:
        """Keeps the update, encrypted, and tells the customer in one harmless sentence, not too often."""
        line = self._line
        log.error("update.set_aside", tenant=str(line.tenant), update=incoming.id, reason=reason)
        outcome = Outcome(incoming.id, incoming.kind, Failed(reason), incoming.raw)
        async with line.database.tenant(line.tenant) as unit:
            desk = await intake.open_desk(unit, line.tenant, line.lease, received=[incoming.id])
            if not desk.known:
                await self._apologize(unit, desk, incoming)
            await self._finish(unit, [] if desk.known else [outcome], cursor)
        self._stored(False)

    async def _apologize(self, unit: UnitOfWork, desk: Desk, incoming: Incoming) -> None:
        event = incoming.event
        if desk.settings.SILENT_MODE or not isinstance(event, Message) or event.chat.kind is not ChatKind.PRIVATE:
            return
        book = await DialogBook.load(unit, desk.tenant, desk.now, chats=[event.chat.id], topics=[])
        dialog = book.by_chat.get(event.chat.id)
        if dialog is None or (dialog.apologized_at and desk.now - dialog.apologized_at < APOLOGIZE_EVERY):
            return
        dialog.apologized_at = desk.now
        await book.save(unit)
        apology = NewRow(dialog.customer_lane, "text", Body(APOLOGY))
        await outbox.enqueue(unit, desk.tenant, [apology], self._line.keyring)
