"""The smallest program that runs a desk: plain calls of the Bot API, no code of the product."""

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Self

import aiohttp

_POLL = 20
_TOO_MANY = 429


class EchoRelay:
    """A topic for each customer; what is said on one side is copied to the other."""

    def __init__(self, url: str, demo: dict[str, Any]) -> None:
        self._root = f"{url}/bot{demo['bot_token']}/"
        self._group = demo["group_id"]
        self._topics: dict[int, int] = {}
        self._customers: dict[int, int] = {}
        self._never = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
            await self._task
        await self._http.close()

    async def _run(self) -> None:
        offset = 0
        while True:
            for update in await self._call("getUpdates", offset=offset, timeout=_POLL):
                offset = update["update_id"] + 1
                if "message" in update:
                    await self._relay(update["message"])
                elif "callback_query" in update:
                    await self._answer(update["callback_query"])

    async def _relay(self, message: dict[str, Any]) -> None:
        chat = message["chat"]
        if chat["type"] == "private":
            topic = self._topics.get(chat["id"]) or await self._open_topic(message["from"])
            await self._copy(message, chat_id=self._group, message_thread_id=topic)
        elif message.get("message_thread_id") in self._customers and not _is_service(message):
            topic = message["message_thread_id"]
            if message.get("text") == "/close":
                await self._call("closeForumTopic", chat_id=self._group, message_thread_id=topic)
            else:
                await self._copy(message, chat_id=self._customers[topic])

    async def _open_topic(self, customer: dict[str, Any]) -> int:
        topic: int = (await self._call("createForumTopic", chat_id=self._group, name=f"🟪 {customer['first_name']}"))[
            "message_thread_id"
        ]
        self._topics[customer["id"]] = topic
        self._customers[topic] = customer["id"]
        buttons = [
            [{"text": "Prices", "callback_data": "prices"}, {"text": "Rules", "callback_data": "rules"}],
            [{"text": "Sold out", "disabled": True}],
        ]
        keyboard = {"inline_keyboard": buttons}
        await self._call("sendMessage", chat_id=customer["id"], text="Welcome!", reply_markup=keyboard)
        return topic

    async def _copy(self, message: dict[str, Any], **where: int) -> None:
        await self._call("copyMessage", from_chat_id=message["chat"]["id"], message_id=message["message_id"], **where)

    async def _answer(self, query: dict[str, Any]) -> None:
        alert = query["data"] == "rules"
        text = "Be kind." if alert else "All for one coin."
        await self._call("answerCallbackQuery", callback_query_id=query["id"], text=text, show_alert=alert)

    async def _call(self, method: str, **params: Any) -> Any:
        while True:
            async with self._http.post(self._root + method, json=params) as response:
                body = await response.json(content_type=None)
            if body["ok"]:
                return body["result"]
            assert body["error_code"] == _TOO_MANY, body
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(body["parameters"]["retry_after"]):
                    await self._never.wait()


def _is_service(message: dict[str, Any]) -> bool:
    return any(key.startswith("forum_topic") for key in message)
