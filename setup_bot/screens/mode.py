"""How a bot's messages are received: the question, what running beside a program means, and the way back."""

from aiogram.utils.formatting import Text

from sessions.port import Webhook
from setup_bot.callbacks import Card, ModeStep, Runs
from setup_bot.screens.screen import Screen, button, screen
from setup_bot.texts import say
from tenants.connections import Tenant


def ask(tenant: Tenant) -> Screen:
    """Before anything receives: asking for updates would cut another program off."""
    bot = tenant.bot_username
    rows = [
        [button("mode.only_us", Runs(tenant=tenant.id, step=ModeStep.ONLY_US))],
        [button("mode.another", Runs(tenant=tenant.id, step=ModeStep.OFFER))],
    ]
    return screen(say("mode.question", bot=bot), say("mode.why", bot=bot), rows=rows)


def offer(tenant: Tenant, webhook: Webhook | None = None) -> Screen:
    bot = tenant.bot_username
    found = None if webhook is None else say("mode.webhook", bot=bot, host=webhook.host)
    back = Runs(tenant=tenant.id, step=ModeStep.ASK) if tenant.is_undecided else Card(tenant=tenant.id)
    rows = [[button("mode.beside", Runs(tenant=tenant.id, step=ModeStep.BESIDE))], [button("back", back)]]
    return screen(
        say("mode.beside_title", bot=bot), say("mode.beside_how"), say("mode.beside_effects"), rows=rows, notice=found
    )


def alone(tenant: Tenant) -> Screen:
    bot = tenant.bot_username
    rows = [
        [button("mode.poll", Runs(tenant=tenant.id, step=ModeStep.POLL))],
        [button("back", Card(tenant=tenant.id))],
    ]
    return screen(say("mode.alone_title", bot=bot), say("mode.alone_how", bot=bot), rows=rows)


def webhook_in_the_way(tenant: Tenant, webhook: Webhook, *, offered: bool) -> Text:
    """`offered`: whether running beside that program is a way out here."""
    name = "mode.webhook_refused" if offered else "mode.webhook_not_offered"
    return say(name, bot=tenant.bot_username, host=webhook.host)
