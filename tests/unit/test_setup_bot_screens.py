"""Every screen, with the longest and the most hostile values, fits what Telegram takes."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiogram.types import InlineKeyboardButton
from aiogram.utils.formatting import sizeof

from connecting.links import group_link, invitation_link
from connecting.verification import Finding, Report
from sessions.port import Webhook
from setup_bot.callbacks import Card, Put, Sure, Value
from setup_bot.screens import connections, group, key, mode, people, plans, settings, told
from setup_bot.screens.screen import BUTTON_LIMIT, TEXT_LIMIT, Screen, shorten
from setup_bot.shop import Offer
from setup_bot.talk import TOAST_LIMIT
from setup_bot.texts import Language, plain, say, speaking, words
from setup_bot.texts.catalogues import catalogue
from tenants.access.administrators import MOST, Administrator
from tenants.access.keys import Listed
from tenants.billing.accounts import Account
from tenants.billing.facts import Provider
from tenants.billing.prices import only_stars, without_stars
from tenants.billing.standing import Reason
from tenants.connections import Tenant
from tenants.groups import Trouble
from tenants.ids import ChatId, TenantId, UserId, new_id
from tenants.parallel import Mode
from tenants.plans import TERMS, Plan
from tenants.settings.catalog import entries
from tenants.settings.kinds import FLAG
from tenants.settings.schema import Settings
from tenants.settings.service import show
from tenants.usage.limits import Allotment
from tenants.usage.reading import Usage

ENGLISH = catalogue(Language.ENGLISH)

HOSTILE = "<b>&amp;</b> *_`[x](tg://user?id=1) {title} %s \u202egnp.exe\u2066\n\n@everyone /start " + "💥" * 200
STATES = ("setup", "running", "stopped", "revoked")
HOOK = Webhook(".".join(["x" * 62] * 4))
LONGEST_LABEL = 40
LONGEST_NAME = "RESTRICTED_KEYWORDS_FRONTEND"
NEWS = {
    "problem": "y" * 250,
    "chat": "y" * 128,
    "minutes": 999,
    "name": HOSTILE,
    "plan": "business",
    "until": "2030-01-01",
    "used": 1_000_000,
    "allowed": 1_000_000,
    "days_over": 10,
    "tolerated": 10,
    "number": 1_000_000,
    "troubles": list(Trouble),
}
USAGE = Usage(
    Plan.BUSINESS,
    Allotment(used=2_000_000, allowed=1_000_000, days_over=12, tolerated=10),
    days=(),
    waiting=1_000_000,
    turns_at=datetime(2030, 1, 1, tzinfo=UTC),
)
PRICES = {plan: {"usd": 123_456_789, "eur": 123_456_789, "xtr": 10_000} for plan in (Plan.PRO, Plan.BUSINESS)}
WEB, STARS, NOTHING = Offer("web", without_stars(PRICES)), Offer("stars", only_stars(PRICES)), Offer("off", {})
TOKEN_LIKE = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")


def make_tenant(**values: Any) -> Tenant:
    tenant = Tenant(
        id=TenantId(new_id()),
        shard=1,
        owner_id=UserId(2**52),
        bot_id=UserId(2**52),
        bot_username="a" * 28 + "_bot",
        bot_name=HOSTILE,
        group_id=ChatId(-1009999999999),
        group_title=HOSTILE,
        state="running",
        plan=Plan.BUSINESS,
        overrides={},
        version=2**31 - 1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        mode=Mode.POLLING,
    )
    return replace(tenant, **values)


def hostile_values() -> dict[str, Any]:
    """The largest values that the catalogue takes, of those that are typed."""
    return {
        "WELCOME": "💥" * 3500,
        "AUTOCLOSE": 1_000_000,
        "SILENT_MODE": True,
        "WHITE_LIST": list(range(2**52 - 1000, 2**52)),
        "PRIVATE_KEYWORDS": [["💥" * 50, "~" + "\u202e" * 50]] * 100,
        "AUDIT_DAYS": 3650,
        "ARCHIVE": 3650,
    }


def every_screen() -> list[Screen]:
    shown: list[Screen] = [
        connections.ask_token(),
        connections.ask_token(maker="x" * 32),
        connections.not_fetched(UserId(2**52)),
        connections.not_fetched(UserId(2**52), "y" * 250),
        connections.ask_token(say("token.mine_already", bot="x_bot")),
    ]
    many = [make_tenant() for _ in range(connections.PAGE * 2 + 1)]
    shown += [connections.home(many[:count], page) for count in (0, 1, 41) for page in (0, 1, 2, 99, -1)]
    for plan in Plan:
        for state in STATES:
            for overrides in ({}, hostile_values()):
                shown += tenant_screens(make_tenant(plan=plan, state=state, overrides=overrides))
    for state in STATES:
        shown += tenant_screens(make_tenant(state=state, mode=Mode.PARALLEL))
    for chosen in Mode:
        for state in ("setup", "stopped"):
            shown += tenant_screens(make_tenant(group_id=None, group_title=None, state=state, mode=chosen))
    return shown


def people_screens(tenant: Tenant) -> list[Screen]:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    everybody = [Administrator(UserId(2**52 - n), HOSTILE, at) for n in range(MOST)]
    return [
        people.everybody(tenant, tenant.owner_id, everybody),
        people.everybody(tenant, tenant.owner_id, []),
        people.everybody(tenant, everybody[0].user, everybody, notice=say("people.joined", bot=tenant.bot_username)),
        people.invitation(tenant, invitation_link("x" * 32, "w" * 32)),
        people.invited(tenant, "w" * 32),
        people.one(tenant, everybody[0]),
        people.transfer(tenant, everybody[0]),
        people.leave(tenant),
    ]


def key_screens(tenant: Tenant) -> list[Screen]:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    return [
        key.overview(tenant, None),
        key.overview(tenant, Listed(new_id(), "a key", tenant.id, at, None), notice=say("key.revoked")),
        key.overview(tenant, Listed(new_id(), "a key", tenant.id, at, at)),
        key.shown_once(tenant, "bl_" + "k" * 43),
        key.secret_once(tenant, "whsec_" + "k" * 44),
    ]


def tenant_screens(tenant: Tenant) -> list[Screen]:
    findings = tuple(Finding(name, {"name": "x" * 32, "reason": "y" * 250}) for name in ENGLISH if "group." in name)
    findings = tuple(f for f in findings if f.name not in {"group.found", "group.use"})
    shown = [
        connections.card(tenant, tenant.owner_id, None),
        connections.card(
            tenant,
            tenant.owner_id,
            "z" * 300,
            usage=USAGE,
            sells=True,
            others=MOST,
            notice=say("token.mine_already", bot=tenant.bot_username),
        ),
        *(told.screen(tenant, kind, NEWS) for kind in told.KINDS),
        *(told.screen(tenant, kind, {**NEWS, "days_over": 3}) for kind in told.KINDS if "usage" in kind),
        *(connections.delete(tenant, sure, is_paid=True) for sure in Sure),
        connections.ask_new_token(tenant, say("token.mine_already", bot=tenant.bot_username)),
        *people_screens(tenant),
        *plan_screens(tenant),
        *key_screens(tenant),
        group.link(tenant, "w" * 64),
        group.expired(tenant),
        group.done(tenant, "x" * 32),
        group.done(tenant, None),
        group.works(tenant),
        group.verdict(tenant, ChatId(-1009999999999), Report(HOSTILE, warnings=findings)),
        group.verdict(tenant, ChatId(-1009999999999), Report(HOSTILE, problems=findings)),
        group.verdict(tenant, ChatId(-1009999999999), Report("", problems=findings[:1])),
        settings.sections(tenant, Settings),
        mode.ask(tenant),
        mode.offer(tenant),
        mode.offer(tenant, HOOK),
        *(Screen(mode.webhook_in_the_way(tenant, HOOK, offered=offered)) for offered in (True, False)),
        mode.alone(tenant),
    ]
    for entry in entries().values():
        beside = settings.find_section(tenant, entry.setting.section, Settings)
        shown.append(settings.section(tenant, beside, notice=say("cancelled")))
        one = show(tenant, entry)
        shown += [settings.setting(tenant, one, WEB), settings.setting(tenant, one, NOTHING, problem=HOSTILE * 5)]
    return shown


def plan_screens(tenant: Tenant) -> list[Screen]:
    moment, payer = datetime(2030, 9, 30, tzinfo=UTC), UserId(5)
    shown = []
    for reason in Reason:
        for offer in (WEB, STARS, NOTHING):
            for person in (payer, UserId(6)):
                ends = moment if person == payer else None
                account = Account(tenant, 1, reason, moment, Provider.STARS, "x" * 128, "5", payer, moment, ends)
                page = "https://backline.example/pay/" + "x" * 120
                shown.append(plans.plan(account, offer, person, page=page, terms=TERMS))
    return [*shown, plans.invoice(tenant, Plan.BUSINESS, STARS, "https://t.me/$" + "x" * 20)]


def buttons(screen: Screen) -> list[InlineKeyboardButton]:
    return [button for row in screen.rows for button in row]


@pytest.mark.parametrize("language", Language)
def test_every_screen_fits_telegrams_limits(language: Language) -> None:
    with speaking(language):
        shown = every_screen()
    for screen in shown:
        text, entities = screen.text.render()
        assert 0 < sizeof(text) <= TEXT_LIMIT
        assert text == text.strip()
        assert len(buttons(screen)) <= BUTTON_LIMIT
        assert all(entity.length > 0 and entity.offset + entity.length <= sizeof(text) for entity in entities)
        for button in buttons(screen):
            assert button.text.strip()
            assert (button.callback_data is None) != (button.url is None)
            assert len((button.callback_data or "").encode()) <= 64


@pytest.mark.parametrize("language", Language)
def test_the_words_on_buttons_are_short_enough_to_be_read(language: Language) -> None:
    tenant = make_tenant(bot_username="acme_bot", bot_name="Acme Shop", group_title="Acme Support")
    with speaking(language):
        shown = [connections.home([tenant]), *tenant_screens(tenant)]
        shown += tenant_screens(replace(tenant, state="stopped", group_id=None, group_title=None))
    labels = {button.text for screen in shown for button in buttons(screen) if HOSTILE[:8] not in button.text}
    assert {label for label in labels if len(label) > LONGEST_LABEL} == set()


def test_a_token_is_on_no_screen() -> None:
    for screen in every_screen():
        text, _ = screen.text.render()
        assert not TOKEN_LIKE.search(text)
        assert not any(TOKEN_LIKE.search(f"{button.callback_data} {button.url}") for button in buttons(screen))


def test_the_longest_setting_name_fits_into_a_button() -> None:
    data = Put(tenant=UUID(int=2**128 - 1), name=LONGEST_NAME, value=Value.OFF).pack()
    assert len(data.encode()) <= 64
    assert Put.unpack(data) == Put(tenant=UUID(int=2**128 - 1), name=LONGEST_NAME, value=Value.OFF)


@pytest.mark.parametrize("data", ["c:", "c:AAAA", "c:" + "A" * 32, "c:ääääääääääääääääääääää", "c:" + "*" * 22])
def test_a_button_without_an_id_is_none_of_ours(data: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever pydantic and base64 say: aiogram's filter takes it
        Card.unpack(data)


def test_names_of_strangers_stay_on_one_line_and_turn_nothing() -> None:
    shown = plain("Evil\u202egnp\u2066.exe\n\n\u0000Name " + "x" * 200)
    assert shown.startswith("Evilgnp.exe Name xx")
    assert len(shown) == 64
    assert plain("\u202e\u0000") == "…"
    assert plain("👩‍👩‍👧 Söhne") == "👩‍👩‍👧 Söhne"


def test_what_strangers_write_is_no_placeholder_and_no_markup() -> None:
    text, entities = connections.card(make_tenant(bot_name="{0} {title} <b>x</b> *y*"), UserId(1), None).text.render()
    assert text.startswith("{0} {title} <b>x</b> *y*")
    assert [entity.type for entity in entities] == ["bold", "code"]


@pytest.mark.parametrize("state", STATES)
def test_a_card_offers_what_its_state_allows(state: str) -> None:
    tenant = make_tenant(state=state)
    offered = {button.text for button in buttons(connections.card(tenant, tenant.owner_id, None))}
    assert (words("card.stop") in offered) == (state == "running")
    assert (words("card.start") in offered) == (state == "stopped")
    assert (words("card.change_group") in offered) == (state != "revoked")
    assert {words("card.settings"), words("card.delete"), words("card.all")} <= offered
    beside = {button.text for button in buttons(connections.card(tenant, UserId(1), None))}
    assert beside ^ offered == {words("card.delete"), words("people.leave")}


@pytest.mark.parametrize("state", STATES)
def test_the_card_of_a_parallel_tenant_promises_stop_where_it_has_the_button(state: str) -> None:
    for group_id in (ChatId(-1009999999999), None):
        shown = connections.card(make_tenant(state=state, group_id=group_id, mode=Mode.PARALLEL), UserId(1), None)
        has_stop = words("card.stop") in {button.text for button in buttons(shown)}
        assert has_stop == (state in {"setup", "running"})
        assert (words("card.parallel") in shown.text.render()[0]) == has_stop


def test_an_undecided_tenant_is_asked_and_claims_nothing() -> None:
    shown = connections.card(make_tenant(state="stopped", group_id=None, group_title=None), UserId(1), None)
    text, _ = shown.text.render()
    assert words("card.undecided") in text
    assert words("card.polling") not in text
    assert words("state.stopped") not in text
    assert buttons(shown)[0].text == words("card.choose")


def test_what_to_do_instead_of_parallel_mode_fits_over_the_button() -> None:
    assert len(words("mode.not_offered")) <= TOAST_LIMIT


def test_the_two_questions_before_deletion_have_their_buttons_in_different_places() -> None:
    first, second = (connections.delete(make_tenant(), sure, is_paid=False) for sure in (Sure.NO, Sure.ONCE))
    assert [row[0].text for row in first.rows] == [words("delete.keep"), words("delete.go_on")]
    assert [row[0].text for row in second.rows] == [words("delete.for_ever"), words("delete.keep")]


def test_the_group_link_asks_for_exactly_the_rights_that_are_needed() -> None:
    assert group_link("acme_bot", "w-_1") == (
        "https://t.me/acme_bot?startgroup=w-_1&admin=manage_topics+delete_messages+pin_messages+invite_users"
    )


def test_a_long_value_is_cut_and_says_how_much_is_missing() -> None:
    cut = shorten("💥" * 100, 50)
    assert sizeof(cut) <= 50
    kept = cut.count("💥")
    assert cut == "💥" * kept + f"… and {100 - kept} characters more"
    assert shorten("short", 50) == "short"


@pytest.mark.parametrize("name", list(entries()))
def test_a_settings_screen_says_what_the_setting_is_and_how_to_change_it(name: str) -> None:
    entry = entries()[name]
    tenant = make_tenant()
    shown = settings.setting(tenant, show(tenant, entry), WEB)
    text, _ = shown.text.render()
    assert entry.setting.title in text
    assert entry.description in text
    assert f"Now: {entry.setting.kind.show(entry.default)}" in text
    if entry.setting.kind is FLAG:
        assert buttons(shown)[0].text in {words("setting.on"), words("setting.off")}
    else:
        assert entry.setting.kind.hint in text
        assert entry.setting.example in text


def test_reset_is_offered_only_for_what_was_set() -> None:
    entry = entries()["AUTOCLOSE"]
    for overrides, offered in (({}, False), ({"AUTOCLOSE": 24}, True)):
        tenant = make_tenant(overrides=overrides)
        texts = {button.text for button in buttons(settings.setting(tenant, show(tenant, entry), WEB))}
        assert (words("setting.reset") in texts) == offered


@pytest.mark.parametrize(
    ("name", "plan", "overrides", "offered"),
    [
        ("WELCOME", Plan.PRO, {}, True),
        ("WELCOME", Plan.PRO, {"WELCOME": ""}, False),
        ("WELCOME", Plan.FREE, {}, False),
        ("AUTOCLOSE", Plan.PRO, {}, False),
        ("WHITE_LIST", Plan.FREE, {"WHITE_LIST": [1]}, True),
        ("WHITE_LIST", Plan.FREE, {}, False),
    ],
)
def test_off_is_offered_where_it_is_a_value_that_the_plan_allows(
    name: str, plan: Plan, overrides: dict[str, Any], offered: bool
) -> None:
    tenant = make_tenant(plan=plan, overrides=overrides)
    assert settings.can_be_off(tenant, show(tenant, entries()[name])) == offered


def test_a_lower_plan_is_told_its_limit_and_what_it_keeps_unused() -> None:
    tenant = make_tenant(plan=Plan.FREE, overrides={"AUTOCLOSE": 500})
    text, _ = settings.setting(tenant, show(tenant, entries()["AUTOCLOSE"]), WEB).text.render()
    assert "Now: 48" in text
    assert "You set 500, but the free plan uses what is shown above." in text
    assert "On the free plan: at most 48." in text


def test_every_section_has_words_of_its_own() -> None:
    sections = {entry.setting.section for entry in entries().values()}
    assert {f"section.{section}" for section in sections} <= set(ENGLISH)


def test_every_text_is_said_somewhere() -> None:
    root = Path(__file__).parents[2]
    places = [*(root / "setup_bot").rglob("*.py"), *(root / "connecting").rglob("*.py")]
    code = "\n".join(path.read_text() for path in places)
    derived = ("trouble_of_group.", "state.", "sign.", "section.", "command.", "setting.on", "setting.off")
    assert [name for name in ENGLISH if f'"{name}"' not in code and not name.startswith(derived)] == []
