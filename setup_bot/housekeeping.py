"""Groups in which the setup bot is an administrator: it notes whether it may manage topics there, and helps to find
a topic whose creation it was asked for and whose answer got lost.

Workers make topics through it (tenants/housekeepers.py). As an administrator it is shown all that is said there;
none of that is looked at.
"""

import asyncio
from typing import Any

import structlog

from tenants.backoff import patiently
from tenants.db import Database
from tenants.housekeepers import adopt_topic, is_known_topic, list_tenants_of_group, note_housekeeper
from tenants.ids import ChatId, TopicId, UserId
from tenants.owner_notices import HOUSEKEEPER, HOUSEKEEPER_GONE, enqueue_notice

LONGEST = 30.0
"""Seconds for one update."""
UNTIL_RECORDED = 3.0
"""Seconds after which a topic that is nobody's was made by a call whose answer got lost."""

log = structlog.get_logger()


class Housekeeping:
    def __init__(self, me: UserId, database: Database, *, until_recorded: float = UNTIL_RECORDED) -> None:
        self._me = me
        self._database = database
        self._until_recorded = until_recorded

    async def handle(self, raw: dict[str, Any]) -> bool:
        """Whether the update is about a group, so that nobody else has to look at it. Raises nothing."""
        body = raw.get("my_chat_member") or raw.get("message")
        chat = body.get("chat") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(chat, dict) or not isinstance(chat.get("id"), int):
            return "my_chat_member" in raw
        if chat.get("type") == "private":
            return "my_chat_member" in raw
        try:
            async with asyncio.timeout(LONGEST):
                await patiently(lambda: self._look_at(ChatId(chat["id"]), raw, body), name="housekeeping")
        except Exception:
            log.exception("housekeeping.failed", group=chat["id"])
        return True

    async def _look_at(self, group: ChatId, raw: dict[str, Any], body: dict[str, Any]) -> None:
        if "my_chat_member" in raw:
            await self._note_membership(group, body.get("new_chat_member") or {})
        elif "forum_topic_created" in body and body.get("from", {}).get("id") == self._me:
            topic = TopicId(int(body.get("message_thread_id", body["message_id"])))
            await self._look_after(group, topic, str(body["forum_topic_created"].get("name", "")))

    async def _note_membership(self, group: ChatId, member: dict[str, Any]) -> None:
        may = member.get("status") == "administrator" and bool(member.get("can_manage_topics"))
        async with self._database.fleet() as unit:
            is_new = await note_housekeeper(unit, group, may=may)
            tenants = await list_tenants_of_group(unit, group) if is_new else []
        log.info("housekeeper.noted", group=group, may=may)
        for tenant in tenants:
            async with self._database.tenant(tenant) as unit:
                await enqueue_notice(unit, tenant, HOUSEKEEPER if may else HOUSEKEEPER_GONE)

    async def _look_after(self, group: ChatId, topic: TopicId, title: str) -> None:
        await asyncio.sleep(self._until_recorded)
        async with self._database.fleet() as unit:
            tenants = await list_tenants_of_group(unit, group)
        for tenant in tenants:
            async with self._database.tenant(tenant) as unit:
                if await is_known_topic(unit, tenant, topic):
                    return
        for tenant in tenants:
            async with self._database.tenant(tenant) as unit:
                if await adopt_topic(unit, tenant, topic, title):
                    log.info("housekeeper.topic_adopted", tenant=str(tenant), topic=topic)
                    return
