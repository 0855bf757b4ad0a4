"""What can go wrong, as data. Presenters decide what HTTP, an operator or a customer sees of it.

DomainError
├── NotFound        it isn't there, or it isn't yours: never says which
├── Conflict        true of something else already
│   └── ChangedMeanwhile    somebody else was faster: look again
├── Invalid         what was typed or sent can't be used; the text says what to do
│   └── Reused          it was sent along with something else before
├── Forbidden       you may not
│   └── PlanRequired    a higher plan may
├── Unavailable     not now; try again after `retry_after`
└── LeaseLost       another worker has the tenant: stop, and write nothing
"""

from collections.abc import Mapping
from datetime import timedelta


class DomainError(Exception):
    """One clear sentence for the person who caused it (`text`) and a stable `code` for programs."""

    def __init__(
        self,
        text: str,
        *,
        code: str,
        customer_text: str | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.customer_text = customer_text
        self.params = dict(params or {})


class NotFound(DomainError):
    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.", code="not_found", params={"what": what})


class Conflict(DomainError):
    def __init__(self, text: str, *, code: str = "conflict") -> None:
        super().__init__(text, code=code)


class ChangedMeanwhile(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "Somebody else changed this meanwhile: look at it again, then repeat your change.",
            code="changed_meanwhile",
        )


class Invalid(DomainError):
    def __init__(self, text: str, *, field: str | None = None, code: str = "invalid") -> None:
        super().__init__(text, code=code, params={"field": field} if field else None)
        self.field = field


class Reused(Invalid):
    def __init__(self, text: str) -> None:
        super().__init__(text, code="reused")


class Forbidden(DomainError):
    def __init__(self, text: str, *, code: str = "forbidden") -> None:
        super().__init__(text, code=code)


class PlanRequired(Forbidden):
    def __init__(self, text: str, *, plan: str) -> None:
        super().__init__(text, code="plan_required")
        self.params["plan"] = plan


class Unavailable(DomainError):
    def __init__(self, text: str, *, retry_after: timedelta) -> None:
        super().__init__(text, code="unavailable", params={"retry_after": int(retry_after.total_seconds())})
        self.retry_after = retry_after


class LeaseLost(DomainError):
    def __init__(self) -> None:
        super().__init__("Another worker runs this tenant now.", code="lease_lost")
