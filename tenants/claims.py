"""Who owns a dialog: the operator who answered first, for some hours, until it is given away or closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.dialogs import Dialog
from tenants.ids import UserId

WARN_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Owner:
    id: UserId
    name: str
    until: datetime


def find_owner(dialog: Dialog, now: datetime) -> Owner | None:
    """Whose it is now: a claim that has run out counts as none."""
    if dialog.owner_id is None or dialog.owned_until is None or dialog.owned_until <= now or not dialog.is_open:
        return None
    return Owner(dialog.owner_id, dialog.owner_name or str(dialog.owner_id), dialog.owned_until)


def own(dialog: Dialog, who: UserId, name: str, *, now: datetime, hours: int) -> None:
    """Whoever owned it before does not any more."""
    dialog.owner_id, dialog.owner_name, dialog.owned_until = who, name, now + timedelta(hours=hours)


def warn(dialog: Dialog, one: UserId, other: UserId, now: datetime) -> bool:
    """Whether these two are to be told that both answer: not too often, whoever of them is the owner."""
    pair = f"{min(one, other)}:{max(one, other)}"
    lately = {who: at for who, at in (dialog.warned or {}).items() if now - datetime.fromisoformat(at) < WARN_EVERY}
    if pair in lately:
        return False
    dialog.warned = {**lately, pair: now.isoformat()}
    return True
