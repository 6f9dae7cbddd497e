"""The body of a request for embeddings: what is taken, and what it may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from entitlement.client.json_values import as_list, as_whole
from entitlement.gateway.failures import invalid_request
from entitlement.gateway.models import EmbeddingModel, Model
from entitlement.gateway.pricing import Quote, cost_up, input_tokens_bound
from entitlement.gateway.request_body import find_model, read_fields, refuse_unknown

TEXTS_MAX = 2048
FORWARDED = frozenset({"dimensions", "encoding_format", "input"})
_READ_HERE = frozenset({"model"})


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A request that can be priced and forwarded."""

    model: EmbeddingModel
    texts: Sequence[str] = field(repr=False)
    fields: Mapping[str, object] = field(repr=False)
    """What is forwarded as it came."""

    def body(self, upstream_model: str) -> bytes:
        """Return what is sent to an upstream that calls the model so."""
        return orjson.dumps({**self.fields, "model": upstream_model})

    @property
    def texts_bytes(self) -> int:
        """The bytes of text that the counting rule charges for."""
        return sum(len(text.encode()) for text in self.texts)

    def quote(self) -> Quote:
        """Return a bound of what the request costs: it is read as a whole or not at all."""
        sent_bytes = max(len(self.body(way.upstream_model)) for way in self.model.ways)
        input_tokens = input_tokens_bound(sent_bytes, self.model.context_length * len(self.texts))
        cost = cost_up(self.model.price, input_tokens=input_tokens, output_tokens=0)
        return Quote(amount=cost, minimum=cost, input_tokens=input_tokens)


def read_embedding_request(body: bytes, models: Mapping[str, Model]) -> EmbeddingRequest:
    """Return the request that a body describes; raises `GatewayError` saying what is wrong with it."""
    given = read_fields(body)
    model = find_model(given.get("model"), models, EmbeddingModel)
    refuse_unknown(given, FORWARDED | _READ_HERE)
    texts = _texts(given.get("input"))
    if given.get("encoding_format", "float") not in ("float", "base64"):
        raise invalid_request("'encoding_format' must be 'float' or 'base64'.", param="encoding_format")
    if "dimensions" in given and not as_whole(given["dimensions"]):
        raise invalid_request("'dimensions' must be an integer of at least 1.", param="dimensions")
    return EmbeddingRequest(
        model=model,
        texts=texts,
        fields={name: value for name, value in given.items() if name in FORWARDED},
    )


def _texts(value: object) -> list[str]:
    entries = [value] if isinstance(value, str) else as_list(value)
    if not entries:
        raise invalid_request("'input' must be a string or a list of strings.", param="input")
    if len(entries) > TEXTS_MAX:
        raise invalid_request(f"'input' has {len(entries)} entries: at most {TEXTS_MAX}.", param="input")
    texts: list[str] = []
    for index, entry in enumerate(entries):
        if isinstance(entry, int | list):
            # Tokens of which model, and of how many bytes, nobody here could check.
            raise invalid_request("'input' must be text: tokens are not taken.", param="input")
        if not isinstance(entry, str) or not entry:
            where = "input" if isinstance(value, str) else f"input[{index}]"
            raise invalid_request(f"'{where}' must be a string that is not empty.", param=where)
        texts.append(entry)
    return texts
