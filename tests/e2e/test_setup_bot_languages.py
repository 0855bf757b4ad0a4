"""The setup bot in five languages: chosen, guessed from Telegram, kept, and spoken also unasked."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from setup_bot.callbacks import Card, New, Setting, Sure, Use
from setup_bot.texts import Language, sentence, speaking, words
from setup_bot.texts.catalogues import read
from setup_bot.texts.settings import title
from tenants.config import Config
from tenants.connections import Tenant
from tenants.db import Database
from tenants.phrases import Phrase
from tenants.settings.catalog import entries, get_entry
from tenants.tokens import mark_revoked
from tests.e2e.setup_bot_stage import Person, Stage, running_stage
from tests.unit.test_languages import of_the_domain
from worker.main import run as run_worker


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


def said(language: Language, name: str, **values: object) -> str:
    with speaking(language):
        return words(name, **values)


async def begin(person: Person, language: Language) -> None:
    person.send("/start")
    await person.sees(said(language, "home.title"))


@pytest.mark.parametrize("language", Language)
async def test_a_language_that_is_chosen_stays(stage: Stage, language: Language) -> None:
    person = stage.person("Olivia", "pt-br")
    await begin(person, Language.ENGLISH)
    await person.tap("🌐", said(Language.ENGLISH, "language.how"))
    assert person.labels()[: len(Language)] == [("✅ " if one == "en" else "") + one.native for one in Language]
    await person.tap(language.native, said(language, "language.changed"), said(language, "home.title"))
    person.send("/language")
    await person.sees(said(language, "language.how"))
    assert f"✅ {language.native}" in person.labels()


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("ru", Language.RUSSIAN),
        ("es-419", Language.SPANISH),
        ("DE", Language.GERMAN),
        ("fr_CA", Language.FRENCH),
        ("zh-hans", Language.ENGLISH),
        (None, Language.ENGLISH),
    ],
)
async def test_until_one_is_chosen_telegrams_language_counts(
    stage: Stage, tag: str | None, language: Language
) -> None:
    person = stage.person("Olivia", tag)
    await begin(person, language)
    assert f"🌐 {language.native}" in person.labels()


async def test_each_language_has_its_commands(stage: Stage) -> None:
    await stage.until(lambda: len(stage.bot.commands) == len(Language), "setMyCommands")
    offered = {code: commands for (_, code), commands in stage.bot.commands.items()}
    assert set(offered) == {"", *(language.value for language in Language if language is not Language.ENGLISH)}
    for language in Language:
        commands = offered["" if language is Language.ENGLISH else language.value]
        assert [c["description"] for c in commands] == [
            said(language, f"command.{name}") for name in ("start", "language", "cancel")
        ]


async def test_what_nobody_asked_for_is_told_in_the_persons_language(stage: Stage) -> None:
    person = stage.person("Olga", "ru")
    await begin(person, Language.RUSSIAN)
    tenant = await stage.desk(person)
    async with stage.database.tenant(tenant.id) as unit:
        await mark_revoked(unit, tenant.id)
    with speaking(Language.RUSSIAN):
        await person.sees(words("told.revoked", bot=tenant.bot_username))


def english_fragments(language: Language) -> list[str]:
    """What would give away a text that was left in English: pieces of words between the placeholders, unless the
    language has them, too.
    """
    said_in_english = [*texts(Language.ENGLISH), *of_the_domain()]
    said_in_english += [text for e in entries().values() for text in (e.setting.title, e.description)]
    own = "\n".join(texts(language))
    pieces = {piece.strip() for text in said_in_english for piece in re.split(r"\{\w*\}|\n", text)}
    return [piece for piece in pieces if re.search(r"[a-z] [a-z]", piece) and piece not in own]


def texts(language: Language) -> list[str]:
    found: list[str] = []
    for entry in read(language).values():
        found += [entry] if isinstance(entry, str) else entry.values()
    return found


async def press_everything(person: Person, tenant: Tenant) -> list[str]:
    """From the present screen on, breadth first, every button that leads somewhere new, and in the end those that
    delete the connection; all that was shown.
    """
    shown: list[str] = []
    waiting, seen = offered(person), set[str]()
    while waiting:
        data = waiting.pop(0)
        if data not in seen and not data.startswith(("l:", "d:")):
            seen.add(data)
            shown += await press(person, data)
            waiting += offered(person)
    shown += await press(person, Card(tenant=tenant.id).pack())
    for _ in range(len(Sure)):
        shown += await press(person, next(data for data in offered(person) if data.startswith("d:")))
    return shown


async def press(person: Person, data: str) -> list[str]:
    return [await person.hears(person.forge(data)), person.screen().text, *person.labels()]


def offered(person: Person) -> list[str]:
    return [
        button["callback_data"] for row in person.screen().keyboard for button in row if "callback_data" in button
    ]


@pytest.mark.parametrize("language", Language)
async def test_every_button_of_every_screen_speaks_the_language(stage: Stage, language: Language) -> None:
    person = stage.person("Olga", language.value)
    tenant = await stage.desk(person, f"acme_{language}_bot")
    await begin(person, language)
    shown = await press_everything(person, tenant)
    assert await stage.tenants(person) == []
    assert len(shown) > 300
    for fragment in english_fragments(language) if language is not Language.ENGLISH else ():
        assert not [text for text in shown if fragment in text], fragment


@pytest.fixture
async def worker(stage: Stage) -> AsyncIterator[None]:
    ready = asyncio.Event()
    running = asyncio.create_task(run_worker(stage.config, ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.usefixtures("worker")
async def test_from_start_to_the_first_relay_by_buttons_alone(stage: Stage) -> None:
    await asyncio.gather(*(go_the_whole_way(stage, language) for language in Language))


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("language", Language)
async def test_from_start_to_the_first_relay_in_at_most_eight_taps_and_messages(
    stage: Stage, language: Language
) -> None:
    """In the language that the owner's Telegram has. Everything that the owner does is in this list."""
    world, owner = stage.world, stage.person("Olga", language.value)
    bot, group = stage.shop(owner, "acme_shop_bot"), world.add_forum("Acme", owner.user)

    async def choose_new() -> None:
        await tap(owner, New.__prefix__)

    async def use_group() -> None:
        await tap(owner, Use.__prefix__)

    async def send_token() -> None:
        owner.send(bot.token)
        await owner.sees(said(language, "link.title", bot=bot.username))

    async def press_link_and_choose_the_group() -> None:
        world.open_link(owner.user, owner.link(), group)
        await owner.sees(said(language, "group.found", title="Acme"))

    async def start() -> None:
        world.start(owner.user, stage.bot)
        await owner.sees(said(language, "home.title"))

    acts = [(1, start), (1, choose_new), (1, send_token), (2, press_link_and_choose_the_group), (1, use_group)]
    assert sum(number for number, _ in acts) <= 8
    for _, act in acts:
        await act()
    await owner.sees(said(language, "done.title"))
    world.send(world.add_user("Anna"), bot, "Is anybody there?")
    await stage.until(lambda: any(m.text == "Is anybody there?" for m in world.history(group)), "the message")
    await owner.sees(said(language, "done.works_title"))


