"""What may wait while the plan's limit is reached: what customers do, and what another program sends them.

The team never waits, nor does what keeps the desk together: topics, rights, the link of a new group.
"""

from sessions.events import ChatKind, Edited, GroupMoved, Incoming, Message, Pressed, Reacted
from tenants.ids import ChatId
from tenants.intake import Whereabouts
from worker.decisions.work import Work


def may_wait(incoming: Incoming, work: Work) -> bool:
    event = incoming.event
    if isinstance(event, Message):
        waits = not (_is_known(event, work) or _may_be_group_link(event))
        return waits and _is_customers(event.chat.id, work)
    if isinstance(event, Edited):
        return _is_customers(event.message.chat.id, work)
    return isinstance(event, (Reacted, Pressed, GroupMoved)) and _is_customers(event.chat.id, work)


def _is_customers(chat: ChatId, work: Work) -> bool:
    """What is ignored anyway need not wait for it."""
    return chat != work.desk.group_id and not work.is_ignored(chat)


def _is_known(message: Message, work: Work) -> bool:
    """Our own answer, seen by a parallel session, or what came before: it changes nothing."""
    trace = work.trace(message.chat.id, message.id)
    return message.outgoing and (trace.row is not None or trace.is_ours or trace.is_mapped)


def _may_be_group_link(message: Message) -> bool:
    return message.chat.kind is not ChatKind.PRIVATE and message.text.startswith("/start")


def whereabouts(incoming: Incoming) -> Whereabouts | None:
    """Where people look for a message that has yet to be handled."""
    event = incoming.event
    return Whereabouts(event.chat.id, event.id, event.topic_id) if isinstance(event, Message) else None
