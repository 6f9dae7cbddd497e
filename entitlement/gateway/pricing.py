"""What a request may cost, and what it did cost: integers of nano-USD, rounded up, once, on the sum.

    cost(in, out) = ceil((in x input price + out x output price) / 1,000,000)     prices per million tokens

Before the work the bounds are used: a token stands for at least one byte of what is sent, and a model reads
no more than its context, so  in <= min(bytes sent, context length);  out <= the cap that is sent along.

    cost(images) = images x price of an image
"""

from dataclasses import dataclass

from entitlement.core.units import NANO_USD_PER_USD, NanoUsd, mul_div_up

TOKENS_PER_PRICE = 1_000_000

BYTES_PER_COUNTED_TOKEN = 4
"""Where an upstream reports no usage: a token for every 4 bytes begun, the rule of thumb for English text."""

DECIMALS = 9
"""Digits after the point of a nano-dollar amount written in dollars."""


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-USD per million tokens."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request may cost. Nano-USD."""

    amount: NanoUsd
    """With all that is wanted: the actual cost is never above it. 0: nothing needs to be held."""
    minimum: NanoUsd
    """With the least that is worth having; at least 1 where something is held, for less is not a hold."""
    input_tokens: int
    """A bound: the input has no more."""


def cost_up(price: Price, *, input_tokens: int, output_tokens: int) -> NanoUsd:
    """Return the cost of that many tokens, rounded up to a nano-dollar."""
    priced = input_tokens * price.input + output_tokens * price.output
    return NanoUsd(mul_div_up(priced, 1, TOKENS_PER_PRICE))


def images_cost(price: int, *, number: int) -> NanoUsd:
    """Return the cost of that many images at so many nano-USD each."""
    return NanoUsd(number * price)


def input_tokens_bound(sent_bytes: int, context_length: int) -> int:
    """Return a number of tokens that the input cannot exceed."""
    return min(sent_bytes, context_length)


def output_tokens_paid_down(price: Price, *, credit: NanoUsd, input_tokens: int, wanted: int) -> int:
    """Return how many of the `wanted` output tokens `credit` pays for after `input_tokens` of input."""
    left = credit * TOKENS_PER_PRICE - input_tokens * price.input
    if left < 0:
        return 0
    return wanted if price.output == 0 else min(wanted, left // price.output)


def counted_tokens_up(text_bytes: int) -> int:
    """Return the tokens that a text of so many UTF-8 bytes is charged as when nobody counted them."""
    return mul_div_up(text_bytes, 1, BYTES_PER_COUNTED_TOKEN)


def usd_fixed(amount: int) -> str:
    """Write nano-USD in dollars with all 9 decimals: for headers."""
    assert amount >= 0
    return f"{amount // NANO_USD_PER_USD}.{amount % NANO_USD_PER_USD:0{DECIMALS}d}"


def usd_short(amount: int) -> str:
    """Write nano-USD in dollars, exactly, with no more digits than needed: for messages and JSON numbers."""
    return usd_fixed(amount).rstrip("0").rstrip(".")
