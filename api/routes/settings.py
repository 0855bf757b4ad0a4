"""A tenant's settings. Names, types, bounds and words come from the catalogue."""

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, patch
from litestar.params import FromPath, JSONBody

from api.deps import TheConnections, TheOwner, TheSettings
from api.etags import IfMatch, etag, read_version
from api.models.settings import SettingView, setting_view
from api.openapi import about_settings
from tenants.connections import Tenant
from tenants.ids import TenantId
from tenants.settings.schema import Settings
from tenants.settings.service import show_all

Views = Response[dict[str, SettingView]]


async def show_settings(
    owner: TheOwner, connections: TheConnections, settings: TheSettings, tenant_id: FromPath[UUID]
) -> Views:
    return _answer(await connections.get(owner, TenantId(tenant_id)), settings.model)


async def change_settings(
    owner: TheOwner,
    settings: TheSettings,
    tenant_id: FromPath[UUID],
    data: JSONBody[dict[str, Any]],
    if_match: IfMatch = None,
) -> Views:
    """All or nothing. `null` resets a setting to its default; an empty text or list switches it off."""
    version = read_version(if_match)
    return _answer(await settings.change(owner, TenantId(tenant_id), data, version=version), settings.model)


def _answer(tenant: Tenant, model: type[Settings]) -> Views:
    views = {shown.entry.name: setting_view(shown, tenant.plan) for shown in show_all(tenant, model)}
    return Response(views, headers=etag(tenant))


def router(model: type[Settings]) -> Router:
    """Described by the settings that the model declares."""
    shown = get("/", operation_class=about_settings(model), summary="Get the settings")
    changed = patch("/", operation_class=about_settings(model, changes=True), summary="Change settings")
    handlers = [shown(show_settings), changed(change_settings)]
    return Router("/tenants/{tenant_id:uuid}/settings", route_handlers=handlers, tags=["settings"])
