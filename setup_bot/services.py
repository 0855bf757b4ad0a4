"""What the flows work with, put together in `main` and handed to every handler by aiogram."""

from dataclasses import dataclass

from connecting.bots import Bots
from sessions.port import SessionFactory
from setup_bot.waiting import Waiting
from tenants.connections import Connections
from tenants.ids import UserId
from tenants.settings.service import SettingsService


@dataclass(frozen=True, slots=True)
class Services:
    """`me` is the setup bot itself."""

    me: UserId
    connections: Connections
    bots: Bots
    settings: SettingsService
    sessions: SessionFactory
    waiting: Waiting
