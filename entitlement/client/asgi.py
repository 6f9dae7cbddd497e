"""An ASGI middleware: no request reaches an application without credit, and each is charged what it cost.

    app = CreditMiddleware(app, client, price=lambda scope: 0 if scope["path"] == "/health" else 1_000_000)

What is free is named, not what costs: a router may take other paths for the same, such as one with a line's
end behind it.

The application may say what a request did cost, up to what is held; else the price is charged:

    scope["state"]["entitlement"].cost = 400_000

    no key                  401, and the application is not called
    the service says no     its own status and code (402, 401, 429), as application/problem+json
    the service is away     503: nobody is served on a guess
    the answer begins       charged at its end, also when it breaks off or the client leaves
    a status from 500 on, or an exception before an answer began: nothing is charged
"""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from entitlement.client.async_client import AsyncCreditClient
from entitlement.client.errors import CreditError, CreditRefused, CreditUnavailable, GatewayNotAuthenticated
from entitlement.client.requests import MODEL_CHARACTERS_MAX, HoldRequest, Usage
from entitlement.core.units import NanoUsd

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Price = Callable[[Scope], NanoUsd]
"""The most that a request may cost, nano-USD, by its path and headers; 0 is free and needs no key."""

FAULT = 500
RETRY_AFTER_SECONDS_DEFAULT = 2
STATE = "entitlement"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RequestCredit:
    """A request's credit, as the application finds it in `scope["state"]["entitlement"]`."""

    amount: NanoUsd
    """What is held: the most that is charged."""
    cost: NanoUsd
    """What will be charged; the application may lower it."""
    input_tokens: int = 0
    output_tokens: int = 0
    images: int | None = None
    """How many were made, where that is what is charged."""
    model: str | None = None
    """What the usage history calls it; the path of the request if nothing is said."""


class CreditMiddleware:
    """Holds before an application is called and captures after it."""

    def __init__(self, app: Application, client: AsyncCreditClient, *, price: Price) -> None:
        self._app = app
        self._client = client
        self._price = price

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; connections of other kinds are passed on, unpriced."""
        amount = self._price(scope) if scope["type"] == "http" else NanoUsd(0)
        if amount <= 0:
            await self._app(scope, receive, send)
            return
        key = _key(scope)
        if key is None:
            await _refuse(send, 401, "missing_key", "Send your API key: Authorization: Bearer <key>.")
            return
        wanted = HoldRequest(key, amount, f"req_{uuid4().hex}")
        try:
            hold = (await self._client.place_hold(wanted)).hold
        except CreditError as error:
            await _refuse(send, *_explained(error))
            return
        await self._serve(scope, receive, send, hold.id, hold.amount)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, hold_id: str, amount: NanoUsd) -> None:
        credit = RequestCredit(amount=amount, cost=amount)
        scope.setdefault("state", {})[STATE] = credit
        began_at, status = time.monotonic(), FAULT

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            # Shielded by the client itself: a cancelled request still ends its hold.
            await self._end(scope, hold_id, credit, status, round((time.monotonic() - began_at) * 1000))

    async def _end(
        self, scope: Scope, hold_id: str, credit: RequestCredit, status: int, latency_ms: int
    ) -> None:
        try:
            if status >= FAULT:
                await self._client.release(hold_id)
                return
            cost = NanoUsd(max(0, min(credit.cost, credit.amount)))
            usage = _usage(credit, scope["path"], status, latency_ms)
            await self._client.capture(hold_id, cost, usage)
        except CreditError as error:
            # The answer is out. A hold that is not captured expires, and the operator bears the cost.
            _log.error("hold %s was not settled: %s", hold_id, type(error).__name__)


def _usage(credit: RequestCredit, path: str, status: int, latency_ms: int) -> Usage | None:
    """Return what the history tells of a request; None where the application said what cannot be told."""
    # A path is its client's choice, and what the service refuses would not be charged.
    name = "".join(
        each if each.isprintable() else "?" for each in (credit.model or path)[:MODEL_CHARACTERS_MAX]
    )
    try:
        return Usage(
            model=name or "/",
            input_tokens=credit.input_tokens,
            output_tokens=credit.output_tokens,
            latency_ms=latency_ms,
            status=status,
            images=credit.images,
        )
    except ValueError as error:
        _log.error("a request is charged without its usage: %s", error)
        return None


def _key(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        scheme, _, key = value.partition(b" ")
        if name == b"authorization" and scheme.lower() == b"bearer" and key.strip().isascii():
            return key.strip().decode() or None
    return None


def _explained(error: CreditError) -> tuple[int, str, str, int | None]:
    match error:
        case GatewayNotAuthenticated():
            # The operator's mistake, not the client's.
            return 503, "credit_unavailable", "Credit cannot be asked for.", RETRY_AFTER_SECONDS_DEFAULT
        case CreditRefused():
            return error.status, error.code, error.detail, error.figure("retry_after")
        case _:
            told = error.retry_after if isinstance(error, CreditUnavailable) else None
            seconds = told or RETRY_AFTER_SECONDS_DEFAULT
            return 503, "credit_unavailable", "Credit cannot be asked for.", seconds


async def _refuse(send: Send, status: int, code: str, detail: str, retry_after: int | None = None) -> None:
    body = orjson.dumps(
        {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}
    )
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
