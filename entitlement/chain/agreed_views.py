"""What the contracts say at a final block: by one node, or where there is a second, by both or not at all.

first  -- header, views, totals at block.hash --.
                                                 same? -> believed      otherwise -> asked once more
second -- header, views, totals at block.hash --'                        still? -> NodesDisagree
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TypeVar

from entitlement import metrics
from entitlement.chain.contracts import Contracts
from entitlement.chain.quorum import Second
from entitlement.chain.views import Totals, WalletView, totals, wallet_views
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, NodesDisagree, NodeUnavailable, TransactionFailed
from entitlement.core.units import Wallet

Said = TypeVar("Said", WalletView, Totals)

ASKED_MAX = 2
"""What stops credit must not rest on one bad answer."""


@dataclass(frozen=True, slots=True)
class SecondContracts:
    """The node that must agree, and the deployment's contracts as it has them."""

    node: Second
    contracts: Contracts


class AgreedViews:
    """The contracts' views of wallets and of all of them together.

    Raises `NodesDisagree` where there is a second node and it says otherwise, and for a second one that says
    nothing what the first would raise, with its host. `consequence` says what comes of a disagreement.
    """

    def __init__(self, first: Contracts, second: SecondContracts | None, *, consequence: str) -> None:
        self._first, self._second, self._consequence = first, second, consequence

    def check_block(self, block: Header) -> None:
        """Raise unless the second node, if any, has this very block at its height."""
        if self._second is None:
            return
        other = block
        for _ in range(ASKED_MAX):
            with self._named(block):
                found = self._second.node.reader.header(block.number)
            if found is None:
                host = self._second.node.names[1]
                raise NodeUnavailable(
                    method="eth_getBlockByNumber", reason=f"{host} has not reached block {block.number}"
                )
            if found.hash == block.hash:
                return
            other = found
        raise self._disagreement(block, block.hash, other.hash)

    def wallet_views(self, wallets: list[Wallet], block: Header) -> list[WalletView]:
        """Ask about each wallet at exactly this block. Raises as `views.wallet_views` does, and see above."""
        return self._agreed(lambda contracts: wallet_views(contracts, wallets, block), block)

    def totals(self, block: Header) -> Totals:
        """Ask what all wallets have together at exactly this block. Raises likewise."""
        (found,) = self._agreed(lambda contracts: [totals(contracts, block)], block)
        return found

    def _agreed(self, ask: Callable[[Contracts], list[Said]], block: Header) -> list[Said]:
        if self._second is None:
            return ask(self._first)
        asked = 0
        while True:  # ends: after so many times
            mine = ask(self._first)
            with self._named(block):
                theirs = ask(self._second.contracts)
            if mine == theirs:
                return mine
            asked += 1
            if asked == ASKED_MAX:
                raise self._disagreement(block, *_differing(mine, theirs))

    @contextmanager
    def _named(self, block: Header) -> Generator[None]:
        """Put the second node's host and the block to what it raises."""
        assert self._second is not None
        asking = f"{self._second.node.names[1]}, asked about block {block.number}"
        try:
            yield
        except NodeUnavailable as error:
            raise NodeUnavailable(method=error.method, reason=f"{asking}: {error.reason}") from error
        except InconsistentNode as error:
            raise InconsistentNode(f"{asking}: {error.reason}") from error
        except TransactionFailed as error:
            raise TransactionFailed(what=f"{error.what} ({asking})", reason=error.reason) from error

    def _disagreement(self, block: Header, first_said: str, second_said: str) -> NodesDisagree:
        assert self._second is not None
        metrics.DISAGREEMENTS.inc()
        first, second = self._second.node.names
        return NodesDisagree(
            block=block.number,
            first=first,
            first_said=first_said,
            second=second,
            second_said=second_said,
            consequence=self._consequence,
        )


def _differing(mine: list[Said], theirs: list[Said]) -> tuple[str, str]:
    """Return the first figure in which two nodes' views differ, as each says it."""
    one, other = next((one, other) for one, other in zip(mine, theirs, strict=True) if one != other)
    names = (each.name for each in fields(one))
    name = next(name for name in names if getattr(one, name) != getattr(other, name))
    whose = f"{name} of {one.wallet}" if isinstance(one, WalletView) else f"{name} of all wallets together"
    return f"{whose} is {getattr(one, name)}", f"it is {getattr(other, name)}"
