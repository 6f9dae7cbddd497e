"""POST /api/v1/chat/completions: the output is clamped to what the hold pays, and may come in pieces."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson

from entitlement.gateway.chat_request import ChatRequest, output_tokens_max, quote_up, read_chat_request
from entitlement.gateway.endpoint import LAST_WORDS_SECONDS
from entitlement.gateway.exchange import Charge, Exchange
from entitlement.gateway.failures import UpstreamFailed, upstream_interrupted, upstream_invalid
from entitlement.gateway.models import Model, TextModel
from entitlement.gateway.pricing import Price, Quote, cost_up
from entitlement.gateway.reply import Reply
from entitlement.gateway.sse import DONE
from entitlement.gateway.upstream import UpstreamServer
from entitlement.gateway.usage import Tally
from entitlement.gateway.ways import Ways

PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Chats:
    """Reads chats."""

    models: Mapping[str, Model]
    ways: Ways

    def __call__(self, body: bytes) -> "Chat":
        """Return the chat that a body describes; raises `GatewayError`."""
        return Chat(read_chat_request(body, self.models), self.ways)


@dataclass(frozen=True, slots=True)
class _ChatMeter:
    tally: Tally
    price: Price

    def charge(self, *, whole: bool) -> Charge:
        tokens = self.tally.tokens(whole=whole)
        return Charge(tokens, cost_up(self.price, input_tokens=tokens.input, output_tokens=tokens.output))


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that was read."""

    asked: ChatRequest
    ways: Ways

    @property
    def model(self) -> TextModel:
        """What is asked."""
        return self.asked.model

    @property
    def stream(self) -> bool:
        """Whether the answer comes in pieces."""
        return self.asked.stream

    @property
    def goes_on(self) -> bool:
        """Whether it is finished though its client leaves: an upstream stops where it is left."""
        return False

    def quote(self) -> Quote:
        """Return what it may cost."""
        return quote_up(self.asked)

    async def answer(self, quote: Quote, exchange: Exchange, reply: Reply) -> None:
        """Ask for no more output than is paid for, and answer; raises `GatewayError`."""
        most = output_tokens_max(self.asked, quote, exchange.credit)
        if most < self.asked.output_tokens_wanted:
            reply.tell_clamped(most)

        async def ask(upstream: UpstreamServer, upstream_model: str) -> tuple[dict[str, object], Tally]:
            tally = Tally(self.asked.prompt_bytes)
            exchange.begin(_ChatMeter(tally, self.model.price))
            body = self.asked.body(most, upstream_model)
            return await self._ask(upstream, body, tally, exchange, reply), tally

        answer, tally = await self.ways.ask(self.model, reply, ask)
        finish = self._finish_stream if self.stream else self._finish_whole
        await finish(answer, tally, exchange, reply)

    async def _ask(
        self, upstream: UpstreamServer, body: bytes, tally: Tally, exchange: Exchange, reply: Reply
    ) -> dict[str, object]:
        """Return a whole answer, or pass a stream on and return its last chunk."""
        if self.stream:
            async with upstream.stream(PATH, body, exchange.note_sent) as chunks:
                return await self._relay(chunks, tally, reply)
        answer = await upstream.complete(PATH, body, exchange.note_sent)
        if not answer.get("choices") or not tally.add(answer, "message"):
            raise upstream_invalid()
        return answer

    async def _finish_whole(
        self, answer: dict[str, object], tally: Tally, exchange: Exchange, reply: Reply
    ) -> None:
        charge = await exchange.finish()
        await reply.whole(
            {**answer, "model": self.model.id, "usage": _usage(tally, charge), "cost": charge.told()}
        )

    async def _relay(
        self, chunks: AsyncIterator[dict[str, object]], tally: Tally, reply: Reply
    ) -> dict[str, object]:
        """Pass chunks on as they come, up to the last; returns the last one without its choices and usage."""
        last: dict[str, object] = {}
        async for chunk in _until_broken(chunks, tally):
            if not tally.add(chunk, "delta"):
                raise upstream_invalid()
            # Usage is told once, at the end, with the cost beside it, and only to a client that expects it.
            choices = chunk.pop("choices")
            chunk.pop("usage", None)
            last = {**chunk, "model": self.model.id}
            if not reply.begun:
                await reply.begin_stream()
            if choices:
                await reply.send_event(orjson.dumps({**last, "choices": choices}))
        if not tally.finished:
            raise upstream_interrupted()
        return last

    async def _finish_stream(
        self, last: dict[str, object], tally: Tally, exchange: Exchange, reply: Reply
    ) -> None:
        charge = await exchange.finish()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                if self.asked.wants_usage:
                    told: dict[str, object] = {"choices": [], "usage": _usage(tally, charge)}
                    await reply.send_event(orjson.dumps({**last, **told, "cost": charge.told()}))
                await reply.send_event(DONE)
                await reply.end_stream()


async def _until_broken(
    chunks: AsyncIterator[dict[str, object]], tally: Tally
) -> AsyncIterator[dict[str, object]]:
    """Give the chunks; raises what the upstream fails with, unless the answer was whole by then."""
    try:
        async for chunk in chunks:
            yield chunk
    except UpstreamFailed:
        # Its text is complete, and it is paid for as such: only the stream did not end as it should.
        if not tally.finished:
            raise


def _usage(tally: Tally, charge: Charge) -> dict[str, object]:
    """Return the upstream's own usage, with its details, or else what was counted instead."""
    tokens = charge.tokens
    if tokens.counted_by == "upstream" and tally.reported is not None:
        return tally.reported
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
    }
