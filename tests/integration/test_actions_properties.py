"""Whatever customers, operators and owners do, in any order: two desks in one group are what a small model says."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings

from tenants.crypto import Keyring
from tenants.db import Database
from tests.integration.actions import actions
from tests.integration.expectation import Desk
from tests.integration.forum import open_group
from tests.integration.model import Time
from tests.integration.play import NAMES, Action, Play
from tests.integration.reckoning import reckon
from tests.integration.test_delivery_properties import JUST_FIND, MORE, Servers, _drop
from tests.integration.under_fire import Fleet

_bots = itertools.count(1_000_000, 1000)


@pytest.fixture
def servers(database_url: str, keyring: Keyring) -> Iterator[Servers]:
    structlog.configure(processors=[_drop])
    with asyncio.Runner() as runner:
        made = Servers(runner, Database(database_url, pool_size=4), keyring)
        yield made
        runner.run(made.database.close())
    structlog.reset_defaults()


async def _play(servers: Servers, todo: list[Action]) -> list[str]:
    time = Time()
    forum, shops = await open_group(servers.database, servers.keyring, time, first_bot=next(_bots), names=NAMES)
    play = Play(Fleet(shops, servers.database, servers.keyring, time), forum, [Desk(), Desk()])
    await play.fleet.start()
    try:
        for action in todo:
            await action.do(play)
        await play.rest()
        wrongs = [*play.fleet.wrongs]
        for shop, desk in zip(shops, play.desks, strict=True):
            wrongs += await reckon(play, shop, desk)
        return wrongs
    finally:
        await play.fleet.stop()


def test_whatever_people_do_two_desks_in_one_group_are_what_the_model_says(servers: Servers) -> None:
    @settings(
        max_examples=120 * MORE,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate] if JUST_FIND else tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )
    @given(actions())
    def live(todo: list[Action]) -> None:
        wrongs = servers.runner.run(_play(servers, todo))
        assert not wrongs, "\n".join(wrongs)

    live()
