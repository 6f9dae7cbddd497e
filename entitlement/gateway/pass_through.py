"""Keys and billing live in the credit service; they are passed through so that a client needs one base URL.

Only named headers travel, either way. Bodies are measured, not read; method and status are logged, no more.
"""

from dataclasses import dataclass
from urllib.parse import unquote

import httpx
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from entitlement.gateway.failures import GatewayError, credit_unavailable
from entitlement.gateway.incoming import read_body
from entitlement.gateway.reply import ClientLeft, until_client_leaves

PREFIXES = ("/api/v1/api_keys", "/api/v1/billing", "/api/v1/x402")
METHODS = ("GET", "POST", "PATCH", "DELETE")
REQUEST_BYTES_MAX = 2**20
SECONDS_MAX = 60.0
"""How long the service may take to begin, and be silent in between; histories are long."""

_TO_SERVICE = ("accept", "authorization", "content-type", "idempotency-key", "if-none-match")
_TO_CLIENT = ("cache-control", "content-disposition", "content-type", "etag", "retry-after", "vary")
_TO_CLIENT_PREFIXES = ("x-venice-", "x-ratelimit-", "x-request-id", "link")

_log = structlog.get_logger("entitlement.gateway")


@dataclass(frozen=True, slots=True)
class PassThrough:
    """The endpoint, as an ASGI application."""

    http: httpx.AsyncClient
    service_url: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the service answers; raises `GatewayError` when it does not."""
        request = Request(scope, receive)
        address = _address(f"{self.service_url}{_raw_path(scope)}", scope["query_string"])
        try:
            body = await read_body(request, REQUEST_BYTES_MAX)
        except ClientDisconnect:
            return
        asked = self.http.build_request(
            request.method,
            address,
            content=body or None,
            headers=_headers(request),
            timeout=SECONDS_MAX,
        )
        try:
            answer = await self.http.send(asked, stream=True)
        except httpx.HTTPError as error:
            _log.warning("service_unreachable", method=request.method, error=type(error).__name__)
            raise credit_unavailable() from None
        try:
            await until_client_leaves(receive, _relay(answer, send))
        except httpx.HTTPError as error:
            # Too late for a status; an answer left unfinished makes the server close the connection.
            _log.warning("service_broke_off", method=request.method, error=type(error).__name__)
            return
        except ClientLeft:
            return
        finally:
            await answer.aclose()
        _log.info("passed_through", method=request.method, status=answer.status_code)


def _headers(request: Request) -> dict[str, str]:
    """Return what travels, and for whom: the service limits each address by itself, and keeps none."""
    headers = {name: request.headers[name] for name in _TO_SERVICE if name in request.headers}
    if request.client is not None:
        headers["x-forwarded-for"] = request.client.host
    return headers


def _raw_path(scope: Scope) -> str:
    """Return the path as it was sent; raises 404 for one that leads out of the prefixes."""
    path: str = scope["raw_path"].decode("latin-1")
    inside = any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)
    # An encoded slash or backslash may be a separator to the one who reads it next.
    segments = unquote(path).replace("\\", "/").split("/")
    if not inside or "." in segments or ".." in segments:
        raise GatewayError(404, "NOT_FOUND", "There is nothing at this address.")
    return path


def _address(url: str, query: bytes) -> httpx.URL:
    """Return where the service is asked; raises 404 for what is longer than httpx takes."""
    try:
        return httpx.URL(url, query=query or None)
    except httpx.InvalidURL:
        raise GatewayError(404, "NOT_FOUND", "There is nothing at this address.") from None


async def _relay(answer: httpx.Response, send: Send) -> None:
    headers = [
        (name.encode(), value.encode())
        for name, value in answer.headers.items()
        if name in _TO_CLIENT or name.startswith(_TO_CLIENT_PREFIXES)
    ]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for piece in answer.aiter_bytes():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
