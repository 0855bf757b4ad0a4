"""The catalogues of all languages say the same things, completely, and with the forms that each language needs."""

import re
import string
from collections.abc import Iterator, Mapping

import pytest
from babel import Locale

from sessions.errors import Revoked
from setup_bot.main import COMMANDS
from setup_bot.talk import TOAST_LIMIT
from setup_bot.texts import SENTENCES, Language, find_text, say, sentence, speaking, words
from setup_bot.texts.catalogues import Forms, read
from setup_bot.texts.languages import nearest
from setup_bot.texts.settings import english
from tenants.connections import NOT_OFFERED
from tenants.errors import Invalid, LeaseLost, NotFound
from tenants.markdown import NAMES
from tenants.phrases import Phrase
from tenants.settings.catalog import PROBLEMS, entries
from tenants.settings.field import AlwaysEmpty, Frozen, NeverOff
from tests.unit.spoken_sentences import MADE_OF_PARTS, find_sentences
from worker.runner import NOT_CONFIGURED

ENGLISH = read(Language.ENGLISH)
OTHERS = [language for language in Language if language is not Language.ENGLISH]
SAME_EVERYWHERE = {
    "Backline {plan}",
    "{name}: {problem}",
    "Id: {id}",
    "{title}: {value}",
    "Plan: {plan}",
    "Status: {state}",
    "Bot: @{bot}",
}
"""Names, signs, and words that some of the languages share."""
SHARED_WORDS = {"💳 Plan", "link", "Violet", "Rose", "Webhooks", "✖️ No"}
TOASTS = ("old_button", "not_yours", "link.nothing", "card.started", "card.stopped", "mode.not_offered")
OVER_HTTP = (
    (
        "The first request with this Idempotency-Key was interrupted after it had taken effect, and its answer is "
        "lost: look at what is there now."
    ),
    "The first request with this Idempotency-Key still runs: try again in a moment.",
    "There is no setup bot here, which would take the invitation.",
    "No card is taken here: ask whoever runs this Backline.",
)
"""Sentences that programs read, and no screen says."""
LONGEST_COMMAND = 256
"""Characters of a command's description (Bot API: BotCommand)."""


def of_the_domain() -> dict[str, str]:
    """Every English sentence of the domain that the setup bot may have to say, and where it stands."""
    found = find_sentences()
    for text in (LeaseLost().text, *OVER_HTTP):
        del found[text]
    found |= dict.fromkeys(NAMES.values(), "tenants.markdown.NAMES")
    found |= dict.fromkeys(PROBLEMS.values(), "tenants.settings.catalog.PROBLEMS")
    found |= dict.fromkeys((NOT_OFFERED, NOT_CONFIGURED, Revoked().text), "stored as a problem")
    for entry in entries().values():
        kind = entry.setting.kind
        found |= dict.fromkeys([getattr(kind.hint, "template", kind.hint), *kind.words], f"the kind {kind.name}")
    for limit in (AlwaysEmpty(), Frozen(), NeverOff("x")):
        found[limit.describe()] = type(limit).__name__
    return found


def of_the_settings() -> set[str]:
    names = set()
    for entry in entries().values():
        names |= {f"settings.{entry.name}.title", f"settings.{entry.name}.description"}
        names |= {f"settings.{entry.name}.options.{option}" for option in entry.setting.kind.options}
    return names


def expected() -> set[str]:
    return {*ENGLISH, *of_the_settings(), *(SENTENCES + text for text in of_the_domain())}


def english_of(name: str) -> str | Forms:
    if name.startswith(SENTENCES):
        return name.removeprefix(SENTENCES)
    if name in ENGLISH:
        return ENGLISH[name]
    with speaking(Language.ENGLISH):
        _, setting, *what = name.split(".")
        entry = entries()[setting]
        if what[0] == "options":
            return entry.setting.kind.options[what[1]]
        return entry.description if what == ["description"] else entry.setting.title


def forms(entry: str | Forms) -> Mapping[str, str]:
    return {"other": entry} if isinstance(entry, str) else entry


def placeholders(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}


def each(language: Language) -> Iterator[tuple[str, str, str]]:
    """Name, text, and the English text: every form by itself."""
    for name, entry in read(language).items():
        original = english_of(name)
        for text in forms(entry).values():
            yield name, text, forms(original)["other"]


def test_no_sentence_of_the_domain_is_put_together_where_it_is_raised() -> None:
    assert find_sentences().get(MADE_OF_PARTS) is None, "make it a Phrase, so that it can be said in other languages"


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_missing_and_nothing_is_left_over(language: Language) -> None:
    assert set(read(language)) ^ expected() == set()


@pytest.mark.parametrize("language", Language)
def test_every_text_has_all_placeholders_in_all_forms(language: Language) -> None:
    for name, text, original in each(language):
        literal = name.startswith("settings.") and name not in ENGLISH
        if not literal:
            assert placeholders(text) == placeholders(original), (name, text)


