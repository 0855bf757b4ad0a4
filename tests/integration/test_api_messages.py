"""A dialog's messages over HTTP: newest first, page by page, with their versions, and nobody else's."""

from datetime import datetime

import pytest

from tenants.access.keys import create_key
from tenants.archive import Direction, Keeping, Kept, keep
from tenants.connections import Tenant
from tenants.ids import ChatId, DialogId, MessageId, UserId, new_id
from tenants.outbox import Body
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import OWNER, STRANGER, make_tenant
from tests.letters import ANN, GROUP, Mail

MAX = UserId(7)


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def tenant(api: ApiUnderTest) -> Tenant:
    return await make_tenant(api.database, api.keyring)


@pytest.fixture
async def dialog(api: ApiUnderTest, tenant: Tenant) -> DialogId:
    return await _open(api, tenant)


async def _open(api: ApiUnderTest, tenant: Tenant) -> DialogId:
    return (await Mail(api.database, api.keyring, tenant).open_dialog()).id


def _wrote(dialog: DialogId, words: str, number: int, *, is_edit: bool = False, chat: ChatId = ANN) -> Kept:
    return Kept(dialog, Direction.CUSTOMER, (chat, MessageId(number)), Body(words), is_edit=is_edit)


async def _keep(api: ApiUnderTest, tenant: Tenant, keeping: Keeping) -> None:
    async with api.database.tenant(tenant.id) as unit:
        await keep(unit, {tenant.id: keeping}, api.keyring)


def _path(tenant: Tenant, dialog: object) -> str:
    return f"/v1/tenants/{tenant.id}/dialogs/{dialog}/messages"


async def test_a_message_is_shown_with_who_when_and_what_it_was(api: ApiUnderTest, tenant: Tenant, dialog: DialogId):
    source = (GROUP, MessageId(5))
    answer = Kept(dialog, Direction.TEAM, source, Body("first", content="photo"), MAX)
    edit = Kept(dialog, Direction.TEAM, source, Body("second", content="photo"), MAX, is_edit=True)
    member = Kept(dialog, Direction.CUSTOMER, (ANN, MessageId(1)), Body("hi", by="Member K7QX"))
    await _keep(api, tenant, Keeping([answer, edit, member], [source]))
    theirs, ours = (await api.ask("GET", _path(tenant, dialog))).json()["items"]
    times = [ours.pop("at"), ours.pop("deleted_at"), *(version.pop("at") for version in ours["versions"])]
    assert all(datetime.fromisoformat(at).tzinfo is not None for at in times)
    assert ours.pop("id")
    assert ours == {
        "direction": "team",
        "kind": "photo",
        "author": 7,
        "member": "",
        "text": "second",
        "versions": [{"number": 1, "text": "first"}, {"number": 2, "text": "second"}],
    }
    assert (theirs["direction"], theirs["author"], theirs["member"], theirs["deleted_at"]) == (
        "customer",
        None,
        "Member K7QX",
        None,
    )


async def test_pages_follow_each_other_newest_first(api: ApiUnderTest, tenant: Tenant, dialog: DialogId):
    await _keep(api, tenant, Keeping([_wrote(dialog, f"{number}", number) for number in range(5)]))
    await _keep(api, tenant, Keeping([_wrote(dialog, "0, edited", 0, is_edit=True)]))
    whole = (await api.ask("GET", _path(tenant, dialog))).json()
    assert whole["next"] is None
    assert [item["text"] for item in whole["items"]] == ["4", "3", "2", "1", "0, edited"]
    seen, sizes, cursor = [], [], None
    while cursor is not None or not sizes:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.ask("GET", _path(tenant, dialog), params=query)).json()
        seen += page["items"]
        sizes.append(len(page["items"]))
        cursor = page["next"]
    assert (seen, sizes) == (whole["items"], [2, 2, 1])


async def test_a_dialog_of_which_nothing_is_kept_has_an_empty_page(api: ApiUnderTest, tenant, dialog):
    assert (await api.ask("GET", _path(tenant, dialog))).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("query", "field"),
    [({"cursor": "x"}, "cursor"), ({"cursor": ""}, "cursor"), ({"limit": 0}, "limit"), ({"limit": 101}, "limit")],
)
async def test_a_question_that_makes_no_sense_is_refused_with_its_field(
    api: ApiUnderTest, tenant, dialog, query, field
):
    problem = problem_of(await api.ask("GET", _path(tenant, dialog), params=query), 400)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_nobody_crosses_over_to_another_owners_messages(api: ApiUnderTest, tenant: Tenant, dialog: DialogId):
    theirs = await make_tenant(api.database, api.keyring, owner=STRANGER, bot=6000)
    foreign = await _open(api, theirs)
    await _keep(api, tenant, Keeping([_wrote(dialog, "mine", 1)]))
    await _keep(api, theirs, Keeping([_wrote(foreign, "theirs", 1)]))
    key = await create_key(api.database, STRANGER, "theirs")
    (item,) = (await api.ask("GET", _path(theirs, foreign), key=key)).json()["items"]
    assert item["text"] == "theirs"
    for where, whose in ((theirs, foreign), (theirs, dialog), (tenant, foreign), (tenant, new_id())):
        answer = await api.ask("GET", _path(where, whose))
        problem_of(answer, 404)
        assert "theirs" not in answer.text
    crossed = await api.ask("GET", _path(tenant, dialog), params={"cursor": item["id"]})
    assert "theirs" not in crossed.text
    problem_of(await api.ask("GET", _path(tenant, dialog), key=key), 404)


async def test_two_bots_of_one_owner_are_kept_apart(api: ApiUnderTest, tenant: Tenant, dialog: DialogId):
    """The same person writes to both, and messages have the same numbers there."""
    other = await make_tenant(api.database, api.keyring, owner=OWNER, bot=6000)
    second = await _open(api, other)
    await _keep(api, tenant, Keeping([_wrote(dialog, "to the first", 1)]))
    await _keep(api, other, Keeping([_wrote(second, "to the second", 1)]))
    (item,) = (await api.ask("GET", _path(tenant, dialog))).json()["items"]
    assert [version["text"] for version in item["versions"]] == ["to the first"]
    problem_of(await api.ask("GET", _path(tenant, second)), 404)
