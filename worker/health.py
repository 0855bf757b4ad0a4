"""The worker's own address: whether it lives, whether it can work, and what it counts. On loopback by default.

Plain asyncio: three routes are no reason for a web server's library in this process. A request is its first line;
what else a client sends is ignored, and the connection is closed behind the answer.
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

import structlog
from sqlalchemy import text

from tenants.config import Config, ConfigError
from tenants.db import Database
from worker import metrics
from worker.leases import LeaseKeeper

STUCK_AFTER = 60.0
"""Seconds in which the keeper of the leases began nothing: a database that is away is tried far more often."""
PATIENCE = 2.0
"""Seconds for the database's answer."""
REQUEST_SECONDS = 5.0
LONGEST_HEAD = 16 * 1024
PLAIN = "text/plain; charset=utf-8"

log = structlog.get_logger()


class Answer(NamedTuple):
    status: HTTPStatus
    body: bytes
    media_type: str = PLAIN


class Health:
    """What there is to answer. `count_sessions` gives the sessions of this worker by state."""

    def __init__(
        self, keeper: LeaseKeeper, database: Database, count_sessions: Callable[[], Mapping[str, int]]
    ) -> None:
        self._keeper = keeper
        self._database = database
        self._count_sessions = count_sessions
        self.routes: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/metrics": self.metrics,
        }

    async def livez(self) -> Answer:
        """Whoever reads this knows that the loop runs."""
        if self._keeper.idle_seconds > STUCK_AFTER:
            return _unavailable(f"No lease was renewed or tried for {self._keeper.idle_seconds:.0f} seconds.")
        return Answer(HTTPStatus.OK, b"alive")

    async def readyz(self) -> Answer:
        if self._keeper.draining:
            return _unavailable("Not ready: the worker is draining.")
        if not self._keeper.is_trusted:
            return _unavailable("Not ready: the leases are not renewed.")
        if not await self._database_answers():
            return _unavailable("Not ready: the database does not answer.")
        return Answer(HTTPStatus.OK, b"ready")

    async def metrics(self) -> Answer:
        metrics.SESSIONS.clear()
        for state, count in self._count_sessions().items():
            metrics.SESSIONS.labels(state).set(count)
        return Answer(HTTPStatus.OK, metrics.exposition(), metrics.CONTENT_TYPE)

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE), self._database.fleet() as unit:
                await unit.execute(text("SELECT 1"))
        except Exception:  # noqa: BLE001  # whatever it is, it is no answer
            return False
        return True


@contextlib.asynccontextmanager
async def served(health: Health, config: Config) -> AsyncIterator[int | None]:
    """Yields the port, or None where no server is wanted. Raises `ConfigError` where the address can't be had."""
    if config.worker_port is None:
        yield None
        return
    server = await _listen(health, config.worker_host, config.worker_port)
    port: int = server.sockets[0].getsockname()[1]
    log.info("health.listening", host=config.worker_host, port=port)
    try:
        yield port
    finally:
        server.close()


async def _listen(health: Health, host: str, port: int) -> asyncio.Server:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(health, reader, writer)

    try:
        return await asyncio.start_server(accept, host, port, limit=LONGEST_HEAD)
    except OSError as error:
        raise ConfigError(_why_not(error, host, port)) from None


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: set WORKER_PORT to a free port."
    if error.errno == errno.EACCES:
        return f"You may not listen on port {port}: set WORKER_PORT to a port above 1023."
    if error.errno is None or error.errno < 0 or error.errno == errno.EADDRNOTAVAIL:  # < 0: no such name
        return f"{host} is no address of this machine: set WORKER_HOST to one that is."
    return f"It is not possible to listen on {host}:{port} ({os.strerror(error.errno).lower()})."


async def _serve(health: Health, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request. Trouble of a client's is not ours."""
    with contextlib.suppress(OSError, TimeoutError):
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                with_body, answer = await _answer(health, reader)
                writer.write(_head(answer) + (answer.body if with_body else b""))
                await writer.drain()
        finally:
            writer.close()


async def _answer(health: Health, reader: asyncio.StreamReader) -> tuple[bool, Answer]:
    """Whether the body is sent, too, and the answer."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return True, _refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    except asyncio.IncompleteReadError:
        return True, _refuse(HTTPStatus.BAD_REQUEST)
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != len(("method", "target", "version")):
        return True, _refuse(HTTPStatus.BAD_REQUEST)
    method, target, _ = words
    if method not in {"GET", "HEAD"}:
        return True, _refuse(HTTPStatus.METHOD_NOT_ALLOWED)
    act = health.routes.get(target.partition("?")[0])
    return method == "GET", _refuse(HTTPStatus.NOT_FOUND) if act is None else await act()


def _unavailable(sentence: str) -> Answer:
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, sentence.encode())


def _refuse(status: HTTPStatus) -> Answer:
    return Answer(status, status.phrase.encode())


def _head(answer: Answer) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.media_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET, HEAD")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
