"""Webhooks on their way: signed, tried again for a day, taken once, stopped when nobody wants them."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import ChatId, DialogId, TenantId, new_id
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.settings.service import SettingsService
from tenants.webhooks.deliveries import Outcome, forget_old
from tenants.webhooks.happenings import Happening, Told, tell
from tenants.webhooks.signing import renew_secret, sign
from tests.factories import OWNER, make_tenant
from worker.courier import MOST_OF_ONE, Courier

HOOK = "https://hooks.example.com/all?key=a-secret-of-theirs"
NOW = 1_800_000_000


@dataclass
class FakePost:
    """Answers as it is told: with outcomes, the last one again and again. May be made to hang."""

    outcomes: list[Outcome] = field(default_factory=lambda: [Outcome(200)])
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event | None = None

    async def __call__(self, url: str, headers: Any, body: bytes) -> Outcome:
        self.calls.append((url, dict(headers), body))
        self.called.set()
        if self.free is not None:
            await self.free.wait()
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await _with_hook(database, keyring, await make_tenant(database, keyring))


async def _with_hook(database: Database, keyring: Keyring, tenant: Tenant) -> Tenant:
    service = SettingsService(Connections(database, keyring, plan=Plan.BUSINESS))
    return await service.change(OWNER, tenant.id, {"WEBHOOKS": {HOOK: ["dialog_created"]}})


async def _happen(database: Database, tenant: Tenant, times: int = 1) -> None:
    settings = effective(dict(tenant.overrides), tenant.plan)
    async with database.tenant(tenant.id) as unit:
        now = (await unit.execute(text("SELECT now()"))).scalar_one()
        for _ in range(times):
            happening = Happening("dialog_created", now, DialogId(new_id()), "private", ChatId(77))
            await tell(unit, [Told(tenant.id, settings, happening)])


async def _rows(database: Database, tenant: TenantId) -> list[Any]:
    async with database.tenant(tenant) as unit:
        return list((await unit.execute(text("SELECT * FROM webhook_deliveries ORDER BY id"))).all())


async def _age(database: Database, tenant: Tenant, hours: float) -> None:
    """So much later."""
    moved = ", ".join(f"{name} = {name} - make_interval(secs => :s)" for name in ("since", "due_at"))
    async with database.tenant(tenant.id) as unit:
        await unit.execute(text(f"UPDATE webhook_deliveries SET {moved}"), {"s": hours * 3600})  # noqa: S608


async def _round(courier: Courier) -> int:
    number = await courier.round()
    await courier.finish()
    return number


def _courier(database: Database, keyring: Keyring, post: FakePost) -> Courier:
    return Courier(database, keyring, post, clock=lambda: NOW)


async def test_a_delivery_is_posted_signed_and_done(database: Database, keyring: Keyring, tenant: Tenant) -> None:
    async with database.tenant(tenant.id) as unit:
        secret = await renew_secret(unit, tenant.id, keyring)
    await _happen(database, tenant)
    post = FakePost()
    courier = _courier(database, keyring, post)
    assert [await _round(courier), await _round(courier)] == [1, 0]
    (row,) = await _rows(database, tenant.id)
    ((url, headers, body),) = post.calls
    assert (url, json.loads(body)) == (HOOK, row.payload)
    assert headers == {
        "webhook-id": str(row.id),
        "webhook-timestamp": str(NOW),
        "webhook-signature": sign(secret, str(row.id), NOW, body),
    }
    assert (row.state, row.attempts, row.status, row.error) == ("delivered", 1, 200, None)
    assert row.ended_at is not None


async def test_a_new_secret_and_the_one_before_sign_for_a_day(
    database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    async with database.tenant(tenant.id) as unit:
        old, new = [await renew_secret(unit, tenant.id, keyring) for _ in range(2)]
    post = FakePost()
    for _ in range(2):
        await _happen(database, tenant)
        await _round(_courier(database, keyring, post))
        async with database.tenant(tenant.id) as unit:
            await unit.execute(text("UPDATE webhook_secrets SET former_until = now()"))
    (_, first, body), (_, second, later) = post.calls
    both = [sign(secret, first["webhook-id"], NOW, body) for secret in (new, old)]
    assert first["webhook-signature"] == " ".join(both)
    assert second["webhook-signature"] == sign(new, second["webhook-id"], NOW, later)


async def test_where_nobody_asked_for_a_secret_there_is_one_anyway(
    database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    post = FakePost()
    for _ in range(2):
        await _happen(database, tenant)
        await _round(_courier(database, keyring, post))
    async with database.tenant(tenant.id) as unit:
        stored = (await unit.execute(text("SELECT secret FROM webhook_secrets"))).scalars().all()
    assert len(stored) == 1
    assert b"whsec_" not in stored[0]
    assert all(headers["webhook-signature"].startswith("v1,") for _, headers, _ in post.calls)


async def test_what_fails_is_tried_again_under_the_same_id_until_it_is_taken(
    database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    await _happen(database, tenant)
    post = FakePost([Outcome(500, "refused"), Outcome(error="timeout"), Outcome(204)])
    courier = _courier(database, keyring, post)
    assert await _round(courier) == 1
    assert await _round(courier) == 0, "not before its time"
    (row,) = await _rows(database, tenant.id)
    assert (row.state, row.attempts, row.status, row.error) == ("waiting", 1, 500, "refused")
    for _ in range(2):
        await _age(database, tenant, 0.02)
        assert await _round(courier) == 1
    (row,) = await _rows(database, tenant.id)
    assert (row.state, row.attempts, row.status, row.error) == ("delivered", 3, 204, None)
    assert {headers["webhook-id"] for _, headers, _ in post.calls} == {str(row.id)}
    assert len({body for _, _, body in post.calls}) == 1


async def test_after_a_day_of_attempts_it_has_failed(
    database: Database, keyring: Keyring, tenant: Tenant, capfd: pytest.CaptureFixture[str]
) -> None:
    await _happen(database, tenant)
    post = FakePost([Outcome(error="unreachable")])
    courier, hours = _courier(database, keyring, post), 0
    while (await _rows(database, tenant.id))[0].state == "waiting":
        await _round(courier)
        await _age(database, tenant, 1)
        hours += 1
    (row,) = await _rows(database, tenant.id)
    assert (row.state, row.error, row.status) == ("failed", "unreachable", None)
    assert 18 < hours <= 25
    assert 8 < row.attempts < 25
    log = capfd.readouterr().out
    assert "webhook.failed" in log
    assert "a-secret-of-theirs" not in log


async def test_an_address_that_says_gone_is_asked_no_more(
    database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    await _happen(database, tenant)
    await _round(_courier(database, keyring, FakePost([Outcome(410, "gone")])))
    (row,) = await _rows(database, tenant.id)
    assert (row.state, row.status, row.error) == ("failed", 410, "gone")


@pytest.mark.parametrize("change", [{"WEBHOOKS": None}, {"WEBHOOKS": {HOOK: ["message_sent"]}}])
async def test_what_nobody_wants_any_more_is_not_sent(
    database: Database, keyring: Keyring, tenant: Tenant, change: dict[str, Any]
) -> None:
    await _happen(database, tenant)
    await SettingsService(Connections(database, keyring, plan=Plan.BUSINESS)).change(OWNER, tenant.id, change)
    post = FakePost()
    await _round(_courier(database, keyring, post))
    (row,) = await _rows(database, tenant.id)
    assert (row.state, row.error, post.calls) == ("failed", "removed", [])


async def test_what_a_process_took_along_is_taken_again(database: Database, keyring: Keyring, tenant: Tenant) -> None:
    await _happen(database, tenant)
    hanging = FakePost(free=asyncio.Event())
    lost = _courier(database, keyring, hanging)
    running = asyncio.create_task(lost.run())
    async with asyncio.timeout(20):
        await hanging.called.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    post = FakePost()
    assert await _round(_courier(database, keyring, post)) == 0
    await _age(database, tenant, 0.02)
    assert await _round(_courier(database, keyring, post)) == 1
    assert (await _rows(database, tenant.id))[0].state == "delivered"


async def test_two_processes_send_nothing_twice(database: Database, keyring: Keyring, tenant: Tenant) -> None:
    await _happen(database, tenant, times=10)
    post = FakePost()
    both = [_courier(database, keyring, post) for _ in range(2)]
    while sum(await asyncio.gather(*(_round(courier) for courier in both))):
        pass
    assert len({headers["webhook-id"] for _, headers, _ in post.calls}) == len(post.calls) == 10


async def test_one_whose_addresses_hang_holds_up_nobody_else(
    database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    other = await _with_hook(database, keyring, await make_tenant(database, keyring, bot=6000))
    await _happen(database, tenant, times=MOST_OF_ONE + 3)
    hanging = FakePost(free=asyncio.Event())
    courier = _courier(database, keyring, hanging)
    assert await courier.round() == MOST_OF_ONE
    await _happen(database, other)
    assert await courier.round() == 1
    assert await courier.round() == 0
    assert hanging.free is not None
    hanging.free.set()
    await courier.finish()
    assert await _round(courier) == 3


async def test_after_a_week_they_are_forgotten(database: Database, keyring: Keyring, tenant: Tenant) -> None:
    await _happen(database, tenant)
    await _round(_courier(database, keyring, FakePost()))
    for days, left in ((6, 1), (2, 0)):
        await _age(database, tenant, days * 24)
        async with database.fleet() as unit:
            await forget_old(unit)
        assert len(await _rows(database, tenant.id)) == left
