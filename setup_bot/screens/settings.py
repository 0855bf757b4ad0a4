"""The settings' screens, all of them made from the catalogue of settings: a new setting needs nothing here."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton
from aiogram.utils.formatting import Code, Text

from setup_bot.callbacks import Card, Choose, Put, Section, Sections, Setting, Value
from setup_bot.screens.plans import plans_button
from setup_bot.screens.screen import Screen, button, lines, plain_button, room_beside, screen, shorten
from setup_bot.shop import Offer
from setup_bot.texts import find_text, say, sentence
from setup_bot.texts import settings as texts
from tenants.connections import Tenant
from tenants.errors import DomainError
from tenants.settings.catalog import entries
from tenants.settings.kinds import FLAG, OFF
from tenants.settings.schema import Settings
from tenants.settings.service import Shown, show_all

BESIDE = 2
"""Options in a row of buttons."""
IN_A_LIST = 80
"""UTF-16 units of a value on a page of several."""
STORED = 200
"""UTF-16 units of a value that the plan keeps from being used."""


def find_section(tenant: Tenant, name: str, model: type[Settings]) -> list[Shown]:
    return [shown for shown in show_all(tenant, model) if shown.entry.setting.section == name]


def section_title(section: str) -> str:
    """A section without words of its own is still reachable."""
    return find_text(f"section.{section}") or section.replace("_", " ").capitalize()


def sections(tenant: Tenant, model: type[Settings]) -> Screen:
    names = dict.fromkeys(entry.setting.section for entry in entries(model).values())
    rows = [[plain_button(section_title(name), Section(tenant=tenant.id, section=name))] for name in names]
    rows.append([button("back", Card(tenant=tenant.id))])
    return screen(say("settings.title", bot=tenant.bot_username), say("settings.how"), rows=rows)


def section(tenant: Tenant, listed: Sequence[Shown], *, notice: Text | None = None) -> Screen:
    values = lines(*(_listed(shown) for shown in listed))
    rows = [
        [plain_button(texts.title(shown.entry), Setting(tenant=tenant.id, name=shown.entry.name))] for shown in listed
    ]
    rows.append([button("back", Sections(tenant=tenant.id))])
    return screen(Text(section_title(_section(listed[0]))), values, rows=rows, notice=notice)


def setting(tenant: Tenant, shown: Shown, offer: Offer, *, problem: str | None = None) -> Screen:
    """`problem` is what was wrong with the value that was typed last."""
    rows = [*_value_rows(tenant, shown), [button("back", Section(tenant=tenant.id, section=_section(shown)))]]
    price = None
    if shown.entry.setting.limit(tenant.plan) is not None:
        price = offer.price(shown.entry.setting.unlimited_on)
    if price is not None:
        rows.insert(-1, [plans_button(tenant.id)])
    notice = None if problem is None else Text("⚠️ ", shorten(problem, STORED))

    def with_value(value: str) -> Screen:
        now = Text(say("setting.now"), Code(value))
        return screen(
            Text(texts.title(shown.entry)),
            Text(texts.description(shown.entry)),
            now,
            _stored_but_unused(tenant, shown),
            _lock(tenant, shown, price),
            _how_to_type(shown),
            rows=rows,
            notice=notice,
        )

    return with_value(shorten(texts.value(shown.entry, shown.value), room_beside(with_value(""))))


def _listed(shown: Shown) -> Text:
    value = shorten(texts.value(shown.entry, shown.value), IN_A_LIST)
    return say("settings.line", title=texts.title(shown.entry), value=Code(value))


def _section(shown: Shown) -> str:
    return shown.entry.setting.section


def _stored_but_unused(tenant: Tenant, shown: Shown) -> Text | None:
    if shown.stored is None or shown.stored == shown.value:
        return None
    stored = shorten(texts.value(shown.entry, shown.stored), STORED)
    return say("setting.stored", stored=Code(stored), plan=tenant.plan)


def _lock(tenant: Tenant, shown: Shown, price: str | None) -> Text | None:
    limit = shown.entry.setting.limit(tenant.plan)
    if limit is None:
        return None
    locked = say("setting.locked", plan=tenant.plan, limit=sentence(limit.describe()))
    if price is None:
        return locked
    return Text(locked, " ", say("setting.opened_by", plan=shown.entry.setting.unlimited_on, price=price))


def _how_to_type(shown: Shown) -> Text | None:
    kind = shown.entry.setting.kind
    if kind is FLAG:
        return None
    example = Text(say("setting.example"), Code(shown.entry.setting.example))
    return lines(say("setting.hint", hint=sentence(kind.hint)), example)


def _value_rows(tenant: Tenant, shown: Shown) -> list[list[InlineKeyboardButton]]:
    name = shown.entry.name
    rows = []
    if shown.entry.setting.kind is FLAG:
        value = Value.OFF if shown.value else Value.ON
        rows.append([button(f"setting.{value}", Put(tenant=tenant.id, name=name, value=value))])
    else:
        rows += _option_rows(tenant, shown)
    if shown.entry.setting.kind is not FLAG and can_be_off(tenant, shown):
        rows.append([button("setting.off", Put(tenant=tenant.id, name=name, value=Value.OFF))])
    if shown.stored is not None:
        rows.append([button("setting.reset", Put(tenant=tenant.id, name=name, value=Value.DEFAULT))])
    return rows


def _option_rows(tenant: Tenant, shown: Shown) -> list[list[InlineKeyboardButton]]:
    """A button each, where only some values are possible and the plan lets the owner choose."""
    setting = shown.entry.setting
    if setting.is_closed(tenant.plan):
        return []
    made = [_option(tenant, shown, option) for option in setting.kind.options]
    return [made[at : at + BESIDE] for at in range(0, len(made), BESIDE)]


def _option(tenant: Tenant, shown: Shown, option: str) -> InlineKeyboardButton:
    kind = shown.entry.setting.kind
    is_chosen = kind.is_chosen(shown.value, option)
    data = Choose(tenant=tenant.id, name=shown.entry.name, option=option, chosen=not (is_chosen and kind.many))
    return plain_button(("✅ " if is_chosen else "") + texts.option(shown.entry, option), data)


def can_be_off(tenant: Tenant, shown: Shown) -> bool:
    """Whether OFF is a value of this kind, the plan allows it, and it is not off already."""
    try:
        value = shown.entry.check(shown.entry.setting.kind.parse(OFF), tenant.plan)
    except DomainError:
        return False
    return bool(value != shown.value)
