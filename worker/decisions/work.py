"""What one batch reads and what it changes: the working copy that decisions are made over."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenants.audit import Act
from tenants.dialogs import DialogBook
from tenants.groups import ProposedGroup
from tenants.ids import ChatId, LaneId, MessageId, RowId
from tenants.intake import Desk
from tenants.outbox import Body, NewRow, Trace
from tenants.outbox.traces import NOTHING, Traces

if TYPE_CHECKING:
    from worker.decisions.command import Call


@dataclass(slots=True)
class Work:
    """`traces` is empty where nothing had to be asked; `rewritten` are bodies of rows that wait; `calls` are commands
    that need the database. `is_late`: it was set aside when it came, and somebody asked for it again. `acts` go into
    the audit log with the rest.
    """

    desk: Desk
    dialogs: DialogBook
    brand_link: str
    general: LaneId | None = None
    traces: Traces = field(default_factory=dict)
    rows: list[NewRow] = field(default_factory=list)
    rewritten: dict[RowId, Body] = field(default_factory=dict)
    proposals: list[tuple[ProposedGroup, str]] = field(default_factory=list)
    calls: "list[Call]" = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    moved_to: ChatId | None = None
    is_late: bool = False

    def trace(self, chat: ChatId, message: MessageId) -> Trace:
        return self.traces.get((chat, message), NOTHING)

    def is_welcome(self, chat: ChatId) -> bool:
        """WHITE_LIST, which a dialog passes that the team opened."""
        allowed = self.desk.settings.WHITE_LIST
        dialog = self.dialogs.by_chat.get(chat)
        return not allowed or chat in allowed or (dialog is not None and dialog.opened_by_team)
