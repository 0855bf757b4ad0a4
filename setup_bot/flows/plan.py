"""A connection's plan: what it has, what a bigger one has, and the way to pay for it, here or on the pay page."""

from aiogram import Bot, F, Router
from aiogram.methods import AnswerPreCheckoutQuery
from aiogram.types import BotSubscriptionUpdated, CallbackQuery, Message, PreCheckoutQuery, Update
from aiogram.utils.formatting import Text

from setup_bot.callbacks import Buy, Plans, Renew
from setup_bot.screens import plans as screens
from setup_bot.services import Services
from setup_bot.stars import Bill
from setup_bot.talk import Talk
from setup_bot.texts import plain, sentence, words
from tenants.backoff import patiently
from tenants.billing.facts import Provider
from tenants.errors import DomainError, NotFound
from tenants.ids import TenantId, UserId
from tenants.plans import Plan


async def pressed(_: CallbackQuery, callback_data: Plans, talk: Talk, services: Services) -> None:
    await show_plan(talk, services, TenantId(callback_data.tenant))


async def show_plan(talk: Talk, services: Services, tenant: TenantId, *, notice: Text | None = None) -> None:
    shop = services.shop
    account = await shop.accounts.read(talk.person, tenant)
    page = await shop.accounts.make_page_link(talk.person, tenant) if shop.offer.way == "web" else None
    await talk.show(screens.plan(account, shop.offer, talk.person, page=page, terms=shop.terms, notice=notice))


async def bought(_: CallbackQuery, callback_data: Buy, talk: Talk, services: Services) -> None:
    tenant = TenantId(callback_data.tenant)
    if services.shop.offer.way != "stars":  # an old button
        await show_plan(talk, services, tenant)
        return
    try:
        invoice = await services.shop.make_invoice(talk.person, tenant, callback_data.plan)
    except NotFound:
        raise
    except DomainError as refused:
        await talk.tell(refused.text)
        return
    found = await services.connections.get(talk.person, tenant)
    await talk.show(screens.invoice(found, callback_data.plan, services.shop.offer, invoice))


async def renewed(_: CallbackQuery, callback_data: Renew, talk: Talk, services: Services) -> None:
    """Ends what is paid with Stars when its month is over, or lets it go on."""
    tenant = TenantId(callback_data.tenant)
    account = await services.shop.accounts.read(talk.person, tenant)
    if account.provider is Provider.STARS and account.subscription and account.payer == talk.person:
        try:
            await services.stars.renew(account.subscription, renews=callback_data.renews)
        except DomainError as refused:
            await talk.tell(refused.text)
            return
        await talk.toast(words("plans.goes_on" if callback_data.renews else "plans.will_end"))
    await show_plan(talk, services, tenant)


async def asked_before_payment(query: PreCheckoutQuery, bot: Bot, services: Services) -> None:
    """Telegram waits 10 seconds for it (Bot API: PreCheckoutQuery), then nothing is paid."""
    try:
        problem = await _refuse(query, services)
    except DomainError as refused:
        problem = sentence(refused.text)
    await bot(AnswerPreCheckoutQuery(pre_checkout_query_id=query.id, ok=problem is None, error_message=problem))


async def _refuse(query: PreCheckoutQuery, services: Services) -> str | None:
    bill = Bill.read(query.invoice_payload)
    if bill is None or services.stars.price(bill) != query.total_amount:
        return words("stars.changed")
    if query.from_user.id != bill.person:
        return words("stars.not_yours")
    account = await services.shop.accounts.read(UserId(query.from_user.id), bill.tenant)
    plans = list(Plan)
    if account.subscription is not None and plans.index(account.tenant.plan) >= plans.index(bill.plan):
        return words("stars.has_already", bot=plain(account.tenant.bot_username), plan=account.tenant.plan)
    return None


async def paid(message: Message, services: Services) -> None:
    payment, person = message.successful_payment, message.from_user
    if payment is not None and person is not None:
        await patiently(lambda: services.stars.note_payment(person, payment, message.date), name="payment")


async def refunded(message: Message, services: Services) -> None:
    back = message.refunded_payment
    if back is not None:
        payload, charge = back.invoice_payload, back.telegram_payment_charge_id
        await patiently(lambda: services.stars.note_refund(payload, charge, message.date), name="refund")


async def changed(event: BotSubscriptionUpdated, event_update: Update, services: Services) -> None:
    await patiently(lambda: services.stars.note_change(event, event_update.update_id), name="subscription")


def router() -> Router:
    made = Router(name="plan")
    made.message.register(paid, F.successful_payment)
    made.message.register(refunded, F.refunded_payment)
    made.pre_checkout_query.register(asked_before_payment)
    made.subscription.register(changed)
    made.callback_query.register(pressed, Plans.filter())
    made.callback_query.register(bought, Buy.filter())
    made.callback_query.register(renewed, Renew.filter())
    return made
