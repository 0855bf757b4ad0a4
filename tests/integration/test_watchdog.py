"""A stuck event loop ends its process and says where it stood: small programs, really started."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from worker.watchdog import EXIT_CODE

CHECKOUT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, logging, os, subprocess
from asyncio import sleep as pause
from time import sleep as block
from tenants.logging import configure_logging
from worker.metrics import LOOP_LAG
from worker.watchdog import watched

def dig_in_vain():
    {blocking}

async def main():
    with watched(asyncio.get_running_loop(), limit={limit}):
        {body}
    print("the end")

def run(main):
    {runner}

configure_logging("json")
run(main())
"""
BARE, FAST = "asyncio.run(main)", "import uvloop; uvloop.run(main)"
LATER = (
    "loop = asyncio.new_event_loop(); watched(loop, limit=0.1).__enter__(); block(0.5); loop.run_until_complete(main)"
)


def _run(body: str, *, blocking: str = "block(30)", limit: float = 0.5, runner: str = BARE):
    program = PROGRAM.format(body=body, blocking=blocking, limit=limit, runner=runner)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("runner", [BARE, FAST])
def test_a_loop_that_is_stuck_ends_the_process_with_one_line_and_all_stacks(runner: str) -> None:
    ran = _run("await pause(0.2); dig_in_vain()", runner=runner)
    assert (ran.returncode, ran.stdout) == (EXIT_CODE, "")
    line, *stacks = ran.stderr.splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["seconds"]) == ("loop.stuck", "critical", 0.5)
    assert any("dig_in_vain" in frame for frame in stacks)
    assert sum(frame.startswith(("Thread", "Current thread")) for frame in stacks) >= 2


def test_a_loop_that_works_hard_without_a_pause_is_stuck_too() -> None:
    ran = _run("dig_in_vain()", blocking="while True: pass")
    assert ran.returncode == EXIT_CODE


def test_the_end_comes_even_when_the_log_is_blocked() -> None:
    """Whatever holds the loop may hold the lock of the log's handler."""
    ran = _run("dig_in_vain()", blocking="logging.getLogger().handlers[0].acquire(); block(30)")
    assert ran.returncode == EXIT_CODE
    assert "dig_in_vain" in ran.stderr


def test_a_loop_that_answers_in_time_lives_on_and_its_lag_is_measured() -> None:
    lag = "LOOP_LAG.collect()[0].samples[0].value"
    ran = _run(f"print(max([block(0.3) or await pause(0.01) or {lag} for _ in range(6)]) > 0.02)", limit=2)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "True\nthe end\n", "")


def test_a_loop_that_nobody_runs_is_not_stuck() -> None:
    ran = _run("pass", runner=LATER)
    assert (ran.returncode, ran.stdout) == (0, "the end\n")


def test_a_process_that_was_stopped_as_a_whole_is_not_stuck() -> None:
    """The thread adds up only the time in which it ran itself."""
    signals = "f'sleep 0.2; kill -STOP {os.getpid()}; sleep 1.5; kill -CONT {os.getpid()}'"
    ran = _run(f"stopping = subprocess.Popen(['sh', '-c', {signals}]); await pause(2.5); stopping.wait()", limit=0.8)
    assert (ran.returncode, ran.stdout) == (0, "the end\n")
