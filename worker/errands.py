"""Topic errands: make one, change its title, close or reopen it. One call each, one at a time per group."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from sessions.errors import Flaky, FloodWait, Gone, SessionError
from sessions.port import IdempotencyKey, Session
from tenants import intake, topics
from tenants.connections import follow_group
from tenants.db import UnitOfWork
from tenants.dialogs import Status, topic_title
from tenants.housekeepers import dismiss_housekeeper
from tenants.ids import ChatId, TopicId
from tenants.topics import TopicToMake, TopicToMend
from worker.checkpoints import checkpoint
from worker.housekeeper import is_dismissal
from worker.line import Line

Errand = TopicToMake | TopicToMend
SOON = timedelta(seconds=3)
ONCE_MENDED = timedelta(seconds=15)
"""A group whose rights are missing is asked again this often: its owner is mending it."""
LATER = timedelta(minutes=10)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ErrandResult:
    """`topic` is the made one; `title` and `is_open` are what the call changed."""

    errand: Errand
    topic: TopicId | None = None
    title: Status | None = None
    is_open: bool | None = None
    error: SessionError | None = None
    dismissed: bool = False
    """The housekeeper was refused, and the tenant's own bot went."""


async def run_errand(
    session: Session, group: ChatId, errand: Errand, *, housekeeper: Session | None = None
) -> ErrandResult:
    """A refusal is no attempt: what the housekeeper may not do, the tenant's own bot does."""
    if housekeeper is None:
        return await _run(session, group, errand)
    result = await _run(housekeeper, group, errand)
    if result.error is None or not is_dismissal(result.error):
        return result
    return replace(await _run(session, group, errand), dismissed=True)


async def _run(session: Session, group: ChatId, errand: Errand) -> ErrandResult:
    checkpoint("errand.before_call")
    try:
        if isinstance(errand, TopicToMake):
            key = IdempotencyKey(f"topic:{errand.dialog}:{errand.number}")
            title = topic_title(errand.status, errand.name)
            topic = await session.create_topic(group, title, key, errand.color)
            return ErrandResult(errand, topic=topic)
        return await _mend(session, group, errand)
    except SessionError as error:
        return ErrandResult(errand, error=error)


async def _mend(session: Session, group: ChatId, errand: TopicToMend) -> ErrandResult:
    """A topic that closes gets its title first, one that opens gets it last: it is open while we write."""
    if errand.status is not Status.CLOSED and not errand.open_now:
        await session.reopen_topic(group, errand.topic)
        return ErrandResult(errand, is_open=True)
    if errand.title_is_stale:
        await session.rename_topic(group, errand.topic, topic_title(errand.status, errand.name))
        return ErrandResult(errand, title=errand.status)
    await session.close_topic(group, errand.topic)
    return ErrandResult(errand, is_open=False)


async def record_errand(unit: UnitOfWork, line: Line, result: ErrandResult) -> None:
    errand = result.errand
    if result.dismissed and line.group is not None:
        await dismiss_housekeeper(unit, line.group)
    if result.error is not None:
        await _postpone(unit, line, errand, result.error)
    elif isinstance(errand, TopicToMend):
        await topics.record_mended(unit, line.tenant, line.lease, errand, title=result.title, is_open=result.is_open)
    elif result.topic is not None and line.group is not None:
        await topics.record_topic(unit, line.tenant, line.lease, errand, topic=result.topic, group=line.group)


async def _postpone(unit: UnitOfWork, line: Line, errand: Errand, error: SessionError) -> None:
    tenant = line.tenant
    log.warning("errand.failed", tenant=str(tenant), errand=type(errand).__name__, code=error.code)
    if isinstance(error, Gone) and error.what == "topic" and isinstance(errand, TopicToMend):
        await topics.forget_topic(unit, tenant, errand.dialog, errand.topic)
        return
    ambiguous = isinstance(error, Flaky) and error.ambiguous
    if ambiguous and isinstance(errand, TopicToMake):
        await topics.retry_errand(unit, tenant, errand.dialog, delay=topics.IN_DOUBT, ambiguous=True)
        return
    if isinstance(error, Gone) and error.moved_to is not None and line.group is not None:
        await follow_group(unit, tenant, line.group, ChatId(error.moved_to))
    if isinstance(error, Gone):
        await intake.note_group_problem(unit, tenant, error.text)
        await topics.retry_errand(unit, tenant, errand.dialog, delay=ONCE_MENDED)
        return
    passing = isinstance(error, (Flaky, FloodWait))
    await topics.retry_errand(unit, tenant, errand.dialog, delay=SOON if passing else LATER)
