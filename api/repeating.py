"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a POST that is sent again is answered again, and
done once.
"""

from typing import Any
from uuid import UUID

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import BODY_LIMIT, is_our_failure, too_large
from tenants.access.keys import ApiKey
from tenants.access.repeats import Answer, Attempt, Repeats
from tenants.db import is_passing, noting_effects
from tenants.errors import Invalid
from tenants.ids import TenantId

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
_KEPT_HEADERS = {"content-type", "etag", "location"}

log = structlog.get_logger()


def repeatable(app: ASGIApp, repeats: Repeats) -> ASGIApp:
    """Behind the authentication: a key's words are its own."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        word = _find_word(scope)
        if word is None or scope.get("method") != "POST" or scope.get("auth") is None:
            await app(scope, receive, send)
            return
        _require_usable(word)
        key: ApiKey = scope["auth"]
        body = await _read(receive)
        begun = await repeats.begin(key, word, _request(scope, body), tenant=_find_tenant(scope))
        if isinstance(begun, Answer):
            await _send(begun, send, {REPLAYED: "true"})
            return
        given = await _carry_out(app, scope, body, begun)
        await _keep(repeats, key, begun, given)
        await _send(given, send, {})

    return answer


def _find_word(scope: Scope) -> str | None:
    name = HEADER.lower().encode()
    return next((value.decode("latin-1") for given, value in scope["headers"] if given.lower() == name), None)


def _find_tenant(scope: Scope) -> TenantId | None:
    found: Any = scope["path_params"].get("tenant_id")
    return TenantId(found) if isinstance(found, UUID) else None


def _require_usable(word: str) -> None:
    if not (1 <= len(word) <= LONGEST and word.isascii() and word.isprintable()):
        raise Invalid(f"{HEADER} takes 1 to {LONGEST} characters of ASCII, for example a UUID.", field=HEADER)


def _request(scope: Scope, body: bytes) -> bytes:
    """What must be the same for a request to be the same."""
    return b"\0".join((scope["path"].encode(), scope["query_string"], body))


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise too_large()
        if not message.get("more_body", False):
            return body


async def _carry_out(app: ASGIApp, scope: Scope, body: bytes, attempt: Attempt) -> Answer:
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: Message) -> None:
        messages.append(message)

    with noting_effects(attempt.id, attempt.number):
        await app(scope, receive, keep)
    begun = messages[0]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in begun["headers"]}
    return Answer(begun["status"], headers, b"".join(message.get("body", b"") for message in messages[1:]))


async def _keep(repeats: Repeats, key: ApiKey, attempt: Attempt, given: Answer) -> None:
    """What is known by now is told anyway: where it can't be stored, a repeat is told that it is lost."""
    kept = {name: value for name, value in given.headers.items() if name.lower() in _KEPT_HEADERS}
    try:
        if is_our_failure(given.status):
            await repeats.give_up(key, attempt)
        else:
            await repeats.keep(key, attempt, Answer(given.status, kept, given.body))
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("answer.not_kept", error=type(error).__name__)


async def _send(answer: Answer, send: Send, more: dict[str, str]) -> None:
    headers = {**answer.headers, **more}
    if "content-length" not in {name.lower() for name in headers}:
        headers["content-length"] = str(len(answer.body))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
