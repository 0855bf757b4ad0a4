"""The catalogue of administrative acts, and one of them with its author. What is not declared can't be written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from tenants.ids import UserId

PARAMS: Mapping[str, str] = {
    "old": "what it was before; null = the default, or nothing",
    "new": "what it is now",
    "mode": "how it receives: `polling` or `parallel`; null = nobody has said so far",
    "how": "`command`, `topic` (the topic itself was closed or reopened) or `autoclose`",
    "ids": "of the dead letters",
    "owner": "the operator's id; null = nobody's",
}
"""Everything that may stand beside an act. Values are ids, numbers, names of ours, and settings."""


class Action(StrEnum):
    """Its name, which does not change, what was done, what its subject is, and which of `PARAMS` it has."""

    sentence: str
    about: str
    params: frozenset[str]

    def __new__(cls, name: str, sentence: str, about: str = "", *params: str) -> Self:
        made = str.__new__(cls, name)
        made._value_ = name
        made.sentence = sentence
        made.about = about
        made.params = frozenset(params)
        if unknown := made.params - PARAMS.keys():
            raise ValueError(f"{name}: {sorted(unknown)} is not declared")
        return made

    CONNECTED = "tenant.connected", "The bot was connected.", "the bot's username", "mode"
    STARTED = "tenant.started", "The relay was started."
    STOPPED = "tenant.stopped", "The relay was stopped."
    TOKEN_REPLACED = "tenant.token_replaced", "The bot got a new token: the relay goes on with it."
    ADMINISTRATOR_ADDED = "tenant.administrator_added", "A co-administrator was added.", "the person's id"
    ADMINISTRATOR_REMOVED = "tenant.administrator_removed", "A co-administrator was removed.", "the person's id"
    TRANSFERRED = "tenant.transferred", "The connection has another owner.", "the new owner's id", "old"
    PLAN_CHANGED = "tenant.plan_changed", "Another plan counts.", "why", "old", "new"
    KEY_MADE = "keys.made", "An API key was made.", "the key's id"
    KEY_REVOKED = "keys.revoked", "An API key was revoked.", "the key's id"
    REVOKED = "tenant.revoked", "Telegram does not take the bot's token any more: the relay ended for good."
    MODE_CHANGED = "tenant.mode_changed", "The way of receiving was changed.", "", "old", "new"
    GROUP_LINKED = "group.linked", "A group became the desk.", "the group's id"
    GROUP_CHANGED = "group.changed", "Another group became the desk.", "the group's id", "old"
    GROUP_FOLLOWED = "group.followed", "Telegram gave the group another id.", "the group's new id", "old"
    SETTING_CHANGED = "settings.changed", "A setting was changed.", "the setting's name", "old", "new"
    SETTING_RESET = "settings.reset", "A setting was reset to its default.", "the setting's name", "old"
    DIALOG_OPENED = "dialog.opened", "The team opened a dialog with /new.", "the dialog's id"
    DIALOG_CLOSED = "dialog.closed", "A dialog was closed.", "the dialog's id", "how"
    DIALOG_HELD = "dialog.held", "A dialog was marked as waiting for the team.", "the dialog's id", "how"
    CUSTOMER_BANNED = "dialog.banned", "A customer was banned.", "the dialog's id"
    CUSTOMER_UNBANNED = "dialog.unbanned", "A customer was allowed to write again.", "the dialog's id"
    DIALOG_ASSIGNED = "dialog.assigned", "A dialog was given to an operator, or freed.", "the dialog's id", "owner"
    ANSWER_DELETED = "dialog.answer_deleted", "An answer was taken back with /del.", "the dialog's id"
    WEBHOOK_REPLAYED = "webhooks.replayed", "A webhook was sent again on request.", "the delivery's id"
    WEBHOOK_SECRET_MADE = "webhooks.secret_made", "A new secret for signing webhooks was made."
    REPLAYED = "dead_letters.replayed", "Dead letters were sent again.", "`all`, where no ids were named", "ids"


class ActorKind(StrEnum):
    OWNER = "owner"
    OPERATOR = "operator"
    API = "api"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is a Telegram user's: of a program that uses the API, the user whose key it has. `name` is empty where it
    is not known. An anonymous administrator has neither.
    """

    kind: ActorKind
    id: UserId | None = None
    name: str = ""


SYSTEM = Actor(ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Act:
    """Raises `ValueError` for what its action does not declare."""

    action: Action
    by: Actor
    subject: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if undeclared := self.params.keys() - self.action.params:
            raise ValueError(f"{self.action} has no {', '.join(sorted(undeclared))}")
