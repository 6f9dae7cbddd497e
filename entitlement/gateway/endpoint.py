"""What every route that is paid for does, whatever it makes: hold, forward, capture.

    read the body -> quote -> hold -> forward -> answer -> capture

Fails closed: without a hold nothing is forwarded. All of a request happens in one task, which is cancelled
when the client leaves, unless it is work that goes on, or when the gateway shuts down; what is left of the
exchange then is ended by its `finally`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from entitlement.client import AsyncCreditClient, CreditError, CreditRefused, HoldRequest
from entitlement.gateway.exchange import Exchange
from entitlement.gateway.failures import GatewayError, explain_credit, key_tried_out
from entitlement.gateway.funding import Funding, Funds, TriedBefore
from entitlement.gateway.going_on import GoingOn
from entitlement.gateway.idempotency import TRIES_MAX, Delivery, read_delivery
from entitlement.gateway.incoming import read_body, read_key
from entitlement.gateway.kept_answers import KeptAnswers
from entitlement.gateway.key_privacy import KeyPrivacy
from entitlement.gateway.models import Model
from entitlement.gateway.pricing import Quote
from entitlement.gateway.refused_keys import RefusedKeys
from entitlement.gateway.reply import ClientLeft, Reply, until_client_leaves
from entitlement.gateway.settings import HOLD_MARGIN_SECONDS, TimeOuts
from entitlement.gateway.settlements import Settlements

LAST_WORDS_SECONDS = 5.0
"""How long the last events of a stream may take to a client that no longer reads."""

_log = structlog.get_logger("entitlement.gateway")


class Work(Protocol):
    """A request that was read: what it may cost, and how it is answered."""

    @property
    def model(self) -> Model:
        """What is asked."""
        ...

    @property
    def stream(self) -> bool:
        """Whether the answer comes in pieces."""
        ...

    @property
    def goes_on(self) -> bool:
        """Whether it is finished, and charged, though its client leaves."""
        ...

    def quote(self) -> Quote:
        """Return what it may cost."""
        ...

    async def answer(self, quote: Quote, exchange: Exchange, reply: Reply) -> None:
        """Ask an upstream, capture the cost and answer; raises `GatewayError` for what went wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route, as an ASGI application."""

    name: str
    """What its Idempotency-Keys belong to."""
    read: Callable[[bytes], Work]
    """Reads a body; raises `GatewayError`."""
    credit: AsyncCreditClient
    funding: Funding
    funding_once: Funding
    """For requests that may be delivered again."""
    kept: KeptAnswers
    going_on: GoingOn
    privacy: KeyPrivacy
    refused_keys: RefusedKeys
    settlements: Settlements
    time_outs: TimeOuts
    request_bytes_max: int
    price_version: str
    """What the list of prices is called that the models came from."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises but for a cancellation from outside."""
        request = Request(scope, receive)
        request_id = f"req_{uuid4().hex}"
        reply = Reply(send, request_id)
        try:
            key = read_key(request.headers)
            body = await read_body(request, self.request_bytes_max)
            delivery = read_delivery(request.headers, key, body, self.name)
            work = self.read(body)
            if delivery is None:
                served = self._serve(scope, key, work, request_id, reply, self.funding)
            else:
                served = self._serve_once(scope, delivery, key, work, reply)
            # Who loses the connection asks again, and finds the answer. Closing a stream stops it.
            if work.goes_on or (delivery is not None and not work.stream):
                served = self.going_on.start(served)
            await until_client_leaves(receive, served)
        except (ClientLeft, ClientDisconnect):
            # Nobody is there to be told.
            return
        except Exception as error:  # noqa: BLE001 - above us it would be logged with its message
            refused = error if isinstance(error, GatewayError) else _fault(error, request_id)
            _log.info("refused", request_id=reply.request_id, status=refused.status, code=refused.code)
            if not reply.begun:
                await reply.refuse(refused)

    async def _serve_once(self, scope: Scope, delivery: Delivery, key: str, work: Work, reply: Reply) -> None:
        """Serve what may come again: a first delivery is answered, later ones as that one was."""
        recording = self.kept.begin(delivery)
        if recording.is_whole:
            await reply.again(recording)
            _log.info("replayed", request_id=reply.request_id)
            return
        reply.recording = recording
        try:
            for number in range(TRIES_MAX):
                request_id = delivery.request_id(number)
                reply.rename(request_id)
                with suppress(TriedBefore):
                    await self._serve(scope, key, work, request_id, reply, self.funding_once)
                    return
            raise key_tried_out(TRIES_MAX)
        finally:
            self.kept.finish(recording)

    async def _serve(
        self, scope: Scope, key: str, work: Work, request_id: str, reply: Reply, funding: Funding
    ) -> None:
        self.settlements.admit(request_id)
        try:
            with self.refused_keys.asking(scope, key):
                quote = work.quote()
                funds = await self._fund(key, work.model, quote, request_id, reply, funding)
        except BaseException:
            # Without a hold there is nothing to settle; the client releases one whose answer is on its way.
            self.settlements.dismiss(request_id)
            raise
        exchange = Exchange(
            request_id,
            work.model,
            funds,
            self.settlements,
            self.price_version,
            self.time_outs.settle_seconds,
        )
        try:
            await work.answer(quote, exchange, reply)
        except Exception as error:  # noqa: BLE001 - a fault of ours, of any kind, must still end the hold
            failure = error if isinstance(error, GatewayError) else _fault(error, request_id)
            if not reply.begun:
                exchange.release(status=failure.status, code=failure.code)
                await exchange.settled()
                raise failure from None
            exchange.capture(whole=False, status=failure.status, code=failure.code)
            await _last_words(failure, reply)
        finally:
            exchange.abandon()

    async def _fund(
        self, key: str, model: Model, quote: Quote, request_id: str, reply: Reply, funding: Funding
    ) -> Funds | None:
        """Return what pays, None for a model that costs nothing; raises `GatewayError` if nothing does."""
        try:
            await self.privacy.check(key, model)
            if quote.amount == 0:
                # Nothing can be held for a model that is free; the key must be good all the same.
                balance = (await self.credit.introspect(key)).balance
                reply.tell_balance(balance, None)
                return None
            funded = await funding.fund(
                HoldRequest(
                    key=key,
                    amount=quote.amount,
                    minimum=quote.minimum,
                    request_id=request_id,
                    ttl=round(self.time_outs.total_seconds) + HOLD_MARGIN_SECONDS,
                    model=model.id,
                )
            )
        except CreditError as error:
            reason = error.code if isinstance(error, CreditRefused) else str(error)
            _log.info("no_credit", request_id=request_id, model=model.id, reason=reason)
            raise explain_credit(error) from None
        if funded.balance is not None:
            reply.tell_balance(funded.balance, funded.hold)
        return funded.funds


async def _last_words(failure: GatewayError, reply: Reply) -> None:
    """Tell inside a stream that it broke off; no `[DONE]` follows, for the answer is not whole."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await reply.send_event(orjson.dumps(failure.body()))
            await reply.end_stream()


def _fault(error: Exception, request_id: str) -> GatewayError:
    """Log a fault of our own by its kind and place: its message may quote what was being worked on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _log.error("fault", request_id=request_id, error=type(error).__name__, where=where)
    return GatewayError(500, "INTERNAL_ERROR", "The gateway failed.")
