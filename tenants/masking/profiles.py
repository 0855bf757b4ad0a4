"""What leads to a person's profile in a text: usernames, links and ids; and the name, where a program wrote it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tenants.ids import UserId
from tenants.masking.draft import Draft

SHORTEST_NAME = 3
"""Letters of a word that can be taken for a part of a name."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`names` and `usernames` as far as they are known, today's and those before."""

    id: UserId
    names: frozenset[str]
    usernames: frozenset[str] = frozenset()


def hide_profile(draft: Draft, who: Profile, *, names: bool) -> None:
    for pattern in _patterns(who, names=names):
        for found in pattern.finditer(draft.plain):
            draft.hide(*found.span(1))


def _patterns(who: Profile, *, names: bool) -> Iterator[re.Pattern[str]]:
    yield re.compile(rf"(?<!\d)({who.id})(?!\d)")
    for username in who.usernames:
        word = re.escape(username)
        yield re.compile(rf"[@/=]({word})(?!\w)", re.IGNORECASE)
        yield re.compile(rf"(?<!\w)({word})\.t\.me(?!\w)", re.IGNORECASE)
    if names:
        for part in {part for name in who.names for part in name.split()}:
            if len(part) >= SHORTEST_NAME:
                yield re.compile(rf"(?<!\w)({re.escape(part)})(?!\w)")
