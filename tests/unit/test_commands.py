"""What counts as a command, a comment, and a message."""

import re
from pathlib import Path

import pytest

from tenants.outbox import utf16
from worker.commands import COMMANDS
from worker.decisions.command import Place, read_command
from worker.manual import commands_page, help_in, listed, unknown


@pytest.mark.parametrize("text", ["hello", "", "a/b", " /close", "1/2"])
def test_an_ordinary_message_is_no_command(text: str) -> None:
    assert read_command(text) is None


@pytest.mark.parametrize("text", ["/ note", "/", "/\nnote", "/\u00a0note"])
def test_a_slash_and_a_space_begin_a_comment(text: str) -> None:
    typed = read_command(text)
    assert typed is not None
    assert typed.is_comment


@pytest.mark.parametrize(
    ("text", "name", "bot"),
    [
        ("/close", "close", None),
        ("/CLOSE now", "close", None),
        ("/close@shop_bot", "close", "shop_bot"),
        ("/hold\nsecond line", "hold", None),
        ("/path/to/file", "path/to/file", None),
        ("/" + "x" * 10_000, "x" * 32, None),
        ("/!", "!", None),
    ],
)
def test_a_command_is_read_with_the_bot_it_is_for(text: str, name: str, bot: str | None) -> None:
    typed = read_command(text)
    assert typed is not None
    assert (typed.name, typed.bot) == (name, bot)


def test_a_command_for_another_bot_is_not_ours_whatever_the_case() -> None:
    typed = read_command("/close@Shop_Bot")
    assert typed is not None
    assert typed.is_for("shop_bot")
    assert not typed.is_for("other_bot")


@pytest.mark.parametrize("place", Place)
def test_help_names_every_command_and_fits_into_a_message(place: Place) -> None:
    shown = help_in(place).body().text
    for command in COMMANDS.values():
        assert f"/{command.name}" in shown
    assert utf16(shown) < 4096
    assert "…" not in shown


def test_an_unknown_command_gets_one_line_however_long_it_is() -> None:
    typed = read_command("/" + "x" * 10_000)
    assert typed is not None
    assert len(unknown(typed.name)) < 100


def test_telegram_takes_the_list_of_commands() -> None:
    """Names of 1 to 32, descriptions of 1 to 256 characters (Bot API: BotCommand), at most 100 (setMyCommands)."""
    found = listed()
    assert len(found) <= 100
    for name, summary in found:
        assert re.fullmatch(r"[a-z0-9_]{1,32}", name)
        assert 1 <= len(summary) <= 256


def test_the_page_of_the_commands_is_fresh() -> None:
    assert (Path(__file__).parents[2] / "docs" / "commands.md").read_text() == commands_page(), "run `make docs`"
