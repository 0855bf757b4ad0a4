"""How a child says that it is ready, in the manner of sd_notify, and how a server is asked whether it is."""

import asyncio
import http.client
import os
from contextlib import suppress
from urllib.parse import urlsplit

READY_FD = "BACKLINE_READY_FD"
READY_LINE = b"READY=1\n"
POLL_SECONDS = 0.05
ANSWER_SECONDS = 2.0


def announce_ready() -> None:
    """Tell whoever started us; does nothing if nobody asked, or the second time."""
    descriptor = os.environ.pop(READY_FD, "")
    if descriptor.isdecimal():
        with suppress(BrokenPipeError), os.fdopen(int(descriptor), "wb", buffering=0) as pipe:
            pipe.write(READY_LINE)


async def announced(descriptor: int) -> bool:
    """Wait for the line of `announce_ready`; False if the child closed its end without it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        return await reader.readline() == READY_LINE
    finally:
        transport.close()


async def answers(url: str) -> bytes:
    """Ask until the answer is 200; returns its body."""
    while True:
        body = await asyncio.to_thread(_asked, url)
        if body is not None:
            return body
        await asyncio.sleep(POLL_SECONDS)


def _asked(url: str) -> bytes | None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == http.HTTPStatus.OK else None
