"""The keys of a program: the API's, and the secret that signs webhooks. Each is shown once."""

from aiogram.types import InlineKeyboardButton
from aiogram.utils.formatting import Code, Text

from setup_bot.callbacks import Card, Key, KeyStep
from setup_bot.screens.screen import Screen, button, lines, screen
from setup_bot.texts import moment, say
from tenants.access.keys import Listed
from tenants.connections import Tenant
from tenants.plans import API_FROM


def overview(tenant: Tenant, key: Listed | None, *, notice: Text | None = None) -> Screen:
    title = say("key.title", bot=tenant.bot_username)
    back = [button("back", Card(tenant=tenant.id))]
    if not tenant.plan.includes(API_FROM):
        return screen(title, say("key.how"), say("key.locked", plan=API_FROM), rows=[back], notice=notice)
    renew = [button("key.make" if key is None else "key.renew", Key(tenant=tenant.id, step=KeyStep.RENEW))]
    revoke = [] if key is None else [[button("key.revoke", Key(tenant=tenant.id, step=KeyStep.REVOKE))]]
    secret = [button("key.secret", Key(tenant=tenant.id, step=KeyStep.SECRET))]
    now = say("key.none") if key is None else _about(key)
    return screen(title, say("key.how"), now, rows=[renew, *revoke, secret, back], notice=notice)


def _about(key: Listed) -> Text:
    used = say("key.never_used") if key.used_at is None else say("key.used", at=moment(key.used_at))
    return lines(say("key.made", at=moment(key.created_at)), used)


def shown_once(tenant: Tenant, key: str) -> Screen:
    return screen(say("key.fresh", bot=tenant.bot_username), Code(key), say("key.once"), rows=[_done(tenant)])


def secret_once(tenant: Tenant, secret: str) -> Screen:
    title = say("key.fresh_secret", bot=tenant.bot_username)
    return screen(title, Code(secret), say("key.secret_once"), rows=[_done(tenant)])


def _done(tenant: Tenant) -> list[InlineKeyboardButton]:
    return [button("key.copied", Key(tenant=tenant.id, step=KeyStep.SHOW))]