async def go_the_whole_way(stage: Stage, language: Language) -> None:
    world, owner = stage.world, stage.person("Olga", language.value)
    bot, group = stage.shop(owner, f"acme_{language}_bot"), world.add_forum("Acme", owner.user)
    await begin(owner, language)
    await tap(owner, New.__prefix__)
    owner.send("no token")
    await owner.sees(said(language, "token.title"), said_of_the_domain(language, "That is not a bot token."))
    owner.send(bot.token)
    await owner.sees(said(language, "link.title", bot=bot.username))
    world.open_link(owner.user, owner.link(), group)
    await owner.sees(said(language, "group.found", title="Acme"))
    await tap(owner, Use.__prefix__)
    await owner.sees(said(language, "done.title"), said(language, "done.how", bot=bot.username, title="Acme"))
    world.send(world.add_user("Anna"), bot, "Is anybody there?")
    await stage.until(lambda: any(m.text == "Is anybody there?" for m in world.history(group)), "the message")


async def tap(person: Person, prefix: str) -> None:
    """The first button that carries data of this kind."""
    await person.hears(person.forge(next(data for data in offered(person) if data.partition(":")[0] == prefix)))


def said_of_the_domain(language: Language, beginning: str) -> str:
    with speaking(language):
        return sentence(next(text for text in of_the_domain() if text.startswith(beginning)))


@pytest.mark.parametrize("language", Language)
async def test_a_value_that_can_not_be_is_refused_in_the_language(stage: Stage, language: Language) -> None:
    person = stage.person("Olga", language.value)
    tenant = await stage.desk(person)
    await begin(person, language)
    person.forge(Setting(tenant=tenant.id, name="AUTOCLOSE").pack())
    with speaking(language):
        await person.sees(sentence("Send a whole number."))
        person.send("soon")
        await person.sees(f"⚠️ {sentence('Send a whole number, for example 24.')}")
        person.send("0")
        problem = Phrase("{name}: {problem}", name="AUTOCLOSE", problem=Phrase("should be {ge} or more.", ge=1))
        await person.sees(f"⚠️ {sentence(problem)}")
        person.send("24")
        await person.sees(words("setting.saved", title=title(get_entry("AUTOCLOSE"))))


@pytest.mark.parametrize("language", Language)
async def test_words_of_a_value_are_typed_in_the_language(stage: Stage, language: Language) -> None:
    person = stage.person("Olga", language.value)
    tenant = await stage.desk(person)
    await begin(person, language)
    person.forge(Setting(tenant=tenant.id, name="EXTENSIONS_ALLOWED").pack())
    with speaking(language):
        await person.sees(words("setting.now") + sentence("the owner"))
        person.send(sentence("everyone").upper())
        await person.sees(words("setting.saved", title=title(get_entry("EXTENSIONS_ALLOWED"))))
    assert (await stage.tenant(person)).overrides == {"EXTENSIONS_ALLOWED": ["."]}
