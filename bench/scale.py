"""What a relayed message costs a worker with few and with many tenants: CPU, statements, transactions.

The tenants of a step join those of the step before. Each step has a fresh worker and a few rounds of one message per
tenant, all at once. Statements are PostgreSQL's own counts (pg_stat_statements): BEGIN, the choice of the role and
COMMIT are statements, too, though they share round trips.
"""

import argparse

from bench.counts import Meter
from bench.relay import measure
from bench.stage import House, connect, telegram, worker
from bench.tables import show

LEAST = 2000
"""Messages of a step with few tenants."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenants", type=int, nargs="+", default=[10, 50, 200, 1000, 2000])
    parser.add_argument("--rounds", type=int, default=3, help="at least so many, and at least 2000 messages")


async def run(given: argparse.Namespace, house: House) -> None:
    steps = sorted(given.tenants)
    rows = []
    async with telegram(steps[-1]) as stage:
        meter = Meter(house, stage.process)
        connected = 0
        for tenants in steps:
            await connect(house, stage.desks[connected:tenants])
            connected = tenants
            rounds = max(given.rounds, LEAST // tenants)
            with worker(house.environ(stage.url)) as process:
                spent = await measure(stage, stage.desks[:tenants], rounds, meter, process)
            messages = rounds * tenants
            rows.append(
                [
                    tenants,
                    messages,
                    f"{spent.own / messages * 1000:.2f} ms",
                    f"{spent.postgres / messages * 1000:.2f} ms",
                    f"{spent.statements / messages:.2f}",
                    f"{spent.transactions / messages:.3f}",
                    f"{messages / spent.clock:.0f}",
                ]
            )
        await meter.close()
    heads = ("tenants", "messages", "worker's CPU", "PostgreSQL's CPU", "statements", "transactions", "messages/s")
    show("scale: per relayed message, all tenants at once", heads, rows)
