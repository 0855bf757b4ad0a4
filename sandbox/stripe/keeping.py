"""The account in a file, so that a second `make run` goes on where the first one stopped."""

import json
from pathlib import Path

from sandbox.stripe.account import Account

_VERSION = 1
_SKIP = 1000


class Keeping:
    """One file of JSON, replaced as a whole or not at all."""

    def __init__(self, path: Path, account: Account) -> None:
        self._path = path
        self._account = account
        self._kept = -1

    def recall(self) -> None:
        """Nothing where there is nothing, or nothing that this version understands, which is put aside."""
        try:
            stored = json.loads(self._path.read_text())
            if stored.pop("version") == _VERSION:
                self._account.restore(stored)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._path.replace(self._path.with_suffix(".unreadable"))
            return
        prices = self._account.things.get("price", {})
        for subscription in self._account.newest("subscription"):
            for item in subscription["items"]["data"]:
                item["price"] = prices.get(item["price"]["id"], item["price"])
        self._account.number += _SKIP

    def keep(self) -> None:
        if self._kept == self._account.number:
            return
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({"version": _VERSION, **self._account.stored()}))
        fresh.replace(self._path)
        self._kept = self._account.number
