"""Dead letters over HTTP: listed page by page, replayed by id or all, and nobody else's."""

import pytest

from tenants.ids import RowId, UpdateId, new_id
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import STRANGER, make_running, make_tenant
from tests.letters import GROUP, TOPIC, Mail


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


async def _open(api: ApiUnderTest, **whose) -> Mail:
    tenant = await make_tenant(api.database, api.keyring, **whose)
    await make_running(api.database, tenant, group=GROUP)
    return Mail(api.database, api.keyring, tenant)


@pytest.fixture
async def mail(api: ApiUnderTest) -> Mail:
    return await _open(api)


def _path(mail: Mail) -> str:
    return f"/v1/tenants/{mail.tenant.id}/dead-letters"


async def _bury(mail: Mail, number: int = 1) -> list[RowId]:
    ann = await mail.open_dialog()
    rows = [await mail.answer(ann, "a secret", message=300 + n) for n in range(number)]
    await mail.bury(*rows)
    return rows


async def test_a_dead_letter_is_shown_with_its_reason_and_without_its_words(api: ApiUnderTest, mail: Mail):
    (row,) = await _bury(mail)
    answer = await api.ask("GET", _path(mail))
    (shown,) = answer.json()["items"]
    assert shown.pop("since")
    assert shown == {
        "id": str(row),
        "what": "answer",
        "direction": "customer",
        "customer": "Ann",
        "topic_id": TOPIC,
        "reason": {"code": "blocked", "text": "The customer has blocked it."},
        "attempts": 1,
        "retry_helps": True,
        "replay_requested_at": None,
    }
    assert "secret" not in answer.text


async def test_an_update_is_shown_without_the_name_of_our_error(api: ApiUnderTest, mail: Mail):
    await mail.set_aside(4000)
    answer = await api.ask("GET", _path(mail))
    assert answer.json()["items"][0]["id"] == "4000"
    assert "KeyError" not in answer.text


async def test_pages_follow_each_other_newest_first(api: ApiUnderTest, mail: Mail):
    made: list[RowId | UpdateId] = [*await _bury(mail, 3), await mail.set_aside(4000), await mail.set_aside(4001)]
    seen: list[str] = []
    cursor, sizes = None, []
    while cursor is not None or not sizes:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.ask("GET", _path(mail), params=query)).json()
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next"]
    assert seen == [str(one) for one in reversed(made)]
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("cursor", ["x", "", "1", "1.", "1.x", ".1", "x.1", f"{10**30}.1", f"{'9' * 5000}.1"])
async def test_a_cursor_that_is_none_is_refused(api: ApiUnderTest, mail: Mail, cursor: str):
    problem = problem_of(await api.ask("GET", _path(mail), params={"cursor": cursor}), 400)
    assert problem["errors"] == [
        {"field": "cursor", "text": "This cursor is none of ours: use `next` of the page before."}
    ]


async def test_what_is_replayed_is_dead_no_more(api: ApiUnderTest, mail: Mail):
    rows = await _bury(mail, 2)
    update = await mail.set_aside(4000)
    answer = await api.ask("POST", f"{_path(mail)}/replay", json={"ids": [str(rows[0]), str(update)]})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 2})
    left = (await api.ask("GET", _path(mail))).json()["items"]
    assert {(item["id"], item["replay_requested_at"] is None) for item in left} == {
        (str(rows[1]), True),
        (str(update), False),
    }


async def test_a_second_replay_is_a_conflict(api: ApiUnderTest, mail: Mail):
    body = {"ids": [str(one) for one in await _bury(mail)]}
    assert (await api.ask("POST", f"{_path(mail)}/replay", json=body)).is_success
    problem = problem_of(await api.ask("POST", f"{_path(mail)}/replay", json=body), 409)
    assert (problem["code"], problem["detail"]) == (
        "not_dead",
        "It is delivered or on its way: there is nothing to try again.",
    )


async def test_all_of_them_are_replayed(api: ApiUnderTest, mail: Mail):
    await _bury(mail, 3)
    answer = await api.ask("POST", f"{_path(mail)}/replay", json={"all": True})
    assert answer.json() == {"replayed": 3}
    assert (await api.ask("GET", _path(mail))).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"ids": ["x"]}, "'x' is no id of a dead letter: send ids as the list shows them."),
        ({"ids": ["1\n2"]}, "'1\\n2' is no id of a dead letter: send ids as the list shows them."),
        ({}, "Send either ids, or all as true."),
        ({"all": False}, "Send either ids, or all as true."),
        ({"ids": ["1"], "all": True}, "Send either ids, or all as true."),
    ],
)
async def test_bad_ids_are_told_in_one_sentence(api: ApiUnderTest, mail: Mail, body, sentence):
    problem = problem_of(await api.ask("POST", f"{_path(mail)}/replay", json=body), 400)
    assert problem["errors"] == [{"field": "ids", "text": sentence}]


@pytest.mark.parametrize(
    "body", [{"ids": []}, {"ids": "x"}, {"ids": [1]}, {"ids": ["1"] * 101}, {"all": 1}, {"a": 1}]
)
async def test_a_body_of_another_shape_is_refused(api: ApiUnderTest, mail: Mail, body):
    problem = problem_of(await api.ask("POST", f"{_path(mail)}/replay", json=body), 400)
    assert problem["errors"]


async def test_an_id_that_is_not_there_is_not_found(api: ApiUnderTest, mail: Mail):
    for one in (str(new_id()), "4000"):
        problem_of(await api.ask("POST", f"{_path(mail)}/replay", json={"ids": [one]}), 404)


async def test_a_dead_letter_of_another_owner_is_as_good_as_none(api: ApiUnderTest, mail: Mail):
    theirs = await _open(api, owner=STRANGER, bot=6000)
    rows = await _bury(theirs)
    body = {"ids": [str(one) for one in rows]}
    for foreign in (f"/v1/tenants/{new_id()}/dead-letters", _path(theirs)):
        problem_of(await api.ask("GET", foreign), 404)
        problem_of(await api.ask("POST", f"{foreign}/replay", json=body), 404)
        problem_of(await api.ask("POST", f"{foreign}/replay", json={"all": True}), 404)
    problem_of(await api.ask("POST", f"{_path(mail)}/replay", json=body), 404)
    assert [row.state for row in await theirs.rows("SELECT state FROM outbox")] == ["buried"]
