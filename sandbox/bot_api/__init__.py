"""The World's face for bots: Telegram's Bot API over HTTP."""

from sandbox.bot_api.face import BotApi

__all__ = ["BotApi"]
