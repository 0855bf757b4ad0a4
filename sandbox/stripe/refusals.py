"""What Stripe says when it does not do what was asked (docs.stripe.com/api/errors)."""

from typing import Any


class Refusal(Exception):
    """`executed` is False for what failed before the endpoint began: idempotency keys don't remember that."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self._body = {"message": message, "type": kind, "code": code, "param": param, **(more or {})}

    def body(self, request_id: str) -> dict[str, Any]:
        said = {name: value for name, value in self._body.items() if value is not None}
        if "code" in said:
            said["doc_url"] = f"https://stripe.com/docs/error-codes/{said['code'].replace('_', '-')}"
        said["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": said}


def missing(kind: str, identity: str, param: str) -> Refusal:
    named = kind.replace("checkout.session", "checkout session").replace("_", " ")
    return Refusal(f"No such {named}: '{identity}'", code="resource_missing", param=param, status=404)


def malformed(message: str, param: str, code: str | None = None) -> Refusal:
    return Refusal(message, code=code, param=param, executed=False)
