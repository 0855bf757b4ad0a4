"""A connection's card, and the two buttons that act from it at once: stop and start."""

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.utils.formatting import Text

from setup_bot.callbacks import Card, Run
from setup_bot.screens import connections as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import words
from tenants.errors import Conflict, Invalid
from tenants.ids import TenantId


async def show_card(
    talk: Talk, services: Services, tenant: TenantId, *, notice: Text | None = None, replacing: int | None = None
) -> None:
    found = await services.connections.get(talk.person, tenant)
    problem = await services.connections.problem(talk.person, tenant)
    usage = await services.meter.read(talk.person, tenant)
    housekept = found.group_id is None or await services.connections.is_housekept(talk.person, tenant)
    helper = None if housekept else services.me.username
    others = len(await services.administrators.list_administrators(talk.person, tenant))
    sells = services.shop.offer.way != "off"
    shown = screens.card(
        found, talk.person, problem, usage=usage, notice=notice, helper=helper, sells=sells, others=others
    )
    await talk.show(shown, replacing=replacing)


async def pressed(_: CallbackQuery, callback_data: Card, talk: Talk, services: Services) -> None:
    await show_card(talk, services, TenantId(callback_data.tenant))


async def run_or_stop(_: CallbackQuery, callback_data: Run, talk: Talk, services: Services) -> None:
    """The button says which, so that an old one or a second tap changes nothing more."""
    tenant = TenantId(callback_data.tenant)
    try:
        changed = await services.connections.set_running(talk.person, tenant, running=callback_data.running)
    except (Conflict, Invalid) as refused:  # an old button: the card has changed since
        await talk.tell(refused.text)
    else:
        if changed.is_undecided:  # its group's link leads nowhere now
            await services.waiting.drop(tenant)
        await talk.toast(words("card.started" if callback_data.running else "card.stopped"))
    await show_card(talk, services, tenant)


def router() -> Router:
    made = Router(name="card")
    made.callback_query.register(pressed, Card.filter())
    made.callback_query.register(run_or_stop, Run.filter())
    return made
