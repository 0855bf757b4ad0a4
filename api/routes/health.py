"""Whether the process is alive, and whether it can work."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from litestar import get
from litestar.enums import MediaType
from sqlalchemy import text

from api.deps import Services, TheServices
from tenants.errors import Unavailable
from tenants.ids import UserId

_PATIENCE_SECONDS = 2.0
_RETRY_AFTER = timedelta(seconds=5)
_NOBODY = UserId(0)


@get("/livez", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def is_alive() -> str:
    return "alive"


@get("/readyz", media_type=MediaType.TEXT, include_in_schema=False)
async def is_ready(services: TheServices) -> str:
    answers = await asyncio.gather(
        _answers(_ask_database(services)),
        _answers(services.redis.ping()),
    )
    missing = [name for name, there in zip(("the database", "Redis"), answers, strict=True) if not there]
    if missing:
        verb = "does" if len(missing) == 1 else "do"
        raise Unavailable(f"Not ready: {' and '.join(missing)} {verb} not answer.", retry_after=_RETRY_AFTER)
    return "ready"


async def _ask_database(services: Services) -> None:
    async with services.database.owner(_NOBODY) as unit:
        await unit.execute(text("SELECT 1"))


async def _answers(question: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await question
    except Exception:  # noqa: BLE001  # whatever it is, it is no answer
        return False
    return True
