"""POST /api/v1/chat/completions: hold, forward, capture.

    read the body -> quote -> hold -> clamp the output to what the hold pays -> forward -> answer -> capture

Fails closed: without a hold nothing is forwarded. All of a request happens in one task, which is cancelled
when the client leaves or the gateway shuts down; what is left of the exchange then is ended by its `finally`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from entitlement.client import AsyncCreditClient, CreditError, CreditRefused, HoldRequest
from entitlement.gateway.chat_request import ChatRequest, quote_up, read_chat_request
from entitlement.gateway.exchange import Charge, Exchange
from entitlement.gateway.failures import (
    GatewayError,
    UpstreamFailed,
    explain_credit,
    key_tried_out,
    upstream_interrupted,
    upstream_invalid,
    upstream_timed_out,
)
from entitlement.gateway.funding import Funding, Funds, TriedBefore
from entitlement.gateway.going_on import GoingOn
from entitlement.gateway.idempotency import TRIES_MAX, Delivery, read_delivery
from entitlement.gateway.incoming import read_body, read_key
from entitlement.gateway.kept_answers import KeptAnswers
from entitlement.gateway.key_privacy import KeyPrivacy
from entitlement.gateway.price_list import Fallback, Model
from entitlement.gateway.pricing import usd_short
from entitlement.gateway.refused_keys import RefusedKeys
from entitlement.gateway.reply import ClientLeft, Reply, until_client_leaves
from entitlement.gateway.settings import HOLD_MARGIN_SECONDS, TimeOuts
from entitlement.gateway.settlements import Settlements
from entitlement.gateway.sse import DONE
from entitlement.gateway.upstream import UpstreamServer

LAST_WORDS_SECONDS = 5.0
"""How long the last events of a stream may take to a client that no longer reads."""

_log = structlog.get_logger("entitlement.gateway")


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The endpoint, as an ASGI application."""

    models: Mapping[str, Model]
    upstreams: Mapping[str, UpstreamServer]
    credit: AsyncCreditClient
    funding: Funding
    funding_once: Funding
    """For chats that may be delivered again."""
    kept: KeptAnswers
    going_on: GoingOn
    privacy: KeyPrivacy
    refused_keys: RefusedKeys
    settlements: Settlements
    time_outs: TimeOuts
    request_bytes_max: int
    price_version: str
    """What the list of prices is called that `models` came from."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises but for a cancellation from outside."""
        request = Request(scope, receive)
        request_id = f"req_{uuid4().hex}"
        reply = Reply(send, request_id)
        try:
            key = read_key(request.headers)
            body = await read_body(request, self.request_bytes_max)
            delivery = read_delivery(request.headers, key, body)
            chat = read_chat_request(body, self.models)
            if delivery is None:
                work = self._serve(scope, key, chat, request_id, reply, self.funding)
            else:
                work = self._serve_once(scope, delivery, key, chat, reply)
                if not chat.stream:
                    # Who loses the connection asks again, and finds the answer. Closing a stream stops it.
                    work = self.going_on.start(work)
            await until_client_leaves(receive, work)
        except (ClientLeft, ClientDisconnect):
            # Nobody is there to be told.
            return
        except Exception as error:  # noqa: BLE001 - above us it would be logged with its message
            refused = error if isinstance(error, GatewayError) else _fault(error, request_id)
            _log.info("refused", request_id=reply.request_id, status=refused.status, code=refused.code)
            if not reply.begun:
                await reply.refuse(refused)

    async def _serve_once(
        self, scope: Scope, delivery: Delivery, key: str, chat: ChatRequest, reply: Reply
    ) -> None:
        """Serve a chat that may come again: a first delivery is answered, later ones as that one was."""
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
                    await self._serve(scope, key, chat, request_id, reply, self.funding_once)
                    return
            raise key_tried_out(TRIES_MAX)
        finally:
            self.kept.finish(recording)

    async def _serve(
        self, scope: Scope, key: str, chat: ChatRequest, request_id: str, reply: Reply, funding: Funding
    ) -> None:
        self.settlements.admit(request_id)
        try:
            with self.refused_keys.asking(scope, key):
                funds, output_tokens_max = await self._fund(key, chat, request_id, reply, funding)
        except BaseException:
            # Without a hold there is nothing to settle; the client releases one whose answer is on its way.
            self.settlements.dismiss(request_id)
            raise
        exchange = Exchange(request_id, chat, funds, self.settlements, self.price_version)
        try:
            await self._answer(chat, output_tokens_max, exchange, reply)
        except Exception as error:  # noqa: BLE001 - a fault of ours, of any kind, must still end the hold
            failure = error if isinstance(error, GatewayError) else _fault(error, request_id)
            if not reply.begun:
                exchange.release(status=failure.status, code=failure.code)
                await exchange.settled(self.time_outs.settle_seconds)
                raise failure from None
            exchange.capture(whole=False, status=failure.status, code=failure.code)
            await self._last_words(failure, reply)
        finally:
            exchange.abandon()

    async def _fund(
        self, key: str, chat: ChatRequest, request_id: str, reply: Reply, funding: Funding
    ) -> tuple[Funds | None, int]:
        """Return what pays, and the output tokens it pays for; raises `GatewayError` if there is none."""
        quote = quote_up(chat)
        try:
            await self.privacy.check(key, chat.model)
            if quote.amount == 0:
                # Nothing can be held for a model that is free; the key must be good all the same.
                balance = (await self.credit.introspect(key)).balance
                reply.tell_balance(balance, None)
                return None, chat.output_tokens_wanted
            funded = await funding.fund(
                HoldRequest(
                    key=key,
                    amount=quote.amount,
                    minimum=quote.minimum,
                    request_id=request_id,
                    ttl=round(self.time_outs.total_seconds) + HOLD_MARGIN_SECONDS,
                    model=chat.model.id,
                )
            )
        except CreditError as error:
            reason = error.code if isinstance(error, CreditRefused) else str(error)
            _log.info("no_credit", request_id=request_id, model=chat.model.id, reason=reason)
            raise explain_credit(error) from None
        if funded.balance is not None:
            reply.tell_balance(funded.balance, funded.hold)
        output_tokens_max = quote.output_tokens_max(chat, funded.funds.amount)
        if output_tokens_max < chat.output_tokens_wanted:
            reply.tell_clamped(output_tokens_max)
        return funded.funds, output_tokens_max

    async def _answer(
        self, chat: ChatRequest, output_tokens_max: int, exchange: Exchange, reply: Reply
    ) -> None:
        async with _upstream_within(self.time_outs.total_seconds):
            answer = await self._ask_in_turn(chat, output_tokens_max, exchange, reply)
        if chat.stream:
            await self._finish_stream(answer, chat, exchange, reply)
        else:
            await self._finish_whole(answer, chat, exchange, reply)

    async def _ask_in_turn(
        self, chat: ChatRequest, output_tokens_max: int, exchange: Exchange, reply: Reply
    ) -> dict[str, object]:
        """Ask the model's upstreams one after the other, until the client has something from one of them."""
        *first, last = chat.model.ways
        for way in first:
            try:
                return await self._ask(way, chat, output_tokens_max, exchange, reply)
            except UpstreamFailed as failure:
                if reply.begun or not failure.is_about_the_upstream:
                    raise
                _log.warning("next_upstream", model=chat.model.id, failed=way.upstream, code=failure.code)
                exchange.begin_again()
        return await self._ask(last, chat, output_tokens_max, exchange, reply)

    async def _ask(
        self, way: Fallback, chat: ChatRequest, output_tokens_max: int, exchange: Exchange, reply: Reply
    ) -> dict[str, object]:
        """Return a whole answer, or pass a stream on and return its last chunk."""
        upstream = self.upstreams[way.upstream]
        body = chat.body(output_tokens_max, way.upstream_model)
        if chat.stream:
            async with upstream.stream(body, exchange.note_sent) as chunks:
                return await self._relay(chunks, chat, exchange, reply)
        answer = await upstream.complete(body, exchange.note_sent)
        if not answer.get("choices") or not exchange.tally.add(answer, "message"):
            raise upstream_invalid()
        return answer

    async def _finish_whole(
        self, answer: dict[str, object], chat: ChatRequest, exchange: Exchange, reply: Reply
    ) -> None:
        charge = exchange.capture(whole=True)
        await exchange.settled(self.time_outs.settle_seconds)
        await reply.whole(
            {**answer, "model": chat.model.id, "usage": _usage(exchange, charge), "cost": _cost(charge)}
        )

    async def _relay(
        self,
        chunks: AsyncIterator[dict[str, object]],
        chat: ChatRequest,
        exchange: Exchange,
        reply: Reply,
    ) -> dict[str, object]:
        """Pass chunks on as they come, up to the last; returns the last one without its choices and usage."""
        last: dict[str, object] = {}
        async for chunk in chunks:
            if not exchange.tally.add(chunk, "delta"):
                raise upstream_invalid()
            # Usage is told once, at the end, with the cost beside it, and only to a client that expects it.
            choices = chunk.pop("choices")
            chunk.pop("usage", None)
            last = {**chunk, "model": chat.model.id}
            if not reply.begun:
                await reply.begin_stream()
            if choices:
                await reply.send_event(orjson.dumps({**last, "choices": choices}))
        if not exchange.tally.finished:
            raise upstream_interrupted()
        return last

    async def _finish_stream(
        self, last: dict[str, object], chat: ChatRequest, exchange: Exchange, reply: Reply
    ) -> None:
        charge = exchange.capture(whole=True)
        await exchange.settled(self.time_outs.settle_seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                if chat.wants_usage:
                    told: dict[str, object] = {"choices": [], "usage": _usage(exchange, charge)}
                    await reply.send_event(orjson.dumps({**last, **told, "cost": _cost(charge)}))
                await reply.send_event(DONE)
                await reply.end_stream()

    async def _last_words(self, failure: GatewayError, reply: Reply) -> None:
        """Tell inside a stream that it broke off; no `[DONE]` follows, for the answer is not whole."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await reply.send_event(orjson.dumps(failure.body()))
                await reply.end_stream()


@asynccontextmanager
async def _upstream_within(seconds: float) -> AsyncGenerator[None, None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise upstream_timed_out() from None


def _usage(exchange: Exchange, charge: Charge) -> dict[str, object]:
    """Return the upstream's own usage, with its details, or else what was counted instead."""
    tokens = charge.tokens
    if tokens.counted_by == "upstream" and exchange.tally.reported is not None:
        return exchange.tally.reported
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
    }


def _cost(charge: Charge) -> dict[str, object]:
    """Return the cost in each unit; one DIEM of credit is one dollar, so the figures agree."""
    exact = orjson.Fragment(usd_short(charge.cost).encode())
    return {
        "usd": exact,
        "diem": exact,
        "nano_usd": charge.cost,
        "counted_by": charge.tokens.counted_by,
    }


def _fault(error: Exception, request_id: str) -> GatewayError:
    """Log a fault of our own by its kind and place: its message may quote what was being worked on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _log.error("fault", request_id=request_id, error=type(error).__name__, where=where)
    return GatewayError(500, "INTERNAL_ERROR", "The gateway failed.")
