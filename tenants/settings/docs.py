"""Writes docs/settings.md from the catalogue: `python -m tenants.settings.docs > docs/settings.md`."""

import sys
from collections.abc import Iterable

from tenants.plans import Plan
from tenants.settings.catalog import Entry, entries
from tenants.settings.schema import Settings

_HEAD = """\
# Settings

Each connection has its own, set in the setup bot or over the API; they take effect at once.
This page is generated from `tenants/settings/schema.py` (`make docs`).

In a chat, `OFF` switches a setting off or clears a list.
Over the API, `null` resets a setting to its default, and an empty text or list switches it off.
What a plan does not allow is kept and not used: after an upgrade it counts again.
"""
_COLUMNS = ("Name", "Type", "Default", "Plans", "Meaning", "Example")


def settings_page(model: type[Settings] = Settings) -> str:
    """Sections in the order of their first setting; within one, the order of the schema."""
    found = entries(model).values()
    sections = dict.fromkeys(entry.setting.section for entry in found)
    written = (_section(name, [entry for entry in found if entry.setting.section == name]) for name in sections)
    return "\n".join([_HEAD, *written])


def _section(name: str, found: Iterable[Entry]) -> str:
    lines = [f"## {name.capitalize()}", "", _row(_COLUMNS), _row("---" for _ in _COLUMNS)]
    lines += [_row(_cells(entry)) for entry in found]
    return "\n".join([*lines, ""])


def _cells(entry: Entry) -> Iterable[str]:
    setting = entry.setting
    return (
        f"`{entry.name}`",
        setting.kind.name,
        _code(setting.kind.show(entry.default)),
        _escaped(_limits(entry)),
        _escaped(f"{setting.title}. {entry.description}"),
        _code(setting.example),
    )


def _limits(entry: Entry) -> str:
    limits = ((plan, entry.setting.limit(plan)) for plan in Plan)
    return "; ".join(f"{plan}: {limit.describe()}" for plan, limit in limits if limit is not None)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{_escaped(text)}`"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
