"""How an endpoint is named: a method, a path and a function of the account, its parameters and the path's names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.account import Account, Thing, listed
from sandbox.stripe.params import Params

Endpoint = Callable[..., Thing]
_MOST = 100
_USUAL = 10


@dataclass(frozen=True, slots=True)
class Route:
    """`path` as aiohttp has it. A list's function gives all that match, newest first; `listing` cuts the page."""

    method: str
    path: str
    endpoint: Endpoint


def listing(path: str, find: Callable[..., list[Thing]]) -> Route:
    """With Stripe's cursors (docs.stripe.com/api/pagination)."""

    def page(account: Account, params: Params, **named: str) -> Thing:
        limit = params.integer("limit", 1)
        after, before = params.text("starting_after"), params.text("ending_before")
        found = find(account, params, **named)
        params.done()
        return _cut(found, min(limit or _USUAL, _MOST), after, before, path)

    return Route("GET", path, page)


def _cut(found: list[Thing], limit: int, after: str | None, before: str | None, path: str) -> Thing:
    ids = [thing["id"] for thing in found]
    if after in ids:
        found = found[ids.index(after) + 1 :]
    elif after is not None:
        found = []
    if before in ids:
        earlier = found[: ids.index(before)]
        return listed(earlier[-limit:], path, more=len(earlier) > limit)
    return listed(found[:limit], path, more=len(found) > limit)


def getting(path: str, kind: str) -> Route:
    def get(account: Account, params: Params, **named: str) -> Thing:
        params.done()
        return account.get(kind, named["id"])

    return Route("GET", path, get)


def matching(things: list[Thing], **wanted: Any) -> list[Thing]:
    """Those that are so; a wish of None is none."""
    return [t for t in things if all(want is None or t.get(name) == want for name, want in wanted.items())]


def created_between(things: list[Thing], params: Params) -> list[Thing]:
    """The `created` filter of lists: gt, gte, lt, lte, or a moment."""
    if not params.has("created"):
        return things
    asked = params.inner("created")
    if asked is None:
        return things
    least, above = asked.integer("gte"), asked.integer("gt")
    most, below = asked.integer("lte"), asked.integer("lt")
    return [
        thing
        for thing in things
        if (least is None or thing["created"] >= least)
        and (above is None or thing["created"] > above)
        and (most is None or thing["created"] <= most)
        and (below is None or thing["created"] < below)
    ]
