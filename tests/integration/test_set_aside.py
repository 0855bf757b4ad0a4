"""Updates that were set aside, asked for again and processed again, under the lease."""

import asyncio
import contextvars
from datetime import timedelta

import pytest

from tenants import leases
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, LeaseLost, NotFound
from tenants.ids import UpdateId, WorkerId, new_id
from tenants.intake import Disposition, Failed, Handled, Ignored
from tenants.leases import SHARDS, Lease
from tenants.set_aside import Replay, claim_replays, finish_replay, list_with_replays, request_replay
from tests.factories import make_running, make_tenant
from tests.letters import GROUP, Mail


@pytest.fixture
async def mail(database: Database, keyring: Keyring) -> Mail:
    tenant = await make_tenant(database, keyring)
    await make_running(database, tenant, group=GROUP)
    return Mail(database, keyring, tenant)


async def _lease(mail: Mail, *, length: timedelta = timedelta(minutes=1)) -> Lease:
    async with mail.database.fleet() as unit:
        taken = await leases.take(unit, WorkerId(new_id()), first=0, last=SHARDS - 1, most=SHARDS, length=length)
    return next(lease for lease in taken if lease.shard == mail.tenant.shard)


async def _request(mail: Mail, *updates: int) -> None:
    async with mail.database.tenant(mail.tenant.id) as unit:
        await request_replay(unit, mail.tenant.id, [UpdateId(update) for update in updates])


async def _claim(mail: Mail, limit: int = 10) -> list[Replay]:
    async with mail.database.tenant(mail.tenant.id) as unit:
        return await claim_replays(unit, mail.tenant.id, mail.keyring, limit=limit)


async def _finish(mail: Mail, lease: Lease, update: int, disposition: Disposition) -> None:
    async with mail.database.tenant(mail.tenant.id) as unit:
        await finish_replay(unit, mail.tenant.id, lease, UpdateId(update), disposition)


async def test_what_was_asked_for_is_claimed_oldest_first_as_it_was_received(mail: Mail):
    for number in (4002, 4001, 4003):
        await mail.set_aside(number, f"update {number}".encode())
    await _request(mail, 4001, 4002)
    claimed = await _claim(mail)
    assert [(replay.update_id, replay.raw) for replay in claimed] == [(4002, b"update 4002"), (4001, b"update 4001")]
    assert len(await _claim(mail, limit=1)) == 1


async def test_nobody_else_is_given_what_is_being_processed(mail: Mail):
    await mail.set_aside(4001)
    await _request(mail, 4001)
    async with mail.database.tenant(mail.tenant.id) as unit:
        assert len(await claim_replays(unit, mail.tenant.id, mail.keyring, limit=9)) == 1
        assert await asyncio.create_task(_claim(mail), context=contextvars.Context()) == []


@pytest.mark.parametrize(
    ("disposition", "counted"), [(Handled("comment"), "handled"), (Ignored("no_keyword"), "ignored")]
)
async def test_a_processed_update_is_accounted_for_and_its_body_is_gone(mail: Mail, disposition, counted):
    await mail.set_aside(4001)
    await _request(mail, 4001)
    assert await mail.dispositions() == {"failed": 1}
    await _finish(mail, await _lease(mail), 4001, disposition)
    assert await mail.dispositions() == {counted: 1}
    (row,) = await mail.rows("SELECT body, replay_at FROM updates")
    assert (row.body, row.replay_at) == (None, None)
    assert await _claim(mail) == []


async def test_one_that_fails_again_is_kept_to_be_asked_for_once_more(mail: Mail):
    await mail.set_aside(4001, b"the same")
    await _request(mail, 4001)
    await _finish(mail, await _lease(mail), 4001, Failed("ValueError"))
    assert await mail.dispositions() == {"failed": 1}
    assert await _claim(mail) == []
    await _request(mail, 4001)
    assert [replay.raw for replay in await _claim(mail)] == [b"the same"]


async def test_without_the_lease_nothing_is_stored(mail: Mail):
    await mail.set_aside(4001)
    await _request(mail, 4001)
    lost = await _lease(mail, length=timedelta(0))
    await _lease(mail)
    with pytest.raises(LeaseLost):
        await _finish(mail, lost, 4001, Handled("comment"))
    assert await mail.dispositions() == {"failed": 1}


async def test_one_that_is_past_its_days_meanwhile_is_no_error(mail: Mail):
    await _finish(mail, await _lease(mail), 4001, Handled("comment"))


async def test_asking_twice_or_for_what_is_not_there_is_refused(mail: Mail):
    await mail.set_aside(4001)
    await _request(mail, 4001)
    with pytest.raises(Conflict, match="already"):
        await _request(mail, 4001)
    with pytest.raises(NotFound):
        await _request(mail, 4999)
    await _finish(mail, await _lease(mail), 4001, Handled("comment"))
    with pytest.raises(Conflict, match="processed meanwhile"):
        await _request(mail, 4001)


async def test_a_sweep_finds_the_tenants_that_wait_for_a_replay(mail: Mail):
    await mail.set_aside(4001)
    async with mail.database.fleet() as unit:
        assert await list_with_replays(unit, [mail.tenant.shard]) == []
    await _request(mail, 4001)
    async with mail.database.fleet() as unit:
        assert await list_with_replays(unit, [mail.tenant.shard]) == [mail.tenant.id]
        assert await list_with_replays(unit, [(mail.tenant.shard + 1) % SHARDS]) == []
