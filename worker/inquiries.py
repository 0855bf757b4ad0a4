"""What Telegram is asked before a command is carried out: who somebody is, and what they may do."""

from collections.abc import Callable
from time import monotonic

from sessions.errors import FloodWait, Gone, Rejected
from sessions.port import Membership, Session
from tenants.ids import ChatId, UserId
from worker.decisions.command import NO_MEMBER, Inquiry, Told

REMEMBERED_SECONDS = 60.0


class Rights:
    """What members of one group may do, as Telegram said within the last minute."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[ChatId, UserId], tuple[float, Membership]] = {}

    async def of(self, session: Session, group: ChatId, user: UserId) -> Membership:
        now = self._clock()
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
        if inquiry.among_members and group is not None:
            member = await _find_member(session, rights, inquiry.whom, group)
            return Told(by, member.person, member) if member else Told(by, refusal=NO_MEMBER)
        person = await session.find_person(inquiry.whom)
    except FloodWait as error:
        words = f"Telegram asks to wait {error.seconds:.0f} s before asking it again: repeat the command then."
        return Told(by, refusal=words)
    except (Rejected, Gone) as error:
        return Told(by, refusal=error.text)
    return Told(by, person)


async def _find_member(session: Session, rights: Rights, who: str, group: ChatId) -> Membership | None:
    """By `@username`, or by the digits of an id."""
    try:
        user = (await session.find_person(who)).id if who.startswith("@") else UserId(int(who))
        found = await rights.of(session, group, user)
    except (Rejected, Gone) as error:
        if isinstance(error, Gone) and error.what == "group":
            raise
        return None
    return found if found.is_present and found.person is not None else None
