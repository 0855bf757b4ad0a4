"""The setup bot in five languages: chosen, guessed from Telegram, kept, and spoken also unasked."""

from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from setup_bot.texts import Language, speaking, words
from tenants.config import Config
from tenants.db import Database
from tenants.tokens import mark_revoked
from tests.e2e.setup_bot_stage import Person, Stage, running_stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


def said(language: Language, name: str) -> str:
    with speaking(language):
        return words(name)


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
