"""The price list: which models the gateway offers, where they run and what they cost (models.toml).

Read strictly. A list with a field too many, a price below zero or a model twice is refused as a whole: a
gateway that sells at a price nobody wrote down is worse than one that does not start.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from entitlement.client.requests import PRICE_VERSION_CHARACTERS_MAX
from entitlement.core.errors import SetupError
from entitlement.gateway.models import EmbeddingModel, ImageModel, Model, TextModel

HASH_CHARACTERS = 16


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
    remedy = f"mend {name}: every [[model]] has exactly the fields of its type: {_FIELDS}"
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
    priced = sorted((_prices(each) for each in models), key=lambda prices: prices[0])
    return f"sha256:{hashlib.sha256(repr(priced).encode()).hexdigest()[:HASH_CHARACTERS]}"


def _prices(model: Model) -> tuple[str, *tuple[object, ...]]:
    """Return the id and what is paid; without a type for texts, whose lists keep the names they had."""
    match model:
        case TextModel(id=name, price=price):
            return name, price.input, price.output
        case ImageModel(id=name, nano_usd_per_image=each, nano_usd_per_image_of_size=of_size):
            return name, model.type, each, sorted(of_size.items())
        case EmbeddingModel(id=name, price=price):
            return name, model.type, price.input
        case _:
            assert_never(model)


_FIELDS = "; ".join(
    f"{kind}: {', '.join(each.model_fields)}"
    for kind, each in (("text", TextModel), ("image", ImageModel), ("embedding", EmbeddingModel))
)
