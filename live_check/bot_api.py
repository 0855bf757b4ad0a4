"""The Bot API as the checks use it: JSON, and Telegram's refusals word for word. It shows no address and no token."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import orjson

from live_check.check import Undecided

TOO_MANY = 429
LONGEST_WAIT = 120.0
"""A flood wait that is longer ends the check instead."""
CALL_SECONDS = 65.0

Pause = Callable[[float], Awaitable[None]]


class Refused(Exception):
    """`text` is Telegram's own, `wait` its retry_after in seconds, 0 where there is none."""

    def __init__(self, code: int, text: str, wait: float = 0.0) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.wait = wait


class BotApi:
    """Flood waits are waited out with `pause`, unless a call is not patient."""

    def __init__(self, root: str, token: str, pause: Pause) -> None:
        self._root = f"{root}/bot{token}"
        self._pause = pause
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS, connect=10))

    async def close(self) -> None:
        await self._client.close()

    async def call(self, method: str, *, patient: bool = True, **values: Any) -> Any:
        """The result. Raises `Refused`, and `Undecided` where there is no answer."""
        while True:
            try:
                return await self._post(method, json=values)
            except Refused as refused:
                if not patient or refused.code != TOO_MANY or refused.wait > LONGEST_WAIT:
                    raise
                await self._pause(refused.wait)

    async def send_documents(self, chat: int, files: Sequence[tuple[str, bytes]]) -> list[int]:
        """As an album; the ids."""
        form = aiohttp.FormData()
        media = [{"type": "document", "media": f"attach://{name}"} for name, _ in files]
        form.add_field("chat_id", str(chat))
        form.add_field("media", orjson.dumps(media).decode())
        for name, content in files:
            form.add_field(name, content, filename=f"{name}.txt", content_type="text/plain")
        return [message["message_id"] for message in await self._post("sendMediaGroup", data=form)]

    async def _post(self, method: str, **body: Any) -> Any:
        try:
            async with self._client.post(f"{self._root}/{method}", allow_redirects=False, **body) as answer:
                told = orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Undecided(f"{method} got no usable answer ({type(error).__name__})") from None
        if told.get("ok"):
            return told["result"]
        wait = float(told.get("parameters", {}).get("retry_after", 0))
        raise Refused(int(told.get("error_code", 0)), str(told.get("description", "")), wait)
