"""GET /api/v1/models: the price list, in the shape that both the openai SDK and Venice's clients read."""

from collections.abc import Mapping, Sequence

import orjson

from entitlement.gateway.price_list import Model
from entitlement.gateway.pricing import usd_short

TEXT_TYPES = frozenset({"all", "text"})
"""What `?type=` may ask for to see our models; they all make text."""


def listing(models: Sequence[Model]) -> dict[str, object]:
    """Return the whole list."""
    return {"object": "list", "type": "text", "data": [entry(model) for model in models]}


def entry(model: Model) -> dict[str, object]:
    """Return one model. Prices are dollars, and DIEM, for a million tokens."""
    return {
        "id": model.id,
        "object": "model",
        "type": "text",
        # The openai SDK wants a time here; a price list has none, and an invented one would be worse.
        "created": 0,
        "owned_by": model.upstream,
        "model_spec": {
            "name": model.id,
            "availableContextTokens": model.context_length,
            "maxCompletionTokens": model.max_output_tokens,
            "privacy": model.privacy,
            "offline": False,
            "pricing": _pricing(model),
        },
    }


def _pricing(model: Model) -> Mapping[str, object]:
    def each(price: int) -> dict[str, object]:
        exact = orjson.Fragment(usd_short(price).encode())
        return {"usd": exact, "diem": exact, "nano_usd": price}

    return {"input": each(model.price.input), "output": each(model.price.output)}
