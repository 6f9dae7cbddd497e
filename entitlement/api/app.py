"""The HTTP application: routes, the size of what is read, and problems for everything that goes wrong."""

from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entitlement import __version__
from entitlement.api import (
    admin,
    dashboard,
    gateway,
    health,
    own_data,
    owner,
    problems,
    proofs,
    public,
    public_wallet,
    receipts,
    venice,
    wallet,
    webhooks,
    x402,
)
from entitlement.api.addresses import Addresses, LimitAddresses
from entitlement.api.door import Door
from entitlement.api.schemas import ProblemOut
from entitlement.wiring.service import Service

LARGEST_BODY = 64 * 1024
"""Bytes. The largest honest body, a signed sign-in message, has a few thousand."""
PROBLEM = {"model": ProblemOut, "description": "A problem, as RFC 9457 describes it."}
REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": PROBLEM,
    503: {**PROBLEM, "description": "What answers this is away: ask again after Retry-After."},
}
"""What every route may answer beside what it is for; any other status is a fault of ours."""


def create_app(service: Service | None) -> "Api":
    """Return the application over `service`; without one only to describe it (openapi.json)."""
    app = Api(
        title="Entitlement",
        version=__version__,
        summary="Stake tokens, own a daily right to AI inference.",
        description=(
            "Credit is an integer of nano-USD (1e-9 USD), tokens are wei in decimal text, times are Unix "
            "seconds. Errors are RFC 9457 problems with a stable `code`."
        ),
        # The framework's own page of reference runs scripts of others; ours is with the dashboard.
        docs_url=None,
        redoc_url=None,
        # A client that is sent elsewhere sends its secret twice: an address is right or unknown.
        redirect_slashes=False,
        responses=REFUSALS,
    )
    app.state.service = service
    if service is not None:
        app.state.dashboard = dashboard.Dashboard(service.web_folder)
    addresses = None if service is None else Addresses(service.address_rates)
    app.door = None if service is None or addresses is None else Door(service, addresses)
    for router in (
        gateway.router,
        wallet.router,
        owner.router,
        own_data.router,
        proofs.router,
        receipts.router,
        venice.router,
        webhooks.router,
        x402.router,
        admin.router,
        health.router,
        public.router,
        public_wallet.router,
        public.pages,
        dashboard.pages,
    ):
        app.include_router(router)
    problems.install(app)
    app.add_middleware(LimitBody)
    if addresses is not None:
        app.add_middleware(LimitAddresses, addresses=addresses)
    # Outside of what may refuse: a page of another origin must be able to read that it should wait.
    app.add_middleware(public.OpenToAll)
    return app


class Api(FastAPI):
    """FastAPI behind the gateways' door, with its document corrected: refusals have their own media type."""

    door: Door | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at the door what is answered there, and the rest by the routes."""
        if scope["type"] == "http" and self.door is not None and await self.door.answer(scope, receive, send):
            return
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            for path in super().openapi()["paths"].values():
                answers = (each for operation in path.values() for each in operation["responses"].values())
                for answer in answers:
                    if answer.get("content", {}).get("application/json") == _PROBLEM_BODY:
                        answer["content"] = {"application/problem+json": _PROBLEM_BODY}
        assert self.openapi_schema is not None
        return self.openapi_schema


_PROBLEM_BODY = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}


class LimitBody:
    """Refuse to read more than `LARGEST_BODY`, whatever the length that was announced."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise HTTPException(
                    413, f"the body is larger than {LARGEST_BODY} bytes, which no request needs"
                )
            return message

        await self._app(scope, counted, send)
