"""The Bot API's refusals, in its own words: programs match on them."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    def __init__(self, code: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(text: str, **parameters: Any) -> ApiError:
    return ApiError(400, f"Bad Request: {text}", parameters)


def forbidden(text: str) -> ApiError:
    return ApiError(403, f"Forbidden: {text}")


def conflict(text: str) -> ApiError:
    return ApiError(409, f"Conflict: {text}")


def too_many_requests(retry_after: int) -> ApiError:
    description = f"Too Many Requests: retry after {retry_after}"
    return ApiError(429, description, {"retry_after": retry_after})


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized")


def invalid_token() -> ApiError:
    return ApiError(401, "Unauthorized: invalid token specified")


def misdirected() -> ApiError:
    return ApiError(421, "Misdirected Request: unallowed token specified")


def method_not_found() -> ApiError:
    return ApiError(404, "Not Found: method not found")


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def logged_out() -> ApiError:
    return ApiError(400, "Logged out")


def restart() -> ApiError:
    return ApiError(500, "Internal Server Error: restart")
