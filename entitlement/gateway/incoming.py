"""What every request has: a key in its header, and a body that ends."""

import re

from starlette.datastructures import Headers
from starlette.requests import Request

from entitlement.gateway.failures import GatewayError, authentication_failed

DISCARDED_BYTES_MAX = 64 * 2**20
"""How much of a body that is too large is still read: who has sent all also reads why it was refused."""

_KEY = re.compile(r"[Bb]earer +([!-~]{8,256})")


def read_key(headers: Headers) -> str:
    """Return the API key; raises `GatewayError` 401 where there is nothing that could be one."""
    given = headers.get("authorization")
    if given is None:
        raise authentication_failed("missing_key", "Send your API key: Authorization: Bearer <key>.")
    match = _KEY.fullmatch(given)
    if match is None:
        raise authentication_failed(
            "malformed_key", "The Authorization header does not have the form: Bearer <key>."
        )
    return match[1]


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Return the body; raises `GatewayError` 413 for one of more than `bytes_max` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size <= bytes_max:
            pieces.append(piece)
        elif size > DISCARDED_BYTES_MAX:
            break
    if size > bytes_max:
        raise GatewayError(
            413,
            "REQUEST_TOO_LARGE",
            f"The body is larger than the {bytes_max} bytes that this gateway takes.",
            figures={"largest_bytes": bytes_max},
        )
    return b"".join(pieces)
