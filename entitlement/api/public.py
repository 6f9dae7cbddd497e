"""Public figures, for everybody and without a key: the chain's, the ledger's sums, and who holds which power.

All figures of the chain are of one block, for all routes. They are read at most every few seconds, by one
reader; while the node is away the last ones are told with their age. Pages of anybody may ask from a browser.
"""

import hashlib
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entitlement.api.auth import TheService
from entitlement.api.public_credit import credit_out
from entitlement.api.public_figures import (
    buybacks_out,
    deployment_out,
    diem_out,
    emission_out,
    supply_out,
)
from entitlement.api.public_page import PAGE_HEADERS, page
from entitlement.api.public_powers import powers_out
from entitlement.api.public_schemas import (
    BuybacksOut,
    CreditOut,
    DeploymentOut,
    DiemOut,
    EmissionOut,
    MembershipsOut,
    PowersOut,
    SupplyOut,
    TierTermsOut,
)
from entitlement.chain.public.snapshot import Snapshot
from entitlement.flows.kept_answer import Held
from entitlement.flows.read_public import CREDIT_FRESH_SECONDS, FRESH_SECONDS
from entitlement.report.explorer import Explorer
from entitlement.wiring.service import Service

PREFIX = "/v1/public"
TERMS_FRESH_SECONDS = 60
"""They change by hand, with notice."""
STALE_SECONDS = 300
"""A cache may tell an old answer for so long while it asks for a new one."""

router = APIRouter(prefix=PREFIX, tags=["public"])
pages = APIRouter(include_in_schema=False)


@router.get("/supply", response_model=SupplyOut)
def supply(flows: TheService, request: Request) -> Response:
    """Return the supply of VVV: minted, burned, staked, locked, cooling, effective, circulating."""
    return _of_chain(request, flows, supply_out)


@router.get("/diem", response_model=DiemOut)
def diem(flows: TheService, request: Request) -> Response:
    """Return the supply of DIEM, how much of it is staked, and the curve by which it is minted."""
    return _of_chain(request, flows, diem_out)


@router.get("/emission", response_model=EmissionOut)
def emission(flows: TheService, request: Request) -> Response:
    """Return the emission of VVV, now and since the beginning."""
    return _of_chain(request, flows, emission_out)


@router.get("/credit", response_model=CreditOut)
def credit(flows: TheService, request: Request) -> Response:
    """Return the credit granted and spent by all accounts together, by day, and the published roots."""
    held = flows.public.credit()
    made = credit_out(flows.public, held)
    return _answer(request, made, held.age, CREDIT_FRESH_SECONDS, {"ledger_age_seconds", "read"})


@router.get("/memberships", response_model=MembershipsOut)
def memberships(flows: TheService, request: Request) -> Response:
    """Return what a month of each tier of membership bundles, where it is paid for from now on."""
    tiers = [TierTermsOut.of(tier, terms) for tier, terms in flows.terms.read().items()]
    return _answer(request, MembershipsOut(tiers=tiers), 0, TERMS_FRESH_SECONDS, None)


@router.get("/buybacks", response_model=BuybacksOut)
def buybacks(flows: TheService, request: Request) -> Response:
    """Return every buyback with its transaction, what it paid, and what the mean price was."""
    return _of_chain(request, flows, buybacks_out)


@router.get("/powers", response_model=PowersOut)
def powers(flows: TheService, request: Request) -> Response:
    """Return who holds each power, what is set, and every operation of the timelock with what it would do."""
    reasons = flows.public.reasons()
    return _of_chain(request, flows, lambda held: powers_out(held, reasons))


@router.get("/deployment", response_model=DeploymentOut)
def deployment(flows: TheService, request: Request) -> Response:
    """Return where each contract stands."""
    held = flows.public.figures()
    return _answer(request, deployment_out(held.value), held.age, FRESH_SECONDS, None)


@pages.get("/public")
def public_page(flows: TheService) -> Response:
    """Return all of it as a page for people."""
    status, text = page(flows.public, Explorer(flows.network.explorer))
    return Response(text, status, media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)


def _of_chain(request: Request, flows: Service, make: Callable[[Held[Snapshot]], BaseModel]) -> Response:
    held = flows.public.figures()
    return _answer(
        request, make(held), held.age, FRESH_SECONDS, {"read": {"age_seconds", "is_stale", "problem"}}
    )


def _answer(request: Request, made: BaseModel, age: float, fresh: float, passing: object) -> Response:
    """Return an answer, or 304 to whom has it; what only says how old it is does not make it another one."""
    same = made.model_dump_json(exclude=passing)  # pyright: ignore[reportArgumentType] - as pydantic names fields
    tag = f'W/"{hashlib.sha256(same.encode()).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Age": str(int(age)),
        # Counted from when it was read: a cache subtracts the age.
        "Cache-Control": f"public, max-age={int(fresh)}, stale-while-revalidate={STALE_SECONDS}",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(made.model_dump_json(), media_type="application/json", headers=headers)


class OpenToAll:
    """Let pages of any origin read public figures, refusals included; no other route is touched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with one header more."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            allowed = {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "GET",
                "Access-Control-Allow-Headers": "If-None-Match",
                "Access-Control-Max-Age": "86400",
            }
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"access-control-allow-origin", b"*"),
                    (b"access-control-expose-headers", b"ETag, Age, Retry-After"),
                ]
            await send(message)

        await self._app(scope, receive, opened)
