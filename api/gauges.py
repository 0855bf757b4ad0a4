"""What the fleet's tables say about its health, for Prometheus. Five queries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text

from tenants.db import Database
from tenants.intake import count_dispositions
from tenants.jobs import count_dead_jobs
from tenants.usage.waiting import count_tenants_that_wait

_DISPOSITIONS = ("relayed", "handled", "ignored", "waiting", "failed", "buried")
_ROW_STATES = ("waiting", "sending", "delivered", "buried")
_TENANT_STATES = ("setup", "running", "stopped", "revoked")

_OUTBOX = text(
    """
    SELECT o.state, count(*) AS n,
        extract(epoch FROM clock_timestamp() - min(o.not_before) FILTER (
            WHERE o.state = 'waiting' AND o.not_before <= now() AND l.blocked_until <= now()
                AND t.state IN ('setup', 'running')
        )) AS lag
    FROM outbox o JOIN lanes l ON l.id = o.lane_id JOIN tenants t ON t.id = o.tenant_id
    GROUP BY o.state
    """
)
_TENANTS = text("SELECT state, count(*) AS n FROM tenants GROUP BY state")


@dataclass(frozen=True, eq=False)
class Gauges(Collector):
    """One reading. `lag` is the age of the oldest row that could go out now: its tenant runs, its lane is free."""

    dispositions: Mapping[str, int]
    rows: Mapping[str, int]
    tenants: Mapping[str, int]
    dead_jobs: Mapping[str, int]
    over_limit: int
    lag: float

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield _family(
            "backline_updates",
            "Updates of the last 48 hours by what became of them.",
            "disposition",
            _DISPOSITIONS,
            self.dispositions,
        )
        unaccounted = self.dispositions.get("unaccounted", 0)
        yield GaugeMetricFamily("backline_unaccounted", "Updates that ended in nothing: a bug.", unaccounted)
        yield GaugeMetricFamily("backline_outbox_lag_seconds", "Age of the oldest row that is due.", self.lag)
        yield _family("backline_outbox_rows", "Rows of the outbox.", "state", _ROW_STATES, self.rows)
        yield _family("backline_jobs_dead", "Jobs that were given up.", "kind", self.dead_jobs, self.dead_jobs)
        yield GaugeMetricFamily(
            "backline_tenants_over_limit", "Connections of which updates wait for the plan's limit.", self.over_limit
        )
        yield _family("backline_tenants", "Connections.", "state", _TENANT_STATES, self.tenants)

    def text(self) -> bytes:
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)


def _family(name: str, words: str, label: str, known: Iterable[str], counts: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value in known:
        family.add_metric([value], counts.get(value, 0))
    return family


async def read_gauges(database: Database) -> Gauges:
    async with database.fleet() as unit:
        dispositions = await count_dispositions(unit)
        outbox = (await unit.execute(_OUTBOX)).all()
        tenants = (await unit.execute(_TENANTS)).all()
        dead_jobs = await count_dead_jobs(unit)
        over_limit = await count_tenants_that_wait(unit)
    return Gauges(
        dispositions=dispositions,
        rows={row.state: row.n for row in outbox},
        tenants={row.state: row.n for row in tenants},
        dead_jobs=dead_jobs,
        over_limit=over_limit,
        lag=max((float(row.lag) for row in outbox if row.lag is not None), default=0.0),
    )
