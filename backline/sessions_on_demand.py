"""Sessions for a process that seldom needs one: the library of Telegram's is imported with the first."""

from collections.abc import Callable

from sessions.port import Safe, Session, SessionFactory


class SessionsOnDemand:
    """A factory of Bot API sessions. The API starts without it, and most of its processes never ask Telegram."""

    def __init__(self, api_root: str) -> None:
        self._api_root = api_root
        self._sessions: SessionFactory | None = None

    def open(self, token: str, guard: Callable[[], None] | None = None, safe: Safe | None = None) -> Session:
        if self._sessions is None:
            from sessions.bot_api import BotApiSessions  # noqa: PLC0415  # 0.5 s and 60 MB

            self._sessions = BotApiSessions(self._api_root)
        return self._sessions.open(token, guard, safe)

    async def close(self) -> None:
        if self._sessions is not None:
            await self._sessions.close()
