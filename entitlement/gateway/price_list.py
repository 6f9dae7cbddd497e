"""The price list: which models the gateway offers, where they run and what they cost (models.toml).

Read strictly. A list with a field too many, a price below zero or a model twice is refused as a whole: a
gateway that sells at a price nobody wrote down is worse than one that does not start.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from entitlement.client.requests import PRICE_VERSION_CHARACTERS_MAX
from entitlement.core.errors import SetupError
from entitlement.gateway.pricing import Price

PRICE_MAX = 10**13
"""$10,000 for a million tokens. With `TOKENS_MAX` it keeps every cost below the protocol's largest amount."""
TOKENS_MAX = 10**8
HASH_CHARACTERS = 16

_Price = Annotated[int, Field(ge=0, le=PRICE_MAX)]
_Tokens = Annotated[int, Field(ge=1, le=TOKENS_MAX)]
_Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]


class Fallback(BaseModel):
    """Another upstream that runs a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    upstream: _Name
    upstream_model: _Name


class Model(BaseModel):
    """A model on offer."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: _Name
    """What clients call it."""
    upstream: _Name
    """The name of the upstream that runs it, as in the gateway's settings."""
    upstream_model: _Name
    """What the upstream calls it."""
    input_nano_usd_per_million_tokens: _Price
    output_nano_usd_per_million_tokens: _Price
    context_length: _Tokens
    """Tokens of input and output together."""
    max_output_tokens: _Tokens
    """The most tokens of one answer."""
    usual_output_tokens: _Tokens | None = None
    """What a request gets that names no number; None: the most. So much credit is set aside for it, and with
    the most of a large model one request would keep all others of its account waiting."""
    privacy: Literal["private", "anonymized"]
    """`private`: the upstream keeps nothing; `anonymized`: it may keep texts, not knowing whose they are."""
    fallbacks: Annotated[tuple[Fallback, ...], Field(strict=False)] = ()
    """Where else it runs, at the same price: asked in this order while nothing has come from those before."""

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
    def ways(self) -> tuple[Fallback, ...]:
        """Every upstream that runs it, in the order in which they are asked."""
        return (Fallback(upstream=self.upstream, upstream_model=self.upstream_model), *self.fallbacks)

    def allows(self, privacy: str) -> bool:
        """Tell whether a key with this `modelPrivacy` may call it.

        `ALL` may call everything; `PRIVATE_TEXT`, `PRIVATE_ONLY` and words of a later time, private models.
        """
        return privacy == "ALL" or self.privacy == "private"

    @property
    def price(self) -> Price:
        """The two prices together."""
        return Price(
            input=self.input_nano_usd_per_million_tokens, output=self.output_nano_usd_per_million_tokens
        )


class PriceList(BaseModel):
    """Every model on offer, and what the list is called."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    models: tuple[Model, ...]
    version: Annotated[str, Field(min_length=1, max_length=PRICE_VERSION_CHARACTERS_MAX, pattern=r"^[ -~]+$")]
    """Kept with each cost. The file may name it; else it is a hash of what it says about prices."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: str | None = Field(
        default=None, min_length=1, max_length=PRICE_VERSION_CHARACTERS_MAX, pattern=r"^[ -~]+$"
    )
    model: list[Model] = Field(min_length=1)


def read_price_list(path: Path) -> PriceList:
    """Return what a file lists, in its order; raises `SetupError` naming what is wrong and where."""
    try:
        return parse_price_list(path.read_text(encoding="utf-8"), name=str(path))
    except OSError as error:
        raise SetupError(
            f"the price list {path} cannot be read: {error.strerror}",
            remedy="name one in ENTITLEMENT_GATEWAY_PRICE_LIST, or start where models.toml lies",
        ) from None


def parse_price_list(text: str, *, name: str) -> PriceList:
    """Return what a TOML text lists; `name` is what errors call it."""
    remedy = f"mend {name}: every [[model]] has exactly the fields {', '.join(Model.model_fields)}"
    try:
        written = _Written.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"the price list {name} is not TOML: {error}", remedy=remedy) from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
        )
        raise SetupError(f"the price list {name} is wrong: {problems}", remedy=remedy) from None
    ids = [model.id for model in written.model]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise SetupError(f"the price list {name} has twice: {', '.join(twice)}", remedy=remedy)
    return PriceList(models=tuple(written.model), version=written.version or price_hash(written.model))


def price_hash(models: Sequence[Model]) -> str:
    """Return a name for the prices of these models: the same prices have the same name, in any order."""
    priced = sorted(
        (each.id, each.input_nano_usd_per_million_tokens, each.output_nano_usd_per_million_tokens)
        for each in models
    )
    return f"sha256:{hashlib.sha256(repr(priced).encode()).hexdigest()[:HASH_CHARACTERS]}"
