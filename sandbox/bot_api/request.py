"""How parameters travel: in the query, as a form, as multipart with files, or as JSON."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import BodyPartReader, web

from sandbox.bot_api.call import Upload
from sandbox.bot_api.errors import bad_request

NO_UPLOADS: Mapping[str, Upload] = {}


async def read_parameters(request: web.Request) -> tuple[dict[str, Any], Mapping[str, Upload]]:
    params: dict[str, Any] = dict(request.query) if request.query_string else {}
    if request.method != "POST" or not request.body_exists:
        return params, NO_UPLOADS
    content_type = request.content_type
    if content_type == "multipart/form-data":
        return params, await _read_multipart(request, params)
    body = await request.read()
    if content_type == "application/json":
        params.update(_read_json(body))
    else:
        params.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return params, NO_UPLOADS


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


async def _read_multipart(request: web.Request, params: dict[str, Any]) -> dict[str, Upload]:
    uploads: dict[str, Upload] = {}
    reader = await request.multipart()
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
