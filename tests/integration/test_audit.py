"""The audit log over a real database: one row for each act, its own tenant's only, kept as long as the plan says."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from tenants import audit
from tenants.audit import SYSTEM, Act, Action, Actor, ActorKind, Entry, list_page, record, record_all
from tenants.audit.reading import AuditLog
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.dead_letters import DeadLetters
from tenants.errors import Conflict, Invalid, NotFound, PlanRequired
from tenants.groups import ProposedGroup, follow_group, propose_group
from tenants.ids import ChatId, TenantId, UserId, new_id
from tenants.job_kinds import FORGET, PERIODIC
from tenants.jobs import enqueue_periodic
from tenants.models import audit as audit_table
from tenants.models import tenants
from tenants.parallel import Mode
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tenants.tokens import mark_revoked
from tests.factories import OWNER, STRANGER, make_running, make_tenant, make_token
from tests.letters import Mail
from tests.work import do_jobs

GROUP, ELSEWHERE = ChatId(-1001), ChatId(-1002)
BY_OWNER = Actor(ActorKind.OWNER, OWNER)
BY_API = Actor(ActorKind.API, OWNER)
Told = tuple[str, Actor, str, dict[str, Any]]


@pytest.fixture
def connections(database: Database, keyring: Keyring) -> Connections:
    return Connections(database, keyring, plan=Plan.PRO, parallel=True)


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


async def _list(database: Database, tenant: TenantId, **page: Any) -> list[Entry]:
    async with database.tenant(tenant) as unit:
        return await list_page(unit, tenant, **{"limit": 100, **page})


async def _told(database: Database, tenant: TenantId) -> list[Told]:
    """All that was recorded since it was connected, oldest first."""
    entries = [entry for entry in await _list(database, tenant) if entry.action != Action.CONNECTED]
    return [(entry.action, entry.by, entry.subject, dict(entry.params)) for entry in reversed(entries)]


async def _attach(database: Database, connections: Connections, tenant: TenantId, group: ChatId) -> None:
    proposed = ProposedGroup(tenant, group, "Desk", OWNER)
    word = await connections.make_group_link(OWNER, tenant)
    async with database.tenant(tenant) as unit:
        assert await propose_group(unit, proposed, word)
    await connections.attach_group(OWNER, proposed, title="Desk")


@pytest.mark.parametrize("mode", [Mode.POLLING, Mode.PARALLEL, None])
async def test_a_bot_that_is_connected(connections: Connections, database, mode):
    made = await connections.connect(
        OWNER, make_token(5000), bot_id=UserId(5000), username="shop_bot", name="Shop", mode=mode
    )
    (entry,) = await _list(database, made.id)
    assert (entry.action, entry.by, entry.subject) == ("tenant.connected", BY_OWNER, "@shop_bot")
    assert entry.params == {"mode": mode}
    assert entry.sentence == "The bot was connected."
    async with database.tenant(made.id) as unit:
        now = (await unit.execute(text("SELECT now()"))).scalar_one()
    assert timedelta(0) <= now - entry.at < timedelta(minutes=1)


async def test_a_bot_that_is_refused_leaves_no_row(connections: Connections, database, tenant):
    with pytest.raises(Conflict):
        await connections.connect(STRANGER, make_token(5000), bot_id=tenant.bot_id, username="shop_bot", name="Shop")
    async with database._engine.connect() as connection:
        rows = (await connection.execute(text("SELECT tenant_id FROM audit"))).scalars().all()
    assert rows == [tenant.id]


async def test_a_group_is_linked_linked_anew_changed_and_followed(connections: Connections, database, tenant):
    for group in (GROUP, GROUP, ELSEWHERE):
        await _attach(database, connections, tenant.id, group)
    async with database.tenant(tenant.id) as unit:
        await follow_group(unit, tenant.id, ELSEWHERE, GROUP)
        await follow_group(unit, tenant.id, ELSEWHERE, GROUP)
    assert await _told(database, tenant.id) == [
        ("group.linked", BY_OWNER, "-1001", {}),
        ("group.linked", BY_OWNER, "-1001", {}),
        ("group.changed", BY_OWNER, "-1002", {"old": -1001}),
        ("group.followed", SYSTEM, "-1001", {"old": -1002}),
    ]


async def test_it_stops_and_starts_and_a_second_tap_is_no_act(connections: Connections, database, tenant):
    await make_running(database, tenant)
    for running in (True, False, False, True, True):
        await connections.set_running(OWNER, tenant.id, running=running)
    assert await _told(database, tenant.id) == [
        ("tenant.stopped", BY_OWNER, "", {}),
        ("tenant.started", BY_OWNER, "", {}),
    ]


async def test_the_mode_changes(connections: Connections, database, tenant):
    for mode in (Mode.PARALLEL, Mode.PARALLEL, Mode.POLLING):
        await connections.set_mode(OWNER, tenant.id, mode)
    assert await _told(database, tenant.id) == [
        ("tenant.mode_changed", BY_OWNER, "", {"old": "polling", "new": "parallel"}),
        ("tenant.mode_changed", BY_OWNER, "", {"old": "parallel", "new": "polling"}),
    ]


async def test_the_first_word_on_the_mode_has_nothing_before_it(connections: Connections, database):
    made = await connections.connect(
        OWNER, make_token(5000), bot_id=UserId(5000), username="shop_bot", name="Shop", mode=None
    )
    await connections.set_mode(OWNER, made.id, Mode.POLLING)
    assert await _told(database, made.id) == [("tenant.mode_changed", BY_OWNER, "", {"old": None, "new": "polling"})]


async def test_a_revoked_token_is_told_once_as_the_systems_act(database, tenant):
    for _ in range(2):
        async with database.tenant(tenant.id) as unit:
            await mark_revoked(unit, tenant.id)
    assert await _told(database, tenant.id) == [("tenant.revoked", SYSTEM, "", {})]


async def test_settings_are_told_one_by_one_with_what_they_were_and_are(connections: Connections, database, tenant):
    service = SettingsService(connections)
    await service.change(OWNER, tenant.id, {"AUTOCLOSE": 7, "WELCOME": "Hi", "WHITE_LIST": [1, 2]})
    await service.change(OWNER, tenant.id, {"AUTOCLOSE": 7, "WELCOME": None})
    told = await _told(database, tenant.id)
    assert sorted(told[:3], key=lambda one: one[2]) == [
        ("settings.changed", BY_OWNER, "AUTOCLOSE", {"old": None, "new": 7}),
        ("settings.changed", BY_OWNER, "WELCOME", {"old": None, "new": "Hi"}),
        ("settings.changed", BY_OWNER, "WHITE_LIST", {"old": None, "new": [1, 2]}),
    ]
    assert told[3:] == [("settings.reset", BY_OWNER, "WELCOME", {"old": "Hi"})]


async def test_a_refused_change_leaves_no_row(connections: Connections, database, tenant):
    service = SettingsService(connections)
    newest = await service.change(OWNER, tenant.id, {"AUTOCLOSE": 1})
    with pytest.raises(Invalid):
        await service.change(OWNER, tenant.id, {"AUTOCLOSE": 0})
    with pytest.raises(Conflict):
        await connections.save_overrides(OWNER, tenant, {"AUTOCLOSE": 2})
    with pytest.raises(NotFound):
        await connections.set_running(STRANGER, tenant.id, running=False)
    assert newest.version > tenant.version
    assert len(await _told(database, tenant.id)) == 1


async def test_dead_letters_are_replayed_by_id_and_all_at_once(database, keyring, tenant):
    await make_running(database, tenant, group=GROUP)
    mail = Mail(database, keyring, tenant)
    ann = await mail.open_dialog()
    rows = [await mail.answer(ann, "a secret", message=300 + n) for n in range(3)]
    await mail.bury(*rows)
    await mail.set_aside(4000)
    service = DeadLetters(database, Connections(database, keyring, plan=Plan.PRO, acts_as=ActorKind.API), keyring)
    assert await service.replay(OWNER, tenant.id, [rows[0], rows[0]]) == 1
    with pytest.raises(Conflict):
        await service.replay(OWNER, tenant.id, [rows[0]])
    assert await service.replay_all(OWNER, tenant.id) == 3
    assert await service.replay_all(OWNER, tenant.id) == 0
    assert await _told(database, tenant.id) == [
        ("dead_letters.replayed", BY_API, "", {"ids": [str(rows[0])]}),
        ("dead_letters.replayed", BY_API, "all", {}),
    ]


async def test_all_at_once_is_one_act_also_where_no_update_was_set_aside(database, keyring, tenant):
    await make_running(database, tenant, group=GROUP)
    mail = Mail(database, keyring, tenant)
    await mail.bury(await mail.answer(await mail.open_dialog(), "a secret", message=300))
    service = DeadLetters(database, Connections(database, keyring, plan=Plan.PRO), keyring)
    assert await service.replay_all(OWNER, tenant.id) == 1
    assert await _told(database, tenant.id) == [("dead_letters.replayed", BY_OWNER, "all", {})]


async def test_acts_of_many_tenants_are_recorded_at_once_each_to_its_own(database, keyring, tenant):
    other = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    acts = {one.id: [Act(Action.STARTED, SYSTEM), Act(Action.STOPPED, SYSTEM)] for one in (tenant, other)}
    async with database.tenants([tenant.id, other.id]) as unit:
        await record_all(unit, acts)
        await record_all(unit, {tenant.id: []})
    for one in (tenant, other):
        assert [told[0] for told in await _told(database, one.id)] == ["tenant.started", "tenant.stopped"]


async def test_what_fails_later_in_the_transaction_was_never_done(database, tenant):
    with pytest.raises(RuntimeError):
        async with database.tenant(tenant.id) as unit:
            await record(unit, tenant.id, Act(Action.STARTED, SYSTEM))
            raise RuntimeError
    assert await _told(database, tenant.id) == []


async def test_pages_follow_each_other_newest_first(database, tenant):
    for _ in range(4):
        async with database.tenant(tenant.id) as unit:
            await record(unit, tenant.id, Act(Action.STARTED, BY_OWNER), Act(Action.STOPPED, BY_OWNER))
    whole = await _list(database, tenant.id)
    assert len(whole) == 9
    pages: list[Entry] = []
    while page := await _list(database, tenant.id, limit=2, after=pages[-1].id if pages else None):
        pages += page
    assert pages == whole
    assert [entry.id for entry in whole] == sorted((entry.id for entry in whole), reverse=True)


async def test_only_what_is_asked_for_is_listed(database, tenant):
    max_ = Actor(ActorKind.OPERATOR, UserId(77), "Max")
    async with database.tenant(tenant.id) as unit:
        await record(unit, tenant.id, Act(Action.DIALOG_HELD, max_), Act(Action.DIALOG_CLOSED, max_))
        await record(unit, tenant.id, Act(Action.STOPPED, BY_OWNER))
        old = update(audit_table).where(audit_table.c.action == "dialog.held")
        await unit.execute(old.values(at=text("now() - interval '2 days'")))
    (closed,) = await _list(database, tenant.id, action=Action.DIALOG_CLOSED)
    assert closed.by == max_
    assert [entry.action for entry in await _list(database, tenant.id, actor=UserId(77))] == [
        "dialog.closed",
        "dialog.held",
    ]
    recent = await _list(database, tenant.id, since=closed.at - timedelta(days=1), actor=UserId(77))
    assert recent == [closed]


async def test_an_act_of_a_newer_version_is_listed_without_a_sentence(database, tenant):
    async with database.tenant(tenant.id) as unit:
        row = {"id": new_id(), "tenant_id": tenant.id, "actor_kind": "system", "action": "an.act_of_tomorrow"}
        await unit.execute(insert(audit_table).values(row))
    entry = (await _list(database, tenant.id))[0]
    assert (entry.action, entry.sentence, entry.params) == ("an.act_of_tomorrow", "", {})


async def test_a_foreign_owner_and_a_foreign_tenant_read_nothing(connections: Connections, database, keyring, tenant):
    other = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    log = AuditLog(database, connections)
    with pytest.raises(NotFound):
        await log.list_page(STRANGER, tenant.id, limit=10)
    async with database.tenant(other.id) as unit:
        assert await list_page(unit, tenant.id, limit=10) == []
    mine = await log.list_page(OWNER, tenant.id, limit=10)
    assert [entry.subject for entry in mine] == ["@shop5000_bot"]


@pytest.mark.parametrize(
    ("plan", "setting", "kept"),
    [
        (Plan.FREE, None, 30),
        (Plan.FREE, 3650, 30),
        (Plan.PRO, None, 365),
        (Plan.PRO, 0, 365),
        (Plan.PRO, 100, 100),
        (Plan.PRO, 3650, 365),
        (Plan.BUSINESS, None, 365),
        (Plan.BUSINESS, 0, 365),
        (Plan.BUSINESS, 30, 30),
        (Plan.BUSINESS, 3650, 3650),
    ],
)
async def test_it_is_kept_as_long_as_the_plan_says(database, keyring, tenant, *, plan, setting, kept):
    other = await make_tenant(database, keyring, bot=6000, plan=Plan.BUSINESS)
    async with database.tenant(tenant.id) as unit:
        settings = {} if setting is None else {"AUDIT_DAYS": setting}
        await unit.execute(update(tenants).where(tenants.c.id == tenant.id).values(plan=plan, settings=settings))
        await record(unit, tenant.id, Act(Action.STARTED, SYSTEM), Act(Action.STOPPED, SYSTEM))
        aged = text(
            "UPDATE audit SET at = now() - make_interval(days => :kept, hours => :hours) WHERE action = :name"
        )
        for hours, name in ((-1, "tenant.started"), (1, "tenant.stopped")):
            await unit.execute(aged, {"kept": kept, "hours": hours, "name": name})
    async with database.fleet() as unit:
        await audit.forget_old(unit)
    assert [told[0] for told in await _told(database, tenant.id)] == ["tenant.started"]
    assert len(await _list(database, other.id)) == 1


async def test_the_sweep_of_the_past_forgets_it_too(database, tenant):
    async with database.tenant(tenant.id) as unit:
        await unit.execute(update(audit_table).values(at=text("now() - interval '11 years'")))
    assert len(await _list(database, tenant.id)) == 1
    async with database.fleet() as unit:
        assert await enqueue_periodic(unit, FORGET, PERIODIC[FORGET])
    await do_jobs(database)
    assert await _list(database, tenant.id) == []


async def test_the_fleet_forgets_it_by_the_setting_without_reading_settings(connections, database, tenant):
    await SettingsService(connections).change(OWNER, tenant.id, {"AUDIT_DAYS": 400})
    async with database.fleet() as unit:
        assert (await unit.execute(select(tenants.c.audit_days))).scalars().all() == [400]


async def test_only_business_keeps_it_longer_than_a_year(connections: Connections, database, keyring):
    pro = await make_tenant(database, keyring, bot=5001, plan=Plan.PRO)
    with pytest.raises(PlanRequired) as refused:
        await SettingsService(connections).change(OWNER, pro.id, {"AUDIT_DAYS": 366})
    assert refused.value.params == {"plan": "business"}


async def test_an_erasure_leaves_nothing_not_even_that_it_happened(connections: Connections, database, tenant):
    await connections.erase(OWNER, tenant.id)
    await do_jobs(database)
    async with database._engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1 FROM audit"))).all() == []


async def test_what_the_settings_were_is_gone_at_once_with_them(connections: Connections, database, tenant):
    service = SettingsService(connections)
    await service.change(OWNER, tenant.id, {"WELCOME": "our old words"})
    await service.change(OWNER, tenant.id, {"WELCOME": None})
    await connections.erase(OWNER, tenant.id)
    async with database.tenant(tenant.id) as unit:
        rows = (await unit.execute(text("SELECT audit::text FROM audit"))).scalars().all()
    assert len(rows) == 1
    assert "our old words" not in rows[0]


async def test_no_row_holds_a_token(connections: Connections, database, tenant):
    await _attach(database, connections, tenant.id, GROUP)
    await connections.set_mode(OWNER, tenant.id, Mode.PARALLEL)
    async with database.tenant(tenant.id) as unit:
        await mark_revoked(unit, tenant.id)
        rows = (await unit.execute(text("SELECT audit::text FROM audit"))).scalars().all()
    assert len(rows) == 4
    assert not [row for row in rows if make_token(5000) in row or "AAAA" in row]
