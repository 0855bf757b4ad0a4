"""`backline up`: the whole product on one machine, on servers of its own unless it is given others."""

import asyncio
import importlib.util
import json
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backline.configuration import UNUSED, read_config
from backline.data_folder import choose_data_folder, held, keyring_in
from backline.demo import connect_demo
from backline.embedded import Postgres, Valkey
from backline.embedded.folders import disk_errors, make_folder
from backline.embedded.server import Server
from backline.failure import Failure
from backline.preflight import check_port
from backline.processes import Child, Program, run_to_end
from backline.readiness import READY_FD, answers
from tenants.config import Config

LOOPBACK = "127.0.0.1"
SERVER_CHECK_SECONDS = 0.5
SANDBOX_PRICES = "pro=usd:1900,eur:1800,xtr:900 business=usd:9900,eur:9500,xtr:4700"
STRIPE_VARIABLES = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_ROOT", "BILLING_PRICES", "BILLING_LINK")
STRIPE_SECRETS = {"STRIPE_SECRET_KEY": "sk_test_of_the_sandbox", "STRIPE_WEBHOOK_SECRET": "whsec_of_the_sandbox"}
MTPROTO_VARIABLES = ("TELEGRAM_API_ID", "TELEGRAM_API_HASH", "TELEGRAM_DC", "TELEGRAM_DC_KEY")


@dataclass(frozen=True)
class Plan:
    """What the environment asks for, checked before anything is started."""

    environ: Mapping[str, str]
    folder: Path
    api_host: str
    api_port: int
    sandbox_port: int | None
    mtproto_port: int | None
    stripe_port: int | None

    @property
    def api_url(self) -> str:
        everywhere = self.api_host in {"0.0.0.0", "::"}
        host = LOOPBACK if everywhere else f"[{self.api_host}]" if ":" in self.api_host else self.api_host
        return f"http://{host}:{self.api_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    @property
    def stripe_url(self) -> str:
        return f"http://{LOOPBACK}:{self.stripe_port}"

    def given(self, variable: str) -> bool:
        return bool(self.environ.get(variable, "").strip())


class _AskedToStopError(Exception):
    """Ctrl-C or a signal."""


def up(environ: Mapping[str, str]) -> None:
    plan = make_plan(environ, Path.cwd())
    sandbox = (
        (plan.sandbox_port, "SANDBOX_PORT"),
        (plan.mtproto_port, "SANDBOX_MTPROTO_PORT"),
        (plan.stripe_port, "SANDBOX_STRIPE_PORT"),
    )
    for port, variable in ((plan.api_port, "API_PORT"), *sandbox):
        if port is not None:
            check_port(plan.api_host if variable == "API_PORT" else LOOPBACK, port, variable=variable)
    with ExitStack() as stack:
        stack.enter_context(held(plan.folder))
        say(f"Backline starts. Data folder: {plan.folder}")
        started_at = time.monotonic()
        with disk_errors(plan.folder):
            make_folder(plan.folder / "logs", 0o700)
            servers = [stack.enter_context(server) for server in _servers(plan)]
            keyring = Path(environ["BACKLINE_KEYRING"]) if plan.given("BACKLINE_KEYRING") else keyring_in(plan.folder)
        asyncio.run(_Everything(plan, servers, keyring, started_at).run())
        say("Stopped. Everything is kept; the next start goes on from here.")


def make_plan(environ: Mapping[str, str], checkout: Path) -> Plan:
    given = {name: value for name, value in environ.items() if value.strip()}
    config = read_config(given, not_needed=UNUSED)
    real = config.setup_bot_token is not None
    if "TELEGRAM_API_ROOT" in given and not real:
        raise Failure("TELEGRAM_API_ROOT is set, but SETUP_BOT_TOKEN is not: set both, or none to use the sandbox.")
    if not real and importlib.util.find_spec("sandbox") is None:
        raise Failure("There is no sandbox here: set SETUP_BOT_TOKEN to the token of your setup bot.")
    if "BACKLINE_KEYRING" in given and not config.backline_keyring.is_file():
        raise Failure(f"BACKLINE_KEYRING: there is no file {config.backline_keyring}.")
    sandbox_port = None if real else _port(given, "SANDBOX_PORT", 8081)
    mtproto_port = None if real else _port(given, "SANDBOX_MTPROTO_PORT", 8082)
    pays = not real and not any(variable in given for variable in STRIPE_VARIABLES)
    stripe_port = _port(given, "SANDBOX_STRIPE_PORT", 8083) if pays else None
    if config.api_port in {0, sandbox_port, mtproto_port, stripe_port}:
        raise Failure(f"API_PORT can't be {config.api_port} here: choose another port.")
    if mtproto_port is not None and mtproto_port == sandbox_port:
        raise Failure(f"SANDBOX_MTPROTO_PORT can't be {mtproto_port} here: choose another port.")
    if stripe_port is not None and stripe_port in {sandbox_port, mtproto_port}:
        raise Failure(f"SANDBOX_STRIPE_PORT can't be {stripe_port} here: choose another port.")
    folder = choose_data_folder(environ, checkout)
    return Plan(environ, folder, config.api_host, config.api_port, sandbox_port, mtproto_port, stripe_port)


