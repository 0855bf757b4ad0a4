"""The page that shows the API: it names no address but our own."""

import re

import pytest

from tests.api_client import ApiUnderTest, open_api

ADDRESS = re.compile(r"""(?:https?:)?//[^\s"'<>)]+""")


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


async def test_the_page_names_no_foreign_address(api: ApiUnderTest):
    for path in ("/docs", "/docs/start.js"):
        answer = await api.ask("GET", path, key="")
        assert answer.is_success
        assert ADDRESS.findall(answer.text) == []


async def test_all_that_the_page_names_is_served_under_a_policy_that_forbids_the_rest(api: ApiUnderTest):
    page = await api.ask("GET", "/docs", key="")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    for path in ("/docs", *named):
        answer = await api.ask("GET", path, key="")
        assert answer.is_success
        assert answer.content
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "http" not in policy
        assert "*" not in policy


@pytest.mark.parametrize("name", ["index.html", "..%2f__init__.py", "swagger-ui.css.map", ""])
async def test_nothing_else_of_the_package_is_served(api: ApiUnderTest, name):
    answer = await api.ask("GET", f"/docs/{name}", key="")
    assert answer.status_code == 404 or answer.content == (await api.ask("GET", "/docs", key="")).content


async def test_the_style_sheet_loads_nothing_from_elsewhere(api: ApiUnderTest):
    sheet = (await api.ask("GET", "/docs/swagger-ui.css", key="")).text
    assert re.findall(r"url\((?!\"?data:|data:)[^)]*\)", sheet) == []
    assert "@import" not in sheet
