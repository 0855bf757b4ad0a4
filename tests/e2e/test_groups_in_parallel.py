"""Groups and channels beside a running program: the same over MTProto."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.club import CLUB, Club
from tests.e2e.conftest import Stage, working
from tests.e2e.parallel import parallel_stage


@pytest.fixture
async def beside(config: Config, database: Database, keyring: Keyring, tmp_path: Path) -> AsyncIterator[Stage]:
    async with Sandbox(latency=timedelta(milliseconds=20), flood_control=False, mtproto_port=0) as sandbox:
        stage = await parallel_stage(sandbox, config, database, keyring, tmp_path)
        async with working(stage):
            await stage.until(lambda: sandbox.journal.count("updates.getState"), "the session listens")
            yield stage


async def test_members_are_named_media_say_whom_they_are_from_and_answers_go_back(beside: Stage) -> None:
    await beside.change(MONITOR_GROUPS=True)
    club, world = Club(beside), beside.world
    first = world.send(club.clara, club.group, "hello")
    await club.until_shown("Clara\nhello")
    world.send(club.dan, club.group, photo=b"picture", caption="look")
    await beside.until(lambda: len(beside.in_topic(CLUB)) == 2)
    assert beside.in_topic(CLUB)[1].origin.sender is club.dan
    world.send(beside.operator, beside.group, "hello to you", reply_to=beside.in_topic(CLUB)[0])
    await beside.until(lambda: club.heard() == ["hello to you"])
    assert next(m for m in world.history(club.group) if m.sender is beside.bot).reply_to == first.id


async def test_a_channel_and_its_group_show_a_post_once_and_our_answer_never(beside: Stage) -> None:
    await beside.change(MONITOR_GROUPS=True, MONITOR_CHANNELS=True)
    club, world = Club(beside), beside.world
    channel = world.add_channel("Chess news", club.boss)
    world.promote(channel, beside.bot, ["post_messages"], by=club.boss)
    world.link_discussion(channel, club.group)
    world.sign_posts(channel)
    world.send(club.boss, channel, "A new champion")
    await beside.until(lambda: beside.in_topic("Chess news"))
    world.send(club.clara, club.group, "hooray")
    await club.until_shown("Clara\nhooray")
    world.send(beside.operator, beside.group, "Our answer", topic=beside.topic("Chess news"))
    await beside.until(lambda: [m.text for m in world.history(channel) if m.sender is beside.bot] == ["Our answer"])
    world.send(club.dan, club.group, "thanks")
    await club.until_shown("Clara\nhooray", "Dan\nthanks")
    shown = [m.text for m in beside.in_topic("Chess news") if m.sender is beside.bot]
    assert shown == ["Boris\nA new champion"]
