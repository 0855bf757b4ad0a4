"""`make bench`: what there is to measure, one after the other; `make bench ARGS="flood --minutes 2"` for one."""

import argparse
import asyncio
from types import ModuleType

from bench import budget, flood, idle, idle_parallel, mirror, neighbour, relay, scale
from bench.stage import house

BENCHES: dict[str, ModuleType] = {
    "relay": relay,
    "budget": budget,
    "scale": scale,
    "idle": idle,
    "flood": flood,
    "neighbour": neighbour,
    "mirror": mirror,
    "idle-parallel": idle_parallel,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Without a name: all, in half an hour.")
    names = parser.add_subparsers(dest="name")
    for name, bench in BENCHES.items():
        about = (bench.__doc__ or "").partition("\n")[0]
        bench.arguments(names.add_parser(name, help=about, description=bench.__doc__))
    given = parser.parse_args()
    for name in [given.name] if given.name else BENCHES:
        bench = BENCHES[name]
        with house() as servers:  # each its own: nobody measures what another one left behind
            asyncio.run(bench.run(given if given.name else _defaults(bench), servers))


def _defaults(bench: ModuleType) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.arguments(parser)
    return parser.parse_args([])


if __name__ == "__main__":
    main()
