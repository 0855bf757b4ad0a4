"""Whether a bot hears all that is written in a group: with privacy mode on, only where it is an administrator.

In privacy mode a bot gets commands, mentions and replies to it (Bot API: getMe, can_read_all_group_messages). Only
Telegram knows, so the question is a row, asked when its turn comes.
"""

import json

from sessions.port import Session
from tenants.db import UnitOfWork
from tenants.ids import ChatId, TenantId
from tenants.owner_notices import DEAF, enqueue_notice
from worker.inquiries import Rights

DEAF_LINE = (
    "🔇 In this group the bot hears only commands, mentions and replies to it. To see everything here, make it an "
    "administrator of that group, or switch its privacy mode off in @BotFather (/setprivacy), remove it from the "
    "group and add it again."
)
_QUESTION = "hearing?"


def question_about(chat: ChatId, title: str) -> str:
    """As the body of a row."""
    return json.dumps([_QUESTION, chat, title], ensure_ascii=False)


def read_question(body: str) -> tuple[ChatId, str] | None:
    """The group and its title; None for another question."""
    kind, *rest = json.loads(body)
    return (ChatId(rest[0]), str(rest[1])) if kind == _QUESTION else None


async def is_deaf(session: Session, rights: Rights, chat: ChatId) -> bool:
    """Raises `SessionError`."""
    me = await session.identify()
    return not me.hears_groups and not (await rights.of(session, chat, me.id)).is_administrator


async def tell_deaf(unit: UnitOfWork, tenant: TenantId, chat: ChatId, title: str) -> None:
    """Its owner, once per group."""
    await enqueue_notice(unit, tenant, DEAF, key=f"{DEAF}:{tenant}:{chat}", params={"chat": title})
