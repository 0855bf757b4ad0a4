"""Where parallel sessions of tests keep their secrets: in memory, or nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sessions.port import Kept


@dataclass
class MemorySafe:
    login: bytes | None = None
    wait: float = 0.0
    tops: dict[int, int] = field(default_factory=dict)
    hashes: dict[int, int] = field(default_factory=dict)
    logins: int = 0
    """How often one was saved."""

    async def load(self) -> Kept:
        return Kept(self.login, self.wait, self.tops)

    async def save_login(self, login: bytes | None) -> None:
        self.login = login
        self.logins += login is not None

    async def postpone_login(self, seconds: float) -> None:
        self.wait = seconds

    async def find_hashes(self, peers: Sequence[int]) -> Mapping[int, int]:
        return {peer: self.hashes[peer] for peer in peers if peer in self.hashes}
