"""Who the setup bot is, for links that lead to it: Telegram is asked once."""

from connecting.bots import refusal
from sessions.errors import SessionError
from sessions.port import SessionFactory
from tenants.errors import Conflict
from tenants.ids import UserId


class SetupBot:
    """`token`: None where this deployment has no setup bot."""

    def __init__(self, sessions: SessionFactory, token: str | None) -> None:
        self._sessions = sessions
        self._token = token
        self._username: str | None = None

    @property
    def id(self) -> UserId | None:
        """It stands before the colon of the token."""
        number = (self._token or "").partition(":")[0]
        return UserId(int(number)) if number.isdecimal() else None

    async def get_username(self) -> str:
        """Raises `Conflict` where there is none, `Unavailable` where Telegram does not answer."""
        if self._token is None:
            raise Conflict("There is no setup bot here, which would take the invitation.", code="no_setup_bot")
        if self._username is None:
            try:
                self._username = (await self._sessions.open(self._token).identify()).username
            except SessionError as error:
                raise refusal(error) from None
        return self._username
