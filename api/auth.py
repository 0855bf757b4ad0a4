"""Whose request it is: the owner of the key in `Authorization: Bearer bl_…`."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from api.limits import Limits
from tenants.access.keys import PREFIX, find_key
from tenants.db import Database

_CHALLENGE = 'Bearer realm="backline"'
_LONGEST = 200


class KeyAuthentication(AbstractAuthenticationMiddleware):
    def __init__(self, app: ASGIApp, database: Database, limits: Limits) -> None:
        super().__init__(app, exclude_http_methods=())
        self._database = database
        self._limits = limits

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        key = given.strip()
        if scheme.lower() != "bearer" or not key:
            raise NotAuthorizedException(
                f"Send your API key in the header Authorization: Bearer {PREFIX}….",
                headers={"WWW-Authenticate": _CHALLENGE},
            )
        await self._limits.require_few_wrong_keys(connection)
        found = await find_key(self._database, key) if len(key) <= _LONGEST else None
        if found is None:
            await self._limits.note_wrong_key(connection)
            raise NotAuthorizedException(
                "This API key is unknown or was revoked.",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
            )
        return AuthenticationResult(user=found.owner, auth=found)
