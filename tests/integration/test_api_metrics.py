"""Figures for Prometheus: right, cheap, and not for the world."""

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text

from tenants.connections import Tenant
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import fill_every_table, make_running, make_tenant

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def tenant(api: ApiUnderTest) -> Tenant:
    """Runs, with one row in the outbox that has been due for a minute."""
    made = await make_tenant(api.database, api.keyring)
    await make_running(api.database, made)
    await fill_every_table(api.database, made)
    await _change(api, made, "UPDATE outbox SET not_before = now() - interval '60 seconds'")
    return made


async def _change(api: ApiUnderTest, tenant: Tenant, statement: str) -> None:
    async with api.database.tenant(tenant.id) as unit:
        await unit.execute(text(statement))


async def _samples(api: ApiUnderTest) -> Samples:
    answer = await api.ask("GET", "/metrics", key="")
    assert answer.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def _value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def test_an_empty_fleet_has_zeros_and_no_gaps(api: ApiUnderTest):
    samples = await _samples(api)
    for disposition in ("relayed", "handled", "ignored", "waiting", "failed", "buried"):
        assert _value(samples, "backline_updates", disposition=disposition) == 0
    assert _value(samples, "backline_unaccounted") == 0
    assert _value(samples, "backline_outbox_lag_seconds") == 0
    assert _value(samples, "backline_outbox_rows", state="waiting") == 0
    assert _value(samples, "backline_tenants", state="running") == 0


@pytest.mark.usefixtures("tenant")
async def test_updates_rows_and_tenants_are_counted(api: ApiUnderTest):
    await make_tenant(api.database, api.keyring, bot=5001)
    samples = await _samples(api)
    assert _value(samples, "backline_updates", disposition="waiting") == 1
    assert _value(samples, "backline_outbox_rows", state="waiting") == 1
    assert _value(samples, "backline_tenants", state="running") == 1
    assert _value(samples, "backline_tenants", state="setup") == 1


async def test_an_update_that_ended_in_nothing_is_unaccounted(api: ApiUnderTest, tenant: Tenant):
    await _change(api, tenant, "DELETE FROM outbox")
    samples = await _samples(api)
    assert _value(samples, "backline_unaccounted") == 1
    assert _value(samples, "backline_updates", disposition="waiting") == 0


@pytest.mark.usefixtures("tenant")
async def test_the_lag_is_the_age_of_the_oldest_row_that_is_due(api: ApiUnderTest):
    assert _value(await _samples(api), "backline_outbox_lag_seconds") == pytest.approx(60, abs=30)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outbox SET not_before = now() + interval '1 hour'",
        "UPDATE lanes SET blocked_until = now() + interval '1 hour'",
        "UPDATE tenants SET state = 'stopped'",
        "UPDATE tenants SET state = 'revoked'",
        "UPDATE outbox SET state = 'buried', error = 'refused'",
    ],
)
async def test_a_row_that_has_to_wait_is_no_lag(api: ApiUnderTest, tenant: Tenant, statement):
    await _change(api, tenant, statement)
    assert _value(await _samples(api), "backline_outbox_lag_seconds") == 0


async def test_requests_are_timed_by_route_and_never_by_what_was_asked(api: ApiUnderTest, tenant: Tenant):
    await api.ask("GET", f"/v1/tenants/{tenant.id}")
    await api.ask("GET", "/v1/tenants", key="bl_unknown")
    for n in range(3):
        await api.ask("GET", f"/nope/{n}")
        await api.ask(f"BREW{n}", "/livez")
    samples = await _samples(api)
    count = "backline_http_request_seconds_count"
    assert _value(samples, count, method="GET", route="/v1/tenants/{tenant_id}", status="200") == 1
    assert _value(samples, count, method="GET", route="/v1/tenants", status="401") == 1
    assert _value(samples, count, method="GET", route="none", status="404") == 3
    assert _value(samples, count, method="other", route="none", status="405") == 3


async def test_a_scrape_costs_a_handful_of_statements(api: ApiUnderTest):
    statements: list[str] = []
    engine = api.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    await _samples(api)
    assert len(statements) <= 5


async def test_figures_are_shown_to_those_within(api: ApiUnderTest):
    for address in ("127.0.0.1", "::1", "10.1.2.3", "192.168.1.5", "::ffff:10.1.2.3"):
        assert (await api.ask_from((address, 5000), "/metrics")).status_code == 200, address


async def test_figures_are_not_for_the_world(api: ApiUnderTest):
    for address in ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "a socket"):
        problem_of(await api.ask_from((address, 5000), "/metrics"), 404)
        assert (await api.ask_from((address, 5000), "/livez")).status_code == 200


async def test_a_proxy_does_not_lend_its_address(api: ApiUnderTest):
    for header in ("X-Forwarded-For", "Forwarded"):
        problem_of(await api.ask("GET", "/metrics", headers={header: "for=8.8.8.8"}), 404)


async def test_nothing_secret_is_among_the_figures(api: ApiUnderTest, tenant: Tenant):
    shown = (await api.ask("GET", "/metrics")).text
    for secret in (str(tenant.id), tenant.bot_username, "Ann", api.key):
        assert secret not in shown
