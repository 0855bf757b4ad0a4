"""The description of the API: whole, true, and served by ourselves."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tenants.settings.catalog import entries
from tests.api_client import ApiUnderTest, open_api


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def document(api: ApiUnderTest) -> dict[str, Any]:
    answer = await api.ask("GET", "/schema/openapi.json", key="")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                yield f"{method} {path}", item[method]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Backline"


def test_every_reference_leads_somewhere(document):
    references = set(_references(document))
    assert references
    for reference in references:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_operation_needs_a_key_and_may_answer_with_a_problem(document):
    operations = dict(_operations(document))
    assert operations
    for name, operation in operations.items():
        assert operation["security"] == [{"key": []}], name
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, name
        assert all(status == "default" or status.startswith("2") for status in operation["responses"]), name
        assert operation["summary"], name


def test_operations_have_short_names_of_their_own(document):
    names = [operation["operationId"] for _, operation in _operations(document)]
    assert len(set(names)) == len(names)
    assert {"list_tenants", "connect_bot", "change_settings", "make_secret"} <= set(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+){1,3}", name) for name in names)


def test_every_post_takes_an_idempotency_key_and_nothing_else_does(document):
    for name, operation in _operations(document):
        headers = {found["name"] for found in operation.get("parameters", ()) if found["in"] == "header"}
        assert ("Idempotency-Key" in headers) == name.startswith("post "), name


@pytest.mark.parametrize("name", entries())
def test_every_setting_is_described_with_its_bounds(document, name):
    settings = document["paths"]["/v1/tenants/{tenant_id}/settings"]
    taken = settings["patch"]["requestBody"]["content"]["application/json"]["schema"]
    assert taken["additionalProperties"] is False
    assert taken["properties"][name]["description"] == entries()[name].description
    bounds = entries()[name].adapter.json_schema()
    assert bounds.items() <= taken["properties"][name]["anyOf"][0].items()
    shown = settings["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert bounds.items() <= shown["properties"][name]["allOf"][1]["properties"]["value"].items()


def test_the_problem_is_described_as_it_is_sent(document):
    content = document["components"]["responses"]["Problem"]["content"]["application/problem+json"]
    assert {"type", "title", "status", "detail", "code", "errors", "reference"} <= content["schema"][
        "properties"
    ].keys()


async def test_no_page_is_served_that_loads_anything_from_elsewhere(api: ApiUnderTest):
    for path in ("/schema", "/schema/openapi.json"):
        assert (await api.ask("GET", path)).headers["content-type"] == "application/vnd.oai.openapi+json"
    for path in ("swagger", "redoc", "scalar", "elements", "rapidoc", "openapi.yaml", "oauth2-redirect.html"):
        assert (await api.ask("GET", f"/schema/{path}")).status_code == 404
