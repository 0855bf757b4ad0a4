"""Writes docs/audit.md from the catalogue: `python -m tenants.audit.docs > docs/audit.md`."""

import sys
from collections.abc import Iterable

from tenants.audit.acts import PARAMS, Action
from tenants.plans import AUDIT_LIVES
from tenants.settings.catalog import get_entry
from tenants.settings.schema import LEAST_AUDIT_DAYS, LONGEST_AUDIT_DAYS

_HEAD = """\
# The audit log

Every administrative act is kept with who did it, when, and what: `GET /v1/tenants/{id}/audit`.
This page is generated from `tenants/audit/acts.py` (`make docs`).

Who did it is the owner (`owner`), a program with the owner's API key (`api`), a member of the group (`operator`),
or Backline itself (`system`).
An anonymous administrator of the group has neither id nor name there.
What changes nothing is no act: to close a dialog that is closed, to start what runs.

The log holds ids, names of operators and settings; never a token, and never what customers and the team write.
When a connection is deleted, its log goes with it: nothing of a connection outlives it.
API keys belong to an owner and not to a connection: that one is made is in no connection's log.
"""


def audit_page() -> str:
    return "\n".join([_HEAD, _retention(), *_table(("Act", "What was done", "Subject", "Values"), _acts()), ""])


def _retention() -> str:
    entry = get_entry("AUDIT_DAYS")
    plans = [
        f"- {plan}: {kept.days} days, or what the setting `AUDIT_DAYS` says, "
        f"{LEAST_AUDIT_DAYS} to {entry.clamp(LONGEST_AUDIT_DAYS, plan)}"
        for plan, kept in AUDIT_LIVES.items()
        if kept.days > LEAST_AUDIT_DAYS
    ]
    least = f"- {next(iter(AUDIT_LIVES))}: {LEAST_AUDIT_DAYS} days"
    return "\n".join(["## How long it is kept", "", least, *plans, "", "## Acts", ""])


def _acts() -> Iterable[tuple[str, ...]]:
    for act in Action:
        values = "; ".join(f"`{name}`: {PARAMS[name]}" for name in PARAMS if name in act.params)
        yield f"`{act}`", act.sentence, act.about, values


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    for cells in (head, tuple("---" for _ in head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(audit_page())
