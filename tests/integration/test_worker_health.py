"""What a worker answers about itself, over real sockets, from its start to the end of its drain."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tenants.config import Config, ConfigError
from tenants.db import Database
from tenants.ids import WorkerId, new_id
from tenants.leases import SHARDS
from worker import main
from worker.health import LONGEST_HEAD, STUCK_AFTER, Health, served
from worker.leases import LeaseKeeper

SOON = 20
GET = "GET {} HTTP/1.1\r\nHost: worker\r\n\r\n"


class HealthUnderTest:
    def __init__(self, database: Database) -> None:
        self.now = 1000.0
        self.database = database
        self.keeper = LeaseKeeper(
            database,
            WorkerId(new_id()),
            length=timedelta(seconds=15),
            changed=lambda: None,
            clock=lambda: self.now,
        )
        self.sessions = {"running": 3}
        self.health = Health(self.keeper, database, lambda: self.sessions)
        self.port = 0

    async def get(self, path: str) -> tuple[int, str]:
        head, body = await self.ask(GET.format(path).encode())
        return int(head.split(" ")[1]), body

    async def ask(self, request: bytes) -> tuple[str, str]:
        """The head and the body of the answer, which ends with the connection."""
        async with asyncio.timeout(SOON):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            writer.close()
            return head, body


@pytest.fixture
def config(database_url: str, redis_url: str, keyring_file: Path) -> Config:
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "BACKLINE_KEYRING": str(keyring_file)}
    return Config.from_env({**given, "WORKER_PORT": "0", "TELEGRAM_API_ROOT": "http://127.0.0.1:1"})


@pytest.fixture
async def worker(database: Database, config: Config) -> AsyncIterator[HealthUnderTest]:
    under_test = HealthUnderTest(database)
    async with served(under_test.health, config) as port:
        under_test.port = port or 0
        yield under_test


async def test_it_is_ready_while_it_trusts_its_leases_and_the_database_answers(worker: HealthUnderTest) -> None:
    assert await worker.get("/readyz") == (503, "Not ready: the leases are not renewed.")
    await worker.keeper.refresh()
    assert await worker.get("/readyz") == (200, "ready")
    worker.now += 13
    assert await worker.get("/readyz") == (503, "Not ready: the leases are not renewed.")


async def test_it_is_not_ready_without_a_database(worker: HealthUnderTest) -> None:
    await worker.keeper.refresh()
    gone = Database("postgresql://nobody@127.0.0.1:1/none")
    worker.health._database = gone
    assert await worker.get("/readyz") == (503, "Not ready: the database does not answer.")
    assert await worker.get("/livez") == (200, "alive")
    await gone.close()


async def test_it_is_not_ready_while_it_drains_but_alive(worker: HealthUnderTest) -> None:
    await worker.keeper.refresh()
    await worker.keeper.drain()
    assert await worker.get("/readyz") == (503, "Not ready: the worker is draining.")
    assert await worker.get("/livez") == (200, "alive")


async def test_it_is_not_alive_when_nobody_tries_to_renew_any_more(worker: HealthUnderTest) -> None:
    assert await worker.get("/livez") == (200, "alive")
    worker.now += STUCK_AFTER + 1
    assert await worker.get("/livez") == (503, "No lease was renewed or tried for 61 seconds.")
    await worker.keeper.refresh()
    assert await worker.get("/livez") == (200, "alive")


async def test_metrics_count_sessions_as_they_are_now_and_shards_that_were_taken(worker: HealthUnderTest) -> None:
    await worker.keeper.refresh()
    head, body = await worker.ask(GET.format("/metrics").encode())
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8" in head
    assert 'backline_sessions{state="running"} 3.0' in body
    assert 'backline_lease_events_total{event="taken"}' in body
    worker.sessions = {"over": 1}
    lines = (await worker.get("/metrics"))[1].splitlines()
    assert [line for line in lines if line.startswith("backline_sessions{")] == [
        'backline_sessions{state="over"} 1.0'
    ]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /livez?x=1 HTTP/1.1", "200 OK"),
        ("GET /nothing HTTP/1.1", "404 Not Found"),
        ("POST /livez HTTP/1.1", "405 Method Not Allowed"),
        ("nonsense", "400 Bad Request"),
        ("GET /" + "x" * 2 * LONGEST_HEAD, "431 Request Header Fields Too Large"),
    ],
)
async def test_whatever_is_asked_is_answered(worker: HealthUnderTest, request_line: str, status: str) -> None:
    head, _ = await worker.ask(f"{request_line}\r\n\r\n".encode())
    assert head.splitlines()[0] == f"HTTP/1.1 {status}"


async def test_a_head_is_answered_without_a_body_and_a_client_that_leaves_harms_nobody(
    worker: HealthUnderTest,
) -> None:
    head, body = await worker.ask(b"HEAD /livez HTTP/1.1\r\n\r\n")
    assert ("Content-Length: 5" in head, body) == (True, "")
    _, writer = await asyncio.open_connection("127.0.0.1", worker.port)
    writer.transport.abort()
    assert await worker.get("/livez") == (200, "alive")


async def test_there_is_no_server_without_a_port_and_by_default_it_is_on_loopback(
    worker: HealthUnderTest, config: Config
) -> None:
    assert config.worker_host == "127.0.0.1"
    assert Config.model_fields["worker_port"].default is None
    async with served(worker.health, config.model_copy(update={"worker_port": None})) as port:
        assert port is None


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("127.0.0.1", "Port {} is in use by another program: set WORKER_PORT to a free port."),
        ("192.0.2.1", "192.0.2.1 is no address of this machine: set WORKER_HOST to one that is."),
    ],
)
async def test_an_address_that_can_t_be_had_is_a_sentence(
    worker: HealthUnderTest, config: Config, host: str, sentence: str
) -> None:
    elsewhere = config.model_copy(update={"worker_port": worker.port, "worker_host": host})
    with pytest.raises(ConfigError) as refused:
        async with served(worker.health, elsewhere):
            pass
    assert str(refused.value) == sentence.format(worker.port)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def test_a_worker_serves_while_it_runs_and_leaves_the_fleet_behind_it(
    database: Database, config: Config
) -> None:
    asking = HealthUnderTest(database)
    asking.port = _free_port()
    ready = asyncio.Event()
    running = asyncio.create_task(main.run(config.model_copy(update={"worker_port": asking.port}), ready.set))
    async with asyncio.timeout(SOON):
        await ready.wait()
    assert [await asking.get(path) for path in ("/livez", "/readyz")] == [(200, "alive"), (200, "ready")]
    assert await _fleet(database) == (1, SHARDS)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await _fleet(database) == (0, 0)
    with pytest.raises(ConnectionRefusedError):
        await asking.get("/livez")


async def _fleet(database: Database) -> tuple[int, int]:
    """Workers that are registered, and shards that are held."""
    async with database.fleet() as unit:
        statement = "SELECT (SELECT count(*) FROM workers), (SELECT count(*) FROM leases WHERE holder IS NOT NULL)"
        workers, held = (await unit.execute(text(statement))).one()
    return workers, held