@pytest.mark.parametrize("language", Language)
def test_every_text_that_depends_on_a_number_has_the_forms_of_its_language(language: Language) -> None:
    needed = {*Locale.parse(language.value).plural_form.tags, "other"}
    for name, entry in read(language).items():
        original = english_of(name)
        if not isinstance(entry, str):
            assert set(entry) == needed, name
            assert "{count}" in forms(original)["other"], name
        else:
            assert isinstance(original, str), f"{name} has no plural forms"


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_was_left_in_english(language: Language) -> None:
    for name, text, original in each(language):
        has_words = re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}|OFF|ON", "", original))
        if has_words and original not in SAME_EVERYWHERE | SHARED_WORDS:
            assert text != original, name


@pytest.mark.parametrize("language", OTHERS)
def test_numbers_commands_and_names_are_the_same_in_every_language(language: Language) -> None:
    """A limit that was changed in English, or a command that was renamed, has to be changed in all."""
    exact = re.compile(r"\d+|(?<!\w)/[a-z_]+|\b[A-Z][A-Z_]{3,}\b|https?://|@BotFather")
    for name, text, original in each(language):
        assert sorted(set(exact.findall(text))) == sorted(set(exact.findall(original))), name


@pytest.mark.parametrize("language", Language)
def test_texts_begin_and_end_as_they_do_in_english(language: Language) -> None:
    for name, text, original in each(language):
        assert text.strip(" ") == text or name in {"setting.now", "setting.example"}, name
        assert text[-1] == original[-1] or not original.endswith((".", " ")), name
        first = original[0]
        assert first.isascii() or first == "“" or text[0] == first, name


@pytest.mark.parametrize("language", Language)
def test_toasts_and_commands_fit(language: Language) -> None:
    with speaking(language):
        for command in COMMANDS:
            assert 0 < len(words(f"command.{command}")) <= LONGEST_COMMAND
        for name in TOASTS:
            assert len(words(name)) <= TOAST_LIMIT, name


@pytest.mark.parametrize(
    ("count", "shown"), [(1, "1 символ"), (3, "3 символа"), (5, "5 символов"), (21, "21 символ")]
)
def test_russian_has_three_forms(count: int, shown: str) -> None:
    with speaking(Language.RUSSIAN):
        assert words("setting.more", count=count) == f"… и ещё {shown}"


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "3,500 ch"), ("ru", "3\u00a0500 с"), ("es", "3.500 c"), ("de", "3.500 Z"), ("fr", "3\u202f500 c")],
)
def test_numbers_are_written_as_the_language_writes_them(language: str, shown: str) -> None:
    with speaking(Language(language)):
        assert shown in words("setting.more", count=3500)


def test_a_sentence_of_the_domain_is_said_with_its_values_and_those_of_its_parts() -> None:
    raised = Invalid(
        Phrase("{name}: {problem}", name="AUTOCLOSE", problem=Phrase(PROBLEMS["too_long"], count=2, actual_length=3))
    )
    assert raised.text == "AUTOCLOSE: should have at most 2 items, not 3."
    with speaking(Language.RUSSIAN):
        assert sentence(raised.text) == "AUTOCLOSE: должно быть не больше 2 элементов, а не 3."
        assert sentence(NotFound("connection").text) == "Такого подключения нет."


def test_what_strangers_wrote_is_no_placeholder_in_any_language() -> None:
    for language in Language:
        with speaking(language):
            shown = sentence(Phrase("There is no setting {name}.", name="{name} {0} {{ everyone"))
            assert "{name} {0} {{ everyone" in shown
            assert "{bot} {" in say("people.joined", bot="{bot} {").render()[0]


def test_what_has_no_translation_is_said_in_english() -> None:
    with speaking(Language.GERMAN):
        assert sentence("Brand new.") == "Brand new."
        assert sentence(Phrase("Brand new {thing}.", thing="{x}")) == "Brand new {x}."


@pytest.mark.parametrize("language", Language)
def test_the_words_of_a_value_can_be_typed_back(language: Language) -> None:
    for entry in entries().values():
        kind = entry.setting.kind
        with speaking(language):
            assert [english(entry, sentence(known)) for known in kind.words] == list(kind.words)
            for option in kind.options:
                label = find_text(f"settings.{entry.name}.options.{option}") or kind.options[option]
                assert kind.parse(english(entry, label.upper())) in (option, [option])


@pytest.mark.parametrize(
    ("tag", "language"),
    [("ru", "ru"), ("es-419", "es"), ("de_AT", "de"), ("FR", "fr"), ("zh-hans", "en"), ("", "en"), (None, "en")],
)
def test_a_tag_is_matched_by_its_first_part(tag: str | None, language: str) -> None:
    assert nearest(tag) == language
