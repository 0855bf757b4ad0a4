"""The card of a customer: what operators may know of them. The one place that decides it."""

from sessions.events import Person
from tenants.claims import find_owner
from tenants.dialogs import Dialog, Status, clean_name
from tenants.identity import is_trusted, name_of
from tenants.intake import Desk
from tenants.outbox import NewRow
from tenants.settings.schema import Settings
from worker.decisions.work import Work
from worker.paragraph import Paragraph

STATUSES = {
    Status.USER_ANSWERED: "waits for the team",
    Status.SUPPORT_ANSWERED: "answered",
    Status.CLOSED: "closed",
}


def card(dialog: Dialog, desk: Desk, operator: Person | None) -> Paragraph:
    """For this operator; None stands for everybody in the group, also for an anonymous administrator."""
    settings, now = desk.settings, desk.now
    shown = Paragraph()
    _say_who(shown, dialog, desk, operator)
    shown.say(f"\nStatus: {dialog.status.square} {STATUSES[dialog.status]}")
    if dialog.chat_id in settings.IGNORE_CHATS:
        shown.say("\nBanned: nothing of theirs is relayed")
    shown.say(f"\nSince: {dialog.created_at or now:%Y-%m-%d %H:%M} UTC")
    owner = find_owner(dialog, now)
    if owner is not None:
        whose = "you" if operator is not None and operator.id == owner.id else owner.name
        shown.say(f"\nOwner: {whose}, until {owner.until:%Y-%m-%d %H:%M} UTC")
    return shown


def _say_who(shown: Paragraph, dialog: Dialog, desk: Desk, operator: Person | None) -> None:
    hidden = desk.settings.HIDE_INFO
    if is_trusted(None if operator is None else operator.id, desk.settings, desk.owner_id):
        hidden = []
    shown.bold(clean_name(dialog.name, str(dialog.chat_id)) if not hidden else name_of(dialog, desk.settings))
    if "command" not in hidden and "link" not in hidden:
        _say_where(shown, dialog)
    if "command" not in hidden and dialog.language:
        shown.say(f"\nLanguage: {dialog.language}")


def _say_where(shown: Paragraph, dialog: Dialog) -> None:
    if dialog.username:
        shown.say(f"\n@{dialog.username}")
    shown.say("\nId: ")
    if dialog.chat_id > 0:
        shown.mention(str(dialog.chat_id), dialog.chat_id)
    else:
        shown.say(str(dialog.chat_id))


def say_opened(dialog: Dialog, settings: Settings) -> str:
    """By /new, to the whole team."""
    parts = [name_of(dialog, settings)]
    if "link" not in settings.HIDE_INFO:
        parts += [f"@{dialog.username}"] if dialog.username else []
        parts.append(f"id {dialog.chat_id}")
    return f"Opened by /new: {', '.join(parts)}. The topic shows what they and the bot write from now on."


def introduce(dialog: Dialog, work: Work) -> None:
    """AUTO_INFO: a new topic begins with the card."""
    if dialog.is_new and work.desk.settings.AUTO_INFO:
        work.rows.append(NewRow(dialog.topic_lane, "notice", card(dialog, work.desk, None).body()))
