"""A desk that is connected already, so that whoever starts the sandbox can write a message at once."""

from collections.abc import Mapping
from typing import Any

from tenants.config import Config
from tenants.connections import Connections
from tenants.crypto import load_keyring
from tenants.db import Database
from tenants.groups import ProposedGroup, propose_group


async def connect_demo(config: Config, demo: Mapping[str, Any]) -> None:
    """What the setup bot does, for the sandbox's own shop. Does nothing where its owner has a connection."""
    database = Database(config.database_url.get_secret_value(), pool_size=1)
    connections = Connections(database, load_keyring(config.backline_keyring), plan=config.starting_plan)
    owner = demo["owner_id"]
    try:
        if await connections.list_tenants(owner):
            return
        tenant = await connections.connect(
            owner, demo["bot_token"], bot_id=demo["bot_id"], username=demo["bot_username"], name=demo["bot_name"]
        )
        word = await connections.make_group_link(owner, tenant.id)
        proposed = ProposedGroup(tenant.id, demo["group_id"], demo["group_title"], owner)
        async with database.tenant(tenant.id) as unit:
            await propose_group(unit, proposed, word)
        await connections.attach_group(owner, proposed, title=proposed.title)
    finally:
        await database.close()
