"""Wizards that wait for a group, look at one, or wait for a first message, in Redis: a lost NOTIFY is made up for by
looking through these.

Flushing Redis loses the wizards, never a group: the card's button finds what was proposed.
"""

from dataclasses import dataclass
from uuid import UUID

import orjson
from redis.asyncio import Redis

from tenants.groups import LINK_LIVES
from tenants.ids import TenantId, UserId

_KEY = "setup_bot:waiting"
_MAKERS = "setup_bot:maker"
TO_BE_TRIED = "to be tried"
"""Shown by a wizard that is done and waits for the first message to get through."""
_LIVES = int(LINK_LIVES.total_seconds())
_KEPT = 24 * 3600
"""Seconds after which Redis forgets all wizards at once, if nobody began one since."""


@dataclass(frozen=True, slots=True)
class Wizard:
    """`message` shows the link, or what a group still lacks, then `shown` tells one such screen from another. `until`
    is when the waiting ends, in Unix seconds by Redis' clock.
    """

    tenant: TenantId
    owner: UserId
    message: int
    until: int
    shown: str = ""


class Waiting:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def put(self, tenant: TenantId, owner: UserId, message: int, shown: str = "") -> None:
        until = await self.now() + _LIVES
        await self._redis.hset(_KEY, tenant.hex, orjson.dumps([owner, message, until, shown]).decode())
        await self._redis.expire(_KEY, _KEPT)

    async def leave(self, owner: UserId, message: int) -> None:
        """The message shows something else from now on, at the person's own wish."""
        for wizard in await self.all():
            if (wizard.owner, wizard.message) == (owner, message) and wizard.shown not in {"", TO_BE_TRIED}:
                await self.drop(wizard.tenant)

    async def find(self, tenant: TenantId) -> Wizard | None:
        value = await self._redis.hget(_KEY, tenant.hex)
        return None if value is None else _read(tenant.hex, value)

    async def drop(self, tenant: TenantId) -> None:
        await self._redis.hdel(_KEY, tenant.hex)

    async def note_maker(self, bot: UserId, person: UserId) -> None:
        """Who made a bot here: for a day nobody else can have its token fetched."""
        await self._redis.set(f"{_MAKERS}:{bot}", person, ex=_KEPT)

    async def find_maker(self, bot: UserId) -> UserId | None:
        found = await self._redis.get(f"{_MAKERS}:{bot}")
        return None if found is None else UserId(int(found))

    async def all(self) -> list[Wizard]:
        found = await self._redis.hgetall(_KEY)
        return [_read(_text(key), value) for key, value in found.items()]

    async def now(self) -> int:
        seconds, _ = await self._redis.time()
        return int(seconds)


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode()


def _read(key: str, value: bytes | str) -> Wizard:
    owner, message, until, *shown = orjson.loads(value)
    return Wizard(TenantId(UUID(hex=key)), UserId(owner), message, until, *shown)