def say(line: str) -> None:
    with suppress(OSError):  # whoever read it is gone; that is no reason to stop
        print(line, flush=True)


class _Everything:
    """The processes of the product, brought up in order and kept up."""

    def __init__(self, plan: Plan, servers: Sequence[Server], keyring: Path, started_at: float) -> None:
        self._plan = plan
        self._servers = servers
        self._started_at = started_at
        self._children: list[Child] = []
        self._stop = asyncio.Event()
        urls = {"DATABASE_URL" if isinstance(server, Postgres) else "REDIS_URL": server.url for server in servers}
        given = {name: value for name, value in plan.environ.items() if name != READY_FD}
        self._environment = {"LOG_FORMAT": "console", **given, **urls, "BACKLINE_KEYRING": str(keyring.absolute())}

    async def run(self) -> None:
        """Returns when asked to stop; raises `Failure` when something can't be started."""
        self._listen_to_signals()
        failures: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as outliving:  # the sandbox is there until the others have drained
                sandbox = self._start_sandbox(outliving)
                stripe = self._start_stripe(outliving)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._until_asked_to_stop())
                    group.create_task(self._keep_servers())
                    await self._bring_up(group, sandbox, stripe)
        except* _AskedToStopError:
            pass
        except* Failure as found:
            failures.extend(_leaves(found))
        if failures:
            raise failures[0]

    async def _bring_up(self, group: asyncio.TaskGroup, sandbox: Child | None, stripe: Child | None) -> None:
        await run_to_end(self._program("migrate"))
        if stripe is not None:
            await stripe.ready.wait()
            self._environment |= _stripe_of(self._plan)
            await run_to_end(self._program("billing", "setup"))
        if sandbox is not None:
            await sandbox.ready.wait()
            state = json.loads(await answers(f"{self._plan.sandbox_url}/sandbox/state"))
            self._environment |= _telegram_of(self._plan.sandbox_url, state)
            if not any(self._plan.given(variable) for variable in MTPROTO_VARIABLES):
                face = json.loads(await answers(f"{self._plan.sandbox_url}/sandbox/mtproto"))
                self._environment |= _mtproto_of(face, self._plan.folder / "sandbox_mtproto.pem")
            if "demo" in state:
                await connect_demo(Config.from_env(self._environment), state["demo"])
        children = [
            self._start(group, self._program("api", ready_url=f"{self._plan.api_url}/readyz")),
            self._start(group, self._program("worker")),
            self._start(group, self._program("tasks")),
            self._start(group, self._program("setup-bot")),
        ]
        for child in children:
            await child.ready.wait()
        say(_summary(self._plan, time.monotonic() - self._started_at))

    def _start_sandbox(self, group: asyncio.TaskGroup) -> Child | None:
        if self._plan.sandbox_port is None:
            return None
        memory = self._plan.folder / "sandbox.world"
        ports = ("--port", str(self._plan.sandbox_port), "--mtproto-port", str(self._plan.mtproto_port))
        arguments = ("-m", "sandbox", *ports, "--demo", "--memory", str(memory))
        log = self._plan.folder / "logs" / "sandbox.log"
        ready_url = f"{self._plan.sandbox_url}/sandbox/state"
        return self._start(group, Program("sandbox", arguments, log, self._plan.environ, ready_url))

    def _start_stripe(self, group: asyncio.TaskGroup) -> Child | None:
        if self._plan.stripe_port is None:
            return None
        memory = self._plan.folder / "sandbox.stripe"
        told = f"{self._plan.api_url}/billing/stripe"
        ports = ("--port", str(self._plan.stripe_port), "--webhook-url", told)
        arguments = ("-m", "sandbox.stripe", *ports, "--memory", str(memory))
        environment = {**self._plan.environ, "FAKE_STRIPE_WEBHOOK_SECRET": STRIPE_SECRETS["STRIPE_WEBHOOK_SECRET"]}
        log = self._plan.folder / "logs" / "stripe.log"
        ready_url = f"{self._plan.stripe_url}/_control/state"
        return self._start(group, Program("stripe", arguments, log, environment, ready_url))

    def _start(self, group: asyncio.TaskGroup, program: Program) -> Child:
        child = Child(program, say)
        self._children.append(child)
        group.create_task(child.keep_running(), name=program.name)
        return child

    def _program(self, command: str, *arguments: str, ready_url: str | None = None) -> Program:
        log = self._plan.folder / "logs" / f"{command}.log"
        return Program(command, ("-m", "backline", command, *arguments), log, self._environment, ready_url)

    async def _keep_servers(self) -> None:
        while True:
            await asyncio.sleep(SERVER_CHECK_SECONDS)
            for server in self._servers:
                if not server.is_running:
                    say(f"{server.title} has died; it starts again.")
                    server.start()  # blocks for some 0.1 s: only this thread may start servers
                    say(f"{server.title} is back.")

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if not self._stop.is_set():
            say("Stopping. (Ctrl-C again to stop at once.)")
            self._stop.set()
            return
        for child in self._children:
            child.kill()

    async def _until_asked_to_stop(self) -> None:
        await self._stop.wait()
        raise _AskedToStopError


