"""What may happen to two desks in one group, in any order: people act, owners change settings, time passes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import text as sql

from tenants.connections import Connections
from tenants.dialog_events import close_due
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tests.integration.customer_actions import Block, EditOwn, React, Rename, Write
from tests.integration.forum import BOSS, TRAINEE
from tests.integration.play import Action, Play
from tests.integration.team_actions import TEAMS_OWN, Answer, Command, EditAnswer, General, New, TakeBack, Turn

OTHER_NAMES = ("Anna", "Ann", "Боб")


TEXTS = (
    *("hello", "HELP me", "the price?", "wholesale price", "a casino", "we guarantee", "/start ad42"),
    *("thanks", "Price", "", "help, casino"),
)


TITLES = ("VIP", "🟨 Lead", "⬛️", "Ann")


_PASS = sql("UPDATE dialogs SET close_at = close_at - CAST(:gone AS interval) WHERE tenant_id = :tenant")


@dataclass(frozen=True)
class Rest:
    async def do(self, play: Play) -> None:
        await play.rest()


@dataclass(frozen=True)
class Set:
    shop: int
    setting: str
    value: Any

    async def do(self, play: Play) -> None:
        await play.rest()
        shop = play.shops[self.shop]
        service = SettingsService(Connections(shop.database, play.fleet._keyring, plan=Plan.BUSINESS))
        await service.change(shop.tenant.owner_id, shop.tenant.id, {self.setting: self.value})
        play.desks[self.shop].settings[self.setting] = self.value


@dataclass(frozen=True)
class Hours:
    """Time passes for whoever was answered."""

    number: int

    async def do(self, play: Play) -> None:
        await play.rest()
        for number, (shop, desk) in enumerate(zip(play.shops, play.desks, strict=True)):
            tenant = shop.tenant.id
            async with shop.database.tenant(tenant) as unit:
                await unit.execute(_PASS, {"gone": timedelta(hours=self.number), "tenant": tenant})
                await close_due(unit, tenant)
            desk.hours_pass(self.number)
            play.fleet.holder[number].places[number].seat.sender.wake()
        play.quiet = False


SETTINGS: dict[str, list[Any]] = {
    "WELCOME": ["", "Welcome, {title}\\!"],
    "AUTOCLOSE": [1, 48, 1_000_000],
    "PRIVATE_KEYWORDS": [[], [["help"], ["price", "~wholesale"]]],
    "WHITE_LIST": [[], [70], [71, 72]],
    "IGNORE_CHATS": [[777000], [70]],
    "MONITOR_PRIVATE": [True, False],
    "LEAVE_CLOSED": [[], ["private"]],
    "REPLY_ONLY": [True, False],
    "RESTRICTED_KEYWORDS_FRONTEND": [[], ["casino"]],
    "RESTRICTED_KEYWORDS_BACKEND": [[], ["guarantee"]],
    "CUSTOM_COMMANDS": [[], ["close"]],
    "AUTO_INFO": [True, False],
    "CLAIM": [0, 12],
    "ICON_COLOR": ["", "rose"],
}


COMMANDS = (
    *("close", "close", "close", "hold", "hold", "ban", "ban", "unban", "unban"),
    *("info", "note likes tea", "assign me", "assign off", "why", "help", "nonsense", "find ann"),
)


def _settings() -> Iterator[st.SearchStrategy[Set]]:
    for name, values in SETTINGS.items():
        yield st.builds(Set, st.integers(0, 1), st.just(name), st.sampled_from(values))


def actions() -> st.SearchStrategy[list[Action]]:
    """A few messages first, so that there is something to talk about."""
    shop, customer, pick = st.integers(0, 1), st.integers(70, 72), st.integers(0, 12)
    at = st.integers(0, 2)
    text, parts, who = (
        st.sampled_from(TEXTS),
        st.sampled_from([1, 1, 1, 1, 3]),
        st.sampled_from([BOSS, BOSS, TRAINEE, None]),
    )
    write = st.builds(Write, shop, customer, text, parts, at)
    to = st.sampled_from(["nobody", "nobody", "nobody", "own", "other"])
    ways = st.sampled_from(["plain", "plain", "plain", "reply", "comment"])
    some: list[st.SearchStrategy[Action]] = [
        *[write] * 6,
        *[st.builds(Answer, pick, ways, text, who, parts, at)] * 5,
        *[st.just(Rest())] * 4,
        *[st.builds(Command, pick, st.sampled_from(COMMANDS), to, who)] * 6,
        *[st.builds(Turn, pick, st.sampled_from(["closed", "reopened", "deleted"]))] * 2,
        *[st.one_of(*_settings())] * 3,
        *[st.builds(EditOwn, pick, text), st.builds(EditAnswer, pick, text)] * 2,
        *[st.builds(React, pick, st.booleans(), st.sampled_from(["👍", "❤", None]))] * 2,
        *[st.builds(Block, shop, customer, st.booleans())] * 2,
        *[st.builds(New, customer, st.sampled_from([None, 0, 1]))] * 2,
        *[st.builds(Hours, st.sampled_from([1, 47, 49]))] * 2,
        st.builds(Turn, pick, st.just("renamed"), st.sampled_from(TITLES)),
        st.builds(Rename, customer, st.sampled_from(OTHER_NAMES)),
        st.builds(TakeBack, pick),
        st.builds(General, st.sampled_from(["hello all", "/stats", "/close", "/help"])),
        st.just(Answer(TEAMS_OWN, "plain", "")),
    ]
    then = st.sampled_from(some).flatmap(lambda strategy: strategy)
    before = st.lists(st.one_of(*_settings()), max_size=3, unique_by=lambda one: (one.shop, one.setting))
    firsts, rest = st.lists(write, min_size=1, max_size=4), st.lists(then, min_size=10, max_size=40)
    return st.tuples(before, firsts, rest).map(lambda drawn: [*drawn[0], *drawn[1], Rest(), *drawn[2], Rest()])
