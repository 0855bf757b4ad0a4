"""`/del`: an answer is deleted for the customer, or taken out of the queue before it is sent."""

from dataclasses import replace

from tenants.audit import Action
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, MessageId
from tenants.outbox import Body, NewRow
from tenants.outbox.withdrawals import Whereabouts, find_whereabouts, forget_changes, take_out
from worker.decisions.acts import note
from worker.decisions.command import Call, Command
from worker.decisions.edits import find_new
from worker.decisions.keeping import take_back

WHICH = "Reply with /del to the answer that should be deleted for the customer."
NOT_SENT = "🗑 It was not sent yet, and will not be."
ON_ITS_WAY = "It is just being sent: it is deleted as soon as it has arrived."
TOO_OLD = "It is older than 48 hours: Telegram does not let bots delete it any more."
NEVER_ARRIVED = "It did not reach the customer: there is nothing to delete."
TAKEN_ALREADY = "It is deleted already."
CUSTOMERS = "That is the customer's own message: bots can't delete it for them."
PROGRAMS = "Your program sent that: /del deletes what the team has answered."
NOT_OURS = "That was not sent to the customer: reply with /del to an answer of the team."


async def answer(unit: UnitOfWork, call: Call, _: Keyring) -> None:
    group, dialog, message = call.work.desk.group_id, call.dialog, call.reply_to
    if message is None or group is None or dialog is None:
        call.say(WHICH)
        return
    if _is_new(call, group, message):
        take_back(group, message, call.work)
        note(call.work, Action.ANSWER_DELETED, call.by, dialog.id)
        call.say(NOT_SENT)
        return
    tenant = call.work.desk.tenant
    found = await find_whereabouts(unit, tenant, dialog.id, group, message)
    refusal = _refusal(found)
    if refusal is not None:
        call.say(refusal)
        return
    take_back(group, message, call.work)
    note(call.work, Action.ANSWER_DELETED, call.by, dialog.id)
    await forget_changes(unit, tenant, group, message)
    if found.row is not None and found.is_untried and await take_out(unit, tenant, found.row):
        call.say(NOT_SENT)
        return
    if not found.is_mapped:
        call.say(ON_ITS_WAY)
    source = (group, message)
    call.work.rows.append(NewRow(dialog.customer_lane, "deletion", Body(""), source=source, reply_to=message))


def _is_new(call: Call, group: ChatId, message: MessageId) -> bool:
    """An answer of the same batch has a row that is still to be stored: it becomes the deletion of nothing."""
    rows = call.work.rows
    new = find_new(call.work, "answer", (group, message))
    if new is not None:
        rows[new] = replace(rows[new], kind="deletion", body=Body(""), reply_to=message, album=None)
    return new is not None


def _refusal(found: Whereabouts) -> str | None:
    """Why it can't be deleted."""
    others = {"copy": CUSTOMERS, "mirror": PROGRAMS}
    if found.kind != "answer":
        return others.get(found.kind or "", TOO_OLD if found.is_old else NOT_OURS)
    if found.is_taken or found.state == "dropped":
        return TAKEN_ALREADY
    if found.state == "buried":
        return NEVER_ARRIVED
    return TOO_OLD if found.is_old else None


COMMAND = Command("del", "As a reply to an answer: delete it for the customer", answer=answer)
