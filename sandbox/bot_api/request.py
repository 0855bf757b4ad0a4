"""How parameters travel: in the query, as a form, as multipart with files, or as JSON."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import BodyPartReader, ClientResponse, MultipartReader, web

from sandbox.bot_api.call import Upload
from sandbox.bot_api.errors import ApiError, bad_request

NO_UPLOADS: Mapping[str, Upload] = {}
Parameters = tuple[dict[str, Any], Mapping[str, Upload]]


async def read_parameters(request: web.Request) -> Parameters:
    params: dict[str, Any] = dict(request.query) if request.query_string else {}
    if request.method != "POST" or not request.body_exists:
        return params, NO_UPLOADS
    if request.content_type == "multipart/form-data":
        return params, await _read_multipart(await request.multipart(), params)
    return params | _read_body(request.content_type, await request.read()), NO_UPLOADS


async def read_answer(response: ClientResponse) -> Parameters | None:
    """The call in a program's answer to its webhook; None where that can't be understood."""
    params: dict[str, Any] = {}
    try:
        if response.content_type == "multipart/form-data":
            return params, await _read_multipart(MultipartReader(response.headers, response.content), params)
        return _read_body(response.content_type, await response.read()), NO_UPLOADS
    except (ApiError, ValueError):
        return None


def _read_body(content_type: str, body: bytes) -> dict[str, Any]:
    if content_type == "application/json":
        return _read_json(body)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _read_json(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except ValueError:
        raise bad_request("can't parse JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("expected an object")
    return value


async def _read_multipart(reader: MultipartReader, params: dict[str, Any]) -> dict[str, Upload]:
    uploads: dict[str, Upload] = {}
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        data = bytes(await part.read(decode=True))
        if part.filename is None:
            params[part.name] = data.decode("utf-8", "replace")
        else:
            mime_type = part.headers.get("Content-Type", "").partition(";")[0]
            uploads[part.name] = Upload(part.filename, mime_type, data)
    return uploads
