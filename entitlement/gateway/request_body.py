"""The bodies of requests: what is read the same way on every route.

forwarded   what shapes the answer and has a price that we know
left behind what says who is asking (`user`, `metadata`, ...): the upstream does not learn it
refused     everything else, by name: a field passed over in silence might have been paid for, or relied upon
"""

from collections.abc import Collection, Mapping
from typing import TypeVar

import orjson

from entitlement.client.json_values import as_object, parse
from entitlement.gateway.failures import GatewayError, invalid_request
from entitlement.gateway.models import ROUTES, EmbeddingModel, ImageModel, Model, TextModel

LEFT_BEHIND = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "store", "user"})

_M = TypeVar("_M", TextModel, ImageModel, EmbeddingModel)


def read_fields(body: bytes) -> dict[str, object]:
    """Return the fields that a body names; raises `GatewayError` 400 for what is no JSON object.

    No message repeats what the body holds, beyond names of fields: messages end up in people's logs.
    """
    try:
        given = as_object(parse(body))
    except ValueError as error:
        raise invalid_request(f"The body is {error}.") from None
    if given is None:
        raise invalid_request("The body is not a JSON object.")
    # Many clients write out null for what they leave open.
    return {name: value for name, value in given.items() if value is not None}


def find_model(name: object, models: Mapping[str, Model], kind: type[_M]) -> _M:
    """Return the model of that name.

    Raises `GatewayError` 404 for one that is not listed, and 400 for one of another kind, with its route.
    """
    if not isinstance(name, str):
        raise invalid_request("'model' is missing or not a string.", param="model")
    if name not in models:
        raise GatewayError(
            404,
            "MODEL_NOT_FOUND",
            "There is no such model here: GET /api/v1/models?type=all lists them.",
            figures={"param": "model"},
        )
    model = models[name]
    if not isinstance(model, kind):
        message = f"This model is of type {model.type!r}: ask it at POST {ROUTES[model.type]}."
        raise invalid_request(message, param="model", route=ROUTES[model.type])
    return model


def written(shaped: Mapping[str, object]) -> bytes:
    """Return a body as it is sent on; raises `GatewayError` 400 for what is nested too deeply for that."""
    try:
        return orjson.dumps(shaped)
    except orjson.JSONEncodeError:
        # It reads four times as deep as it writes.
        raise invalid_request("The body is nested too deeply.") from None


def refuse_unknown(given: Mapping[str, object], known: Collection[str]) -> None:
    """Raise `GatewayError` 400 for a field that is neither known to the route nor left behind."""
    unknown = sorted(given.keys() - known - LEFT_BEHIND)
    if unknown:
        name = unknown[0][:64]
        raise invalid_request(f"The field {name!r} is not supported by this gateway.", param=name)
