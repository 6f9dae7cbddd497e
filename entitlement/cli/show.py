"""How figures and progress are shown to a person."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console

from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN

console = Console(highlight=False)


def dollars(nano_usd: int) -> str:
    """Return nano-USD as dollars, with as many decimals as there are, but at least two."""
    whole, rest = divmod(abs(nano_usd), NANO_USD_PER_USD)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if nano_usd < 0 else ''}${whole:,}.{decimals}"


def tokens(wei: int, decimals: int = 4) -> str:
    """Return wei as tokens, cut (not rounded) to so many decimals."""
    whole, rest = divmod(wei, WEI_PER_TOKEN)
    return f"{whole:,}.{f'{rest:018d}'[:decimals]}"


def moment(timestamp: int) -> str:
    """Return a Unix time as UTC date and time."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@contextmanager
def step(what: str) -> Generator[None]:
    """Say what is being done while it takes its time, and that it is done."""
    with console.status(what):
        yield
    console.print(f"[green]done[/]  {what}")
