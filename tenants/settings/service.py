"""Reading and changing a tenant's settings. Only what differs from the default is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenants.connections import Connections, Tenant, require_version
from tenants.errors import Invalid
from tenants.ids import TenantId, UserId
from tenants.settings.catalog import Entry, entries, find_entry
from tenants.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as a surface shows it: `value` is what counts now, `stored` what was set, if anything was."""

    entry: Entry
    value: Any
    stored: Any | None

    @property
    def text(self) -> str:
        return self.entry.setting.kind.show(self.value)


def show(tenant: Tenant, entry: Entry) -> Shown:
    return Shown(entry, entry.value(tenant.overrides, tenant.plan), tenant.overrides.get(entry.name))


def show_all(tenant: Tenant, model: type[Settings] = Settings) -> list[Shown]:
    return [show(tenant, entry) for entry in entries(model).values()]


class SettingsService:
    """`model` declares the settings that there are. `loopback`: addresses of this machine may be set."""

    def __init__(self, connections: Connections, model: type[Settings] = Settings, *, loopback: bool = False) -> None:
        self._connections = connections
        self._loopback = loopback
        self.model = model

    async def change(
        self, owner: UserId, tenant: TenantId, changes: Mapping[str, Any], *, version: int | None = None
    ) -> Tenant:
        """Sets each name to its value; None resets to the default. All or nothing.

        `version`: the one that the caller has seen, where it has to be the current one.
        Raises `Invalid`, `PlanRequired`, `NotFound`, or `Conflict` where two changed at once.
        """
        found = await self._connections.get(owner, tenant)
        require_version(found, version)
        overrides = dict(found.overrides)
        for name, value in changes.items():
            entry = find_entry(name, self.model)
            if entry is None:
                raise Invalid(f"There is no setting {name[:40]}.", field=name)
            if entry.setting.is_frozen(found.plan):
                entry.require_unchanged(value, found.overrides, found.plan)
            elif value is None:
                overrides.pop(entry.name, None)
            else:
                overrides[entry.name] = entry.check(value, found.plan)
                if not self._loopback:
                    entry.setting.kind.require_public(overrides[entry.name])
        return await self._connections.save_overrides(owner, found, overrides)

    async def change_typed(self, owner: UserId, tenant: TenantId, name: str, typed: str) -> Tenant:
        """The same for a value as a person types it in a chat."""
        entry = find_entry(name, self.model)
        if entry is None:
            raise Invalid(f"There is no setting {name[:40]}.")
        return await self.change(owner, tenant, {entry.name: entry.setting.kind.parse(typed)})
