"""What people do in the group can be looked up afterwards: over real sockets, from the command to the API."""

from tenants.access.keys import create_key
from tests.api_client import open_api
from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"


async def test_the_owner_reads_who_closed_a_dialog(desk: Stage, redis_url: str) -> None:
    world = desk.world
    world.send(desk.customer, desk.bot, "Hello, is anybody there?")
    await desk.until(lambda: desk.in_topic(ANNA))
    topic = desk.topic(ANNA)
    world.send(desk.operator, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.name == f"⬛️ {ANNA}" and topic.closed, "the black square")
    world.reopen_topic(desk.owner, desk.group, topic)
    await desk.until(lambda: topic.name == f"🟪 {ANNA}", "the purple square")
    async with open_api(desk.database, desk.keyring, redis_url) as api:
        key = await create_key(desk.database, desk.tenant.owner_id, "the owner's")
        answer = await api.ask("GET", f"/v1/tenants/{desk.tenant.id}/audit", key=key)
    items = answer.json()["items"]
    assert [(item["action"], item["params"], item["actor"]) for item in items[:2]] == [
        ("dialog.held", {"how": "topic"}, _operator(desk.owner.id, "Olivia Owner")),
        ("dialog.closed", {"how": "command"}, _operator(desk.operator.id, "Max")),
    ]
    (dialog,) = await desk.rows("SELECT id FROM dialogs")
    assert {item["subject"] for item in items[:2]} == {str(dialog.id)}
    assert [item["action"] for item in items[2:]] == ["group.linked", "tenant.connected"]
    assert "anybody" not in answer.text
    assert desk.bot.token not in answer.text


def _operator(user: int, name: str) -> dict[str, object]:
    return {"kind": "operator", "id": user, "name": name}
