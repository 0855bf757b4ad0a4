"""The World as an MTProto server: what `sandbox.server` starts beside the Bot API."""

from datetime import timedelta
from typing import Any

from sandbox.faults import Journal
from sandbox.flood import Flood
from sandbox.mtproto.faults import Fault, Faults
from sandbox.mtproto.methods import Api
from sandbox.mtproto.server import MtProto
from sandbox.world import World

APP = (94575, "0123456789abcdef0123456789abcdef")
"""The invented application that may log in here, api_id and api_hash."""


class MtProtoFace:
    def __init__(self, world: World, flood: Flood, journal: Journal, *, latency: timedelta) -> None:
        self.faults = Faults()
        self.api = Api(world, flood, app=APP)
        self.server = MtProto(
            self.api,
            self.faults,
            journal,
            latency=latency,
            clock=world.now,
            finished=lambda record: world.emit("call.finished", record),
        )

    async def start(self, host: str, port: int) -> None:
        await self.server.start(host, port)

    async def close(self) -> None:
        await self.server.close()
        self.api.close()

    def add_faults(self, given: list[dict[str, Any]]) -> None:
        for one in given:
            self.faults.add(Fault(**one))

    def about(self) -> dict[str, Any]:
        """What a client has to know."""
        return {
            "host": self.server.host,
            "port": self.server.port,
            "dc": 2,
            "public_key": self.server.public_key_pem,
            "api_id": APP[0],
            "api_hash": APP[1],
        }
