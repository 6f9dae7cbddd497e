"""The body of a request for images: what is taken, and what it costs.

Whatever the client wants, the upstream is asked for the images themselves, never for addresses of them: an
address at the upstream's would show it who looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from entitlement.client.json_values import as_whole
from entitlement.gateway.failures import invalid_request
from entitlement.gateway.models import ImageModel, Model
from entitlement.gateway.pricing import Quote, images_cost
from entitlement.gateway.request_body import find_model, read_fields, refuse_unknown, written

FORWARDED = frozenset(
    {
        "background",
        "moderation",
        "negative_prompt",
        "output_compression",
        "output_format",
        "prompt",
        "seed",
        "style",
    }
)
_READ_HERE = frozenset({"model", "n", "quality", "response_format", "size", "stream"})
_SIZE_LEFT_OPEN = "auto"
_QUALITIES_LEFT_OPEN = ("auto", "standard")
"""Others cost an upstream's customer more, and the price list has one price for all."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A request that can be priced and forwarded."""

    model: ImageModel
    number: int
    """How many images are wanted."""
    size: str | None
    """One that the model lists, None for its usual one."""
    as_urls: bool
    """Whether the client wants each image as a `data:` URL, rather than as base64 alone."""
    fields: Mapping[str, object] = field(repr=False)
    """What is forwarded as it came."""

    def body(self, upstream_model: str) -> bytes:
        """Return what is sent to an upstream that calls the model so."""
        shaped: dict[str, object] = {**self.fields, "model": upstream_model, "n": self.number}
        shaped["response_format"] = "b64_json"
        if self.size is not None:
            shaped["size"] = self.size
        return written(shaped)

    def quote(self) -> Quote:
        """Return what the request costs at most: all the images, or it is not begun."""
        cost = images_cost(self.model.price(self.size), number=self.number)
        return Quote(amount=cost, minimum=cost, input_tokens=0)


def read_image_request(body: bytes, models: Mapping[str, Model]) -> ImageRequest:
    """Return the request that a body describes; raises `GatewayError` saying what is wrong with it."""
    given = read_fields(body)
    model = find_model(given.get("model"), models, ImageModel)
    refuse_unknown(given, FORWARDED | _READ_HERE)
    prompt = given.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise invalid_request("'prompt' must be a string that is not empty.", param="prompt")
    if given.get("stream", False) is not False:
        raise invalid_request("Images are not streamed: leave 'stream' out.", param="stream")
    if given.get("quality", "auto") not in _QUALITIES_LEFT_OPEN:
        raise invalid_request(
            "'quality' must be 'auto' or 'standard': each model has one quality here.", param="quality"
        )
    form = given.get("response_format", "b64_json")
    if form not in ("b64_json", "url"):
        raise invalid_request("'response_format' must be 'b64_json' or 'url'.", param="response_format")
    return ImageRequest(
        model=model,
        number=_number(given.get("n", 1), model),
        size=_size(given.get("size", _SIZE_LEFT_OPEN), model),
        as_urls=form == "url",
        fields={name: value for name, value in given.items() if name in FORWARDED},
    )


def _number(value: object, model: ImageModel) -> int:
    number = as_whole(value)
    if not number or number > model.max_images:
        raise invalid_request(
            f"'n' must be an integer from 1 to {model.max_images}, the most images of one request to this"
            " model.",
            param="n",
            most=model.max_images,
        )
    return number


def _size(value: object, model: ImageModel) -> str | None:
    if value == _SIZE_LEFT_OPEN:
        return None
    sizes = list(model.nano_usd_per_image_of_size)
    if not isinstance(value, str) or value not in sizes:
        listed = f"one of {', '.join(sizes)}, or left out" if sizes else "left out for this model"
        raise invalid_request(f"'size' must be {listed}.", param="size", sizes=sizes)
    return value
