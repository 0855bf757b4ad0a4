"""`python -m sandbox`: a local Telegram in a process of its own."""

import argparse
import asyncio
import contextlib
import errno
import signal
import sys
from datetime import timedelta
from pathlib import Path

from sandbox.demo import populate
from sandbox.memory import Memory
from sandbox.server import Sandbox


def main() -> None:
    options = _options()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(options))
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        sys.exit(f"Port {options.port} of this machine {reason}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--mtproto-port", type=int, help="also an MTProto server, on this port; 0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=80)
    parser.add_argument("--no-flood-control", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of invented ids and tokens")
    parser.add_argument("--demo", action="store_true", help="with people, bots and groups to play with")
    parser.add_argument("--memory", type=Path, help="a file in which the World is kept from one run to the next")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    memory = Memory(options.memory) if options.memory else None
    recalled = memory.recall() if memory else None
    sandbox = Sandbox(
        port=options.port,
        latency=timedelta(milliseconds=options.latency_ms),
        flood_control=not options.no_flood_control,
        seed=options.seed,
        world=recalled[0] if recalled else None,
        mtproto_port=options.mtproto_port,
    )
    if recalled:
        sandbox.cast = recalled[1]
    elif options.demo:
        sandbox.cast = populate(sandbox.world)
    async with sandbox:
        keeping = asyncio.create_task(memory.follow(sandbox.world, sandbox.cast)) if memory else None
        sys.stdout.write(f"Telegram is at {sandbox.url}\n")
        sys.stdout.flush()
        await stop.wait()
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait([keeping])


if __name__ == "__main__":
    main()
