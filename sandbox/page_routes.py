"""The page in the browser: its files, its stream, and what it asks for besides."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.live import Live
from sandbox.page_view import find_place, history
from sandbox.story import state, story
from sandbox.world import NotAllowed

if TYPE_CHECKING:
    from sandbox.server import Sandbox

_FOLDER = Path(__file__).parent / "page"
_NAME = re.compile(r"[a-z_]+\.(js|css|svg)")
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_PAGE_SIZE = 100
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
Answer = Callable[[web.Request], Any]


class Page:
    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._world = sandbox.world
        self._live = Live(sandbox)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._index),
            web.get("/page/{name}", self._file),
            web.get("/sandbox/page/stream", self._live.stream),
            web.get("/sandbox/page/history", _answering(self._history)),
            web.get("/sandbox/page/journey", _answering(self._journey)),
            web.get("/sandbox/page/faults", _answering(self._faults)),
        ]

    def close(self) -> None:
        """Let the pages go; they come back by themselves."""
        self._live.close()

    async def _index(self, _: web.Request) -> web.Response:
        return _static("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not _NAME.fullmatch(name) or not (_FOLDER / name).is_file():
            return web.Response(status=404, text="There is no such file.", headers=SECURITY)
        return _static(name)

    def _history(self, request: web.Request) -> Any:
        asked = request.query
        chat = find_place(self._world, asked.get("chat", ""))
        topic = int(asked["topic"]) if "topic" in asked else None
        before = int(asked["before"]) if "before" in asked else None
        return history(self._world, chat, topic, before, int(asked.get("limit", _PAGE_SIZE)))

    def _journey(self, request: web.Request) -> Any:
        chat = find_place(self._world, request.query.get("chat", ""))
        message = self._world.message(chat, int(request.query.get("message", 0)))
        return {"state": state(self._world, message), "steps": story(self._world, message)}

    def _faults(self, _: web.Request) -> Any:
        return [asdict(fault) for fault in self._sandbox.faults]


def _answering(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def respond(request: web.Request) -> web.Response:
        try:
            body, status = answer(request), 200
        except NotAllowed as error:
            body, status = {"error": str(error)}, 400
        except ValueError as error:
            body, status = {"error": f"That can't be understood: {error}."}, 400
        return web.Response(
            status=status, body=orjson.dumps(body, default=str), content_type="application/json", headers=SECURITY
        )

    return respond


def _static(name: str) -> web.Response:
    body = (_FOLDER / name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=SECURITY)
