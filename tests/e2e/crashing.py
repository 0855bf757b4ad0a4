"""A worker that dies at a named edge: a process that has imported everything forks one for each order it reads.

Orders are lines of JSON on stdin: {"checkpoint": NAME or null, "passes": N}. The child kills itself when it passes
the checkpoint for the N-th time; without a checkpoint it runs until SIGTERM. Each order is answered by two lines:
the child's pid, and how it ended.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys

import uvloop

from tenants.config import Config
from tenants.logging import configure_logging
from worker import checkpoints
from worker.main import run


def serve() -> None:
    config = Config.from_env(os.environ)
    configure_logging("json")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(config, order["checkpoint"], order["passes"])
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(config: Config, name: str | None, passes: int) -> None:
    passed = 0

    def die(at: str) -> None:
        nonlocal passed
        passed += at == name
        if passed == passes:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoints.hook = die if name is not None else None

    async def until_stopped() -> None:
        task = asyncio.ensure_future(run(config, lambda: None))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        with contextlib.suppress(asyncio.CancelledError):
            await task

    uvloop.run(until_stopped())


if __name__ == "__main__":
    serve()
