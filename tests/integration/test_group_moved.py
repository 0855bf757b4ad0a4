"""A desk whose group became a supergroup with another id: the desk follows, from either side that says so."""

from sessions.errors import Gone
from sessions.events import Batch, Chat, ChatKind, GroupMoved
from tenants.ids import ChatId
from tests.fakes import GROUP
from tests.integration.conftest import DeskUnderTest

NEW = ChatId(-1009999999999)


async def _write(desk: DeskUnderTest, *events: object) -> None:
    fed = await desk.session.feed(*events)
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    for _ in range(4):
        desk.sender.wake()
        await desk.turn()


async def _where(desk: DeskUnderTest) -> list[tuple[int, int | None]]:
    rows = await desk.rows("SELECT t.group_id, d.topic_id FROM tenants t LEFT JOIN dialogs d ON d.tenant_id = t.id")
    return [(row.group_id, row.topic_id) for row in rows]


async def test_the_service_message_of_the_old_group_moves_the_desk(desk: DeskUnderTest) -> None:
    await _write(desk, desk.session.customer("hello"))
    await _write(desk, GroupMoved(Chat(GROUP, ChatKind.GROUP, "Desk"), NEW))
    assert await _where(desk) == [(NEW, None)]
    assert (await desk.rows("SELECT DISTINCT group_id FROM message_map"))[0].group_id == NEW
    assert (await desk.dispositions()) == {"relayed": 1, "handled": 1}


async def test_a_refused_message_moves_the_desk_and_waits_for_its_new_topic(desk: DeskUnderTest) -> None:
    await _write(desk, desk.session.customer("hello"))
    moved = Gone("group", "migrated", "The group became a supergroup with a new id.")
    moved.moved_to = NEW
    desk.session.faults["send"].append(moved)
    await _write(desk, desk.session.customer("still there?"))
    assert await _where(desk) == [(NEW, None)]
    assert (await desk.dispositions()) == {"relayed": 1, "waiting": 1}


async def test_another_group_that_moves_is_nobodys_desk(desk: DeskUnderTest) -> None:
    await _write(desk, desk.session.customer("hello"), GroupMoved(Chat(ChatId(-5), ChatKind.GROUP, "Other"), NEW))
    assert (await _where(desk))[0][0] == GROUP
    assert (await desk.dispositions()) == {"relayed": 1, "ignored": 1}


async def test_a_tenant_without_a_group_does_not_ask_again_and_again(desk: DeskUnderTest) -> None:
    await desk.rows("UPDATE tenants SET state = 'setup', group_id = NULL RETURNING 1")
    desk.seat.sender._line = type(desk.line)(desk.line.tenant, desk.line.lease, desk.session, None)
    fed = await desk.session.feed(desk.session.customer("too early"))
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    desk.sender.wake()
    await desk.turn()
    await desk.turn()
    assert desk.sender._timer is None
