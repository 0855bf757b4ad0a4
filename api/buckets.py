"""Token buckets in Redis: whoever asks takes a token, and tokens come back evenly. One script, so that however many
processes ask at once, exactly as many tokens are taken as there are.
"""

import asyncio
import time
from dataclasses import dataclass
from math import ceil

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
"""Without Redis nobody waits for it with every request."""
_SCRIPT = """
local most, per_second, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = math.min(tonumber(kept[1]) or most, most)
tokens = math.min(most, tokens + math.max(0, now - (tonumber(kept[2]) or now)) * per_second)
local allowed = 0
if tokens >= 1 then
    allowed = 1
    tokens = tokens - wanted
end
if wanted > 0 then
    redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
    redis.call('PEXPIRE', KEYS[1], math.ceil((most - tokens) / per_second * 1000) + 1000)
end
return {allowed, string.format('%.6f', tokens)}
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Quota:
    """So many at once, and so many come back in a minute. `name` is how answers call it."""

    name: str
    per_minute: int

    @property
    def policy(self) -> str:
        return f'"{self.name}";q={self.per_minute};w=60'


@dataclass(frozen=True, slots=True)
class Level:
    """What is left of a quota after somebody asked."""

    quota: Quota
    allowed: bool
    tokens: float

    @property
    def remaining(self) -> int:
        return max(0, int(self.tokens))

    @property
    def seconds(self) -> int:
        """Until there is one again; until all are back where there are some."""
        missing = (self.quota.per_minute if self.allowed else 1) - self.tokens
        return max(0 if self.allowed else 1, ceil(missing * 60 / self.quota.per_minute))


class Buckets:
    """Shared by all processes at one Redis. Where it is away nobody is refused."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(_SCRIPT)
        self._away_until: float | None = None

    async def take(self, quota: Quota, whose: str) -> Level | None:
        """A token of theirs, where one is left. None: nobody counts, because there is no limit or no Redis."""
        return await self._ask(quota, whose, wanted=1)

    async def look(self, quota: Quota, whose: str) -> Level | None:
        """Whether one is left, which stays."""
        return await self._ask(quota, whose, wanted=0)

    async def _ask(self, quota: Quota, whose: str, *, wanted: int) -> Level | None:
        if quota.per_minute == 0 or (self._away_until is not None and time.monotonic() < self._away_until):
            return None
        values = [quota.per_minute, quota.per_minute / 60, wanted]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                allowed, tokens = await self._script(keys=[f"api:{quota.name}:{whose}"], args=values)
        except (RedisError, OSError, TimeoutError) as error:
            self._is_away(error)
            return None
        if self._away_until is not None:
            self._away_until = None
            log.info("limits.back")
        return Level(quota, bool(allowed), float(tokens))

    def _is_away(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("limits.away", error=type(error).__name__)
        self._away_until = time.monotonic() + _PAUSE_SECONDS
