"""The condition of the desk's group, as Telegram shows it in passing: what is wrong with it is noticed before a
message fails.
"""

from sessions.events import Chat, Edited, Event, Message, StandingChanged, TopicEvent
from tenants.groups import Trouble
from worker.decisions.work import Work

_OF_THE_BOT = frozenset({Trouble.GONE, Trouble.NO_ADMIN, Trouble.NO_TOPICS})
_OF_THE_GROUP = frozenset({Trouble.NO_FORUM, Trouble.PUBLIC})


def look_at_desk(event: Event, work: Work) -> None:
    """What an update does not show stays as it was known."""
    chat = _chat(event)
    if chat is None or chat.id != work.desk.group_id:
        return
    known, found = frozenset[Trouble](), frozenset[Trouble]()
    if isinstance(event, StandingChanged):
        known, found = known | _OF_THE_BOT, found | _of_the_bot(event)
    if chat.is_forum is not None:
        known, found = known | _OF_THE_GROUP, found | _of_the_group(chat)
    before = work.desk.group_troubles if work.group_troubles is None else work.group_troubles
    now = (before - known) | found
    if now != before:
        work.group_troubles = now


def _chat(event: Event) -> Chat | None:
    if isinstance(event, (Message, TopicEvent, StandingChanged)):
        return event.chat
    return event.message.chat if isinstance(event, Edited) else None


def _of_the_bot(event: StandingChanged) -> frozenset[Trouble]:
    if not event.is_present:
        return frozenset({Trouble.GONE})
    if not event.is_administrator:
        return frozenset({Trouble.NO_ADMIN})
    return frozenset() if event.may_manage_topics else frozenset({Trouble.NO_TOPICS})


def _of_the_group(chat: Chat) -> frozenset[Trouble]:
    found = set()
    if not chat.is_forum:
        found.add(Trouble.NO_FORUM)
    if chat.username is not None:
        found.add(Trouble.PUBLIC)
    return frozenset(found)
