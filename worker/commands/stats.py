"""`/stats`: what goes on right now, and who has what."""

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.overview import Overview, look_over
from worker.decisions.command import Call, Command, Place
from worker.durations import lasting
from worker.paragraph import Paragraph, add_topic


async def answer(unit: UnitOfWork, call: Call, _: Keyring) -> None:
    seen = await look_over(unit, call.work.desk.tenant)
    shown = Paragraph()
    _say_whose(shown, call)
    shown.say(
        f"Open: {seen.open} (🟪 {seen.waiting} waiting, 🟨 {seen.answered} answered). Closed: {seen.closed}.\n"
        f"Last 24 hours: {seen.came} in, {seen.went} out."
    )
    if seen.oldest is not None and seen.oldest_since is not None:
        shown.say("\nWaits longest: ")
        add_topic(shown, call.work.desk.group_id, seen.oldest.topic, seen.oldest.name)
        shown.say(f", {lasting(call.work.desk.now - seen.oldest_since)}")
    _add_owners(shown, seen, call)
    call.say(shown)


def _say_whose(shown: Paragraph, call: Call) -> None:
    """Each connection knows its own numbers only."""
    desk = call.work.desk
    others = [f"/stats@{one.username}" for one in call.work.neighbours if one.tenant != desk.tenant]
    if others:
        shown.bold(f"@{desk.bot_username}").say(f" (others: {', '.join(others[:10])})\n")


def _add_owners(shown: Paragraph, seen: Overview, call: Call) -> None:
    for owner in seen.owners:
        shown.say(f"\n👤 {owner.operator}, {owner.number}: ")
        for number, dialog in enumerate(owner.dialogs):
            shown.say(", " if number else "")
            add_topic(shown, call.work.desk.group_id, dialog.topic, dialog.name)
        if owner.number > len(owner.dialogs):
            shown.say(f" and {owner.number - len(owner.dialogs)} more")
    if seen.others:
        shown.say(f"\n… and {seen.others} more operators")


COMMAND = Command(
    "stats",
    "Count dialogs and messages, and show who owns what",
    answer=answer,
    places=frozenset({Place.GENERAL}),
)
