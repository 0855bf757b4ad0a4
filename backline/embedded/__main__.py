"""`python -m backline.embedded COMMAND...` runs a command beside servers that are thrown away afterwards.

The command finds them in DATABASE_URL and REDIS_URL.
"""

import os
import subprocess
import sys

from backline.embedded import EmbeddedError, Postgres, Valkey, temporary_folder


def main(command: list[str]) -> int:
    try:
        with (
            temporary_folder() as folder,
            Postgres(folder / "postgres", durable=False) as postgres,
            Valkey(folder / "valkey", durable=False) as valkey,
        ):
            environment = {**os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
            return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 — that is our task
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
