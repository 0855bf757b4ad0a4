"""A screen: one message of text and buttons, within Telegram's limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiogram.utils.formatting import Bold, Text, sizeof

from setup_bot.texts import words

TEXT_LIMIT = 4096
"""UTF-16 units of a message's text (Bot API: sendMessage)."""
BUTTON_LIMIT = 100
"""Buttons of one inline keyboard."""

Row = Sequence[InlineKeyboardButton]


@dataclass(frozen=True, slots=True)
class Screen:
    text: Text
    rows: tuple[tuple[InlineKeyboardButton, ...], ...] = ()

    def markup(self) -> InlineKeyboardMarkup | None:
        return InlineKeyboardMarkup(inline_keyboard=[list(row) for row in self.rows]) if self.rows else None

    def digest(self) -> str:
        """Tells one screen from another."""
        labels = [button.text for row in self.rows for button in row]
        return sha256("\0".join([self.text.render()[0], *labels]).encode()).hexdigest()[:16]


def screen(title: Text, *paragraphs: Text | None, rows: Sequence[Row] = (), notice: Text | None = None) -> Screen:
    """`notice` is what just happened and stands on top."""
    parts: list[object] = [] if notice is None else [notice, "\n\n"]
    parts.append(Bold(title))
    for paragraph in paragraphs:
        if paragraph is not None:
            parts += ["\n\n", paragraph]
    return Screen(Text(*parts), tuple(tuple(row) for row in rows))


def lines(*items: Text) -> Text:
    parts: list[object] = []
    for item in items:
        parts += [item, "\n"]
    return Text(*parts[:-1])


def button(name: str, data: CallbackData, /, **values: object) -> InlineKeyboardButton:
    return plain_button(words(name, **values), data)


def plain_button(label: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=label, callback_data=data.pack())


def link_button(name: str, url: str, /, **values: object) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=words(name, **values), url=url)


def shorten(value: str, budget: int) -> str:
    """The value, or as much of it as fits into so many UTF-16 units, saying how much is missing."""
    if sizeof(value) <= budget:
        return value
    room = max(0, budget - sizeof(words("setting.more", count=len(value))))
    kept = value.encode("utf-16-le")[: 2 * room].decode("utf-16-le", errors="ignore")
    return kept + words("setting.more", count=len(value) - len(kept))


def room_beside(shown: Screen) -> int:
    """UTF-16 units that are left in a screen."""
    return TEXT_LIMIT - len(shown.text)
