"""GET /api/v1/models: the price list, in the shape that both the openai SDK and Venice's clients read."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import orjson

from entitlement.gateway.models import EmbeddingModel, ImageModel, Model, TextModel
from entitlement.gateway.pricing import usd_short

TYPE_DEFAULT = "text"
"""What is listed for who does not ask for a type: clients of a time when there was one take all for chats."""
TYPE_ALL = "all"


def listing(models: Sequence[Model], asked: str) -> dict[str, object]:
    """Return the models of the type that is asked for, or all; a type that nothing here has gets none."""
    listed = [entry(model) for model in models if asked in {model.type, TYPE_ALL}]
    return {"object": "list", "type": asked, "data": listed}


def entry(model: Model) -> dict[str, object]:
    """Return one model. Prices are dollars, and DIEM: for a million tokens, or for an image."""
    return {
        "id": model.id,
        "object": "model",
        "type": model.type,
        # The openai SDK wants a time here; a price list has none, and an invented one would be worse.
        "created": 0,
        "owned_by": model.upstream,
        "model_spec": {
            "name": model.id,
            **_bounds(model),
            "privacy": model.privacy,
            "offline": False,
            "pricing": _pricing(model),
        },
    }


def _bounds(model: Model) -> Mapping[str, object]:
    match model:
        case TextModel():
            return {
                "availableContextTokens": model.context_length,
                "maxCompletionTokens": model.max_output_tokens,
            }
        case ImageModel():
            sizes = list(model.nano_usd_per_image_of_size)
            return {"constraints": {"maxImages": model.max_images, "sizes": sizes}}
        case EmbeddingModel():
            return {"availableContextTokens": model.context_length}
        case _:
            assert_never(model)


def _pricing(model: Model) -> Mapping[str, object]:
    match model:
        case TextModel():
            return {"input": _each(model.price.input), "output": _each(model.price.output)}
        case ImageModel():
            of_size = model.nano_usd_per_image_of_size
            sizes = {size: _each(price) for size, price in of_size.items()}
            return {"generation": _each(model.nano_usd_per_image)} | ({"resolutions": sizes} if sizes else {})
        case EmbeddingModel():
            # Venice's clients read an output price of every model that is paid by tokens.
            return {"input": _each(model.price.input), "output": _each(0)}
        case _:
            assert_never(model)


def _each(price: int) -> dict[str, object]:
    exact = orjson.Fragment(usd_short(price).encode())
    return {"usd": exact, "diem": exact, "nano_usd": price}
