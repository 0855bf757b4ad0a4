"""Connections of one owner that share a group: in General one of them speaks for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import TenantId

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Neighbour:
    tenant: TenantId
    username: str

    def is_called(self, word: str) -> bool:
        """By its bot's username, with or without an @, or by its whole id."""
        return word.lower() in {self.username.lower(), f"@{self.username.lower()}", str(self.tenant), self.tenant.hex}


_SHARING = text("SELECT id, bot_username FROM connections_sharing_group(:tenant)")


async def list_neighbours(unit: UnitOfWork, tenant: TenantId) -> list[Neighbour]:
    """Those that run in the tenant's group, itself among them, oldest first. Nothing for a tenant that the unit may
    not see.
    """
    rows = await unit.execute(_SHARING, {"tenant": tenant})
    return [Neighbour(TenantId(row.id), row.bot_username) for row in rows]


def picked(word: str, neighbours: Sequence[Neighbour]) -> Neighbour | None:
    """Of `i` and a name, as it is typed behind /new."""
    name = word[1 : 1 + _LONGEST_NAME]
    return next((one for one in neighbours if one.is_called(name)), None)
