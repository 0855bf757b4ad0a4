"""Makes rows for tests: a tenant, and something of its own in every table."""

from sqlalchemy import Table, insert, text

from tenants.access.tables import administrators, api_keys, idempotency_keys, invitations
from tenants.archive.table import archive
from tenants.billing.tables import plan_ledger, standings
from tenants.columns import metadata
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.ids import UserId, new_id
from tenants.models import (
    access_hashes,
    audit,
    dialogs,
    farewells,
    group_links,
    jobs,
    lanes,
    logins,
    message_map,
    notes,
    operators,
    outbox,
    owner_notices,
    pauses,
    updates,
)
from tenants.plans import Plan
from tenants.usage.table import usage
from tenants.webhooks.tables import webhook_deliveries, webhook_secrets

OWNER = UserId(9)
STRANGER = UserId(10)
SECRET = b"a secret of this tenant"

TENANT_TABLES: list[Table] = [table for table in metadata.sorted_tables if "tenant_id" in table.c]


async def make_tenant(
    database: Database, keyring: Keyring, *, owner: UserId = OWNER, bot: int = 5000, plan: Plan = Plan.BUSINESS
) -> Tenant:
    """Connected, without a group so far."""
    return await Connections(database, keyring, plan=plan).connect(
        owner, make_token(bot), bot_id=UserId(bot), username=f"shop{bot}_bot", name=f"Shop {bot}"
    )


def make_token(bot: int) -> str:
    return f"{bot:05}:" + "A" * 35


async def make_running(database: Database, tenant: Tenant, *, group: int = -1001) -> None:
    statement = text("UPDATE tenants SET state = 'running', group_id = :group, group_title = 'Desk' WHERE id = :id")
    async with database.tenant(tenant.id) as unit:
        await unit.execute(statement, {"group": group, "id": tenant.id})


async def fill_every_table(database: Database, tenant: Tenant, *, number: int = 1) -> None:
    """One row or more in each table with a `tenant_id`, and an API key of the owner that asked for something."""
    async with database.tenant(tenant.id) as unit:
        await _fill(unit, tenant, number)
    async with database.owner(tenant.owner_id) as unit:
        key = {"id": new_id(), "owner_id": tenant.owner_id, "digest": new_id().bytes, "label": "a key"}
        await unit.execute(insert(api_keys).values(key))
        asked = {"id": new_id(), "api_key_id": key["id"], "owner_id": tenant.owner_id, "about_tenant_id": tenant.id}
        asked |= {"digest": b"a digest", "fingerprint": b"a print", "attempt": 1, "answer": SECRET}
        await unit.execute(insert(idempotency_keys).values(asked | {"locked_until": text("now()")}))


async def _fill(unit: UnitOfWork, tenant: Tenant, number: int) -> None:
    mine = {"tenant_id": tenant.id}
    dialog, lane = new_id(), new_id()
    rows = {
        group_links: {"digest": SECRET, "user_id": tenant.owner_id, "expires_at": text("now()")},
        administrators: {"user_id": 70 + number, "name": "Adam", "added_by": tenant.owner_id},
        invitations: {"digest": new_id().bytes, "invited_by": tenant.owner_id, "expires_at": text("now()")},
        updates: {"update_id": number, "kind": "message", "disposition": "queued", "body": SECRET},
        dialogs: {
            "id": dialog,
            "chat_id": number,
            "name": "Ann",
            "status": "user_answered",
            "topic_id": number,
            "topic_name": "Ann",
            "close_at": text("now()"),
        },
        lanes: {"id": lane, "dialog_id": dialog, "direction": "topic", "next_seq": 2},
        outbox: {
            "id": new_id(),
            "lane_id": lane,
            "lane_seq": 1,
            "kind": "copy",
            "update_id": number,
            "source_chat_id": number,
            "source_message_id": 1,
            "body": SECRET,
        },
        message_map: {"chat_id": number, "message_id": 1, "group_id": -1001, "topic_message_id": 1},
        notes: {"id": new_id(), "dialog_id": dialog, "author_id": 7, "author_name": "Maria", "body": SECRET},
        archive: {
            "id": new_id(),
            "dialog_id": dialog,
            "direction": "team",
            "chat_id": -1001,
            "message_id": 1,
            "version": 1,
            "author_id": 7,
            "content": "text",
            "body": SECRET,
        },
        operators: {"user_id": 7, "username": "maria", "name": "Maria"},
        logins: {"login": SECRET},
        access_hashes: {"chat_id": number, "hash": SECRET},
        farewells: {"id": new_id(), "shard": tenant.shard, "login": SECRET},
        audit: {"id": new_id(), "actor_kind": "system", "action": "an_act_of_tomorrow"},
        webhook_deliveries: {"id": new_id(), "event": "an_event", "url": "https://a.example/?key=b", "payload": {}},
        webhook_secrets: {"secret": SECRET},
        usage: {"day": text("current_date"), "updates": 1, "allowed": 1},
        pauses: {"chat_id": -1001, "until": text("now()")},
        plan_ledger: {"number": number + 1, "at": text("now()"), "plan": "pro", "units": 1, "reason": "paid"},
        standings: {"provider": "stripe", "subscription": f"sub_{number}", "customer": f"cus_{number}"},
        jobs: {"id": new_id(), "kind": "a_kind_of_tomorrow"},
        owner_notices: {"id": new_id(), "owner_id": tenant.owner_id, "kind": "a_kind_of_tomorrow"},
    }
    for table, values in rows.items():
        await unit.execute(insert(table).values(mine | values))
