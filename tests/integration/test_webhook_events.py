"""What happens to dialogs is stored for webhooks with what it comes from: a row per address, no word of a text."""

import json

import pytest
from sqlalchemy import text

from sessions.port import Batch, Cursor
from tenants.dialog_events import close_due
from tenants.settings.service import SettingsService
from tenants.settings.webhooks import EVENTS
from tenants.webhooks.happenings import tell_answered
from tests.fakes import BOT
from tests.integration.conftest import OWNER, DeskUnderTest

HOOK = "https://hooks.example.com/all?key=secret"
OTHER = "https://other.example.com/sent"
TEXT = "a text that nobody may read"


async def _say(desk: DeskUnderTest, *events) -> None:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    for _ in range(8):
        desk.sender.wake()
        await desk.turn()


async def _told(desk: DeskUnderTest, url: str = HOOK) -> list[str]:
    rows = await desk.rows("SELECT event FROM webhook_deliveries WHERE url = :url ORDER BY id", url=url)
    return [row.event for row in rows]


@pytest.fixture
async def desk(desk: DeskUnderTest) -> DeskUnderTest:
    await desk.change_settings(WEBHOOKS={HOOK: list(EVENTS), OTHER: ["message_sent"]})
    return desk


async def _topic(desk: DeskUnderTest) -> int:
    await _say(desk, desk.session.customer(TEXT))
    (topic,) = desk.session.topics
    return topic


async def test_a_conversation_is_told_to_whoever_wants_to_know(desk: DeskUnderTest) -> None:
    topic = await _topic(desk)
    assert await _told(desk) == ["dialog_created", "message_received"]
    await _say(desk, desk.session.operator(TEXT, topic))
    await _say(desk, desk.session.operator("/close", topic))
    await _say(desk, desk.session.customer(TEXT))
    assert await _told(desk) == [
        "dialog_created",
        "message_received",
        "message_sent",
        "dialog_closed",
        "dialog_reopened",
        "message_received",
    ]
    assert await _told(desk, OTHER) == ["message_sent"]


async def test_a_payload_has_ids_and_times_and_nothing_else(desk: DeskUnderTest) -> None:
    message = desk.session.customer(TEXT, name="Ann Lee")
    await _say(desk, message)
    created, received = await desk.rows("SELECT payload, created_at FROM webhook_deliveries ORDER BY id")
    (dialog,) = await desk.rows("SELECT id FROM dialogs")
    data = {
        "tenant_id": str(desk.tenant.id),
        "dialog_id": str(dialog.id),
        "dialog_kind": "private",
        "customer_id": 77,
    }
    assert (created.payload["type"], created.payload["data"]) == ("dialog_created", data)
    assert received.payload == {
        "type": "message_received",
        "timestamp": received.created_at.isoformat(),
        "data": {**data, "message_id": message.id},
    }
    whole = json.dumps([created.payload, received.payload])
    assert TEXT not in whole
    assert "Ann" not in whole


async def test_what_hides_links_hides_the_customers_id(desk: DeskUnderTest) -> None:
    await desk.change_settings(HIDE_INFO=["link"])
    await _topic(desk)
    rows = await desk.rows("SELECT payload FROM webhook_deliveries")
    assert {row.payload["data"]["customer_id"] for row in rows} == {None}


async def test_topics_closed_by_hand_and_by_the_clock_are_told(desk: DeskUnderTest) -> None:
    topic = await _topic(desk)
    event = desk.session.topic_event
    await _say(desk, event("closed", topic), event("reopened", topic), event("closed", topic, actor=BOT))
    await _say(desk, desk.session.operator(TEXT, topic))
    async with desk.database.tenant(desk.tenant.id) as unit:
        await unit.execute(text("UPDATE dialogs SET close_at = now()"))
        await close_due(unit, desk.tenant.id)
    assert (await _told(desk))[2:] == ["dialog_closed", "dialog_reopened", "message_sent", "dialog_closed"]


async def test_what_the_program_writes_is_told_as_intercepted(desk: DeskUnderTest) -> None:
    await _topic(desk)
    await _say(desk, desk.session.customer(TEXT, sender=BOT, outgoing=True))
    assert (await _told(desk))[2:] == ["message_intercepted"]


async def test_an_answer_that_is_recorded_twice_is_told_once(desk: DeskUnderTest) -> None:
    topic = await _topic(desk)
    await _say(desk, desk.session.operator(TEXT, topic))
    rows = await desk.rows("SELECT id FROM outbox WHERE kind = 'answer'")
    async with desk.database.tenants([desk.tenant.id]) as unit:
        await tell_answered(unit, [row.id for row in rows])
    assert (await _told(desk)).count("message_sent") == 1


async def test_nothing_is_told_where_nobody_asked_or_the_plan_has_no_webhooks(desk: DeskUnderTest) -> None:
    async with desk.database.tenant(desk.tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET plan = 'free'"))
    topic = await _topic(desk)
    await _say(desk, desk.session.operator(TEXT, topic))
    await _say(desk, desk.session.operator("/close", topic))
    assert await _told(desk) == []


async def test_a_batch_that_is_not_stored_tells_nothing(desk: DeskUnderTest) -> None:
    async with desk.database.fleet() as unit:
        await unit.execute(text("UPDATE leases SET term = term + 1"))
    fed = await desk.session.feed(desk.session.customer(TEXT))
    with pytest.raises(Exception, match="Another worker"):
        await desk.store_only(Batch(tuple(fed), Cursor("1")))
    assert await _told(desk) == []


async def test_an_address_of_this_machine_is_for_trying(desk: DeskUnderTest) -> None:
    here = {"http://127.0.0.1:9/hook": ["dialog_created"]}
    with pytest.raises(Exception, match="public internet"):
        await desk.change_settings(WEBHOOKS=here)
    changed = await SettingsService(desk.connections, loopback=True).change(OWNER, desk.tenant.id, {"WEBHOOKS": here})
    assert changed.overrides["WEBHOOKS"] == here
