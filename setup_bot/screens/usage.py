"""How much of its plan a connection has used, in words."""

from aiogram.utils.formatting import Text

from setup_bot.texts import clock, number, say
from tenants.usage.reading import Usage


def today(usage: Usage) -> list[Text]:
    """Lines for the connection's card."""
    allotment = usage.allotment
    facts = [say("usage.today", used=number(allotment.used), allowed=number(allotment.allowed))]
    if allotment.tolerated_used:
        over, tolerated = str(allotment.tolerated_used), str(allotment.tolerated)
        facts.append(say("usage.over", over=over, tolerated=tolerated))
    if usage.waiting:
        facts.append(say("usage.waiting", count=usage.waiting, turns_at=clock(usage.turns_at)))
    return facts
