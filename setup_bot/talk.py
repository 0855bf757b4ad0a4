"""One exchange with one person: the only place that writes to Telegram in the setup bot's name."""

import contextlib

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.methods import AnswerCallbackQuery, DeleteMessage, EditMessageText, SendMessage
from aiogram.types import CallbackQuery, LinkPreviewOptions, Message
from aiogram.utils.formatting import Text

from setup_bot.screens.screen import Screen
from setup_bot.texts import sentence
from tenants.ids import UserId

TOAST_LIMIT = 200
"""Characters of an answer to a pressed button (Bot API: answerCallbackQuery)."""
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_NOT_MODIFIED = "message is not modified"


class Talk:
    """In a private chat, whose id is the person's. `pressed` is the message whose button was pressed, if one was."""

    def __init__(
        self, bot: Bot, person: UserId, *, callback: CallbackQuery | None = None, typed: Message | None = None
    ) -> None:
        self.person = person
        self._bot = bot
        self._callback_id = callback.id if callback else None
        self.pressed = callback.message.message_id if callback and callback.message else None
        self._typed = typed

    async def show(self, screen: Screen, *, replacing: int | None = None) -> int:
        """In place of the pressed message, else below what was typed; `replacing` goes then. The message's id."""
        if self.pressed is not None and await self._edit(self.pressed, screen):
            return self.pressed
        sent = await self._send(screen)
        if replacing is not None:
            await self.remove(replacing)
        return sent

    async def say(self, text: Text) -> None:
        await self._send(Screen(text))

    async def preview(self, markdown: str) -> str | None:
        """Shows a text as its readers will see it. What Telegram has against it, if it has."""
        request = SendMessage(
            chat_id=self.person, text=markdown, parse_mode="MarkdownV2", link_preview_options=_NO_PREVIEW
        )
        try:
            await self._bot(request)
        except TelegramBadRequest as error:
            return error.message
        return None

    async def toast(self, text: str = "", *, alert: bool = False) -> bool:
        """Answers the pressed button, once; what is too long for that becomes a message. Whether it was seen."""
        callback, self._callback_id = self._callback_id, None
        if callback is None:
            return False
        short = text if len(text) <= TOAST_LIMIT else ""
        try:
            await self._bot(AnswerCallbackQuery(callback_query_id=callback, text=short, show_alert=alert))
        except TelegramBadRequest:  # pressed more than a minute ago, or answered already
            return False
        return short == text

    async def tell(self, text: str) -> None:
        """What the domain says: over the pressed button where it fits, else as a message."""
        shown = sentence(text)
        if not await self.toast(shown, alert=True):
            await self.say(Text(shown))

    async def remove_typed(self) -> bool:
        """Deletes what the person typed."""
        return self._typed is not None and await self.remove(self._typed.message_id)

    async def remove(self, message: int) -> bool:
        try:
            await self._bot(DeleteMessage(chat_id=self.person, message_id=message))
        except TelegramBadRequest as error:
            return "not found" in error.message
        except TelegramAPIError:
            return False
        return True

    async def replace(self, message: int, screen: Screen) -> int:
        """Sends a screen that nobody asked for, so that it rings, and takes the old one away. The new one's id."""
        sent = await self._send(screen)
        await self.remove(message)
        return sent

    async def edit(self, message: int, screen: Screen) -> None:
        """Changes a screen without ringing. One that is gone stays gone."""
        with contextlib.suppress(TelegramBadRequest):
            await self._edit(message, screen)

    async def _edit(self, message: int, screen: Screen) -> bool:
        text, entities = screen.text.render()
        request = EditMessageText(
            chat_id=self.person,
            message_id=message,
            text=text,
            entities=entities,
            reply_markup=screen.markup(),
            link_preview_options=_NO_PREVIEW,
        )
        try:
            await self._bot(request)
        except TelegramBadRequest as error:
            return _NOT_MODIFIED in error.message
        return True

    async def _send(self, screen: Screen) -> int:
        text, entities = screen.text.render()
        request = SendMessage(
            chat_id=self.person,
            text=text,
            entities=entities,
            reply_markup=screen.markup(),
            link_preview_options=_NO_PREVIEW,
        )
        return (await self._bot(request)).message_id
