"""What the kinds of jobs do. A kind is one line here and one function, idempotent by its job's id."""

from datetime import timedelta

from tenants import archive, audit
from tenants.access import repeats
from tenants.billing import applying
from tenants.billing.books import APPLY
from tenants.db import UnitOfWork
from tenants.erasure import erase_tenant
from tenants.intake import forget_the_past
from tenants.jobs import Job, Kinds, forget_done_jobs
from tenants.owner_notices import forget_told
from tenants.usage.waiting import TELL_EXPIRED, set_aside_what_waited_too_long, tell_expired
from tenants.webhooks import deliveries

FORGET = "forget_the_past"

PERIODIC = {FORGET: timedelta(minutes=10), applying.LOOK: applying.LOOK_EVERY}
"""The fleet's own jobs: one row for each period."""


async def _forget(unit: UnitOfWork, _: Job) -> bool:
    await set_aside_what_waited_too_long(unit)
    await forget_the_past(unit)
    await forget_done_jobs(unit)
    await forget_told(unit)
    await audit.forget_old(unit)
    await deliveries.forget_old(unit)
    await repeats.forget_old(unit)
    return await archive.forget_old(unit)


KINDS: Kinds = {
    "erase_tenant": erase_tenant,
    FORGET: _forget,
    TELL_EXPIRED: tell_expired,
    APPLY: applying.apply,
    applying.LOOK: applying.look,
}
