"""The reference gateway: an OpenAI-compatible server that asks the credit service before every request.

It is an ordinary user of the protocol (docs/protocol.md) and knows nothing of the service but its address.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entitlement.client import AsyncCreditClient, AsyncLeasePool, RetryPolicy
from entitlement.gateway.chat import Chats
from entitlement.gateway.embeddings import Embeddings
from entitlement.gateway.endpoint import Endpoint
from entitlement.gateway.failures import GatewayError
from entitlement.gateway.funding import HoldFunding, LeaseFunding, OnceFunding
from entitlement.gateway.going_on import GoingOn
from entitlement.gateway.images import Images
from entitlement.gateway.kept_answers import KeptAnswers
from entitlement.gateway.key_privacy import KeyPrivacy
from entitlement.gateway.listing import TYPE_DEFAULT, entry, listing
from entitlement.gateway.models import ROUTES
from entitlement.gateway.pass_through import METHODS, PREFIXES, PassThrough
from entitlement.gateway.price_list import price_hash
from entitlement.gateway.refused_keys import RefusedKeys
from entitlement.gateway.settings import GatewaySettings
from entitlement.gateway.settlements import Settlements
from entitlement.gateway.upstream import UpstreamServer, http_client
from entitlement.gateway.ways import Ways

SERVICE_TRIES_MAX = 3

_log = structlog.get_logger("entitlement.gateway")


def create_app(settings: GatewaySettings) -> Starlette:
    """Return the gateway as an ASGI application; its lifespan settles what is open before it ends."""
    time_outs = settings.time_outs
    credit = AsyncCreditClient(
        settings.service_url,
        settings.service_token.get_secret_value(),
        policy=RetryPolicy(
            attempts_max=SERVICE_TRIES_MAX,
            attempt_seconds=time_outs.service_seconds,
            deadline_seconds=time_outs.service_seconds,
        ),
    )
    pool = (
        AsyncLeasePool(credit, settings.lease_terms.terms(time_outs.service_seconds))
        if settings.leases
        else None
    )
    settlements = Settlements(credit, unsettled_max=settings.unsettled_max)
    going_on = GoingOn()
    http = http_client(time_outs)
    models = {model.id: model for model in settings.models}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        yield
        await going_on.close()
        await settlements.close(time_outs.shutdown_seconds)
        if pool is not None:
            await pool.aclose(time_outs.shutdown_seconds)
        await credit.aclose()
        await http.aclose()

    async def list_models(request: Request) -> Response:
        found = _json(listing(settings.models, request.query_params.get("type", TYPE_DEFAULT)))
        origin = request.headers.get("origin")
        if origin in settings.page_origins:
            found.headers["access-control-allow-origin"] = origin
        found.headers["vary"] = "Origin"
        return found

    async def show_model(request: Request) -> Response:
        model = models.get(request.path_params["model"])
        if model is None:
            message = "There is no such model here: GET /api/v1/models?type=all lists them."
            raise GatewayError(404, "MODEL_NOT_FOUND", message)
        return _json(entry(model))

    async def health(_: Request) -> Response:
        return _json({"status": "ok", "unsettled": settlements.unsettled})

    ways = Ways(
        upstreams={
            name: UpstreamServer(http, upstream, time_outs, settings.answer_bytes_max)
            for name, upstream in settings.upstreams.items()
        },
        total_seconds=time_outs.total_seconds,
    )
    chats = Endpoint(
        name="chat",
        read=Chats(models, ways),
        credit=credit,
        funding=HoldFunding(credit, settlements) if pool is None else LeaseFunding(pool, settlements),
        funding_once=OnceFunding(credit, settlements),
        kept=KeptAnswers(seconds=settings.answers_kept_seconds, bytes_max=settings.answers_kept_bytes_max),
        going_on=going_on,
        privacy=KeyPrivacy(credit),
        refused_keys=RefusedKeys(settings.refusals_per_minute),
        settlements=settlements,
        time_outs=time_outs,
        request_bytes_max=settings.request_bytes_max,
        price_version=settings.price_version or price_hash(settings.models),
    )
    images = replace(chats, name="images", read=Images(models, ways))
    embeddings = replace(chats, name="embeddings", read=Embeddings(models, ways))
    pass_through = PassThrough(http, settings.service_url)
    return Starlette(
        routes=[
            Route(ROUTES["text"], chats, methods=["POST"]),
            Route(ROUTES["image"], images, methods=["POST"]),
            Route(ROUTES["embedding"], embeddings, methods=["POST"]),
            Route("/api/v1/models", list_models),
            Route("/api/v1/models/{model:path}", show_model),
            *(Route(prefix, pass_through, methods=METHODS) for prefix in PREFIXES),
            *(Route(f"{prefix}/{{rest:path}}", pass_through, methods=METHODS) for prefix in PREFIXES),
            Route("/healthz", health),
        ],
        lifespan=lifespan,
        exception_handlers={
            GatewayError: _on_gateway_error,
            HTTPException: _on_http_exception,
            Exception: _on_fault,
        },
    )


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


async def _on_gateway_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    response = _json(error.body(), error.status)
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    return response


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _json(
        GatewayError(error.status_code, error.detail.upper().replace(" ", "_"), f"{error.detail}.").body(),
        error.status_code,
    )
    response.headers.update(error.headers or {})
    return response


async def _on_fault(_: Request, error: Exception) -> Response:
    _log.error("fault", error=type(error).__name__)
    return _json(GatewayError(500, "INTERNAL_ERROR", "The gateway failed.").body(), 500)
