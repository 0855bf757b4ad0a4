"""`make live-check`: ends with 0 if nothing differs, 1 if something does, 2 if it could not be asked."""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from live_check.asking import CHECKS, Answer, ask_all, describe
from live_check.bot_api import Refused
from live_check.check import Check, Differs, Need, Undecided, needed
from live_check.given import Given, NotGiven, read_given
from live_check.stage import Stage

FINE, DIFFERENT, NOT_ASKED = 0, 1, 2


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    given = _arguments(arguments)
    checks = [check for check in CHECKS if not given.only or check.name in given.only]
    if given.list:
        print("\n\n".join(describe(check) for check in checks))
        return FINE
    try:
        return asyncio.run(_run(checks, read_given(environ, needed(checks))))
    except (NotGiven, Undecided, Refused) as error:
        print(error, file=sys.stderr)
        return NOT_ASKED


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m live_check", description=__doc__)
    names = [check.name for check in CHECKS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="these checks (see --list)")
    parser.add_argument("--list", action="store_true", help="say what is asked, and ask nothing")
    return parser.parse_args(arguments)


async def _run(checks: Sequence[Check], given: Given) -> int:
    async with Stage(given, _tell, asyncio.sleep) as stage:
        me = await stage.bot.call("getMe")
        _tell(f"@{me.get('username')} at {given.api_root}, {len(checks)} checks")
        if given.may_poll and any(Need.POLLING in check.needs for check in checks):
            _tell("LIVE_MAY_POLL=1: the bot's updates are fetched and confirmed; no other program will get them.")
        answers = await ask_all(checks, stage)
    _summarize(answers)
    return DIFFERENT if any(isinstance(answer.verdict, Differs) for answer in answers) else FINE


def _summarize(answers: Sequence[Answer]) -> None:
    counts = Counter(type(answer.verdict).__name__.lower() for answer in answers)
    _tell(f"{counts['holds']} hold, {counts['differs']} differ, {counts['unknown']} are unknown")


def _tell(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
