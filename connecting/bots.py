"""A token becomes a connection, or the new token of one: Telegram says whose it is before anything is stored."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sessions.errors import Flaky, FloodWait, Revoked, SessionError
from sessions.port import BotIdentity, SessionFactory, Webhook
from tenants.connections import Connections, Tenant
from tenants.errors import Conflict, DomainError, Invalid, Unavailable
from tenants.ids import TenantId, UserId
from tenants.parallel import Mode
from tenants.phrases import Phrase
from tenants.tokens import find_token

OWN_TOKEN = "That is the token of the setup bot itself: send that of the bot your customers write to."  # noqa: S105
REVOKED = (
    "Telegram does not accept this token: it was revoked, or the bot was deleted. Copy the current one in "
    "@BotFather: /mybots → your bot → API Token."
)
SILENT = "Telegram did not answer just now, so the token could not be checked: try again in a minute."
_A_MINUTE = timedelta(minutes=1)


class AlreadyYours(Conflict):
    """The bot is connected, and whoever asks has that connection: nothing is wrong."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(Phrase("@{bot} is already connected.", bot=tenant.bot_username), code="already_connected")
        self.tenant = tenant


class Bots:
    """`me` is the setup bot, which serves no customers. None: there is none here."""

    def __init__(self, connections: Connections, sessions: SessionFactory, me: UserId | None) -> None:
        self._connections = connections
        self._sessions = sessions
        self._me = me

    async def connect(self, owner: UserId, typed: str, *, mode: Mode | None) -> Tenant:
        """`typed` holds the token somewhere. Raises `AlreadyYours`, `Conflict` where it is another owner's,
        `Invalid` with a sentence that says what to do, `Unavailable` where Telegram does not answer.
        """
        token = find_token(typed)
        bot = await self._identify(token)
        if not bot.can_join_groups:
            raise Invalid(
                Phrase(
                    "@{bot} may not join groups. Send /setjoingroups to @BotFather, choose the bot, press Enable, "
                    "then send the token again.",
                    bot=bot.username,
                ),
                code="joins_no_groups",
            )
        try:
            return await self._connections.connect(
                owner, token, bot_id=bot.id, username=bot.username, name=bot.name, mode=mode
            )
        except Conflict:
            await self._raise_if_own(owner, bot)
            raise

    async def reconnect(self, person: UserId, tenant: TenantId, typed: str) -> Tenant:
        """A new token of the same bot; everything else is kept. Raises as `connect` does."""
        found = await self._connections.get(person, tenant)
        token = find_token(typed)
        bot = await self._identify(token)
        if bot.id != found.bot_id:
            raise Invalid(
                Phrase(
                    "That is the token of @{other}, but this is the connection of @{bot}: send the current token of "
                    "@{bot}, or connect @{other} by itself.",
                    other=bot.username,
                    bot=found.bot_username,
                ),
                code="another_bot",
            )
        return await self._connections.replace_token(
            person, tenant, token, username=bot.username, name=bot.name, version=found.version
        )

    async def renew_managed(self, bot: UserId, fetch: Callable[[], Awaitable[str]]) -> bool:
        """Telegram says that a bot may have a new token: its connection goes on with it. False: there is none."""
        found = await self._connections.find_by_bot(bot)
        if found is None:
            return False
        token = await fetch()
        if token != await self._connections.token(found.owner_id, found.id):
            await self._connections.replace_token(
                found.owner_id,
                found.id,
                token,
                username=found.bot_username,
                name=found.bot_name,
                version=found.version,
            )
        return True

    async def find_webhook(self, person: UserId, tenant: TenantId) -> Webhook | None:
        """Another program's, which receives instead of us. None also where Telegram does not say: the session itself
        will find out then, and say it.
        """
        token = await self._connections.token(person, tenant)
        try:
            return await self._sessions.open(token).find_webhook()
        except SessionError:
            return None

    async def _identify(self, token: str) -> BotIdentity:
        if token.partition(":")[0] == str(self._me):
            raise Invalid(OWN_TOKEN, code="own_token")
        try:
            return await self._sessions.open(token).identify()
        except SessionError as error:
            raise refusal(error) from None

    async def _raise_if_own(self, owner: UserId, bot: BotIdentity) -> None:
        for tenant in await self._connections.list_tenants(owner):
            if tenant.bot_id == bot.id:
                raise AlreadyYours(tenant) from None


def refusal(error: SessionError) -> DomainError:
    """What Telegram has against a token, as an error of ours."""
    if isinstance(error, Revoked):
        return Invalid(REVOKED, code="token_revoked")
    if isinstance(error, FloodWait):
        return Unavailable(SILENT, retry_after=timedelta(seconds=error.seconds))
    if isinstance(error, Flaky):
        return Unavailable(SILENT, retry_after=_A_MINUTE)
    return Invalid(error.text, code=error.code)
