"""A desk's mail as rows: messages that are waiting, delivered or buried, and updates that were set aside."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text

from tenants.archive import Direction, Keeping, Kept, keep
from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import ChatId, DialogId, LaneId, MessageId, RowId, TopicId, UpdateId, new_id
from tenants.intake import UPDATE_BODY
from tenants.models import dialogs, lanes, updates
from tenants.outbox import Body, NewRow, enqueue

GROUP = ChatId(-1001)
ANN = ChatId(77)
TOPIC = TopicId(500)

_LAST = text("SELECT id FROM outbox ORDER BY created_at DESC, lane_seq DESC LIMIT 1")
_END = text(
    """
    WITH ended AS (
        UPDATE outbox SET state = :state, ended_at = clock_timestamp(), tried_at = clock_timestamp(),
            attempts = attempts + 1, error = :error, error_text = :sentence, result_message_id = :result
        WHERE id = :row RETURNING lane_id, lane_seq
    )
    UPDATE lanes l SET head_seq = greatest(l.head_seq, e.lane_seq + 1) FROM ended e WHERE l.id = e.lane_id
    """
)
_SET_ASIDE = text(
    """
    INSERT INTO updates (tenant_id, update_id, kind, disposition, reason, body)
    VALUES (:tenant, :update, 'message', 'failed', 'KeyError', :body)
    """
)


_LOCATE = text(
    "UPDATE updates SET chat_id = :chat, message_id = :message, topic_id = :topic WHERE update_id = :update"
)


@dataclass(frozen=True)
class Talk:
    """A dialog and its lanes."""

    id: DialogId
    chat_id: ChatId
    topic_lane: LaneId
    customer_lane: LaneId


@dataclass
class Mail:
    database: Database
    keyring: Keyring
    tenant: Tenant

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.tenant(self.tenant.id) as unit:
            found = await unit.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def dispositions(self) -> dict[str, int]:
        rows = await self.rows("SELECT coalesce(disposition, 'unaccounted'), count(*) FROM dispositions GROUP BY 1")
        return {row[0]: row[1] for row in rows}

    async def open_dialog(self, name: str = "Ann", *, chat: int = ANN, topic: int | None = TOPIC) -> Talk:
        talk = Talk(DialogId(new_id()), ChatId(chat), LaneId(new_id()), LaneId(new_id()))
        mine = {"tenant_id": self.tenant.id}
        shown = {"name": name, "topic_name": name, "status": "user_answered", "topic_id": topic}
        async with self.database.tenant(self.tenant.id) as unit:
            await unit.execute(insert(dialogs).values(id=talk.id, chat_id=chat, **shown, **mine))
            for lane, direction in ((talk.topic_lane, "topic"), (talk.customer_lane, "customer")):
                await unit.execute(insert(lanes).values(id=lane, dialog_id=talk.id, direction=direction, **mine))
        return talk

    async def copy(self, dialog: Talk, words: str, *, message: int, album: str | None = None) -> RowId:
        """What a customer wrote, on its way into the topic. The update has the message's number."""
        source = (dialog.chat_id, MessageId(message))
        row = NewRow(dialog.topic_lane, "copy", Body(words), UpdateId(message), source, album=album)
        return await self._put(row)

    async def answer(self, dialog: Talk, words: str, *, message: int, album: str | None = None) -> RowId:
        """What an operator wrote in the topic, on its way to the customer."""
        source = (GROUP, MessageId(message))
        row = NewRow(dialog.customer_lane, "answer", Body(words), UpdateId(message), source, album=album)
        return await self._put(row)

    async def keep(self, dialog: Talk, words: str, *, message: int) -> None:
        """In the archive, as the customer's."""
        kept = Kept(dialog.id, Direction.CUSTOMER, (dialog.chat_id, MessageId(message)), Body(words))
        async with self.database.tenant(self.tenant.id) as unit:
            await keep(unit, {self.tenant.id: Keeping([kept])}, self.keyring)

    async def notice(self, dialog: Talk, words: str, **about: Any) -> RowId:
        return await self._put(NewRow(dialog.topic_lane, "notice", Body(words), **about))

    async def _put(self, row: NewRow) -> RowId:
        async with self.database.tenant(self.tenant.id) as unit:
            if row.update_id is not None and row.kind != "notice":
                received = {"update_id": row.update_id, "kind": "message", "disposition": "queued"}
                await unit.execute(insert(updates).values(tenant_id=self.tenant.id, **received))
            await enqueue(unit, self.tenant.id, [row], self.keyring)
            return RowId((await unit.execute(_LAST)).scalar_one())

    async def deliver(self, row: RowId, *, result: int) -> None:
        await self._end(row, "delivered", result=result)

    async def bury(
        self, *rows: RowId, error: str = "blocked", sentence: str | None = "The customer has blocked it."
    ) -> None:
        for row in rows:
            await self._end(row, "buried", error=error, sentence=sentence)

    async def _end(self, row: RowId, state: str, **what: Any) -> None:
        values = {"row": row, "state": state, "error": None, "sentence": None, "result": None, **what}
        async with self.database.tenant(self.tenant.id) as unit:
            await unit.execute(_END, values)

    async def locate(self, number: int, *, chat: int, message: int, topic: int | None = None) -> None:
        values = {"update": number, "chat": chat, "message": message, "topic": topic}
        async with self.database.tenant(self.tenant.id) as unit:
            await unit.execute(_LOCATE, values)

    async def set_aside(self, number: int, raw: bytes = b"{}") -> UpdateId:
        sealed = self.keyring.encrypt(self.tenant.id, UPDATE_BODY, raw)
        async with self.database.tenant(self.tenant.id) as unit:
            await unit.execute(_SET_ASIDE, {"tenant": self.tenant.id, "update": number, "body": sealed})
        return UpdateId(number)
