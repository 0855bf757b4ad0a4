"""What tests of the parallel session do to it, and what they look at."""

import itertools
from collections.abc import Callable
from typing import Any

from sandbox.mtproto.faults import Fault
from sandbox.world import Message as Written
from sandbox.world import posting
from sandbox.world.talking import say
from sessions.errors import Flaky, SessionError
from sessions.events import Batch, Cursor, Incoming, Message
from sessions.mtproto import MtprotoSession
from sessions.port import Doubt, IdempotencyKey, Text
from tenants.ids import MessageId
from tests.e2e.rigs import OverMtproto, parallel_sessions

LOGIN = "auth.importBotAuthorization"
_numbers = itertools.count()


def add_fault(rig: OverMtproto, kind: str, **values: Any) -> Fault:
    assert rig.sandbox.mtproto is not None
    return rig.sandbox.mtproto.faults.add(Fault(kind=kind, **values))  # type: ignore[arg-type]


def count_asked(rig: OverMtproto, method: str) -> int:
    return sum(call.method == method for call in rig.sandbox.journal.calls)


def new_key() -> IdempotencyKey:
    return IdempotencyKey(f"trouble-{next(_numbers)}")


def text(rig: OverMtproto, words: str, key: IdempotencyKey | None = None, doubt: Doubt | None = None) -> Text:
    return Text(key or new_key(), rig.customer, None, words, markdown=False, reply_to=None, doubt=doubt)


def reopen(rig: OverMtproto, guard: Callable[[], None] | None = None, **values: Any) -> MtprotoSession:
    """As another process, with the same safe. Who opened it before has closed it."""
    session = parallel_sessions(rig.sandbox, **values).open(rig.bot.token, guard, rig.safe)
    rig.session = session
    return session


def program_writes(rig: OverMtproto, words: str) -> Written:
    return posting.post(rig.world, rig.world.private(rig.ann, rig.bot), rig.bot, say(words))


async def receive_all(rig: OverMtproto, cursor: Cursor | None, count: int) -> tuple[list[Incoming], Cursor]:
    """So many updates at least. Troubles are passed over, as the relay does it, without its pauses."""
    updates: list[Incoming] = []
    troubles: list[SessionError] = []
    while len(updates) < count:
        try:
            batch: Batch = await rig.session.receive(cursor)
        except Flaky as error:
            troubles.append(error)
            assert len(troubles) < 6, troubles
            continue
        rig.safe.hashes.update(batch.hashes)
        cursor = batch.cursor
        updates += batch.updates
    assert cursor is not None
    return updates, cursor


def words_of(updates: list[Incoming]) -> list[str]:
    return [update.event.text for update in updates if isinstance(update.event, Message)]


async def send_from(rig: OverMtproto, words: str, **values: Any) -> MessageId:
    return (await rig.session.send(text(rig, words, **values)))[0]
