"""Idempotency keys: the same request, sent twice, is carried out once (docs.stripe.com/api/idempotent_requests)."""

import hashlib
import json
from typing import Any

from sandbox.stripe.account import DAY, Account, Thing
from sandbox.stripe.refusals import Refusal

_LONGEST = 255


class Keys:
    """Kept for 24 hours of the wall's clock, beside the account's things: a key outlives a restart as they do."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._under_way: set[str] = set()

    def begin(self, key: str, method: str, path: str, params: dict[str, Any]) -> Thing | None:
        """What was answered to the same request, or None: then it is under way until `finish` or `abandon`."""
        if len(key) > _LONGEST:
            raise Refusal(f"Idempotency keys can have up to {_LONGEST} characters.", kind="idempotency_error")
        if key in self._under_way:
            raise Refusal(
                f"There is currently another in-progress request using this Idempotent Key: {key}.",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        known = self._known().get(key)
        if known is None:
            self._under_way.add(key)
            return None
        if known["asked"] != _fingerprint(method, path, params):
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return known

    def finish(self, key: str, method: str, path: str, params: dict[str, Any], answer: Thing) -> None:
        """`answer`: its status, body and request id."""
        asked = _fingerprint(method, path, params)
        self._known()[key] = {**answer, "asked": asked, "at": int(self._account.wall())}
        self.abandon(key)

    def abandon(self, key: str) -> None:
        self._under_way.discard(key)

    def _known(self) -> dict[str, Thing]:
        known = self._account.things.setdefault("idempotency_key", {})
        oldest = self._account.wall() - DAY
        for key in [key for key, answer in known.items() if answer["at"] < oldest]:
            del known[key]
        return known


def _fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()