def _telegram_of(sandbox_url: str, state: Mapping[str, Any]) -> dict[str, str]:
    """The sandbox has a setup bot of its own, with an invented token."""
    token = state.get("setup_bot_token")
    if not token:
        raise Failure("The sandbox has no setup bot.")
    return {"TELEGRAM_API_ROOT": sandbox_url, "SETUP_BOT_TOKEN": str(token), "WEBHOOK_LOOPBACK": "on"}


def _stripe_of(plan: Plan) -> dict[str, str]:
    """The sandbox's own Stripe takes invented cards for invented prices."""
    return {
        **STRIPE_SECRETS,
        "STRIPE_API_ROOT": plan.stripe_url,
        "BILLING_PRICES": SANDBOX_PRICES,
        "BILLING_LINK": "web",
        "PUBLIC_URL": plan.environ.get("PUBLIC_URL", "").strip() or plan.api_url,
    }


def _mtproto_of(face: Mapping[str, Any], key: Path) -> dict[str, str]:
    """The sandbox is a data centre of its own, whose key nobody else has."""
    key.write_text(face["public_key"])
    return {
        "TELEGRAM_API_ID": str(face["api_id"]),
        "TELEGRAM_API_HASH": str(face["api_hash"]),
        "TELEGRAM_DC": f"{face['host']}:{face['port']}",
        "TELEGRAM_DC_KEY": str(key.absolute()),
    }


def _servers(plan: Plan) -> list[Server]:
    logs = plan.folder / "logs"
    servers: list[Server] = []
    if not plan.given("DATABASE_URL"):
        servers.append(Postgres(plan.folder / "postgres", log=logs / "postgres.log"))
    if not plan.given("REDIS_URL"):
        servers.append(Valkey(plan.folder / "valkey", log=logs / "valkey.log"))
    return servers


def _port(given: Mapping[str, str], variable: str, default: int) -> int:
    text = given.get(variable, str(default)).strip()
    if not text.isdecimal() or not 1 <= int(text) <= 65535:  # noqa: PLR2004 — the last port there is
        raise Failure(f"{variable} must be a port number from 1 to 65535.")
    return int(text)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


def _summary(plan: Plan, seconds: float) -> str:
    pays = plan.stripe_port is not None
    page = f"{plan.sandbox_url}/" if plan.sandbox_port is not None else f"{plan.api_url}/"
    lines = [
        "",
        f"Backline is ready ({seconds:.1f} s). Open {page}",
        "",
        *([f"  the API      {plan.api_url}/"] if plan.sandbox_port is not None else []),
        *([f"  to pay       card 4242 4242 4242 4242; time and failing cards: {plan.stripe_url}/"] if pays else []),
        f"  data, logs   {plan.folder}",
        "  to stop      Ctrl-C",
        "",
    ]
    return "\n".join(lines)
