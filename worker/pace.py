"""The pace of cold starts and of connections, shared through Redis by all workers that leave by one address.

Telegram lets one source address load 20 tokens a minute and 600 an hour that it has not loaded yet
(telegram-bot-api: ClientManager). A flushed Redis forgets the pace and nothing else.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

MINUTE = 60.0
HOUR = 3600.0
CONNECTS_PER_SECOND = 5
"""Many MTProto connections at once from one address are closed with a transport error -429 (telegram-bot-api#237).
Telegram names no number.
"""
JITTER = 0.2
"""Seconds that a start which has to wait anyway waits longer at most: they don't come in one heap."""
REDIS_SECONDS = 2.0
ASK_AGAIN = 15.0
"""Seconds for which a Redis that did not answer is left alone."""

log = structlog.get_logger()

_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local keep, jitter, farthest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = tonumber(redis.call('LINDEX', KEYS[1], -1) or now)
if last > now + farthest then -- the clock was set back
    redis.call('DEL', KEYS[1])
    last = now
end
local slot = math.max(now, last)
for i = 4, #ARGV, 2 do
    local before = redis.call('LINDEX', KEYS[1], -ARGV[i])
    if before then slot = math.max(slot, before + ARGV[i + 1]) end
end
if slot > now then slot = slot + jitter end
redis.call('RPUSH', KEYS[1], string.format('%d', slot))
redis.call('LTRIM', KEYS[1], -keep, -1)
redis.call('PEXPIRE', KEYS[1], string.format('%d', slot - now + farthest))
return slot - now
"""
"""A slot of the caller's own, as milliseconds from now.

ARGV: how many slots to keep, jitter, how far ahead a slot can be, then pairs of count and span.
"""

Limits = Sequence[tuple[int, float]]


def open_redis(url: str) -> Redis:
    """A client that gives up soon. It connects with its first command."""
    return Redis.from_url(
        url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 1)
    )


class _Slots:
    """The same arithmetic for this process alone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken: deque[float] = deque(maxlen=max(count for count, _ in limits))

    def reserve(self, now: float, jitter: float = 0.0) -> float:
        """Seconds to wait."""
        taken = self._taken
        slot = max(now, taken[-1]) if taken else now
        for count, span in self._limits:
            if len(taken) >= count:
                slot = max(slot, taken[-count] + span)
        if slot > now:
            slot += jitter
        self.note(slot)
        return slot - now

    def note(self, slot: float) -> None:
        self._taken.append(slot)


class EgressPace:
    """One for each process. Zero or None switches a limit off; without `per_minute` nothing is paced."""

    def __init__(
        self,
        redis: Redis,
        egress: str,
        *,
        what: str = "cold_starts",
        per_minute: int | None = 20,
        per_hour: int | None = 600,
        minute: float = MINUTE,
        hour: float = HOUR,
        jitter: float = JITTER,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = _limits(per_minute, per_hour, minute=minute, hour=hour)
        self._redis = redis
        self._reserve_shared = redis.register_script(_RESERVE)
        self._egress = egress
        self._key = f"pace:{what}:{egress}"
        self._jitter = jitter
        self._farthest = 2 * hour
        self._clock = clock
        self._sleep = sleep
        self._own = _Slots(self._limits) if self._limits else None
        self._ask_at = float("-inf")
        self._is_alone = False
        self._turn = asyncio.Lock()

    async def wait_for_cold_start(self) -> float:
        """Returns when a token may be loaded: how many seconds that took since it was this caller's turn.

        One caller of a process holds a slot at a time, so a process that dies takes no more than one along.
        """
        if self._own is None:
            return 0.0
        async with self._turn:
            seconds = await self._reserve(self._own)
            if seconds > 0:
                await self._sleep(seconds)
            return seconds

    async def _reserve(self, own: _Slots) -> float:
        jitter = random.uniform(0, self._jitter)  # noqa: S311  # no secret
        if self._clock() < self._ask_at:
            return own.reserve(self._clock(), jitter)
        try:
            async with asyncio.timeout(2 * REDIS_SECONDS):
                seconds = await self._ask(jitter)
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            self._go_alone(error)
            return own.reserve(self._clock(), jitter)
        self._go_together()
        own.note(self._clock() + seconds)
        return seconds

    async def _ask(self, jitter: float) -> float:
        keep = max(count for count, _ in self._limits)
        pairs = [number for count, span in self._limits for number in (count, int(span * 1000))]
        milliseconds = await self._reserve_shared(
            keys=[self._key],
            args=[keep, int(jitter * 1000), int(self._farthest * 1000), *pairs],
        )
        return float(milliseconds) / 1000

    def _go_alone(self, error: Exception) -> None:
        self._ask_at = self._clock() + ASK_AGAIN
        if not self._is_alone:
            self._is_alone = True
            log.warning("pace.redis_not_reached", egress=self._egress, error=type(error).__name__, instead="own pace")

    def _go_together(self) -> None:
        if self._is_alone:
            self._is_alone = False
            log.info("pace.redis_reached", egress=self._egress)


def connect_pace(redis: Redis, egress: str) -> EgressPace:
    """For parallel sessions: what is counted is their connections, in seconds."""
    return EgressPace(
        redis, egress, what="connects", per_minute=CONNECTS_PER_SECOND, per_hour=None, minute=1.0, jitter=0.0
    )


def _limits(per_minute: int | None, per_hour: int | None, *, minute: float, hour: float) -> Limits:
    if not per_minute:
        return []
    return [(per_minute, minute), *([(per_hour, hour)] if per_hour else [])]


def computed_seconds(tokens: int, *, per_minute: int | None = 20, per_hour: int | None = 600) -> float:
    """How long after the first of so many cold tokens the last one starts, on an address that has rested."""
    limits = _limits(per_minute, per_hour, minute=MINUTE, hour=HOUR)
    if not limits or tokens < 1:
        return 0.0
    slots = _Slots(limits)
    return [slots.reserve(0.0) for _ in range(tokens)][-1]
