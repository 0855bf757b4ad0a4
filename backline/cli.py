"""The command line. A failure that a person can mend is one sentence on stderr and exit code 1."""
# ruff: noqa: PLC0415 — a command imports only what it runs: `backline --help` is immediate, the API has no aiogram

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from backline.configuration import read_config
from backline.failure import Failure
from tenants.plans import Plan

if TYPE_CHECKING:
    from tenants.config import Config

Environ = Mapping[str, str]
Service = Callable[["Config", Callable[[], None]], Awaitable[None]]
INTERRUPTED = 130
MIGRATION_SENTENCES = {
    "42501": "The user of DATABASE_URL may not migrate: it must own the database and have CREATEROLE.",
    "55P03": "Another session holds a lock on a table that is to be migrated: try again.",
}


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments, os.environ)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backline", description="A Telegram group with topics as the customer-relations desk of any bot."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, run, words in (
        ("up", _up, "run everything on this machine, with servers of its own unless it is given others"),
        ("api", _api, "serve the HTTP API"),
        ("worker", _worker, "relay messages; start as many as you like"),
        ("tasks", _tasks, "do the work that is no message; start as many as you like"),
        ("setup-bot", _setup_bot, "answer owners in the setup bot"),
    ):
        commands.add_parser(name, help=words, description=f"Backline: {words}.").set_defaults(run=run)
    words = "bring the database to today's schema"
    migrate = commands.add_parser("migrate", help=words, description=f"Backline: {words}.")
    migrate.add_argument("--check", action="store_true", help="then compare it with the declared tables")
    migrate.set_defaults(run=_migrate)
    words = "make a key for the HTTP API, and show it this once"
    key = commands.add_parser("api-key", help=words, description=f"Backline: {words}.")
    key.add_argument("--owner", type=int, required=True, metavar="ID", help="the Telegram id of the owner")
    key.add_argument("--label", default="command line", help="what the owner sees in the list of keys")
    key.set_defaults(run=_api_key)
    words = "give a connection a plan without a payment"
    plan = commands.add_parser("plan", help=words, description=f"Backline: {words}.")
    plan.add_argument("connection", metavar="ID|@BOT", help="the connection's id, or the username of its bot")
    plan.add_argument("plan", choices=list(Plan), help="from now on, unless a higher one is paid for")
    plan.set_defaults(run=_plan)
    words = "look after what is paid at Stripe"
    billing = commands.add_parser("billing", help=words, description=f"Backline: {words}.")
    billing.add_argument(
        "chore",
        choices=("setup", "check", "fetch", "replay"),
        help="setup: make the products and prices that BILLING_PRICES names; check: say where the books differ; "
        "fetch: what was told in 30 days and never arrived; replay: work out every plan again from what is noted",
    )
    billing.set_defaults(run=_billing)
    return parser


def _up(_: argparse.Namespace, environ: Environ) -> None:
    from backline.up import up

    up(environ)


def _api(_: argparse.Namespace, environ: Environ) -> None:
    from backline.preflight import check_port
    from backline.readiness import announce_ready

    config = read_config(environ)
    check_port(config.api_host, config.api_port, variable="API_PORT")
    asyncio.run(_check_servers(config))
    from api.app import serve
    from backline.sessions_on_demand import SessionsOnDemand

    with _sentences():
        serve(config, announce_ready, SessionsOnDemand(config.telegram_api_root))


def _worker(_: argparse.Namespace, environ: Environ) -> None:
    """Relays without Redis, too: then each worker keeps a pace of its own."""
    config = read_config(environ)
    asyncio.run(_check_servers(config, without_redis=True))
    from worker.main import run

    _calm_collector()
    _run_service(run, config)


