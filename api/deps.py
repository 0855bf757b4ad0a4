"""What the routes are given."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from connecting.bots import Bots
from connecting.groups import Groups
from connecting.setup_bot import SetupBot
from tenants.access.administrators import Administrators
from tenants.access.keys import ApiKey, Keys
from tenants.access.repeats import Repeats
from tenants.archive.reading import Archive
from tenants.audit.reading import AuditLog
from tenants.billing.accounts import Accounts
from tenants.connections import Connections
from tenants.db import Database
from tenants.dead_letters import DeadLetters
from tenants.dialog_pages import DialogPages
from tenants.ids import UserId
from tenants.settings.service import SettingsService
from tenants.usage.reading import Meter
from tenants.webhooks.service import Webhooks

Authenticated = Request[UserId, ApiKey, State]


@dataclass(frozen=True, slots=True)
class Services:
    """What one process has of everything."""

    database: Database
    redis: Redis
    connections: Connections
    settings: SettingsService
    dead_letters: DeadLetters
    audit: AuditLog
    webhooks: Webhooks
    archive: Archive
    meter: Meter
    accounts: Accounts
    dialogs: DialogPages
    repeats: Repeats
    groups: Groups
    setup_bot: SetupBot
    bots: Bots
    administrators: Administrators
    keys: Keys
    metrics: CollectorRegistry


TheServices = NamedDependency[Services]
TheConnections = NamedDependency[Connections]
TheSettings = NamedDependency[SettingsService]
TheDeadLetters = NamedDependency[DeadLetters]
TheWebhooks = NamedDependency[Webhooks]
TheAudit = NamedDependency[AuditLog]
TheArchive = NamedDependency[Archive]
TheMeter = NamedDependency[Meter]
TheAccounts = NamedDependency[Accounts]
TheGroups = NamedDependency[Groups]
TheSetupBot = NamedDependency[SetupBot]
TheBots = NamedDependency[Bots]
TheAdministrators = NamedDependency[Administrators]
TheKeys = NamedDependency[Keys]
TheDialogs = NamedDependency[DialogPages]
TheOwner = NamedDependency[UserId]
TheKey = NamedDependency[ApiKey]


def dependencies(services: Services) -> dict[str, Any]:
    return {
        "services": Provide(lambda: services, sync_to_thread=False),
        "connections": Provide(lambda: services.connections, sync_to_thread=False),
        "settings": Provide(lambda: services.settings, sync_to_thread=False),
        "dead_letters": Provide(lambda: services.dead_letters, sync_to_thread=False),
        "audit": Provide(lambda: services.audit, sync_to_thread=False),
        "webhooks": Provide(lambda: services.webhooks, sync_to_thread=False),
        "dialogs": Provide(lambda: services.dialogs, sync_to_thread=False),
        "accounts": Provide(lambda: services.accounts, sync_to_thread=False),
        "archive": Provide(lambda: services.archive, sync_to_thread=False),
        "meter": Provide(lambda: services.meter, sync_to_thread=False),
        "groups": Provide(lambda: services.groups, sync_to_thread=False),
        "setup_bot": Provide(lambda: services.setup_bot, sync_to_thread=False),
        "bots": Provide(lambda: services.bots, sync_to_thread=False),
        "administrators": Provide(lambda: services.administrators, sync_to_thread=False),
        "keys": Provide(lambda: services.keys, sync_to_thread=False),
    }


def provide_owner(request: Authenticated) -> UserId:
    return request.user


def provide_key(request: Authenticated) -> ApiKey:
    return request.auth
