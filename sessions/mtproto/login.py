"""How a session gets in: with the login it kept, else once with the token.

Logging in too often costs hours of waiting (FLOOD_WAIT of auth.importBotAuthorization): that is kept as well.
"""

from collections.abc import Awaitable, Callable

from telethon.tl.functions.auth import ImportBotAuthorizationRequest

from sessions.errors import Flaky, FloodWait
from sessions.mtproto.home import AppIdentity, DataCentre, Login
from sessions.mtproto.refusals import LoginLost, Migrate
from sessions.mtproto.wire import Wire
from sessions.port import Safe


class Door:
    def __init__(
        self,
        app: AppIdentity,
        centre: DataCentre,
        token: str,
        guard: Callable[[], None] | None,
        safe: Safe,
        *,
        before_connect: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._app = app
        self._centre = centre
        self._token = token
        self._guard = guard
        self._safe = safe
        self._before_connect = before_connect

    async def enter(self) -> Wire:
        """An open, logged-in connection. Raises the port's errors; `Revoked` where the token is dead."""
        kept = await self._safe.load()
        if kept.login is not None:
            login = Login.load(kept.login)
            return await self._opened(login.centre, login.key)
        if kept.login_wait > 0:
            raise FloodWait(kept.login_wait)
        return await self._log_in(self._centre)

    async def forget(self) -> None:
        await self._safe.save_login(None)

    async def _opened(self, centre: DataCentre, key: bytes | None) -> Wire:
        """Waits for its turn to connect: after a trouble of Telegram's everybody comes back at once."""
        if self._before_connect is not None:
            await self._before_connect()
        wire = Wire(self._app, centre, key, self._guard)
        try:
            await wire.open()
        except LoginLost:
            await wire.close()
            if key is not None:
                await self.forget()
            raise Flaky("login_lost", "Telegram ended this session: it logs in anew.", ambiguous=False) from None
        except BaseException:
            await wire.close()
            raise
        return wire

    async def _log_in(self, centre: DataCentre, *, moved: bool = False) -> Wire:
        wire = await self._opened(centre, None)
        app = self._app
        try:
            await wire.call(ImportBotAuthorizationRequest(0, app.api_id, app.api_hash, self._token))
            await self._safe.save_login(wire.login.dump())
        except Migrate as elsewhere:
            await wire.close()
            if moved:
                raise Flaky(
                    "moved", "Telegram sends the bot from one data centre to another.", ambiguous=False
                ) from None
            return await self._log_in(_find_centre(wire, elsewhere.to), moved=True)
        except FloodWait as wait:
            await wire.close()
            await self._safe.postpone_login(wait.seconds)
            raise
        except LoginLost:
            await wire.close()
            raise Flaky("login_lost", "Telegram did not take the login.", ambiguous=False) from None
        except BaseException:
            await wire.close()
            raise
        return wire


def _find_centre(wire: Wire, number: int) -> DataCentre:
    for option in wire.config.dc_options:
        if option.id == number and not (option.ipv6 or option.media_only or option.cdn):
            return DataCentre(option.id, option.ip_address, option.port)
    raise Flaky("moved", "Telegram sends the bot to a data centre that it does not name.", ambiguous=False)
