"""The World driven over HTTP, under /sandbox/: people, faults, the journal, the switches."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields, is_dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.act import act
from sandbox.faults import Fault
from sandbox.stars_view import checkout_view, invoice_view, stars_view
from sandbox.view import Json, moment, person_view, step_view, texts_view, world_view
from sandbox.world import NotAllowed
from sandbox.world.checkouts import find_invoice

if TYPE_CHECKING:
    from sandbox.mtproto.face import MtProtoFace
    from sandbox.server import Sandbox

_SHOWN_CALLS = 200


def routes(sandbox: "Sandbox") -> list[web.RouteDef]:
    control = _Control(sandbox)
    answer = control.answer
    return [
        web.post("/sandbox/faults", answer(control.add_faults)),
        web.delete("/sandbox/faults", answer(control.clear_faults)),
        web.get("/sandbox/journal", answer(control.journal)),
        web.get("/sandbox/polls", answer(control.polls)),
        web.get("/sandbox/mtproto", answer(control.mtproto)),
        web.post("/sandbox/mtproto/faults", answer(control.add_mtproto_faults)),
        web.post("/sandbox/mtproto/keys", answer(control.seed_mtproto_keys)),
        web.post("/sandbox/settings", answer(control.settings)),
        web.get("/sandbox/settings", answer(control.settings)),
        web.post("/sandbox/clock/advance", answer(control.advance_clock)),
        web.get("/sandbox/stars", answer(control.stars)),
        web.get("/sandbox/invoice", answer(control.invoice)),
        web.get("/sandbox/checkout/{id}", answer(control.checkout)),
        web.get("/sandbox/state", answer(control.state)),
        web.get("/sandbox/texts", answer(control.texts)),
        web.post("/sandbox/act", answer(control.act)),
        web.get("/sandbox/view", answer(control.view)),
        web.get("/sandbox/journey", answer(control.journey)),
        web.get("/sandbox/file/{unique_id}", control.file),
    ]


class _Control:
    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._world = sandbox.world

    def answer(
        self, handle: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The result as JSON; what can't be done as 400 with the sentence."""

        async def respond(request: web.Request) -> web.Response:
            try:
                result = await handle(request)
            except NotAllowed as error:
                return _json({"error": str(error)}, status=400)
            except ValueError as error:
                return _json({"error": f"That can't be understood: {error}."}, status=400)
            return _json(result)

        return respond

    async def add_faults(self, request: web.Request) -> Any:
        given = await _body(request)
        faults = [_fault(item) for item in (given if isinstance(given, list) else [given])]
        for fault in faults:
            self._sandbox.faults.add(fault)
        return {"waiting": len(list(self._sandbox.faults))}

    async def clear_faults(self, _: web.Request) -> Any:
        self._sandbox.faults.clear()
        return {"waiting": 0}

    async def journal(self, request: web.Request) -> Any:
        journal = self._sandbox.journal
        limit = int(request.query.get("limit", _SHOWN_CALLS))
        method = request.query.get("method", "")
        latest = (call for call in reversed(journal.calls) if not method or call.method == method)
        calls = [asdict(call) for call in islice(latest, limit)][::-1]
        counts = {
            "carried_out": journal.count(method or None, carried_out=True),
            "unanswered": journal.count(method or None, carried_out=True, answered=False),
        }
        seen = journal.errors().items() if limit else ()
        errors = [{"method": m, "error": e, "count": n} for (m, e), n in seen]
        return {"calls": calls, "counts": counts, "errors": errors}

    async def polls(self, _: web.Request) -> Any:
        """The latest one of each bot."""
        latest = self._sandbox.journal.polls.items()
        return [{"bot": bot, "at": at, "caller": caller} for bot, (at, caller) in latest]

    async def mtproto(self, _: web.Request) -> Any:
        return self._face().about()

    async def add_mtproto_faults(self, request: web.Request) -> Any:
        self._face().add_faults(await _body(request))
        return {}

    async def seed_mtproto_keys(self, request: web.Request) -> Any:
        """`{"bot": id, "key": 512 hexadecimal digits}`: an authorization without its handshake."""
        for given in await _body(request):
            self._face().server.seed_key(bytes.fromhex(given["key"]), int(given["bot"]))
        return {}

    def _face(self) -> "MtProtoFace":
        if self._sandbox.mtproto is None:
            raise NotAllowed("This sandbox runs without MTProto: start it with --mtproto-port.")
        return self._sandbox.mtproto

    async def settings(self, request: web.Request) -> Any:
        if request.method == "POST":
            given = await _body(request)
            for name, value in given.items():
                self._set(name, value)
        sandbox = self._sandbox
        return {
            "flood_control": sandbox.flood.rules.enabled,
            "latency_ms": sandbox.bot_api.latency / timedelta(milliseconds=1),
            **_switches(sandbox.flood.rules),
            **_switches(sandbox.world.rules),
        }

    def _set(self, name: str, value: Any) -> None:
        """`flood_control`, `latency_ms`, or a rule by its name; durations in seconds."""
        sandbox = self._sandbox
        if name == "flood_control":
            sandbox.flood.rules.enabled = bool(value)
        elif name == "latency_ms":
            sandbox.bot_api.latency = timedelta(milliseconds=float(value))
        else:
            for rules in (sandbox.flood.rules, sandbox.world.rules):
                for field in fields(rules):
                    if field.name == name:
                        is_duration = value is not None and "timedelta" in str(field.type)
                        setattr(rules, name, timedelta(seconds=value) if is_duration else value)
                        return
            raise NotAllowed(f"There is no setting “{name}”.")

    async def advance_clock(self, request: web.Request) -> Any:
        """`{"days": 30}`, or what else a timedelta takes."""
        try:
            by = timedelta(**await _body(request))
        except (TypeError, OverflowError) as error:
            raise NotAllowed(f"That is no length of time: {error}.") from None
        self._world.advance(by)
        return {"now": moment(self._world.now())}

    async def stars(self, request: web.Request) -> Any:
        """Of a person (`as`) with a bot (`bot`, its id)."""
        world, query = self._world, request.query
        return stars_view(world, world.user(int(query.get("as", 0))), world.bot(int(query.get("bot", 0))))

    async def invoice(self, request: web.Request) -> Any:
        """What the link (`link`) offers to the person (`as`)."""
        invoice = find_invoice(self._world, request.query.get("link", ""))
        return invoice_view(self._world, invoice, self._world.user(int(request.query.get("as", 0))))

    async def checkout(self, request: web.Request) -> Any:
        found = self._world.stars.checkouts.get(request.match_info["id"])
        if found is None:
            raise NotAllowed("There is no such checkout.")
        return checkout_view(found)

    async def state(self, _: web.Request) -> Any:
        return world_view(self._world) | self._sandbox.cast

    async def texts(self, _: web.Request) -> Any:
        return texts_view(self._world)

    async def act(self, request: web.Request) -> Any:
        return act(self._world, await _body(request))

    async def view(self, request: web.Request) -> Any:
        user = self._world.user(int(request.query.get("as", 0)))
        return person_view(self._world, self._sandbox.flood, user)

    async def journey(self, request: web.Request) -> Any:
        user = self._world.user(int(request.query.get("as", 0)))
        chat = self._world.chat_seen_by(user, int(request.query.get("chat", 0)))
        message = self._world.message(chat, int(request.query.get("message", 0)))
        return [step_view(step) for step in self._world.journey(message)]

    async def file(self, request: web.Request) -> web.Response:
        file = self._world.files.find_unique(request.match_info["unique_id"])
        if file is None:
            return _json({"error": "There is no such file."}, status=404)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return web.Response(body=file.data, content_type=file.mime_type, headers=headers)


async def _body(request: web.Request) -> Any:
    try:
        return orjson.loads(await request.read() or b"{}")
    except ValueError:
        raise NotAllowed("The request is not JSON.") from None


def _fault(given: Json) -> Fault:
    try:
        return Fault(**given)
    except TypeError as error:
        raise NotAllowed(f"That is no fault: {error}.") from None


def _switches(rules: Any) -> Json:
    if not is_dataclass(rules):
        return {}
    values = {field.name: getattr(rules, field.name) for field in fields(rules)}
    return {k: v.total_seconds() if isinstance(v, timedelta) else v for k, v in values.items()}


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value, default=str), content_type="application/json")
