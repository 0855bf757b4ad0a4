"""The description of the API (OpenAPI 3.1). What is said about settings is read off their catalogue."""

from dataclasses import dataclass
from typing import Any, cast

from litestar import Response, Router
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)

from api.models.settings import SettingView
from api.problems import PROBLEM_JSON, Problem
from api.repeating import HEADER, LONGEST, REPLAYED
from tenants.settings.catalog import Entry, entries
from tenants.settings.schema import Settings

VERSION = "1"
KEY = "key"
_JSON = "application/json"


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Backline",
        version=VERSION,
        description="A Telegram group with topics as the customer-relations desk of any bot.",
        use_handler_docstrings=True,
        components=Components(
            security_schemes={KEY: SecurityScheme(type="http", scheme="bearer", description="Your API key, bl_….")},
            responses={"Problem": _problem()},
        ),
        operation_id_creator=lambda handler, _, __: handler.handler_name,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=_no_page),
    )


def _no_page(response: Response[Any]) -> Response[Any]:
    """The framework has an HTML page of its own for addresses beside the description."""
    if response.media_type == MediaType.HTML:
        raise NotFoundException
    return response


def _problem() -> OpenAPIResponse:
    schema = Problem.model_json_schema()
    found = schema.pop("$defs")["FieldError"]
    schema["properties"]["errors"]["anyOf"][0]["items"] = found
    return OpenAPIResponse(
        description="What went wrong (RFC 9457).", content={PROBLEM_JSON: OpenAPIMediaType(schema=_schema(schema))}
    )


def _schema(raw: dict[str, Any]) -> Schema:
    """JSON Schema as pydantic writes it is what OpenAPI 3.1 takes, word for word."""
    return cast("Schema", raw)


@dataclass
class Documented(Operation):
    """Every answer that is no success is a problem, also those that the framework documents in a shape of its own."""

    def __post_init__(self) -> None:
        problem = Reference(ref="#/components/responses/Problem")
        successes = {status: it for status, it in (self.responses or {}).items() if status.startswith("2")}
        self.responses = {**successes, "default": problem}


@dataclass
class Repeatable(Documented):
    """A POST, which takes an Idempotency-Key."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parameters = [*(self.parameters or ()), _IDEMPOTENCY_KEY]


_IDEMPOTENCY_KEY = Parameter(
    name=HEADER,
    param_in="header",
    description="Of your choice, new for each request. Sent again within 24 hours the request is not done again: "
    f"you get the first answer, with the header {REPLAYED}.",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=LONGEST, pattern="^[ -~]+$"),
)


def about_settings(model: type[Settings], *, changes: bool = False) -> type[Documented]:
    """Answers with all settings of the model, and takes some where it changes them."""

    @dataclass
    class AboutSettings(Documented):
        def __post_init__(self) -> None:
            super().__post_init__()
            for response in (self.responses or {}).values():
                if isinstance(response, OpenAPIResponse):
                    response.content = {_JSON: OpenAPIMediaType(schema=_schema(_shown(model)))}
            if changes:
                taken = {_JSON: OpenAPIMediaType(schema=_schema(_changes(model)))}
                self.request_body = RequestBody(content=taken, required=True)

    return AboutSettings


def _value(entry: Entry) -> dict[str, Any]:
    return {**entry.adapter.json_schema(), "title": entry.setting.title, "description": entry.description}


def _changes(model: type[Settings]) -> dict[str, Any]:
    properties = {
        name: {"anyOf": [_value(entry), {"type": "null"}], "description": entry.description}
        for name, entry in entries(model).items()
    }
    return {"title": "SettingsChange", "type": "object", "additionalProperties": False, "properties": properties}


def _shown(model: type[Settings]) -> dict[str, Any]:
    view = {"$ref": f"#/components/schemas/{SettingView.__name__}"}
    properties = {
        name: {"allOf": [view, {"properties": {"value": _value(entry), "default": {"const": entry.default}}}]}
        for name, entry in entries(model).items()
    }
    return {"title": "Settings", "type": "object", "properties": properties, "required": list(properties)}
