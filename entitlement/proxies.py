"""Which proxies are believed about whom a request comes from: X-Forwarded-For, and X-Forwarded-Proto."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import AfterValidator, IPvAnyNetwork


def _not_everybody(network: IPvAnyNetwork) -> IPvAnyNetwork:
    if network.prefixlen == 0:
        raise ValueError("this trusts everybody, and so anybody could name any address: name the proxies")
    return network


Proxy = Annotated[IPvAnyNetwork, AfterValidator(_not_everybody)]
"""An address, or a network."""


def server_options(trusted: Collection[IPvAnyNetwork]) -> dict[str, Any]:
    """Return what uvicorn is told: of the addresses named, the last one counts that is no trusted proxy's.

    It must be told also where nobody is trusted: by itself it believes this machine.
    """
    return {"proxy_headers": bool(trusted), "forwarded_allow_ips": sorted(str(each) for each in trusted)}
