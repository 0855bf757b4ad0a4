"""Administrative acts of operators, as the decisions over a batch note them: stored with what the batch leads to."""

from sessions.events import Person
from tenants.audit import Act, Action, Actor, ActorKind
from tenants.dialogs import Dialog, Status
from worker.decisions.work import Work

_STATUS_ACTIONS = {Status.CLOSED: Action.DIALOG_CLOSED, Status.USER_ANSWERED: Action.DIALOG_HELD}


def operator(person: Person | None) -> Actor:
    """None for an anonymous administrator."""
    return Actor(ActorKind.OPERATOR) if person is None else Actor(ActorKind.OPERATOR, person.id, person.name)


def note(work: Work, action: Action, by: Person | None, subject: object = "", **params: object) -> None:
    """An operator's act, stored with the batch. `by` is None for an anonymous administrator; `params` are those that
    the action declares.
    """
    work.acts.append(Act(action, operator(by), str(subject), params))


def note_status(work: Work, dialog: Dialog, before: Status, by: Person | None, how: str) -> None:
    """That an operator closed or held a dialog, where that has changed its status."""
    if dialog.status is not before and dialog.status in _STATUS_ACTIONS:
        note(work, _STATUS_ACTIONS[dialog.status], by, dialog.id, how=how)
