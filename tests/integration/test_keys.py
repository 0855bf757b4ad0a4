"""API keys: shown once, found by their digest, good for one owner."""

import pytest
from sqlalchemy import func, select, update

from tenants.access.keys import PREFIX, create_key, find_key
from tenants.access.tables import api_keys
from tenants.db import Database
from tests.factories import OWNER, STRANGER


async def test_a_key_leads_to_its_owner(database: Database):
    mine, other = await create_key(database, OWNER, "mine"), await create_key(database, STRANGER, "other")
    for key, owner in ((mine, OWNER), (other, STRANGER)):
        found = await find_key(database, key)
        assert found is not None
        assert found.owner == owner
        assert key.startswith(PREFIX)
        assert len(key) > 40


async def test_a_key_that_is_not_exactly_one_leads_nowhere(database: Database):
    key = await create_key(database, OWNER, "mine")
    for wrong in ("", PREFIX, key[:-1], key + "x", f" {key}", key.removeprefix(PREFIX), key.upper(), "\0"):
        assert await find_key(database, wrong) is None


async def test_a_revoked_key_leads_nowhere(database: Database):
    key = await create_key(database, OWNER, "mine")
    async with database.owner(OWNER) as unit:
        await unit.execute(update(api_keys).values(revoked_at=func.now()))
    assert await find_key(database, key) is None


async def test_an_owner_may_have_several(database: Database):
    keys = [await create_key(database, OWNER, "the same label") for _ in range(3)]
    assert len({found.id for key in keys if (found := await find_key(database, key))}) == 3


async def test_the_key_itself_is_not_stored(database: Database):
    key = await create_key(database, OWNER, "mine")
    async with database.owner(OWNER) as unit:
        row = (await unit.execute(select(api_keys))).one()
    assert row.label == "mine"
    assert key not in str(row)
    assert key.encode() not in row.digest


@pytest.mark.parametrize("owner", [STRANGER])
async def test_nobody_sees_anothers_keys(database: Database, owner):
    await create_key(database, OWNER, "mine")
    async with database.owner(owner) as unit:
        assert (await unit.execute(select(api_keys.c.id))).all() == []
