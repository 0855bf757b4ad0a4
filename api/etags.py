"""Versions of a connection as ETags, so that of two who change it at once the second one sees that it is too late."""

from typing import Annotated

from litestar.params import HeaderParameter

from api.problems import IF_MATCH
from tenants.connections import Tenant
from tenants.errors import Invalid

IfMatch = Annotated[
    str | None,
    HeaderParameter(name=IF_MATCH, description="The ETag that you have seen: refuses to overwrite a newer change."),
]


def etag(tenant: Tenant) -> dict[str, str]:
    """The header, for the answer."""
    return {"ETag": f'"{tenant.version}"'}


def read_version(if_match: str | None) -> int | None:
    """None: whatever it is. Raises `Invalid`."""
    if if_match is None or if_match.strip() == "*":
        return None
    digits = if_match.strip().removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdecimal()):
        raise Invalid("If-Match takes one ETag, as it came with what you have seen.", field=IF_MATCH)
    return int(digits)
