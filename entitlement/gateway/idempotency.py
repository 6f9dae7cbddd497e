"""One request that is delivered more than once: how it is known again.

    API key, route, Idempotency-Key --HMAC--> name --> the request ids of its tries at the service, in turn
    body                            --hash--> fingerprint

Nothing of it is random, so a gateway that was killed and started again asks the service under the same
request id, and another process of it does too: what was charged under it once is never charged again.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from starlette.datastructures import Headers

from entitlement.gateway.failures import invalid_request

HEADER = "Idempotency-Key"
CHARACTERS_MAX = 255
TRIES_MAX = 16
"""Of one request at no cost, such as refused for want of credit: a retry asks about each of them."""

_VISIBLE = re.compile(rf"[!-~]{{1,{CHARACTERS_MAX}}}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as its client names it."""

    name: bytes
    """Of the API key, the route and the client's word together: two keys never share one, nor two routes."""
    fingerprint: bytes
    """Of the body, byte by byte."""

    def request_id(self, number: int) -> str:
        """Return what the service knows a try by, counted from 0."""
        return f"req_{hmac.digest(self.name, str(number).encode(), 'sha256').hex()[:32]}"


def read_delivery(headers: Headers, key: str, body: bytes, route: str) -> Delivery | None:
    """Return how a request is known again, None where its client does not ask for that.

    Raises `GatewayError` 400 for a header that is no name.
    """
    given = headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or _VISIBLE.fullmatch(given[0]) is None:
        told = f"{len(given)} of them" if len(given) > 1 else f"{len(given[0])} characters"
        raise invalid_request(
            f"{HEADER} must be one header of 1 to {CHARACTERS_MAX} visible ASCII characters without spaces;"
            f" this request has {told}.",
            param=HEADER,
        )
    return Delivery(
        name=hmac.digest(key.encode(), f"{route}\n{given[0]}".encode(), "sha256"),
        fingerprint=hashlib.sha256(body).digest(),
    )
