"""`python -m sandbox.stripe`: a pretend Stripe in a process of its own."""

import argparse
import asyncio
import contextlib
import errno
import os
import signal
import sys
from pathlib import Path

from sandbox.stripe.server import SECRET_KEY, FakeStripe


def main() -> None:
    options = _options()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(options))
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        sys.exit(f"Port {options.port} of this machine {reason}.")


def _options() -> argparse.Namespace:
    """The environment, or arguments, which win: a secret is never an argument."""
    found = os.environ.get
    memory = found("FAKE_STRIPE_MEMORY")
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=int(found("FAKE_STRIPE_PORT", "8083")))
    parser.add_argument(
        "--webhook-url", default=found("FAKE_STRIPE_WEBHOOK_URL"), help="where all events are sent to"
    )
    parser.add_argument(
        "--memory", type=Path, default=Path(memory) if memory else None, help="a file that the account is kept in"
    )
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    key = os.environ.get("FAKE_STRIPE_SECRET_KEY", SECRET_KEY)
    async with FakeStripe(port=options.port, secret_key=key, memory=options.memory) as fake:
        if options.webhook_url:
            fake.add_endpoint(options.webhook_url, secret=os.environ.get("FAKE_STRIPE_WEBHOOK_SECRET"))
        sys.stdout.write(f"Stripe is at {fake.url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
