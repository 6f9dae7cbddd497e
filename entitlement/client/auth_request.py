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
DIGITS_MAX = 16
"""Of the protocol's largest amount; what is longer says nothing, so that the price is charged."""
REFUSED = 403
"""auth_request passes on 401 and 403; the true status stands in a header."""

_log = logging.getLogger(__name__)


class Answerer:
    """Holds for requests before they pass, and ends the holds after them."""

    def __init__(self, client: AsyncCreditClient, price: NanoUsd) -> None:
        self._client = client
        self._price = price
        self._held: dict[str, NanoUsd] = {}
        """Amounts of open holds by their ids: what is not here is not ended for anybody."""

    async def hold(self, request: Request) -> Response:
        """Answer whether a request may pass."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return _refused(401, "missing_key")
        try:
            wanted = HoldRequest(key.strip(), self._price, f"req_{uuid4().hex}")
            hold = (await self._client.place_hold(wanted)).hold
        except CreditError as error:
            if isinstance(error, CreditRefused) and not isinstance(error, GatewayNotAuthenticated):
                return _refused(error.status, error.code, error.figure("retry_after"))
            return _refused(503, "credit_unavailable", 2)
        self._held[hold.id] = hold.amount
        while len(self._held) > OPEN_MAX:
            # The oldest is one whose end was never told: its hold expires by itself.
            del self._held[next(iter(self._held))]
        return Response(headers={"x-credit-hold": hold.id})

    async def end(self, request: Request) -> Response:
        """End a request's hold by what became of it."""
        name = request.headers.get("x-credit-hold", "")
        amount = self._held.pop(name, None)
        if amount is None:
            # Refused before, or ended before: there is nothing to end.
            return Response(status_code=204)
        # Where several servers were asked, one after the other, the last one answered.
        status = _whole(request.headers.get("x-credit-result", "").replace(":", ",").split(",")[-1].strip())
        cost = _whole(request.headers.get("x-credit-cost", ""))
        try:
            if status is None or status >= FAULT:
                await self._client.release(name)
            else:
                taken = amount if cost is None else NanoUsd(min(cost, amount))
                await self._client.capture(name, taken, Usage("nginx", 0, 0, 0, status))
        except (CreditError, ValueError) as error:
            # Also a status that is none of HTTP.
            _log.error("hold %s was not settled: %s", name, type(error).__name__)
        return Response(status_code=204)


def create_app(client: AsyncCreditClient, price: NanoUsd) -> Starlette:
    """Return the answerer as an ASGI application; `price` is the most that a request costs, nano-USD."""
    answerer = Answerer(client, price)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        async with client:
            yield

    return Starlette(
        routes=[Route("/hold", answerer.hold), Route("/end", answerer.end, methods=["POST"])],
        lifespan=lifespan,
    )


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None


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
