"""What the audit log says of a change of settings: which ones, and their values where those hold no secret."""

from collections.abc import Mapping
from typing import Any

from tenants.audit import Act, Action, Actor
from tenants.settings.catalog import find_entry


def setting_acts(by: Actor, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Act]:
    """One for each setting whose stored value differs. A name that is not there has its default."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [_act(by, name, old, new) for name in names]


def _act(by: Actor, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Act:
    action = Action.SETTING_CHANGED if name in new else Action.SETTING_RESET
    entry = find_entry(name)
    if entry is None or not entry.setting.kind.is_audited:
        return Act(action, by, name)
    values = {"old": old.get(name), "new": new.get(name)}
    return Act(action, by, name, {param: value for param, value in values.items() if param in action.params})
