"""What a plan includes, in words."""

from aiogram.utils.formatting import Text

from setup_bot.screens.screen import lines
from setup_bot.texts import say
from tenants.plan_facts import PlanFacts


def describe(facts: PlanFacts) -> Text:
    """A line for each thing; of settings those that the smaller plan lacks."""
    included = [
        say("plan.title", plan=facts.plan),
        say("plan.updates", count=facts.updates_a_day),
        say("plan.broadcasts", count=facts.broadcasts_a_month),
        say("plan.audit", count=facts.audit_days),
    ]
    if facts.has_api:
        included.append(say("plan.api"))
    if facts.opens:
        included.append(say("plan.settings", names=", ".join(facts.opens)))
    return lines(*included)
