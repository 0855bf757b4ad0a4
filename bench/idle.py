"""What a tenant costs in which nothing happens: memory, CPU, statements, and how long a worker takes to start.

All long polls are parked, over TLS with a certificate made for the run. Memory is the difference to a worker without
a tenant.
"""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.counts import Meter, Reading, cpu
from bench.stage import House, Telegram, connect, telegram, worker
from bench.tables import show
from worker.pace import computed_seconds

REST = 15.0
"""Seconds from the last start until everything that followed from it has happened."""
MEGABYTE = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenants", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60, help="how long it is watched; a poll takes 50")
    parser.add_argument("--plain", action="store_true", help="without TLS")
    parser.add_argument("--statements", action="store_true", help="say which ones")


async def run(given: argparse.Namespace, house: House) -> None:
    certificate, key = make_certificate(house.keyring.parent)
    orders = {} if given.plain else {"certificate": str(certificate), "key": str(key)}
    async with telegram(given.tenants, **orders) as stage:
        meter = Meter(house, stage.process)
        environ = house.environ(stage.secure or stage.url, SSL_CERT_FILE=str(certificate))
        with worker(environ) as process:
            await asyncio.sleep(REST)
            empty, importing = process.memory_full_info(), cpu(process)
            spent_empty = await _watch(meter, process, given.seconds / 2)
        await connect(house, stage.desks)
        await meter.forget()
        began, before = monotonic(), await meter.read(psutil.Process())
        with worker(environ) as process:
            await stage.attended(stage.desks)
            start = monotonic() - began
            starting = cpu(process) - importing
            await asyncio.sleep(REST)
            first = (await meter.read(psutil.Process())).since(before)
            told = await meter.dearest() if given.statements else []
            calls = await _calls(stage)
            full = process.memory_full_info()
            await meter.forget()
            spent = await _watch(meter, process, given.seconds)
            idle_told = await meter.dearest() if given.statements else []
        await meter.close()
    _report(given, empty, full, spent_empty, spent)
    _report_start(given, start, starting, first, calls)
    for title, rows in (("statements of the start", told), ("statements when idle", idle_told)):
        if rows:
            show(title, ("calls", "ms", "statement"), rows)


async def _watch(meter: Meter, process: psutil.Process, seconds: float) -> Reading:
    before = await meter.read(process)
    await asyncio.sleep(seconds)
    return (await meter.read(process)).since(before)


async def _calls(stage: Telegram) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, method, count, _ in await stage.ask("calls"):
        counts[method] = counts.get(method, 0) + count
    return counts


def _report(given: argparse.Namespace, empty: Any, full: Any, none: Reading, spent: Reading) -> None:
    def row(name: str, memory: Any, spent: Reading) -> list[object]:
        return [
            name,
            f"{memory.rss / MEGABYTE:.0f} MB",
            f"{memory.uss / MEGABYTE:.0f} MB",
            f"{spent.own / spent.clock * 60:.2f} s",
            f"{spent.postgres / spent.clock * 60:.2f} s",
            f"{spent.statements / spent.clock:.1f}",
            f"{spent.transactions / spent.clock:.1f}",
        ]

    how = "in the clear" if given.plain else "over TLS"
    heads = ("tenants", "RSS", "USS", "CPU a minute", "PostgreSQL's", "statements/s", "transactions/s")
    show(f"idle: {how}", heads, [row("0", empty, none), row(str(given.tenants), full, spent)])
    rss, uss = (full.rss - empty.rss) / given.tenants / 1024, (full.uss - empty.uss) / given.tenants / 1024
    own = (spent.own / spent.clock - none.own / none.clock) * 60 / given.tenants
    print(f"  a tenant: {rss:.0f} KB RSS, {uss:.0f} KB USS, {own * 1000:.2f} ms of CPU a minute")


def _report_start(given: argparse.Namespace, start: float, own: float, spent: Reading, calls: dict[str, int]) -> None:
    tenants = given.tenants
    paced = computed_seconds(tenants)
    rows = [
        ["all tenants wait for updates after", f"{start:.1f} s"],
        ["the same with the pace of cold starts, computed", f"{paced / 3600:.1f} h"],
        ["CPU for each", f"{own / tenants * 1000:.2f} ms"],
        ["PostgreSQL's CPU for each", f"{spent.postgres / tenants * 1000:.2f} ms"],
        ["statements for each", f"{spent.statements / tenants:.1f}"],
        ["transactions for each", f"{spent.transactions / tenants:.2f}"],
        [
            "calls to Telegram so far",
            ", ".join(f"{method} {count}" for method, count in calls.items()) or "none done",
        ],
    ]
    show(f"start of a worker with {tenants} tenants", ("", ""), rows)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, for an hour, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "telegram.crt", folder / "telegram.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
