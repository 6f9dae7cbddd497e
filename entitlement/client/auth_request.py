"""What nginx's auth_request asks (docs/recipes/nginx.conf): `python -m entitlement.client.auth_request`.

    GET  /hold   Authorization       -> 200 and X-Credit-Hold; else 401 or 403, X-Credit-Status and -Code
    POST /end    X-Credit-Hold,      -> 204: captured, or released where the server behind failed
                 X-Credit-Result

A request costs ENTITLEMENT_REQUEST_PRICE nano-USD, or less where the server behind says so: X-Credit-Cost.
The environment names the rest: ENTITLEMENT_SERVICE_URL, ENTITLEMENT_SERVICE_TOKEN and ENTITLEMENT_AUTH_PORT
(8503). It must be reachable by nginx alone: who can ask it can end holds.
"""

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entitlement.client.async_client import AsyncCreditClient
from entitlement.client.errors import CreditError, CreditRefused, GatewayNotAuthenticated
from entitlement.client.requests import HoldRequest, Usage
from entitlement.core.units import NanoUsd

PORT_DEFAULT = 8503
OPEN_MAX = 100_000
FAULT = 500
REFUSED = 403
"""auth_request passes on 401 and 403; the true status stands in a header."""

_log = logging.getLogger(__name__)


def create_app(client: AsyncCreditClient, price: NanoUsd) -> Starlette:
    """Return the answerer as an ASGI application; `price` is the most that a request costs, nano-USD."""
    held: dict[str, NanoUsd] = {}

    async def hold(request: Request) -> Response:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return _refused(401, "missing_key")
        try:
            answer = await client.place_hold(HoldRequest(key.strip(), price, f"req_{uuid4().hex}"))
        except CreditError as error:
            if isinstance(error, CreditRefused) and not isinstance(error, GatewayNotAuthenticated):
                return _refused(error.status, error.code, error.figure("retry_after"))
            return _refused(503, "credit_unavailable", 2)
        held[answer.hold.id] = answer.hold.amount
        while len(held) > OPEN_MAX:
            # The oldest is one whose end was never told: its hold expires by itself.
            del held[next(iter(held))]
        return Response(headers={"x-credit-hold": answer.hold.id})

    async def end(request: Request) -> Response:
        name = request.headers.get("x-credit-hold", "")
        amount = held.pop(name, None)
        if amount is None:
            # Refused before, or ended before: there is nothing to end.
            return Response(status_code=204)
        # Several upstreams are told one after the other: the last one answered.
        result = request.headers.get("x-credit-result", "").replace(":", ",").split(",")[-1].strip()
        status = int(result) if result.isascii() and result.isdigit() else FAULT
        given = request.headers.get("x-credit-cost", "")
        cost = NanoUsd(min(int(given), amount)) if given.isascii() and given.isdigit() else amount
        try:
            if status >= FAULT:
                await client.release(name)
            else:
                await client.capture(name, cost, Usage("nginx", 0, 0, 0, status))
        except CreditError as error:
            _log.error("hold %s was not settled: %s", name, type(error).__name__)
        return Response(status_code=204)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        async with client:
            yield

    return Starlette(
        routes=[Route("/hold", hold), Route("/end", end, methods=["POST"])],
        lifespan=lifespan,
    )


def _refused(status: int, code: str, retry_after: int | None = None) -> Response:
    headers = {"x-credit-status": str(status), "x-credit-code": code}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return Response(status_code=REFUSED if status != 401 else 401, headers=headers)  # noqa: PLR2004 - its own name


def main() -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM."""
    client = AsyncCreditClient(os.environ["ENTITLEMENT_SERVICE_URL"], os.environ["ENTITLEMENT_SERVICE_TOKEN"])
    app = create_app(client, NanoUsd(int(os.environ["ENTITLEMENT_REQUEST_PRICE"])))
    port = int(os.environ.get("ENTITLEMENT_AUTH_PORT", PORT_DEFAULT))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False)


if __name__ == "__main__":
    main()
