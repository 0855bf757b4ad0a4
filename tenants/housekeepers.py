"""Groups in which the setup bot is an administrator, too, and keeps house: topics, titles, closing.

Its sends are counted apart from the tenant's own (limits are per bot: Bots FAQ), so that those carry messages only.
"""

from datetime import UTC, datetime

from sqlalchemy import text

from tenants.db import UnitOfWork, shard_channel
from tenants.dialogs import Wanted, load_books, save_books
from tenants.ids import ChatId, TenantId, TopicId
from tenants.leases import shard_of

_ENGAGE = text("INSERT INTO housekeepers (group_id) VALUES (:group) ON CONFLICT DO NOTHING RETURNING 1")
_FIND = text("SELECT 1 FROM housekeepers WHERE group_id = :group")
_DISMISS = text("DELETE FROM housekeepers WHERE group_id = :group RETURNING 1")
_TENANTS = text("SELECT id, shard FROM tenants WHERE group_id = :group ORDER BY id")


async def note_housekeeper(unit: UnitOfWork, group: ChatId, *, may: bool) -> bool:
    """Whether the setup bot may manage topics there, in a fleet unit. Running sessions hear of it. True: new."""
    if (await unit.execute(_ENGAGE if may else _DISMISS, {"group": group})).first() is None:
        return False
    for row in await unit.execute(_TENANTS, {"group": group}):
        unit.notify(shard_channel(row.shard), str(row.id))
    return True


async def is_housekept(unit: UnitOfWork, group: ChatId) -> bool:
    """In a fleet unit."""
    return (await unit.execute(_FIND, {"group": group})).first() is not None


async def dismiss_housekeeper(unit: UnitOfWork, group: ChatId) -> None:
    """Telegram refused it there."""
    await unit.execute(_DISMISS, {"group": group})


async def list_tenants_of_group(unit: UnitOfWork, group: ChatId) -> list[TenantId]:
    """In a fleet unit."""
    return [TenantId(row.id) for row in await unit.execute(_TENANTS, {"group": group})]


async def is_known_topic(unit: UnitOfWork, tenant: TenantId, topic: TopicId) -> bool:
    books = await load_books(unit, [Wanted(tenant, topics=[topic])], datetime.now(UTC))
    return topic in books[tenant].by_topic


async def adopt_topic(unit: UnitOfWork, tenant: TenantId, topic: TopicId, title: str) -> bool:
    """Gives a topic to the dialog that asked for one of this title and never had an answer. Whether there is one."""
    books = await load_books(unit, [Wanted(tenant, adopting=True)], datetime.now(UTC))
    dialog = books[tenant].find_asked(title)
    if dialog is None:
        return False
    books[tenant].adopt(dialog, topic, title)
    await save_books(unit, books.values())
    unit.notify(shard_channel(shard_of(tenant)), str(tenant))
    return True