def _calm_collector() -> None:
    """What is imported stays: collecting it again and again took half of a busy worker's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _tasks(_: argparse.Namespace, environ: Environ) -> None:
    config = read_config(environ)
    asyncio.run(_check_servers(config))
    from worker.tasks import run

    _run_service(run, config)


def _setup_bot(_: argparse.Namespace, environ: Environ) -> None:
    config = read_config(environ)
    asyncio.run(_check_servers(config))
    from setup_bot.main import run

    _run_service(run, config)


def _migrate(arguments: argparse.Namespace, environ: Environ) -> None:
    from backline.preflight import check_database

    url = read_config(environ, not_needed=("REDIS_URL", "BACKLINE_KEYRING")).database_url.get_secret_value()
    asyncio.run(check_database(url, migrated=False))
    from tenants.migrate import check, upgrade

    with _migration_sentences():
        upgrade(url)
        if arguments.check:
            check(url)


def _api_key(arguments: argparse.Namespace, environ: Environ) -> None:
    url = read_config(environ, not_needed=("REDIS_URL", "BACKLINE_KEYRING")).database_url
    print(asyncio.run(_make_key(url.get_secret_value(), arguments.owner, arguments.label)))


async def _make_key(url: str, owner: int, label: str) -> str:
    from backline.preflight import check_database
    from tenants.access.keys import create_key
    from tenants.db import Database
    from tenants.ids import UserId

    await check_database(url)
    database = Database(url)
    try:
        return await create_key(database, UserId(owner), label)
    finally:
        await database.close()


def _plan(arguments: argparse.Namespace, environ: Environ) -> None:
    url = read_config(environ, not_needed=("REDIS_URL", "BACKLINE_KEYRING")).database_url
    with _sentences():
        print(asyncio.run(_grant(url.get_secret_value(), arguments.connection, Plan(arguments.plan))))


async def _grant(url: str, connection: str, plan: Plan) -> str:
    """The answer alone is for stdout."""
    import structlog

    from backline.preflight import check_database
    from tenants.billing.grants import grant
    from tenants.db import Database

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    await check_database(url)
    database = Database(url)
    try:
        bot, standing = await grant(database, connection, plan)
    finally:
        await database.close()
    more = "" if standing.plan is plan else f" It pays for it; the {plan} plan counts when that ends."
    return f"@{bot} is on the {standing.plan} plan.{more}"


def _billing(arguments: argparse.Namespace, environ: Environ) -> None:
    config = read_config(environ, not_needed=("REDIS_URL", "BACKLINE_KEYRING"))
    from backline.billing import CHORES

    with _sentences():
        print(asyncio.run(CHORES[arguments.chore](config)))


async def _check_servers(config: "Config", *, without_redis: bool = False) -> None:
    from backline.preflight import RedisAwayError, check_database, check_redis

    await check_database(config.database_url.get_secret_value())
    try:
        await check_redis(config.redis_url.get_secret_value())
    except RedisAwayError as away:
        if not without_redis:
            raise
        _warn("redis.away", str(away), config.log_format)


def _warn(event: str, problem: str, log_format: str) -> None:
    import structlog

    from tenants.logging import configure_logging

    configure_logging(log_format)
    structlog.get_logger().warning(event, problem=problem)


def _run_service(run: Service, config: "Config") -> None:
    """Run until SIGTERM or Ctrl-C. Both cancel the service, which drains and returns."""
    import uvloop

    from backline.readiness import announce_ready
    from tenants.logging import configure_logging

    configure_logging(config.log_format)

    async def until_stopped() -> None:
        task = asyncio.ensure_future(run(config, announce_ready))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    with _sentences():
        uvloop.run(until_stopped())


@contextmanager
def _sentences() -> Iterator[None]:
    """What the domain says in a sentence, the command line says, too."""
    from tenants.config import ConfigError
    from tenants.errors import DomainError

    try:
        yield
    except (ConfigError, DomainError) as error:
        raise Failure(str(error)) from None


@contextmanager
def _migration_sentences() -> Iterator[None]:
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except CommandError as error:
        raise Failure(f"The migrations do not fit the database: {str(error).rstrip('.')}.") from None
    except DBAPIError as error:
        sentence = MIGRATION_SENTENCES.get(str(getattr(error.orig, "sqlstate", "")))
        if sentence is None:
            raise
        raise Failure(sentence) from None
