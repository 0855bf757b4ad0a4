"""Settings: sections, one setting, its buttons, and values typed in the chat. All of it off the catalogue."""

from hashlib import sha256
from uuid import UUID

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.text_decorations import markdown_decoration

from setup_bot.callbacks import Choose, Put, Section, Sections, Setting, Value
from setup_bot.flows.asking import Asking
from setup_bot.screens import settings as screens
from setup_bot.services import Services
from setup_bot.shop import Offer
from setup_bot.talk import Talk
from setup_bot.texts import say, sentence, words
from setup_bot.texts.settings import english, title
from tenants.connections import Tenant
from tenants.errors import DomainError, Invalid, NotFound
from tenants.ids import TenantId
from tenants.settings.catalog import Entry, get_entry
from tenants.settings.kinds import FLAG, OFF, TEXT
from tenants.settings.service import show


async def sections_pressed(_: CallbackQuery, callback_data: Sections, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    await talk.show(screens.sections(tenant, services.settings.model))


async def section_pressed(_: CallbackQuery, callback_data: Section, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    shown = screens.find_section(tenant, callback_data.section, services.settings.model)
    if not shown:
        raise NotFound("section")
    await talk.show(screens.section(tenant, shown))


async def setting_pressed(
    _: CallbackQuery, callback_data: Setting, talk: Talk, services: Services, state: FSMContext
) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    await _show_setting(
        talk, state, services.shop.offer, tenant, get_entry(callback_data.name, services.settings.model)
    )


async def _show_setting(
    talk: Talk,
    state: FSMContext,
    offer: Offer,
    tenant: Tenant,
    entry: Entry,
    *,
    problem: str | None = None,
    replacing: int | None = None,
) -> None:
    """From here on what is typed is the new value, except for a flag, which has its button."""
    shown = await talk.show(screens.setting(tenant, show(tenant, entry), offer, problem=problem), replacing=replacing)
    if entry.setting.kind is FLAG:
        return
    await state.set_state(Asking.value)
    await state.set_data(
        {"screen": shown, "tenant": tenant.id.hex, "setting": entry.name, "seen": _trace(tenant, entry)}
    )


def _trace(tenant: Tenant, entry: Entry) -> str:
    """Tells whether a setting was changed since, without holding what it was."""
    return sha256(repr(tenant.overrides.get(entry.name)).encode()).hexdigest()[:16]


async def put_pressed(
    _: CallbackQuery, callback_data: Put, talk: Talk, services: Services, state: FSMContext
) -> None:
    entry = get_entry(callback_data.name, services.settings.model)
    tenant = TenantId(callback_data.tenant)
    if callback_data.value is Value.DEFAULT:
        changed = await services.settings.change(talk.person, tenant, {entry.name: None})
    else:
        typed = "ON" if callback_data.value is Value.ON else OFF
        changed = await services.settings.change_typed(talk.person, tenant, entry.name, typed)
    await _show_setting(talk, state, services.shop.offer, changed, entry)
    done = "setting.was_reset" if callback_data.value is Value.DEFAULT else "setting.saved"
    await talk.toast(words(done, title=title(entry)))


async def option_pressed(
    _: CallbackQuery, callback_data: Choose, talk: Talk, services: Services, state: FSMContext
) -> None:
    """Raises `Conflict` where somebody else has changed the settings meanwhile: theirs count, too."""
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    entry = get_entry(callback_data.name, services.settings.model)
    now = entry.value(tenant.overrides, tenant.plan)
    value = entry.setting.kind.choose(now, callback_data.option, chosen=callback_data.chosen)
    changed = await services.settings.change(talk.person, tenant.id, {entry.name: value}, version=tenant.version)
    await _show_setting(talk, state, services.shop.offer, changed, entry)
    await talk.toast(words("setting.saved", title=title(entry)))


async def value_typed(message: Message, talk: Talk, services: Services, state: FSMContext) -> None:
    data = await state.get_data()
    last_screen = data.get("screen")
    tenant = await services.connections.get(talk.person, TenantId(UUID(hex=data["tenant"])))
    entry = get_entry(data["setting"], services.settings.model)
    if data.get("seen") != _trace(tenant, entry):
        changed = words("setting.changed_meanwhile")
        await _show_setting(talk, state, services.shop.offer, tenant, entry, problem=changed, replacing=last_screen)
        return
    try:
        value = entry.check(entry.setting.kind.parse(english(entry, message.text or "")), tenant.plan)
        previewed = await _preview(talk, entry, value, message)
        tenant = await services.settings.change(talk.person, tenant.id, {entry.name: value})
    except DomainError as error:
        await _show_setting(
            talk, state, services.shop.offer, tenant, entry, problem=sentence(error.text), replacing=last_screen
        )
        return
    await state.clear()
    notice = say("setting.saved_above" if previewed else "setting.saved", title=title(entry))
    beside = screens.find_section(tenant, entry.setting.section, services.settings.model)
    await talk.show(screens.section(tenant, beside, notice=notice), replacing=last_screen)


async def _preview(talk: Talk, entry: Entry, value: str, message: Message) -> bool:
    """Texts are MarkdownV2, and what Telegram can't read no customer would ever get: so the owner gets it first."""
    if entry.setting.kind is not TEXT or not value:
        return False
    name = message.from_user.full_name if message.from_user else ""
    refusal = await talk.preview(value.replace("{title}", markdown_decoration.quote(name)))
    if refusal is not None:
        raise Invalid(words("setting.bad_markdown" if "parse" in refusal else "setting.refused"), field=entry.name)
    return True


def router() -> Router:
    made = Router(name="settings")
    made.callback_query.register(sections_pressed, Sections.filter())
    made.callback_query.register(section_pressed, Section.filter())
    made.callback_query.register(setting_pressed, Setting.filter())
    made.callback_query.register(put_pressed, Put.filter())
    made.callback_query.register(option_pressed, Choose.filter())
    made.message.register(value_typed, Asking.value, F.text)
    return made
