"""Calls over HTTP: who is it, what goes wrong, what comes back, how long it takes."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web

from sandbox.bot_api import errors
from sandbox.bot_api.call import Call, Upload
from sandbox.bot_api.errors import ApiError
from sandbox.bot_api.methods import METHODS, NAMES
from sandbox.bot_api.methods.copying import COPYING, record_failure
from sandbox.bot_api.polling import Polls
from sandbox.bot_api.request import read_parameters
from sandbox.bot_api.webhooks import CHANGING, Webhooks
from sandbox.faults import CallRecord, Fault, Faults, Journal
from sandbox.flood import Flood
from sandbox.world import Bot, World

_LONGEST_TOKEN = 80
_LARGEST_ID = 1 << 54
_LOGGED_OUT_FOR = timedelta(minutes=10)
_IN_ANSWER = "webhook"
"""Who the journal says has called from the answer to a webhook."""
_JSON = {"Content-Type": "application/json"}


class BotApi:
    def __init__(self, world: World, flood: Flood, faults: Faults, journal: Journal, *, latency: timedelta) -> None:
        self.latency = latency
        """How long each call takes at least, half of it before and half of it after its effect."""
        self._world = world
        self._flood = flood
        self._faults = faults
        self._journal = journal
        self.webhooks = Webhooks(world, self._call_out)
        self._polls = Polls()
        self._stopped = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/file/bot{token}/{path:.+}", self._download),
            web.route("*", "/bot{call:.+}", self._handle),
            web.get("/as/{caller}/file/bot{token}/{path:.+}", self._download),
            web.route("*", "/as/{caller}/bot{call:.+}", self._handle),
        ]

    def close(self) -> None:
        """Let go of everyone who waits."""
        self._stopped.set()
        self._polls.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        token, _, name = request.match_info["call"].partition("/")
        try:
            bot = self._authorize(token)
            params, uploads = await read_parameters(request)
        except ApiError as error:
            return _reply(error.code, error.body())
        method = (name or str(params.get("method", ""))).strip("/").lower()
        name = NAMES.get(method, method)
        call = Call(self._world, self._flood, bot, method, name, params, uploads)
        chat = str(params.get("chat_id", ""))
        caller = request.match_info.get("caller", "")
        record = self._journal.open(self._world.now(), bot.id, name, chat, caller)
        fault = self._faults.take(method, (bot.id, bot.token, bot.username), chat) if self._faults else None
        try:
            return await self._serve(request, call, record, fault, token)
        finally:
            self._journal.close(record)
            self._world.emit("call.finished", record)

    async def _call_out(self, bot: Bot, params: dict[str, Any], uploads: Mapping[str, Upload]) -> None:
        """A call that a program put into its webhook's answer: no fault hits it, and nobody hears of its result."""
        method = str(params["method"]).lower()
        call = Call(self._world, self._flood, bot, method, NAMES.get(method, method), params, uploads)
        record = self._journal.open(self._world.now(), bot.id, call.name, call.text("chat_id"), _IN_ANSWER)
        try:
            await self._carry_out(call, record, bot.token)
        finally:
            self._journal.close(record)
            self._world.emit("call.finished", record)

    async def _serve(
        self, request: web.Request, call: Call, record: CallRecord, fault: Fault | None, token: str
    ) -> web.StreamResponse:
        half = self.latency.total_seconds() / 2
        if half:
            await asyncio.sleep(half)
        if fault is None:
            response = await self._carry_out(call, record, token)
        else:
            response = await self._misbehave(request, call, record, fault, token)
        if half:
            await asyncio.sleep(half)
        record.answered = request.transport is not None and not request.transport.is_closing()
        return response

    async def _carry_out(self, call: Call, record: CallRecord, token: str) -> web.Response:
        try:
            result = await self._result(call, token)
        except ApiError as error:
            return self._refuse(call, record, error)
        record.carried_out = True
        record.code = 200
        return _reply(200, {"ok": True, "result": result})

    async def _result(self, call: Call, token: str) -> Any:
        if call.method == "getupdates":
            return await self._polls.get_updates(call, token)
        method = METHODS.get(call.method)
        if method is None:
            raise errors.method_not_found()
        result = method(call)
        if call.method in CHANGING:
            if call.bot.webhook:
                self._polls.on_webhook(call.bot)
            self.webhooks.renew(call.bot, anew=call.flag("drop_pending_updates"))
        return result

    def _refuse(self, call: Call, record: CallRecord, error: ApiError) -> web.Response:
        record.code = error.code
        record.error = error.description
        if call.method in COPYING:
            record_failure(call, f"{error.code} {error.description}")
        return _reply(error.code, error.body())

    async def _misbehave(
        self, request: web.Request, call: Call, record: CallRecord, fault: Fault, token: str
    ) -> web.Response:
        record.fault = fault.kind
        match fault.kind:
            case "error":
                error = ApiError(fault.code, fault.description, fault.parameters)
                response = self._refuse(call, record, error)
                return _page(fault) if fault.html else response
            case "delay":
                await self._wait(fault.seconds)
                return await self._carry_out(call, record, token)
            case "drop_answer":
                await self._carry_out(call, record, token)
            case "hang":
                await self._wait(None)
            case "cut":
                record.error = "connection cut"
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _wait(self, seconds: float | None) -> None:
        """So long, or until everything stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            pass

    def _authorize(self, token: str) -> Bot:
        bot = self._world.bots_by_token.get(token)
        if bot is None:
            raise _bad_token(token)
        since = bot.logged_out_at
        if since is not None:
            if self._world.now() - since < _LOGGED_OUT_FOR:
                raise errors.logged_out()
            bot.logged_out_at = None
        return bot

    async def _download(self, request: web.Request) -> web.Response:
        bot = self._world.bots_by_token.get(request.match_info["token"])
        folder, _, name = request.match_info["path"].partition("/")
        file = self._world.files.find_unique(name.rpartition(".")[0])
        if bot is None or file is None or not self._world.files.path(file).startswith(folder):
            error = errors.unauthorized() if bot is None else errors.not_found()
            return _reply(error.code, error.body())
        return web.Response(body=file.data, content_type="application/octet-stream")


def _bad_token(token: str) -> ApiError:
    number, colon, _ = token.partition(":")
    if token[:1] == "0" or len(token) > _LONGEST_TOKEN or not colon:
        return errors.invalid_token()
    if not number.lstrip("-").isdigit():
        return errors.misdirected()
    if not 0 < int(number) < _LARGEST_ID:
        return errors.invalid_token()
    return errors.unauthorized()


def _reply(code: int, body: dict[str, Any]) -> web.Response:
    headers = _JSON
    retry_after = (body.get("parameters") or {}).get("retry_after")
    if retry_after is not None:
        headers = _JSON | {"Retry-After": str(retry_after)}
    return web.Response(status=code, body=orjson.dumps(body), headers=headers)


def _page(fault: Fault) -> web.Response:
    return web.Response(status=fault.code, text=fault.page(), content_type="text/html")
