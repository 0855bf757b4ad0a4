"""Endpoints that events are sent to, and the events themselves."""

from sandbox.stripe.account import API_VERSION, Account, Thing
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import malformed
from sandbox.stripe.routes import Route, created_between, getting, listing

_PATH = "/v1/webhook_endpoints"


def routes() -> list[Route]:
    return [
        Route("POST", _PATH, create_endpoint),
        listing(_PATH, list_endpoints),
        getting(_PATH + "/{id}", "webhook_endpoint"),
        Route("POST", _PATH + "/{id}", update_endpoint),
        Route("DELETE", _PATH + "/{id}", delete_endpoint),
        listing("/v1/events", list_events),
        getting("/v1/events/{id}", "event"),
    ]


def create_endpoint(account: Account, params: Params) -> Thing:
    """The only answer that shows the secret (docs.stripe.com/api/webhook_endpoints/create)."""
    url, events = params.need("url"), params.texts("enabled_events")
    metadata, description = merged({}, params.metadata()), params.text("description")
    params.ignore("api_version", "connect")
    params.done()
    if not events:
        raise malformed("Missing required param: enabled_events.", "enabled_events", "parameter_missing")
    endpoint = make_endpoint(account, url, events)
    endpoint.update(metadata=metadata, description=description)
    return {**endpoint, "secret": endpoint["_secret"]}


def make_endpoint(account: Account, url: str, events: list[str], secret: str | None = None) -> Thing:
    if not url.startswith(("http://", "https://")):
        raise malformed("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    return account.add(
        {
            "id": account.new_id("we"),
            "object": "webhook_endpoint",
            "api_version": API_VERSION,
            "application": None,
            "created": account.now(),
            "description": None,
            "enabled_events": events,
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
            "_secret": secret or account.new_id("whsec"),
        }
    )


def update_endpoint(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    endpoint = account.get("webhook_endpoint", id)
    url, events, disabled = params.text("url"), params.texts("enabled_events"), params.flag("disabled")
    metadata = merged(endpoint["metadata"], params.metadata(), cleared=params.clears("metadata"))
    params.done()
    endpoint.update(url=url or endpoint["url"], metadata=metadata)
    endpoint["enabled_events"] = events or endpoint["enabled_events"]
    if disabled is not None:
        endpoint["status"] = "disabled" if disabled else "enabled"
    return endpoint


def delete_endpoint(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    params.done()
    return account.remove(account.get("webhook_endpoint", id))


def list_endpoints(account: Account, _: Params) -> list[Thing]:
    return account.newest("webhook_endpoint")


def list_events(account: Account, params: Params) -> list[Thing]:
    name, names = params.text("type"), params.texts("types")
    delivered = params.flag("delivery_success")
    wanted = {*names, *([name] if name else [])}
    return [
        event
        for event in created_between(account.newest("event"), params)
        if (not wanted or any(_means(pattern, event["type"]) for pattern in wanted))
        and (delivered is None or (event["pending_webhooks"] == 0) is delivered)
    ]


def hears(endpoint: Thing, event: Thing) -> bool:
    return endpoint["status"] == "enabled" and (
        "*" in endpoint["enabled_events"] or event["type"] in endpoint["enabled_events"]
    )


def _means(pattern: str, name: str) -> bool:
    """`charge.*` is all of them."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
