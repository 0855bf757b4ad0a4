"""The HTTP application, and the process that serves it."""

import contextlib
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator

import structlog
import uvicorn
import uvloop
from litestar import Litestar, Router
from litestar.di import Provide
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from api import page
from api.access import access
from api.auth import KeyAuthentication
from api.buckets import Buckets
from api.deps import Services, dependencies, provide_key, provide_owner
from api.limits import Limits
from api.openapi import KEY, openapi_config
from api.pay import routes as pay
from api.problems import BODY_LIMIT, JsonRequest, exception_handlers
from api.repeating import repeatable
from api.routes import (
    audit,
    billing,
    connecting,
    dead_letters,
    dialogs,
    groups,
    health,
    keys,
    messages,
    metrics,
    people,
    plan,
    settings,
    tenants,
    usage,
    webhooks,
)
from api.timing import timed
from connecting.bots import Bots
from connecting.groups import Groups
from connecting.setup_bot import SetupBot
from sessions.port import SessionFactory
from tenants.access.administrators import Administrators
from tenants.access.keys import Keys
from tenants.access.repeats import Repeats
from tenants.archive.reading import Archive
from tenants.audit import ActorKind
from tenants.audit.reading import AuditLog
from tenants.billing.accounts import Accounts
from tenants.billing.desk import PayDesk
from tenants.billing.gateway import StripeGateway, open_gateway
from tenants.billing.prices import without_stars
from tenants.config import Config, ConfigError
from tenants.connections import Connections
from tenants.crypto import Keyring, load_keyring
from tenants.db import Database
from tenants.dead_letters import DeadLetters
from tenants.dialog_pages import DialogPages
from tenants.logging import configure_logging
from tenants.settings.schema import Settings
from tenants.settings.service import SettingsService
from tenants.usage.reading import Meter
from tenants.webhooks.service import Webhooks

_GRACE_SECONDS = 3

log = structlog.get_logger()


def create_app(
    config: Config,
    database: Database,
    keyring: Keyring,
    redis: Redis,
    *,
    sessions: SessionFactory,
    model: type[Settings] = Settings,
) -> Litestar:
    """Owns nothing that it is given: whoever opened the database, Redis and the sessions closes them."""
    gateway = open_gateway(config)
    services = _services(config, database, keyring, redis, sessions=sessions, model=model)
    app = Litestar(
        route_handlers=[
            health.is_alive,
            health.is_ready,
            metrics.show_metrics,
            page.router,
            _first_version(services, config, model),
            *(_billing(services, config, keyring, gateway) if gateway else ()),
        ],
        on_shutdown=[gateway.close] if gateway else [],
        dependencies=dependencies(services),
        exception_handlers=exception_handlers(),
        openapi_config=openapi_config(),
        request_class=JsonRequest,
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
    )
    app.asgi_handler = timed(app.asgi_handler, services.metrics)
    return app


def _billing(services: Services, config: Config, keyring: Keyring, gateway: StripeGateway) -> list[Router]:
    """Where whoever pays comes, and where Stripe tells what was paid."""
    desk = PayDesk(services.database, services.connections, keyring, gateway, without_stars(config.prices))
    return [
        billing.router(gateway, services.database),
        pay.router(pay.Page(desk, config.pay_page or "", config.terms)),
    ]


def _services(
    config: Config,
    database: Database,
    keyring: Keyring,
    redis: Redis,
    *,
    sessions: SessionFactory,
    model: type[Settings],
) -> Services:
    connections = Connections(
        database, keyring, plan=config.starting_plan, parallel=config.offers_parallel, acts_as=ActorKind.API
    )
    token = config.setup_bot_token
    setup_bot = SetupBot(sessions, None if token is None else token.get_secret_value())
    return Services(
        database=database,
        redis=redis,
        connections=connections,
        settings=SettingsService(connections, model, loopback=config.webhook_loopback),
        dead_letters=DeadLetters(database, connections, keyring),
        audit=AuditLog(database, connections),
        webhooks=Webhooks(database, connections, keyring),
        archive=Archive(database, connections, keyring),
        meter=Meter(database, connections, config.terms),
        accounts=Accounts(database, connections, keyring, config.pay_page),
        dialogs=DialogPages(database, connections),
        repeats=Repeats(database, keyring),
        groups=Groups(connections, sessions),
        setup_bot=setup_bot,
        bots=Bots(connections, sessions, setup_bot.id),
        administrators=Administrators(database, connections),
        keys=Keys(database, connections),
        metrics=CollectorRegistry(),
    )


def _first_version(services: Services, config: Config, model: type[Settings]) -> Router:
    limits = Limits(Buckets(services.redis), config)
    return Router(
        "/v1",
        route_handlers=[
            tenants.router,
            connecting.router,
            groups.router,
            people.router,
            keys.router,
            settings.router(model),
            dead_letters.router,
            audit.router,
            dialogs.router,
            messages.router,
            webhooks.router,
            usage.router,
            plan.router,
        ],
        middleware=[  # no objects: routers are copied deeply
            lambda app: KeyAuthentication(app, services.database, limits),
            lambda app: limits.counted(app),  # noqa: PLW0108
            lambda app: repeatable(app, services.repeats),
        ],
        guards=[access(services.connections)],
        dependencies={
            "owner": Provide(provide_owner, sync_to_thread=False),
            "key": Provide(provide_key, sync_to_thread=False),
        },
        security=[{KEY: []}],
    )


def serve(config: Config, ready: Callable[[], None], sessions: SessionFactory) -> None:
    """Blocks until SIGTERM or SIGINT, then lets requests end. Raises `ConfigError` where it can't listen."""
    configure_logging(config.log_format)
    keyring = load_keyring(config.backline_keyring)
    with _listen(config.api_host, config.api_port) as listener:
        uvloop.run(_run(config, keyring, listener, ready, sessions))


async def _run(
    config: Config, keyring: Keyring, listener: socket.socket, ready: Callable[[], None], sessions: SessionFactory
) -> None:
    database = Database(config.database_url.get_secret_value())
    redis = Redis.from_url(config.redis_url.get_secret_value())
    try:
        app = create_app(config, database, keyring, redis, sessions=sessions)
        server = _Server(_uvicorn_config(app, config), ready)
        await server.serve(sockets=[listener])
    finally:
        await sessions.close()
        await redis.aclose()
        await database.close()


def _uvicorn_config(app: Litestar, config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # addresses and headers hold secrets
        server_header=False,
        proxy_headers=bool(config.api_trusted_proxies),
        forwarded_allow_ips=config.api_trusted_proxies,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Says when it listens, and ends by returning: uvicorn would raise the signal once more."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            log.info("api.listening", host=host, port=port)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(_why_not(error, host, port)) from None
    # connections inherit it: the body of an answer would wait 40 ms for the client to acknowledge the head
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: set API_PORT to a free port."
    if error.errno == errno.EACCES:
        return f"You may not listen on port {port}: set API_PORT to a port above 1023."
    if error.errno is None or error.errno < 0 or error.errno == errno.EADDRNOTAVAIL:  # < 0: no such name
        return f"{host} is no address of this machine: set API_HOST to one that is."
    return f"It is not possible to listen on {host}:{port} ({os.strerror(error.errno).lower()})."
