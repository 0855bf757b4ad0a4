"""What a worker counts about itself: Prometheus instruments on a registry of their own, for `/metrics` of the worker.

The API's gauges come out of the database and are the whole deployment's; these are one process's, and start at zero
with it. No label holds a tenant, a person or a text.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REGISTRY = CollectorRegistry()

RELAYED = Counter(
    "backline_relayed_total",
    "Messages that Telegram accepted, by direction: topic, customer, general.",
    ["direction"],
    registry=REGISTRY,
)
RETRIES = Counter(
    "backline_retries_total", "Calls to Telegram that will be made again, by reason.", ["reason"], registry=REGISTRY
)
BURIED = Counter("backline_buried_total", "Messages given up for good, by reason.", ["reason"], registry=REGISTRY)
FAILED = Counter(
    "backline_updates_set_aside_total",
    "Updates that raised the same error again and were set aside.",
    registry=REGISTRY,
)
UPDATE_AGE = Histogram(
    "backline_update_age_seconds",
    "Seconds from receiving a batch of updates to its commit.",
    registry=REGISTRY,
)
DATABASE_SECONDS = Histogram(
    "backline_database_seconds",
    "Seconds of one transaction, by what it is for.",
    ["what"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
DATABASE_FAILURES = Counter(
    "backline_database_failures_total",
    "Turns that a trouble of the database made wait, by what it was: disk_full, connection, shutdown, …",
    ["what"],
    registry=REGISTRY,
)
SESSIONS = Gauge("backline_sessions", "Sessions of this worker, by state.", ["state"], registry=REGISTRY)
LEASE_EVENTS = Counter(
    "backline_lease_events_total",
    "Shards that were taken, lost and given_back, and attempts to renew or to look that failed: attempt_failed.",
    ["event"],
    registry=REGISTRY,
)
LOOP_LAG = Gauge(
    "backline_event_loop_lag_seconds",
    "Seconds that the event loop took to come to something it was asked to do at once, last time.",
    registry=REGISTRY,
)


def count_database_failure(what: str) -> None:
    DATABASE_FAILURES.labels(what).inc()


def exposition() -> bytes:
    """All instruments in Prometheus' text format, to be served as `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
