"""A monitored group with three members, of which the bot is an administrator."""

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
