"""Which addresses a webhook may reach: the public internet and nothing of a private network, by the address itself.

A name proves nothing, since it may mean another address a second later: this is asked of each address that a
connection is about to be made to.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_REFUSED = tuple(
    IPv4Network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services, under a public address
        "192.0.0.0/24",  # protocol assignments (RFC 6890); Oracle's metadata
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""An IPv4 address in its last 32 bits (RFC 6052)."""


def may_reach(host: str, *, loopback: bool) -> bool:
    """`host` is an address, not a name. `loopback`: this machine, too, for tests and the sandbox."""
    address = _meant(ip_address(host.partition("%")[0]))
    return is_public(address) or (loopback and address.is_loopback)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    address = _meant(address)
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global
    special = address.is_multicast or address.is_reserved or any(address in network for network in _REFUSED)
    return address.is_global and not special


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that one of IPv6 leads to: mapped, translated, or through a tunnel."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    tunnel = address.teredo
    return address.ipv4_mapped or address.sixtofour or (tunnel[1] if tunnel else address)
