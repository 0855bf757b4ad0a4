"""A page that shows the description of the API and tries it out: Swagger UI, with everything served by ourselves.

The files come with the package openapi-ui-bundles (Swagger UI 5, Apache-2.0). Nothing is fetched from elsewhere, not
even an icon: the page's Content-Security-Policy forbids it.
"""

from collections.abc import Mapping
from pathlib import Path

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from openapi_ui_bundles import swagger_ui

_FILES: Mapping[str, str] = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START = """\
window.ui = SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout"
});
"""
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Backline API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Swagger UI sets styles on elements, and its icons are data: addresses inside the style sheet."""
_KEPT = {"Cache-Control": "max-age=3600"}


@get("/", media_type="text/html", sync_to_thread=False)
def show_page() -> Response[str]:
    return Response(_PAGE, media_type="text/html", headers=_POLICY)


@get("/start.js", sync_to_thread=False)
def show_start() -> Response[str]:
    return Response(_START, media_type="text/javascript", headers=_POLICY)


@get("/{name:str}", sync_to_thread=True)
def show_file(name: FromPath[str]) -> Response[bytes]:
    if name not in _FILES:
        raise NotFoundException
    content = (Path(swagger_ui.static_path) / name).read_bytes()
    return Response(content, media_type=_FILES[name], headers={**_POLICY, **_KEPT})


router = Router("/docs", route_handlers=[show_page, show_start, show_file], include_in_schema=False)
