"""setWebhook and its kin: where a bot's updates are brought, and how that goes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import ApiError, bad_request, too_many_requests
from sandbox.bot_api.polling import set_allowed
from sandbox.bot_api.render import Json
from sandbox.guard import LOOPBACK
from sandbox.world.updates import DEFAULT_KINDS

_SECRET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_SECRET = 256
_PORTS = frozenset({443, 80, 88, 8443})
_CONNECTIONS = 40
_MOST_CONNECTIONS = 100
_EVERY = timedelta(seconds=1)
_SHOWN = ("ip_address", "last_error_date", "last_error_message", "max_connections")


def set_webhook(call: Call) -> bool:
    """One a second; the same settings again change nothing. Certificates are not read."""
    url = call.text("url")
    if not url:
        return delete_webhook(call)
    now, bot = call.world.now(), call.bot
    if bot.webhook_set_at is not None and now - bot.webhook_set_at < _EVERY:
        raise too_many_requests(1)
    bot.webhook_set_at = now
    host = _check_url(url, on_this_machine=call.world.rules.webhooks_on_this_machine)
    secret = call.text("secret_token")
    if len(secret) > _LONGEST_SECRET:
        raise bad_request("secret token is too long")
    if not set(secret) <= _SECRET:
        raise bad_request("secret token contains unallowed characters")
    set_allowed(call)
    _drop_pending(call)
    wanted: dict[str, Any] = {
        "url": url,
        "ip_address": host,
        "max_connections": call.number("max_connections", _CONNECTIONS, 1, _MOST_CONNECTIONS),
    }
    if secret:
        wanted["secret_token"] = secret
    if {name: value for name, value in bot.webhook.items() if not name.startswith("last_error")} != wanted:
        bot.webhook = wanted
    call.world.emit("account.changed", bot)
    return True


def delete_webhook(call: Call) -> bool:
    _drop_pending(call)
    call.bot.webhook = {}
    call.world.emit("account.changed", call.bot)
    return True


def get_webhook_info(call: Call) -> Json:
    webhook, updates = call.bot.webhook, call.bot.updates
    info: Json = {
        "url": webhook.get("url", ""),
        "has_custom_certificate": False,
        "pending_update_count": len(updates.waiting),
    }
    info |= {name: webhook[name] for name in _SHOWN if name in webhook}
    if updates.allowed != DEFAULT_KINDS:
        info["allowed_updates"] = sorted(updates.allowed)
    return info


def _check_url(url: str, *, on_this_machine: bool) -> str:
    """The address behind it. Nothing outside of this machine can be reached, so no other name has one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    is_local = parts.hostname in LOOPBACK
    if not (is_local and on_this_machine and parts.scheme in {"http", "https"}):
        _check_as_telegram_does(parts, port)
        if is_local:
            raise _bad("IP address 127.0.0.1 is reserved")
        raise _bad("Failed to resolve host: Name or service not known")
    return "127.0.0.1"


def _check_as_telegram_does(parts: SplitResult, port: int | None) -> None:
    if parts.scheme != "https" or not parts.hostname:
        raise _bad("An HTTPS URL must be provided for webhook")
    if port is not None and port not in _PORTS:
        raise _bad("Webhook can be set up only on ports 80, 88, 443 or 8443")


def _bad(text: str) -> ApiError:
    return bad_request(f"bad webhook: {text}")


def _drop_pending(call: Call) -> None:
    if call.flag("drop_pending_updates"):
        call.bot.updates.waiting.clear()


METHODS: dict[str, Callable[[Call], Any]] = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
