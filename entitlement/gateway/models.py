"""The kinds of model that a price list may have, and what is known of each.

type          paid by                              route
text          tokens in and out                    POST /api/v1/chat/completions
image         images, by size where one says so    POST /api/v1/images/generations
embedding     tokens in                            POST /api/v1/embeddings
"""

from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from entitlement.client.json_values import as_object
from entitlement.gateway.pricing import Price

PRICE_MAX = 10**13
"""$10,000 for a million tokens. With `TOKENS_MAX` it keeps every cost below the protocol's largest amount."""
TOKENS_MAX = 10**8
IMAGE_PRICE_MAX = 10**12
"""$1,000 for an image. With `IMAGES_MAX` it keeps every cost below the protocol's largest amount."""
IMAGES_MAX = 100

Kind = Literal["text", "image", "embedding"]

ROUTES = MappingProxyType[Kind, str](
    {
        "text": "/api/v1/chat/completions",
        "image": "/api/v1/images/generations",
        "embedding": "/api/v1/embeddings",
    }
)
"""Where models of each kind are asked."""

_Price = Annotated[int, Field(ge=0, le=PRICE_MAX)]
_ImagePrice = Annotated[int, Field(ge=0, le=IMAGE_PRICE_MAX)]
_Tokens = Annotated[int, Field(ge=1, le=TOKENS_MAX)]
_Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
_Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]


class Fallback(BaseModel):
    """Another upstream that runs a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    upstream: _Name
    upstream_model: _Name


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: _Name
    """What clients call it."""
    upstream: _Name
    """The name of the upstream that runs it, as in the gateway's settings."""
    upstream_model: _Name
    """What the upstream calls it."""
    privacy: Literal["private", "anonymized"]
    """`private`: the upstream keeps nothing; `anonymized`: it may keep texts, not knowing whose they are."""
    fallbacks: Annotated[tuple[Fallback, ...], Field(strict=False)] = ()
    """Where else it runs, at the same price: asked in this order while nothing has come from those before."""

    @property
    def ways(self) -> tuple[Fallback, ...]:
        """Every upstream that runs it, in the order in which they are asked."""
        return (Fallback(upstream=self.upstream, upstream_model=self.upstream_model), *self.fallbacks)

    def allows(self, privacy: str) -> bool:
        """Tell whether a key with this `modelPrivacy` may call it.

        `ALL` may call everything; `PRIVATE_TEXT`, `PRIVATE_ONLY` and words of a later time, private models.
        """
        return privacy == "ALL" or self.privacy == "private"


class TextModel(_Listed):
    """A model that chats."""

    type: Literal["text"] = "text"
    input_nano_usd_per_million_tokens: _Price
    output_nano_usd_per_million_tokens: _Price
    context_length: _Tokens
    """Tokens of input and output together."""
    max_output_tokens: _Tokens
    """The most tokens of one answer."""
    usual_output_tokens: _Tokens | None = None
    """What a request gets that names no number; None: the most. So much credit is set aside for it, and with
    the most of a large model one request would keep all others of its account waiting."""

    @model_validator(mode="after")
    def _fits_its_context(self) -> Self:
        if self.max_output_tokens > self.context_length:
            problem = (
                f"max_output_tokens {self.max_output_tokens} exceeds context_length {self.context_length}"
            )
            raise ValueError(problem)
        if self.usual_output_tokens is not None and self.usual_output_tokens > self.max_output_tokens:
            problem = (
                f"usual_output_tokens {self.usual_output_tokens} exceeds "
                f"max_output_tokens {self.max_output_tokens}"
            )
            raise ValueError(problem)
        return self

    @property
    def price(self) -> Price:
        """The two prices together."""
        return Price(
            input=self.input_nano_usd_per_million_tokens, output=self.output_nano_usd_per_million_tokens
        )


class ImageModel(_Listed):
    """A model that makes images of a text."""

    type: Literal["image"]
    nano_usd_per_image: _ImagePrice
    """Of the size that the upstream makes when none is named."""
    nano_usd_per_image_of_size: dict[_Size, _ImagePrice] = Field(default_factory=dict)
    """The sizes that may be asked for, as `1024x1024`, and what an image costs in each. No other is taken:
    an upstream's price may follow the size."""
    max_images: Annotated[int, Field(ge=1, le=IMAGES_MAX)]
    """The most images of one request."""

    def price(self, size: str | None) -> int:
        """Return nano-USD for an image of a listed size, or of the usual one for None."""
        return self.nano_usd_per_image if size is None else self.nano_usd_per_image_of_size[size]


class EmbeddingModel(_Listed):
    """A model that turns texts into vectors."""

    type: Literal["embedding"]
    input_nano_usd_per_million_tokens: _Price
    context_length: _Tokens
    """Tokens of one text, of which a request may have several."""

    @property
    def price(self) -> Price:
        """The price of the input; there is no other."""
        return Price(input=self.input_nano_usd_per_million_tokens, output=0)


def _kind(value: object) -> object:
    if isinstance(value, _Listed):
        return getattr(value, "type", None)
    # A list of a time when there was one kind says nothing of it.
    return (as_object(value) or {}).get("type", "text")


Model = Annotated[
    Annotated[TextModel, Tag("text")]
    | Annotated[ImageModel, Tag("image")]
    | Annotated[EmbeddingModel, Tag("embedding")],
    Discriminator(
        _kind,
        custom_error_type="kind_of_model",
        custom_error_message="type must be text, image or embedding",
    ),
]
"""A model on offer."""
