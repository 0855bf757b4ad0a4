"""What the address of a webhook looks like, before anything is asked of the network."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from tenants.phrases import Phrase
from tenants.webhooks.addresses import is_public

LONGEST = 500
"""Characters of an address."""


def why_not(url: str) -> Phrase | None:
    """What is wrong with an address, in a sentence; None where nothing is. http is for this machine only."""
    parts = _split(url)
    local = parts is not None and is_local(url)
    if parts is None or not parts.hostname or parts.scheme not in ({"https", "http"} if local else {"https"}):
        return Phrase("Send addresses that begin with https://.")
    if len(url) > LONGEST:
        return Phrase("Send addresses of at most {count} characters.", count=LONGEST)
    if parts.username is not None or parts.password is not None:
        return Phrase("Send addresses without a name and password in them.")
    if not local and _is_private(parts.hostname):
        return Phrase("Send addresses that are on the public internet.")
    return None


def is_local(url: str) -> bool:
    """Whether it names this machine, which only a deployment for trying allows."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult | None:
    """None where it is no address. The library passes over spaces and control characters in silence."""
    if any(not char.isprintable() or char.isspace() for char in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_private(host: str) -> bool:
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return host.endswith((".localhost", ".local", ".internal"))
