"""Figures for Prometheus. They need no key, so they are not for the world: only for callers from within."""

from ipaddress import IPv6Address, ip_address
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.deps import TheServices
from api.gauges import read_gauges

_TEXT = CONTENT_TYPE_LATEST.partition("; charset")[0]
"""The framework adds the character set."""


@get("/metrics", include_in_schema=False)
async def show_metrics(request: Request[Any, Any, Any], services: TheServices) -> Response[bytes]:
    if not _is_from_within(request):
        raise NotFoundException
    gauges = await read_gauges(services.database)
    return Response(gauges.text() + generate_latest(services.metrics), media_type=_TEXT)


def _is_from_within(request: Request[Any, Any, Any]) -> bool:
    """From this machine or a private network, and through no proxy, which would lend its own address."""
    if request.client is None or {"forwarded", "x-forwarded-for"} & request.headers.keys():
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_private
