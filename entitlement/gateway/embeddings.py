"""POST /api/v1/embeddings: paid by the input, all of it at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from entitlement.client.json_values import as_list, as_object, as_whole
from entitlement.gateway.embedding_request import EmbeddingRequest, read_embedding_request
from entitlement.gateway.exchange import Charge, Exchange
from entitlement.gateway.failures import upstream_invalid
from entitlement.gateway.models import EmbeddingModel, Model
from entitlement.gateway.pricing import Quote, cost_up, counted_tokens_up
from entitlement.gateway.reply import Reply
from entitlement.gateway.upstream import UpstreamServer
from entitlement.gateway.usage import REPORTED_TOKENS_MAX, Tokens
from entitlement.gateway.ways import Ways

PATH = "/embeddings"


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Reads requests for embeddings."""

    models: Mapping[str, Model]
    ways: Ways

    def __call__(self, body: bytes) -> "EmbeddingWork":
        """Return the request that a body describes; raises `GatewayError`."""
        return EmbeddingWork(read_embedding_request(body, self.models), self.ways)


@dataclass(slots=True)
class _EmbeddingMeter:
    asked: EmbeddingRequest
    reported: int | None = None

    def charge(self, *, whole: bool) -> Charge:
        # A report comes with the whole answer or not at all.
        del whole
        if self.reported is not None:
            tokens = Tokens(self.reported, 0, "upstream")
        else:
            tokens = Tokens(counted_tokens_up(self.asked.texts_bytes), 0, "gateway")
        return Charge(tokens, cost_up(self.asked.model.price, input_tokens=tokens.input, output_tokens=0))


@dataclass(frozen=True, slots=True)
class EmbeddingWork:
    """A request for embeddings that was read."""

    asked: EmbeddingRequest
    ways: Ways

    @property
    def model(self) -> EmbeddingModel:
        """What is asked."""
        return self.asked.model

    @property
    def stream(self) -> bool:
        """Whether the answer comes in pieces: never."""
        return False

    @property
    def goes_on(self) -> bool:
        """Whether it is finished though its client leaves: what was sent is charged either way."""
        return False

    def quote(self) -> Quote:
        """Return what it may cost."""
        return self.asked.quote()

    async def answer(self, quote: Quote, exchange: Exchange, reply: Reply) -> None:
        """Answer with an embedding of each text; raises `GatewayError`."""
        # The hold pays for all texts, or there is none.
        del quote

        async def ask(upstream: UpstreamServer, upstream_model: str) -> dict[str, object]:
            meter = _EmbeddingMeter(self.asked)
            exchange.begin(meter)
            answer = await upstream.complete(PATH, self.asked.body(upstream_model), exchange.note_sent)
            _check(answer, len(self.asked.texts))
            meter.reported = _reported(answer)
            return answer

        answer = await self.ways.ask(self.model, reply, ask)
        charge = await exchange.finish()
        tokens = charge.tokens.input
        told: dict[str, object] = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
        await reply.whole({**answer, "model": self.model.id, **told, "cost": charge.told()})


def _check(answer: Mapping[str, object], texts: int) -> None:
    """Raise `UpstreamFailed` unless there is one embedding for each text, as numbers or as base64."""
    vectors = [(as_object(entry) or {}).get("embedding") for entry in as_list(answer.get("data")) or []]
    if len(vectors) != texts or not all(as_list(each) or isinstance(each, str) for each in vectors):
        raise upstream_invalid()


def _reported(answer: Mapping[str, object]) -> int | None:
    """Return the tokens that the upstream says it read, None for what makes no sense."""
    tokens = as_whole((as_object(answer.get("usage")) or {}).get("prompt_tokens"))
    return None if tokens is None or tokens > REPORTED_TOKENS_MAX else tokens
