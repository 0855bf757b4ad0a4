"""What the flows work with, put together in `main` and handed to every handler by aiogram."""

from dataclasses import dataclass

from connecting.bots import Bots
from sessions.port import SessionFactory
from setup_bot.hearers import Hearers
from setup_bot.shop import Shop
from setup_bot.stars import StarsGateway
from setup_bot.waiting import Waiting
from tenants.access.administrators import Administrators
from tenants.access.keys import Keys
from tenants.connections import Connections
from tenants.ids import UserId
from tenants.settings.service import SettingsService
from tenants.usage.reading import Meter
from tenants.webhooks.service import Webhooks


@dataclass(frozen=True, slots=True)
class Me:
    """The setup bot itself. `makes_bots`: it may manage bots that people make with it (Bot API: can_manage_bots)."""

    id: UserId
    username: str
    makes_bots: bool


@dataclass(frozen=True, slots=True)
class Services:
    me: Me
    connections: Connections
    bots: Bots
    settings: SettingsService
    administrators: Administrators
    keys: Keys
    webhooks: Webhooks
    meter: Meter
    shop: Shop
    stars: StarsGateway
    sessions: SessionFactory
    waiting: Waiting
    hearers: Hearers
