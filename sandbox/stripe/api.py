"""The API's face: who asks, with which key, what is wrong with it, and the answer in Stripe's shape."""

import asyncio
import base64
import re
import traceback
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.stripe import (
    catalogue,
    checkout,
    clocks,
    customers,
    invoice_routes,
    payments,
    portal,
    reversals,
    subscription_routes,
    telling,
)
from sandbox.stripe.account import API_VERSION, Account, Thing
from sandbox.stripe.expanding import render
from sandbox.stripe.idempotency import Keys
from sandbox.stripe.params import Params, decode
from sandbox.stripe.refusals import Refusal, malformed
from sandbox.stripe.routes import Endpoint, Route
from sandbox.stripe.trouble import Asked, Trouble, Troubles

_MODULES = (
    catalogue,
    checkout,
    clocks,
    customers,
    invoice_routes,
    payments,
    portal,
    reversals,
    subscription_routes,
    telling,
)
_BAD = 500


class Api:
    """`before` is called before each request is carried out: what is due by then has happened."""

    def __init__(self, account: Account, secret_key: str, troubles: Troubles, before: Callable[[], None]) -> None:
        self._account = account
        self._secret_key = secret_key
        self._troubles = troubles
        self._keys = Keys(account)
        self._before = before
        found = [route for module in _MODULES for route in module.routes()]
        self._routes = [(route.method, _pattern(route), route.endpoint) for route in found]

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/v1/{rest:.*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(
            request.method,
            request.path,
            self._account.new_id("req"),
            request.headers.get("Idempotency-Key") if request.method == "POST" else None,
        )
        self._troubles.journal.append(asked)
        trouble = self._troubles.take(request.method, request.path)
        if trouble is not None:
            asked.trouble = trouble.kind
            if trouble.kind == "delay":
                await asyncio.sleep(trouble.seconds)
            elif trouble.kind == "cut":
                return _cut(request)
            elif trouble.kind == "error":
                return self._failed(asked, trouble)
        sent = decode((await request.text()) if request.method == "POST" else request.query_string)
        status, body = self._held(request, asked, sent)
        if trouble is not None and trouble.kind == "drop_answer":
            return _cut(request)
        if trouble is not None and trouble.kind == "error_after":
            return self._failed(asked, trouble)
        return self._said(asked, status, body, request.headers.get("Stripe-Version"))

    def _held(self, request: web.Request, asked: Asked, sent: dict[str, Any]) -> tuple[int, Thing]:
        """The answer, remembered by its key where it has one."""
        key, request_id = asked.idempotency_key, asked.request_id
        try:
            self._authorize(request)
            known = self._keys.begin(key, asked.method, asked.path, sent) if key else None
        except Refusal as refusal:
            return refusal.status, refusal.body(request_id)
        if known is not None:
            asked.replayed = True
            asked.request_id = known["request_id"]
            return known["status"], known["body"]
        self._account.request = {"id": request_id, "idempotency_key": key}
        try:
            status, body, executed = self._carried_out(request, asked, sent)
        finally:
            self._account.request = {"id": None, "idempotency_key": None}
            if key:
                self._keys.abandon(key)
        if key and executed:
            answer = {"status": status, "body": body, "request_id": request_id}
            self._keys.finish(key, asked.method, asked.path, sent, answer)
        return status, body

    def _carried_out(self, request: web.Request, asked: Asked, sent: dict[str, Any]) -> tuple[int, Thing, bool]:
        """With whether the endpoint began its work."""
        try:
            self._before()
            endpoint, named = self._find(request)
            expand = Params({"expand": sent.get("expand", {})}).texts("expand")
            params = Params({name: value for name, value in sent.items() if name != "expand"})
            done = endpoint(self._account, params, **named)
            return 200, render(self._account, done, expand), True
        except Refusal as refusal:
            return refusal.status, refusal.body(asked.request_id), refusal.executed
        except Exception:  # noqa: BLE001  # a mistake of the fake's own is a 500, with its reason, as Stripe's are not
            said = Refusal(traceback.format_exc(limit=-3), status=_BAD, kind="api_error")
            return _BAD, said.body(asked.request_id), True

    def _authorize(self, request: web.Request) -> None:
        """Bearer, or Basic with the key as the name (docs.stripe.com/api/authentication)."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            given = base64.b64decode(given).decode(errors="replace").partition(":")[0]
        if not given:
            raise Refusal(
                "You did not provide an API key. You need to provide your API key in the Authorization header.",
                status=401,
                executed=False,
            )
        if given != self._secret_key:
            shown = f"{given[:8]}{'*' * 8}{given[-4:]}"
            raise Refusal(f"Invalid API Key provided: {shown}", status=401, executed=False)
        version = request.headers.get("Stripe-Version", API_VERSION)
        if version != API_VERSION:
            raise malformed(f"Invalid Stripe API version: {version}. This fake has {API_VERSION}.", "Stripe-Version")

    def _find(self, request: web.Request) -> tuple[Endpoint, dict[str, str]]:
        for method, pattern, endpoint in self._routes:
            found = pattern.fullmatch(request.path)
            if method == request.method and found:
                return endpoint, found.groupdict()
        raise Refusal(
            f"Unrecognized request URL ({request.method}: {request.path}). This fake has no such endpoint.",
            status=404,
        )

    def _failed(self, asked: Asked, trouble: Trouble) -> web.Response:
        message, kind, code = trouble.said()
        refusal = Refusal(message, status=trouble.status, kind=kind, code=code)
        answer = self._said(asked, trouble.status, refusal.body(asked.request_id), None)
        if trouble.retry is not None:
            answer.headers["Stripe-Should-Retry"] = str(trouble.retry).lower()
        return answer

    def _said(self, asked: Asked, status: int, body: Thing, version: str | None) -> web.Response:
        asked.status = status
        headers = {"Request-Id": asked.request_id, "Stripe-Version": version or API_VERSION}
        if asked.idempotency_key:
            headers["Idempotency-Key"] = asked.idempotency_key
        if asked.replayed:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": asked.request_id}
        return web.json_response(body, status=status, headers=headers)


def _pattern(route: Route) -> re.Pattern[str]:
    return re.compile(route.path.replace(".", r"\.").replace("{id}", "(?P<id>[^/]+)"))


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
