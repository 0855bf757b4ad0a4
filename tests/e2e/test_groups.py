"""Groups and channels as customers: what their members, the team and the owner see."""

import pytest

from sandbox.world.entities import Chat, User
from tests.e2e.conftest import Stage

CLUB = "Chess club"


class Club:
    """A monitored group with three members, of which the bot is an administrator."""

    def __init__(self, desk: Stage) -> None:
        self.desk, self.world = desk, desk.world
        self.boss: User = desk.world.add_user("Boris")
        self.clara: User = desk.world.add_user("Clara")
        self.dan: User = desk.world.add_user("Dan")
        self.group: Chat = desk.world.add_supergroup(CLUB, self.boss)
        for member in (self.clara, self.dan):
            desk.world.add_member(self.group, member)
        desk.world.add_member(self.group, desk.bot, by=self.boss)
        desk.world.promote(self.group, desk.bot, [], by=self.boss)

    def shown(self) -> list[str]:
        return [m.text for m in self.desk.in_topic(CLUB) if m.sender is self.desk.bot]

    def heard(self) -> list[str]:
        return [m.text for m in self.world.history(self.group) if m.sender is self.desk.bot]

    async def until_shown(self, *texts: str) -> None:
        await self.desk.until(lambda: self.shown() == list(texts), f"{texts}")


@pytest.fixture
async def club(desk: Stage) -> Club:
    await desk.change(MONITOR_GROUPS=True)
    return Club(desk)


async def test_a_group_has_one_topic_in_which_each_member_is_named_once(club: Club) -> None:
    desk, world = club.desk, club.world
    first = world.send(club.clara, club.group, "hello")
    await club.until_shown("Clara\nhello")
    assert desk.topic(CLUB).name == f"🟪 {CLUB}"
    world.send(club.clara, club.group, "is anybody there?")
    world.send(club.dan, club.group, "me")
    await club.until_shown("Clara\nhello", "is anybody there?", "Dan\nme")
    assert club.heard() == []

    world.send(desk.operator, desk.group, "We are, too.", reply_to=desk.in_topic(CLUB)[0])
    await desk.until(lambda: club.heard() == ["We are, too."])
    answer = next(m for m in world.history(club.group) if m.sender is desk.bot)
    assert answer.reply_to == first.id
    await desk.until(lambda: desk.topic(CLUB).name == f"🟨 {CLUB}")
    world.send(club.dan, club.group, "thanks")
    await club.until_shown("Clara\nhello", "is anybody there?", "Dan\nme", "Dan\nthanks")
    assert "unaccounted" not in await desk.dispositions()
