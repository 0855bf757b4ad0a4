"""What Telegram says of a group that shall be a desk, asked with the tenant's own bot, whose rights count."""

from connecting.verification import Facts, Report, judge, report_trouble
from sessions.errors import SessionError
from sessions.port import Session, SessionFactory
from tenants.connections import Connections
from tenants.groups import ProposedGroup
from tenants.ids import ChatId, UserId


async def inspect_group(
    connections: Connections, sessions: SessionFactory, person: UserId, proposed: ProposedGroup
) -> Report:
    """Raises `NotFound`. What Telegram has against it is in the report."""
    tenant = await connections.get(person, proposed.tenant)
    token = await connections.token(person, tenant.id)
    try:
        session = sessions.open(token)
        return judge(await _ask_telegram(session, proposed.chat, bot=tenant.bot_id, owner=proposed.user))
    except SessionError as error:
        return report_trouble(error)


class Groups:
    """The same for whoever is not to know the sessions."""

    def __init__(self, connections: Connections, sessions: SessionFactory) -> None:
        self._connections = connections
        self._sessions = sessions

    async def inspect(self, person: UserId, proposed: ProposedGroup) -> Report:
        return await inspect_group(self._connections, self._sessions, person, proposed)


async def _ask_telegram(session: Session, chat: ChatId, *, bot: UserId, owner: UserId) -> Facts:
    group = await session.group(chat)
    member = await session.membership(chat, bot)
    if not member.is_administrator:
        return Facts(group, member, None)
    return Facts(group, member, await session.membership(chat, owner))
