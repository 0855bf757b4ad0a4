"""Errors as problem documents (RFC 9457). The only file with status codes."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException
from litestar.types import ExceptionHandlersMap
from pydantic import BaseModel, Field

from tenants.db import is_passing
from tenants.errors import (
    ChangedMeanwhile,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    PlanRequired,
    Reused,
    Unavailable,
)

PROBLEM_JSON = "application/problem+json"
IF_MATCH = "If-Match"
BODY_LIMIT = 64 * 1024
_RETRY_SECONDS = 5
_STATUSES: Mapping[type[DomainError], HTTPStatus] = {
    Reused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Invalid: HTTPStatus.BAD_REQUEST,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

_WORDS = {
    "Field required": "this field is missing",
    "Extra inputs are not permitted": "there is no such field",
    "Expected `int`, got": "expected a whole number",
}

log = structlog.get_logger()


class JsonRequest(Request[Any, Any, Any]):
    """A body nested too deeply is as bad as one with a bracket missing."""

    async def json(self) -> Any:
        try:
            return await super().json()
        except RecursionError as error:
            raise SerializationException(str(error)) from error


class FieldError(BaseModel):
    field: str
    text: str


class Problem(BaseModel):
    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One sentence for a person: what happened and what to do.")
    code: str = Field(description="The same for a program; it does not change.")
    plan: str | None = Field(default=None, description="The least plan that allows it.")
    errors: list[FieldError] | None = Field(default=None, description="What can't be used, field by field.")
    reference: str | None = Field(default=None, description="To be told to whoever runs this service.")


def is_our_failure(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR


def too_large() -> HTTPException:
    return HTTPException(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def exception_handlers() -> ExceptionHandlersMap:
    return {HTTPException: _from_framework, DomainError: _from_domain, Exception: _from_unexpected}


def _answer(
    status: HTTPStatus,
    detail: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    plan: str | None = None,
    errors: list[FieldError] | None = None,
    reference: str | None = None,
) -> Response[Any]:
    problem = Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        code=code or status.name.lower(),
        plan=plan,
        errors=errors,
        reference=reference,
    )
    content = problem.model_dump(exclude_none=True)
    return Response(content, status_code=status, headers=dict(headers or {}), media_type=PROBLEM_JSON)


def _from_domain(request: Request[Any, Any, Any], error: DomainError) -> Response[Any]:
    status = next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), None)
    if status is None:
        return _from_unexpected(request, error)
    if isinstance(error, ChangedMeanwhile) and IF_MATCH in request.headers:
        status = HTTPStatus.PRECONDITION_FAILED
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(int(error.retry_after.total_seconds()))
    field = error.field if isinstance(error, Invalid) else None
    return _answer(
        status,
        error.text,
        code=error.code,
        headers=headers,
        plan=str(error.params["plan"]) if isinstance(error, PlanRequired) else None,
        errors=[FieldError(field=field, text=error.text)] if field else None,
    )


def _from_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _from_unexpected(request, error)
    errors = _field_errors(error)
    detail = f"{errors[0].field}: {errors[0].text}" if errors else _sentence(request, error, status)
    code = "invalid" if status is HTTPStatus.BAD_REQUEST else None
    return _answer(status, detail, code=code, headers=error.headers, errors=errors)


def _sentence(request: Request[Any, Any, Any], error: HTTPException, status: HTTPStatus) -> str:
    if isinstance(error.__cause__, SerializationException):
        return "The body is not valid JSON."
    own = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"This address does not take {request.method[:20]}.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body is too large: at most {BODY_LIMIT // 1024} KB.",
    }
    return own.get(status) or error.detail.rstrip(".") + "."


def _field_errors(error: HTTPException) -> list[FieldError] | None:
    """What the framework and pydantic found, in the shape of our own."""
    if not isinstance(error.extra, list) or not error.extra:
        return None
    return [_field_error(item.get("key") or "data", str(item.get("message") or "")) for item in error.extra]


def _field_error(key: str, message: str) -> FieldError:
    """`data` is the framework's name of the body; the words are msgspec's or pydantic's."""
    if key == "data":
        return FieldError(field="body", text="send a JSON object.")
    text = next((ours for theirs, ours in _WORDS.items() if message.startswith(theirs)), message)
    text = text.removeprefix("Value error, ").removeprefix("Input ").replace("`int`", "a whole number")
    return FieldError(field=key, text=text[:1].lower() + text[1:].rstrip(".") + ".")


def _from_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """No detail leaves but a reference, by which the log line with the traceback is found."""
    reference = secrets.token_hex(6)
    template = request.scope.get("path_template") or "none"  # the path itself may be a link that opens something
    log.error("request.failed", reference=reference, method=request.method, path=template, exc_info=error)
    if is_passing(error):
        detail = "This is not possible just now: try again in a moment."
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        return _answer(
            HTTPStatus.SERVICE_UNAVAILABLE, detail, code="unavailable", headers=headers, reference=reference
        )
    detail = f"Something went wrong on our side. Tell us this reference: {reference}."
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, detail, code="internal", reference=reference)
