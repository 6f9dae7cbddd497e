"""The addresses of nodes: a list in one setting, and what may be shown of them."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def addresses_in(rpc_url: str) -> list[str]:
    """Return the nodes' addresses in a text that separates them by commas, preferred first."""
    return [address.strip() for address in rpc_url.split(",") if address.strip()] or [rpc_url]


def host_of(url: str) -> str:
    """Return the host alone, for metrics and messages: the rest of an address may hold a key."""
    try:
        return urlsplit(url).hostname or "unknown"
    except ValueError:
        return "unknown"


def names_of(addresses: Sequence[str]) -> list[str]:
    """Return the hosts, with a number behind each that was there before: they are the labels of metrics."""
    hosts = [host_of(address) for address in addresses]
    return [
        f"{host}#{before + 1}" if (before := hosts[:at].count(host)) else host
        for at, host in enumerate(hosts)
    ]
