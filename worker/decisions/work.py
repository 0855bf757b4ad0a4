"""What one batch reads and what it changes: the working copy that decisions are made over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sessions.events import Message, Person
from tenants.archive import Keeping
from tenants.audit import Act
from tenants.dialogs import DialogBook
from tenants.groups import ProposedGroup, Trouble
from tenants.ids import ChatId, LaneId, MessageId, RowId, UserId
from tenants.intake import Desk
from tenants.neighbours import Neighbour
from tenants.outbox import NewBody, NewRow, Trace
from tenants.outbox.traces import NOTHING, Traces
from tenants.usage.limits import Gate
from tenants.webhooks.happenings import Happening
from worker.decisions.albums import Albums

if TYPE_CHECKING:
    from worker.decisions.command import Call


@dataclass(slots=True)
class Work:
    """`traces` is empty where nothing had to be asked; `rewritten` are bodies of rows that wait; `calls` are commands
    that need the database. `neighbours` are the connections that share the group, oldest first, where a command was
    typed in General; `operators` are those who wrote. `is_late`: it was set aside when it came, and somebody asked
    for it again. `group_troubles` is what is wrong with the group, where that is news. `gate`: what the plan still
    allows. `acts` go into the audit log, `keeping` into the archive, `events` to webhooks.
    """

    desk: Desk
    dialogs: DialogBook
    brand_link: str
    general: LaneId | None = None
    traces: Traces = field(default_factory=dict)
    rows: list[NewRow] = field(default_factory=list)
    rewritten: dict[RowId, NewBody] = field(default_factory=dict)
    neighbours: Sequence[Neighbour] = ()
    operators: dict[UserId, Person] = field(default_factory=dict)
    proposals: list[tuple[ProposedGroup, str]] = field(default_factory=list)
    calls: "list[Call]" = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    events: list[Happening] = field(default_factory=list)
    keeping: Keeping = field(default_factory=Keeping)
    moved_to: ChatId | None = None
    group_troubles: frozenset[Trouble] | None = None
    is_late: bool = False
    gate: Gate = field(default_factory=Gate)
    albums: Albums = field(default_factory=Albums)

    def trace(self, chat: ChatId, message: MessageId) -> Trace:
        return self.traces.get((chat, message), NOTHING)

    def words(self, message: Message) -> str:
        """For whatever looks for words in it: those of the whole album, so that its pieces stay together."""
        return "\n".join(self.albums.captions(message))

    @property
    def is_first(self) -> bool:
        """Whether this connection speaks for all that share the group."""
        return not self.neighbours or self.neighbours[0].tenant == self.desk.tenant

    def is_ignored(self, chat: ChatId) -> bool:
        """IGNORE_CHATS, which nothing passes."""
        return chat in self.desk.settings.IGNORE_CHATS

    def is_welcome(self, chat: ChatId) -> bool:
        """WHITE_LIST, which a dialog passes that the team opened; nobody passes IGNORE_CHATS."""
        if self.is_ignored(chat):
            return False
        allowed = self.desk.settings.WHITE_LIST
        dialog = self.dialogs.by_chat.get(chat)
        return not allowed or chat in allowed or (dialog is not None and dialog.opened_by_team)
