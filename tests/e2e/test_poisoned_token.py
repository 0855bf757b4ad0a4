"""The token is part of the Bot API's address. Whatever goes wrong, no log line and no error shows it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from sessions.bot_api import BotApiSessions
from sessions.errors import SessionError
from sessions.port import Copy, IdempotencyKey
from tenants.ids import ChatId, MessageId

SECRET = "AAPoisonPoisonPoisonPoisonPoison123"
TOKEN = f"123456789:{SECRET}"
COPY = Copy(IdempotencyKey("k"), ChatId(1), None, ChatId(2), (MessageId(3),), None)


@asynccontextmanager
async def server(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[str]:
    async def respond(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def _redirect(request: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect(f"{request.url.origin()}/elsewhere{request.path}")


def _html(request: web.Request) -> web.Response:
    return web.Response(status=502, text=f"<html>Bad gateway for {request.path}</html>", content_type="text/html")


def _echo_in_error(request: web.Request) -> web.Response:
    body = {"ok": False, "error_code": 400, "description": f"Bad Request: nothing at {request.path}"}
    return web.Response(status=400, text=json.dumps(body), content_type="application/json")


def _broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _failure(root: str) -> SessionError:
    sessions = BotApiSessions(root)
    try:
        with pytest.raises(SessionError) as caught:
            await sessions.open(TOKEN).send(COPY)
    finally:
        await sessions.close()
    return caught.value


def _everything_about(error: BaseException) -> str:
    seen, parts = set(), []
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        parts += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n".join(parts)


@pytest.mark.parametrize("answer", [_redirect, _html, _echo_in_error, _broken])
async def test_no_error_of_a_session_shows_the_token(
    answer: Callable[[web.Request], web.Response],
    capfd: pytest.CaptureFixture[str],
    configure: Callable[[str], None],
) -> None:
    configure("json")
    async with server(answer) as root:
        error = await _failure(root)
    printed = capfd.readouterr()
    assert SECRET not in _everything_about(error) + printed.out + printed.err


@pytest.mark.parametrize("root", ["http://127.0.0.1:1", "http://nowhere.invalid", "http://127.0.0.1:99999"])
async def test_a_bad_api_root_shows_no_token_either(root: str, capfd: pytest.CaptureFixture[str]) -> None:
    error = await _failure(root)
    printed = capfd.readouterr()
    assert SECRET not in _everything_about(error) + printed.out + printed.err


async def test_a_redirect_is_not_followed() -> None:
    paths: list[str] = []

    def note(request: web.Request) -> web.Response:
        paths.append(request.path)
        return _redirect(request)

    async with server(note) as root:
        await _failure(root)
    assert paths == [f"/bot{TOKEN}/copyMessage"]


def test_a_session_that_is_shown_shows_no_token() -> None:
    assert SECRET not in repr(BotApiSessions("http://127.0.0.1:1").open(TOKEN))
