"""What Telegram is asked before a command is carried out: who somebody is, and what they may do."""

from time import monotonic

from sessions.errors import FloodWait, Gone, Rejected
from sessions.port import Membership, Session
from tenants.ids import ChatId, UserId
from worker.decisions.command import Inquiry, Told

REMEMBERED_SECONDS = 60.0


class Rights:
    """What members of one group may do, as Telegram said within the last minute."""

    def __init__(self) -> None:
        self._known: dict[tuple[ChatId, UserId], tuple[float, Membership]] = {}

    async def of(self, session: Session, group: ChatId, user: UserId) -> Membership:
        now = monotonic()
        self._known = {key: found for key, found in self._known.items() if found[0] > now}
        found = self._known.get((group, user))
        if found is None:
            found = (now + REMEMBERED_SECONDS, await session.membership(group, user))
            self._known[group, user] = found
        return found[1]


async def inquire(session: Session, rights: Rights, inquiry: Inquiry, group: ChatId | None) -> Told:
    """Whoever asked is told of a flood wait, which must not hold up the messages behind it. Raises `SessionError`
    where asking again helps.
    """
    by = None
    try:
        if inquiry.right is not None and inquiry.by is not None and group is not None:
            by = await rights.of(session, group, inquiry.by.id)
            if not by.may(inquiry.right):
                return Told(by)
        if inquiry.whom is None:
            return Told(by)
        person = await session.find_person(inquiry.whom)
    except FloodWait as error:
        words = f"Telegram asks to wait {error.seconds:.0f} s before asking it again: repeat the command then."
        return Told(by, refusal=words)
    except (Rejected, Gone) as error:
        return Told(by, refusal=error.text)
    return Told(by, person)
