"""The card of a customer: what operators may know of them. The one place that decides it."""

from datetime import datetime

from sessions.events import Person
from tenants.claims import find_owner
from tenants.dialogs import Dialog, Status, clean_name
from tenants.outbox import NewRow
from tenants.settings.schema import Settings
from worker.decisions.work import Work
from worker.paragraph import Paragraph

STATUSES = {
    Status.USER_ANSWERED: "waits for the team",
    Status.SUPPORT_ANSWERED: "answered",
    Status.CLOSED: "closed",
}


def card(dialog: Dialog, settings: Settings, operator: Person | None, now: datetime) -> Paragraph:
    """For this operator; None stands for everybody in the group, also for an anonymous administrator."""
    shown = Paragraph().bold(clean_name(dialog.name, str(dialog.chat_id)))
    if dialog.username:
        shown.say(f"\n@{dialog.username}")
    shown.say("\nId: ")
    if dialog.chat_id > 0:
        shown.mention(str(dialog.chat_id), dialog.chat_id)
    else:
        shown.say(str(dialog.chat_id))
    if dialog.language:
        shown.say(f"\nLanguage: {dialog.language}")
    shown.say(f"\nStatus: {dialog.status.square} {STATUSES[dialog.status]}")
    if dialog.chat_id in settings.IGNORE_CHATS:
        shown.say("\nBanned: nothing of theirs is relayed")
    shown.say(f"\nSince: {dialog.created_at or now:%Y-%m-%d %H:%M} UTC")
    owner = find_owner(dialog, now)
    if owner is not None:
        whose = "you" if operator is not None and operator.id == owner.id else owner.name
        shown.say(f"\nOwner: {whose}, until {owner.until:%Y-%m-%d %H:%M} UTC")
    return shown


def introduce(dialog: Dialog, work: Work) -> None:
    """AUTO_INFO: a new topic begins with the card."""
    desk = work.desk
    if dialog.is_new and desk.settings.AUTO_INFO:
        shown = card(dialog, desk.settings, None, desk.now)
        work.rows.append(NewRow(dialog.topic_lane, "notice", shown.body()))
