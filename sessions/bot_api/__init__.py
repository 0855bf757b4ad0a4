"""The Bot API adapter: aiogram's Bot and methods over one shared HTTP session."""

from sessions.bot_api.session import BotApiSessions

__all__ = ["BotApiSessions"]
