"""What a batch leads to beside its rows: everything that decisions can't do, because it needs the database."""

from tenants import outbox
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.groups import follow_group, propose_group
from tenants.identity import entitle
from worker.commands import COMMANDS
from worker.decisions.happenings import look, note_events
from worker.decisions.work import Work


async def follow_up(unit: UnitOfWork, work: Work, keyring: Keyring) -> None:
    """Before the dialogs and the rows are stored: it adds to both."""
    for dialog in work.dialogs.by_chat.values():
        entitle(dialog, work.desk.settings)
    if work.rewritten:
        await outbox.rewrite(unit, work.desk.tenant, work.rewritten, keyring)
    before = look(work)
    for call in work.calls:
        answer = COMMANDS[call.name].answer
        if answer is not None:
            await answer(unit, call, keyring)
    note_events(work, before)
    for proposed, word in work.proposals:
        await propose_group(unit, proposed, word)
    if work.moved_to is not None and work.desk.group_id is not None:
        await follow_group(unit, work.desk.tenant, work.desk.group_id, work.moved_to)
