"""A tenant's own program in a process of its own, beside whatever Backline does with the same bot."""

import asyncio
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

PROGRAM = Path(__file__).parent.parent / "programs" / "menu_bot.py"
SOON = 30

Mode = Literal["polling", "webhook"]


class Program:
    """`async with Program("polling", bot.token, sandbox.url, folder) as program: ...`: ready inside, ended after."""

    def __init__(self, mode: Mode, token: str, url: str, folder: Path, *, port: int = 0) -> None:
        self._seen = folder / f"{mode}.jsonl"
        self._environ = {
            **os.environ,
            "BOT_MODE": mode,
            "BOT_TOKEN": token,
            "BOT_PORT": str(port),
            "BOT_SECRET": "the_program_s-own",
            "API_ROOT": url,
            "UPDATES_FILE": str(self._seen),
        }
        self._process: asyncio.subprocess.Process | None = None

    def updates(self) -> list[dict[str, Any]]:
        """Every update that it has received, in all its runs in this folder, as it came."""
        if not self._seen.exists():
            return []
        complete, _, _ = self._seen.read_text().rpartition("\n")
        return [json.loads(line) for line in complete.splitlines()]

    async def __aenter__(self) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, env=self._environ, stdout=asyncio.subprocess.PIPE
        )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(SOON):
                said = await process.stdout.readline()
            assert said == b"ready\n", f"{PROGRAM.name} has not become ready"
        except BaseException:
            await self._stop(process)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert await self._stop(self._process) == 0

    async def _stop(self, process: asyncio.subprocess.Process) -> int:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(SOON):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()
