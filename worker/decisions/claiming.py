"""The claim: the first answer makes its operator the dialog's owner, and who answers beside the owner is told."""

from sessions.events import Message, Person
from tenants.claims import Owner, find_owner, own, warn
from tenants.dialogs import Dialog, clean_name
from tenants.outbox import NewRow
from worker.decisions.work import Work
from worker.durations import lasting
from worker.paragraph import Paragraph


def claim(message: Message, dialog: Dialog, work: Work) -> None:
    """Of a message that is being sent to the customer. An anonymous administrator is nobody in particular."""
    hours, now = work.desk.settings.CLAIM, work.desk.now
    operator = message.sender
    if not hours or message.anonymous or operator is None:
        return
    owner = find_owner(dialog, now)
    if owner is None or owner.id == operator.id:
        own(dialog, operator.id, clean_name(operator.name, str(operator.id)), now=now, hours=hours)
    elif warn(dialog, owner.id, operator.id, now):
        words = _two_answer(owner, operator, lasting(owner.until - now))
        work.rows.append(NewRow(dialog.topic_lane, "notice", words.body(), reply_to=message.id))


def _two_answer(owner: Owner, operator: Person, left: str) -> Paragraph:
    """Both are mentioned, so that both are notified."""
    words = Paragraph().say("👥 ").mention(clean_name(operator.name, str(operator.id)), operator.id)
    words.say(" has answered, too: ").mention(owner.name, owner.id)
    return words.say(f" owns this dialog for {left}. /assign me takes it over.")
