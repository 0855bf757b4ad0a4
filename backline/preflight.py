"""What a process needs is tried before it starts: what can't work is told in one sentence."""

import errno
import os
import socket
import time
from urllib.parse import urlsplit

import asyncpg

from backline.failure import Failure

CONNECT_SECONDS = 5.0
PORT_PATIENCE_SECONDS = 1.0  # a process that was just killed may not have let go yet


class RedisAwayError(Failure):
    """It may come back: whoever can do without it for a while starts."""


def check_port(host: str, port: int, *, variable: str) -> None:
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while (problem := _bind(host, port)) is not None:
        if problem.errno == errno.EACCES:
            raise Failure(f"You may not listen on port {port}: set {variable} to a port above 1023.")
        if problem.errno != errno.EADDRINUSE:
            raise Failure(f"It is not possible to listen on {host}:{port} ({problem.strerror or problem}).")
        if time.monotonic() > deadline:
            raise Failure(f"Port {port} is in use by another program: set {variable} to a free port.")
        time.sleep(0.05)


def _bind(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


async def check_database(url: str, *, migrated: bool = True) -> None:
    where = _where(url, "DATABASE_URL", 5432)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        raise Failure(f"The database at {where} can't be reached ({_reason(error)}): check DATABASE_URL.") from None
    except asyncpg.InvalidAuthorizationSpecificationError:
        raise Failure(f"The database at {where} refuses the user or the password of DATABASE_URL.") from None
    except asyncpg.InvalidCatalogNameError:
        name = urlsplit(url).path.strip("/")
        raise Failure(f"There is no database '{name}' at {where}: create it, or correct DATABASE_URL.") from None
    except asyncpg.PostgresError as error:
        raise Failure(f"The database at {where} takes no connection: {_reason(error)}.") from None
    except (asyncpg.InterfaceError, ValueError) as error:
        raise Failure(f"DATABASE_URL can't be used: {_reason(error)}.") from None
    try:
        if migrated and await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            raise Failure(f"The database at {where} has no tables yet: run `backline migrate`.")
    finally:
        await connection.close()


async def check_redis(url: str) -> None:
    from redis import exceptions  # noqa: PLC0415 — `backline migrate` needs no Redis
    from redis.asyncio import Redis  # noqa: PLC0415
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    where = _where(url, "REDIS_URL", 6379)
    try:
        redis = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        async with redis:
            await redis.ping()
    except exceptions.AuthenticationError:
        raise Failure(f"Redis at {where} refuses the user or the password of REDIS_URL.") from None
    except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
        raise RedisAwayError(f"Redis at {where} can't be reached ({_reason(error)}): check REDIS_URL.") from None
    except exceptions.RedisError as error:
        raise Failure(f"Redis at {where} can't be used: {_reason(error)}.") from None
    except ValueError as error:
        raise Failure(f"REDIS_URL can't be used: {_reason(error)}.") from None


def _where(url: str, variable: str, usual_port: int) -> str:
    """Host and port, without the password."""
    parts = urlsplit(url)
    try:
        return f"{parts.hostname or 'localhost'}:{parts.port or usual_port}"
    except ValueError:
        raise Failure(f"{variable}: the port must be a number from 1 to 65535.") from None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    text = str(error)
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and not isinstance(error, OSError):
        return _reason(cause)
    if isinstance(error, OSError) and error.errno:
        known = error.errno in errno.errorcode  # a name that does not resolve has numbers of its own
        text = os.strerror(error.errno) if known else error.strerror or text
    return (text.strip().splitlines() or [type(error).__name__])[0].rstrip(".").lower()
