"""Updates that were set aside and are to be handled after all: late, and marked so. One transaction for each."""

import structlog

from sessions.events import Incoming
from tenants import archive, audit, set_aside
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork, is_passing
from tenants.dead_letters import mark_late
from tenants.dialogs import load_books, save_books
from tenants.errors import LeaseLost
from tenants.ids import UpdateId
from tenants.intake import Disposition, Failed, open_desk
from tenants.outbox import enqueue
from tenants.set_aside import Replay
from tenants.webhooks.happenings import tell
from worker.decisions.dispatch import dispatch
from worker.decisions.happenings import told_by
from worker.decisions.work import Work
from worker.effects import follow_up
from worker.general import open_general
from worker.line import Line
from worker.turn import trace, wanted_by

log = structlog.get_logger()


class Replays:
    def __init__(self, database: Database, keyring: Keyring, brand_link: str) -> None:
        self._database = database
        self._keyring = keyring
        self._brand_link = brand_link

    async def run(self, line: Line) -> bool:
        """All that are asked for. Whether there were any. Raises `LeaseLost`; what fails again stays set aside."""
        number = 0
        while (update := await self._claim(line)) is not None:
            number += 1
            try:
                await self._redo(line, update)
            except Exception as error:
                if isinstance(error, LeaseLost) or is_passing(error):
                    raise
                log.exception("replay.failed", tenant=str(line.tenant), update=update)
                await self._set_aside_again(line, update, type(error).__name__)
        return bool(number)

    async def _claim(self, line: Line) -> UpdateId | None:
        async with self._database.tenant(line.tenant) as unit:
            found = await set_aside.claim_replays(unit, line.tenant, self._keyring, limit=1)
        return found[0].update_id if found else None

    async def _redo(self, line: Line, expected: UpdateId) -> None:
        async with self._database.tenant(line.tenant) as unit:
            found = await set_aside.claim_replays(unit, line.tenant, self._keyring, limit=1)
            if not found or found[0].update_id != expected:
                return
            disposition = await self._handle(unit, line, found[0], line.session.read(found[0].raw))
            await set_aside.finish_replay(unit, line.tenant, line.lease, expected, disposition)
        log.info("update.replayed", tenant=str(line.tenant), update=expected, disposition=disposition.name)

    async def _handle(self, unit: UnitOfWork, line: Line, replay: Replay, incoming: Incoming) -> Disposition:
        desk = await open_desk(unit, line.tenant, line.lease)
        books = await load_books(unit, [wanted_by(line.tenant, [incoming], desk.group_id)], desk.now)
        work = Work(desk, books[line.tenant], self._brand_link, is_late=True)
        await open_general(unit, work, [incoming])
        await trace(unit, [(work, [incoming])])
        disposition = dispatch(incoming, work)
        await follow_up(unit, work, self._keyring)
        await audit.record(unit, line.tenant, *work.acts)
        await tell(unit, told_by(work))
        await save_books(unit, [work.dialogs])
        await archive.keep(unit, {line.tenant: work.keeping}, self._keyring)
        await enqueue(unit, line.tenant, mark_late(work.rows, replay.received_at), self._keyring)
        return disposition

    async def _set_aside_again(self, line: Line, update: UpdateId, reason: str) -> None:
        async with self._database.tenant(line.tenant) as unit:
            await set_aside.finish_replay(unit, line.tenant, line.lease, update, Failed(reason))
