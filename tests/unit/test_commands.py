"""What counts as a command, a comment, and a message."""

import pytest

from worker.commands import COMMANDS
from worker.decisions.command import read_command
from worker.manual import help_in_general, help_in_topic


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


def test_help_names_every_command_and_fits_into_a_message() -> None:
    for command in COMMANDS.values():
        assert f"/{command.name}" in help_in_topic("nonsense")
        assert f"/{command.name}" in help_in_general()
    typed = read_command("/" + "x" * 10_000)
    assert typed is not None
    assert len(help_in_topic(typed.name)) < 4096
