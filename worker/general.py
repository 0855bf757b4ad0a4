"""What is read before anything is decided about General, and who was seen in the group."""

from collections.abc import Sequence

from sessions.events import Incoming, Message
from tenants import outbox
from tenants.db import UnitOfWork
from tenants.dialogs import clean_name
from tenants.neighbours import list_neighbours
from tenants.operators import Operator, note_operators
from worker.decisions.dispatch import speaks_in_general
from worker.decisions.work import Work


async def open_general(unit: UnitOfWork, work: Work, updates: Sequence[Incoming]) -> None:
    desk = work.desk
    said = [update.event for update in updates if speaks_in_general(update, desk.group_id)]
    if said:
        work.general = await outbox.general_lane(unit, desk.tenant)
    if any(isinstance(event, Message) and event.text.startswith("/") for event in said):
        work.neighbours = await list_neighbours(unit, desk.tenant)


async def meet_operators(unit: UnitOfWork, works: Sequence[Work]) -> None:
    """In one statement for all tenants of a turn."""
    seen = [
        Operator(work.desk.tenant, person.id, person.username, clean_name(person.name, str(person.id)))
        for work in works
        for person in work.operators.values()
    ]
    await note_operators(unit, seen)
