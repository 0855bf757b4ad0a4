"""A thread that watches the event loop: one that is stuck renews no lease and answers nobody, so the process ends.

Nothing is lost by that: what was on its way is a row, and the shards go to another worker when the leases end.
"""

import asyncio
import contextlib
import faulthandler
import os
import threading
import time
from collections.abc import Callable, Iterator

import structlog

from worker.metrics import LOOP_LAG

EXIT_CODE = 70
"""EX_SOFTWARE (sysexits.h)."""
BEATS = 10
"""In the time after which a loop counts as stuck."""
LONGEST_BEAT = 1.0
LAST_WORDS = 2.0
"""Seconds for each: whatever blocks the loop may hold the lock of the log, or nobody may read stderr."""

log = structlog.get_logger()


@contextlib.contextmanager
def watched(loop: asyncio.AbstractEventLoop, *, limit: float) -> Iterator[None]:
    """Ends the process with `EXIT_CODE` when `loop` runs nothing for `limit` seconds, and says where it stands."""
    watchdog = _Watchdog(loop, limit)
    thread = threading.Thread(target=watchdog.watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watchdog.stopped.set()


class _Watchdog:
    def __init__(self, loop: asyncio.AbstractEventLoop, limit: float) -> None:
        self.stopped = threading.Event()
        self._loop = loop
        self._limit = limit
        self._beat_every = min(limit / BEATS, LONGEST_BEAT)
        self._answered = threading.Event()

    def watch(self) -> None:
        """Adds up only the time in which it ran itself: a process that was stopped as a whole is not stuck."""
        silent = 0.0
        self._ask()
        while not self.stopped.wait(self._beat_every):
            if self._answered.is_set():
                self._ask()
                silent = 0.0
                continue
            if not self._loop.is_running():  # nobody runs it just now, which is another thing than being stuck
                silent = 0.0
                continue
            silent += self._beat_every
            if silent >= self._limit:
                self._end(silent)

    def _ask(self) -> None:
        self._answered.clear()
        asked_at = time.monotonic()
        try:
            self._loop.call_soon_threadsafe(self._answer, asked_at)
        except RuntimeError:  # the loop has been closed: there is nothing to watch any more
            self.stopped.set()

    def _answer(self, asked_at: float) -> None:
        LOOP_LAG.set(time.monotonic() - asked_at)
        self._answered.set()

    def _end(self, silent: float) -> None:
        try:
            _within(LAST_WORDS, lambda: log.critical("loop.stuck", seconds=round(silent, 1)))
            _within(LAST_WORDS, faulthandler.dump_traceback)
        finally:
            os._exit(EXIT_CODE)


def _within(seconds: float, act: Callable[[], object]) -> None:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
