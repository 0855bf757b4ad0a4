"""`make chaos`: everything breaks for two minutes while hundreds of people write, then every message is counted."""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from chaos.audit import SHOWN, Finding, audit
from chaos.conductor import WORKERS, Conductor
from chaos.crowd import Crowd
from chaos.evidence import Evidence, gather
from chaos.fleet import Fleet
from chaos.house import House, connect, house
from chaos.polls import takeovers
from chaos.telegram import Telegram, opened, people, sandbox

SETTLE_SECONDS = 75.0
STARTED_SECONDS = 40.0
LONGEST_PROOF = 400
HOLDERS = "SELECT count(DISTINCT holder) AS holders FROM leases WHERE expires_at > now()"
LEFT = """
SELECT (SELECT count(*) FROM dispositions WHERE disposition = 'relayed') AS relayed,
    (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')) AS waiting
"""


def main() -> int:
    given = _arguments()
    print(f"chaos with --seed {given.seed}: {given.tenants} tenants, {WORKERS} workers, {given.seconds:.0f} s")
    with house() as servers, sandbox() as url:
        return asyncio.run(_prove(given, servers, url))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--tenants", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=135, help="of writing and breaking")
    parser.add_argument("--rate", type=float, default=14, help="messages a second")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--json", type=Path, help="a file for the findings")
    parser.add_argument("--keep", type=Path, help="an existing folder for the workers' logs")
    return parser.parse_args()


async def _prove(given: argparse.Namespace, servers: House, url: str) -> int:
    began = time.monotonic()
    async with opened(url) as telegram:
        fleet = Fleet(given.keep or servers.folder, servers.environ(url))
        try:
            desks = await connect(servers, await people(telegram, given.tenants))
            print(f"  {given.tenants} tenants are connected after {time.monotonic() - began:.0f} s", flush=True)
            fleet.keep(WORKERS)
            await _until_shared(servers)
            print(
                f"  everybody is there after {time.monotonic() - began:.0f} s; now they write, and things break",
                flush=True,
            )
            crowd = Crowd(url, list(desks.values()), rate=given.rate, seconds=given.seconds, seed=given.seed)
            conductor = Conductor(servers, fleet, telegram, crowd, seed=given.seed, seconds=given.seconds)
            written = await _write(crowd, conductor)
            settled = await _settle(servers, telegram, written)
            await asyncio.to_thread(fleet.dismiss)
            evidence = await gather(servers, telegram, fleet, desks)
        finally:
            fleet.kill_all()
    findings = [*audit(evidence, written, conductor, fleet), settled]
    seconds = time.monotonic() - began
    _show(findings, conductor, evidence, seconds)
    if given.json:
        _write_json(given, findings, conductor, evidence, seconds)
    return 0 if all(finding.fine is not False for finding in findings) else 1


async def _until_shared(servers: House) -> None:
    """Until all workers have shards; who is slow to share does not keep the others from starting."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STARTED_SECONDS):
            while (await servers.rows(HOLDERS))[0]["holders"] < WORKERS:
                await asyncio.sleep(0.2)


async def _write(crowd: Crowd, conductor: Conductor) -> int:
    crowd.start()
    await conductor.conduct()
    await asyncio.to_thread(crowd.join)
    return crowd.written


async def _settle(servers: House, telegram: Telegram, written: int) -> Finding:
    """Until nothing is on its way any more, or it has taken too long."""
    await telegram.clear_faults()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < SETTLE_SECONDS:
        left = (await servers.rows(LEFT))[0]
        if left["relayed"] >= written and left["waiting"] == 0:
            return Finding(f"settled (at most {SETTLE_SECONDS:.0f} s)", f"{passed:.1f} s", fine=True)
        await asyncio.sleep(0.5)
    return Finding("settled", f"not within {SETTLE_SECONDS:.0f} s", fine=False, proof=[str(dict(left))])


def _show(findings: list[Finding], conductor: Conductor, evidence: Evidence, seconds: float) -> None:
    print("\nwhat was broken")
    for kind, count in sorted(Counter(event.kind for event in conductor.events).items()):
        print(f"  {kind:<58}  {count:>28}")
    print("\nsends that met a fault")
    for kind, count in sorted(evidence.faults.items()):
        print(f"  {kind:<58}  {count:>28}")
    print("\nthe audit")
    for finding in findings:
        print(f"  {finding}")
        if finding.fine is False:
            print("".join(f"      {line[:LONGEST_PROOF]}\n" for line in finding.proof[:SHOWN]), end="")
    bad = sum(finding.fine is False for finding in findings)
    print(f"\n{'everything holds' if not bad else f'{bad} FAIL'}, after {seconds:.0f} s", flush=True)


def _write_json(
    given: argparse.Namespace, findings: list[Finding], conductor: Conductor, evidence: Evidence, seconds: float
) -> None:
    told = {
        "seed": given.seed,
        "tenants": given.tenants,
        "seconds": round(seconds, 1),
        "findings": [finding.told() for finding in findings],
        "events": [vars(event) for event in conductor.events],
        "takeover_seconds": [round(passed, 2) for passed in takeovers(evidence, conductor.events).seconds],
    }
    given.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
