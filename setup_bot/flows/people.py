"""Co-administrators: invited by a link, accepted by a press, removed, leaving, made the owner."""

from aiogram import F, Router
from aiogram.filters import CommandObject, CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, User
from aiogram.utils.formatting import Text

from connecting.links import JOIN, invitation_link
from setup_bot.callbacks import Join, People, PeopleStep, Person, PersonStep
from setup_bot.flows.card import show_card
from setup_bot.flows.home import show_home
from setup_bot.flows.lost import show_current
from setup_bot.screens import people as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import plain, say
from tenants.access.administrators import Administrator
from tenants.connections import Tenant
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.ids import TenantId, UserId


async def show_people(talk: Talk, services: Services, tenant: Tenant, *, notice: Text | None = None) -> None:
    others = await services.administrators.list_administrators(talk.person, tenant.id)
    await talk.show(screens.everybody(tenant, talk.person, others, notice=notice))


async def stepped(_: CallbackQuery, callback_data: People, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    match callback_data.step:
        case PeopleStep.SHOW:
            await show_people(talk, services, tenant)
        case PeopleStep.INVITE:
            try:
                word = await services.administrators.invite(talk.person, tenant.id)
            except Forbidden as refused:  # no owner any more
                await talk.tell(refused.text)
                await show_people(talk, services, tenant)
            else:
                await talk.show(screens.invitation(tenant, invitation_link(services.me.username, word)))
        case PeopleStep.LEAVE:
            await talk.show(screens.leave(tenant))
        case PeopleStep.LEFT:
            await services.administrators.remove(talk.person, tenant.id, talk.person)
            await show_home(talk, services, notice=say("people.left", bot=tenant.bot_username))


async def about_one(callback: CallbackQuery, callback_data: Person, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    who = await _find(services, talk.person, tenant, UserId(callback_data.user))
    if who is None or tenant.owner_id != talk.person or tenant.version != callback_data.version:
        await show_current(callback, talk, services, tenant.id)
        return
    match callback_data.step:
        case PersonStep.SHOW:
            await talk.show(screens.one(tenant, who))
        case PersonStep.TRANSFER:
            await talk.show(screens.transfer(tenant, who))
        case PersonStep.REMOVE:
            await services.administrators.remove(talk.person, tenant.id, who.user)
            await show_people(talk, services, tenant, notice=say("people.removed", name=plain(who.name)))
        case PersonStep.TRANSFERRED:
            await _transfer(talk, services, tenant, who, callback.from_user)


async def _transfer(talk: Talk, services: Services, tenant: Tenant, who: Administrator, owner: User) -> None:
    try:
        await services.administrators.transfer(
            talk.person, tenant.id, who.user, name=owner.full_name, version=tenant.version
        )
    except Conflict as refused:
        await talk.tell(refused.text)
        await show_card(talk, services, tenant.id)
    else:
        await show_card(talk, services, tenant.id, notice=say("people.transferred", name=plain(who.name)))


async def _find(services: Services, person: UserId, tenant: Tenant, user: UserId) -> Administrator | None:
    others = await services.administrators.list_administrators(person, tenant.id)
    return next((one for one in others if one.user == user), None)


async def invited(_: Message, command: CommandObject, talk: Talk, services: Services, state: FSMContext) -> None:
    """What the link opens is a question: whose connection it is has to be seen before it is accepted."""
    await state.clear()
    word = (command.args or "").removeprefix(JOIN)
    tenant = await services.administrators.find_invited(word)
    if tenant is None:
        await show_home(talk, services, notice=say("people.expired"))
    elif await services.connections.find(talk.person, tenant.id) is not None:
        await show_card(talk, services, tenant.id, notice=say("people.there_already"))
    else:
        await talk.show(screens.invited(tenant, word))


async def accepted(callback: CallbackQuery, callback_data: Join, talk: Talk, services: Services) -> None:
    try:
        tenant = await services.administrators.accept(talk.person, callback.from_user.full_name, callback_data.word)
    except (Conflict, Invalid) as refused:
        await talk.tell(refused.text)
        await show_home(talk, services)
    else:
        await show_card(talk, services, tenant.id, notice=say("people.joined", bot=tenant.bot_username))


def router() -> Router:
    made = Router(name="people")
    made.message.register(invited, CommandStart(deep_link=True, magic=F.args.startswith(JOIN)))
    made.callback_query.register(stepped, People.filter())
    made.callback_query.register(about_one, Person.filter())
    made.callback_query.register(accepted, Join.filter())
    return made
