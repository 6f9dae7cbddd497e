"""The market of buybacks at one block: the burner's bounds and turn, its USDC, the price and the depth."""

from typing import cast

from web3 import HTTPProvider
from web3.types import RPCEndpoint

from entitlement.chain.abi import decode
from entitlement.chain.contracts import Contracts
from entitlement.chain.raw_calls import ask
from entitlement.chain.reverts import revert_data
from entitlement.chain.venues import Venue, venue_at
from entitlement.core.blocks import Header
from entitlement.core.buyback import DEADLINE_SECONDS, Bounds, Lot, Market
from entitlement.core.errors import InconsistentNode, NodeUnavailable, TransactionFailed
from entitlement.core.pool_depth import Fill
from entitlement.core.units import Usdc, Wei, wallet

BURNER = "BuybackBurner"
_FORGOTTEN = "Error(message=OLD)"
"""What a pool says, as v3 does, where it is asked for a price from before its memory."""


class MarketReader:
    """Reads the market of one deployment through one node."""

    def __init__(self, contracts: Contracts, usdc: str) -> None:
        self._contracts, self._usdc = contracts, usdc
        self._venue: Venue | None = None

    def read(self, at: Header) -> Market:
        """Return the market at a block, by its hash: a fork gives an error and never a mixture.

        Raises `NodeUnavailable` (also where the node no longer has the block), `TransactionFailed`,
        `InconsistentNode`.
        """
        view = self._contracts.view
        bounds = Bounds(*view(BURNER, "bounds", block=at.hash))
        reference_price, mean_tick, spot_tick = self._prices(bounds, at)
        (held,) = ask(
            self._contracts.web3,
            self._usdc,
            ("balanceOf(address)", [self._contracts.address(BURNER)]),
            ["uint256"],
            at.hash,
        )
        if self._venue is None:
            pool = str(view(BURNER, "pool", block=at.hash))
            self._venue = venue_at(self._contracts.web3, pool, self._usdc, at.hash)
        return Market(
            at=at,
            bounds=bounds,
            keeper=wallet(view(BURNER, "keeper", block=at.hash)),
            next_run=view(BURNER, "nextRun", block=at.hash),
            next_run_at=view(BURNER, "nextRunAt", block=at.hash),
            paused_until=view("Guardian", "pausedUntil", block=at.hash),
            held=Usdc(held),
            reference_price=Wei(reference_price),
            mean_tick=mean_tick,
            spot_tick=spot_tick,
            depth=self._venue.depth(at.hash, mean_tick=mean_tick, deviation=bounds.deviation),
        )

    def _prices(self, bounds: Bounds, at: Header) -> tuple[int, int, int]:
        """Return the mean price, its tick, and the tick of the moment, as the burner has them."""
        try:
            return self._contracts.view(BURNER, "market", block=at.hash)
        except TransactionFailed as failure:
            if failure.reason != _FORGOTTEN:
                raise
            raise TransactionFailed(
                what=failure.what,
                reason=f"the pool does not remember its price for {bounds.window} seconds yet: it is "
                "younger, or remembers too few prices; wait, and poke it where it stands before a pair",
            ) from failure

    def trial(self, market: Market, lot: Lot) -> Fill:
        """Return what the node says that a lot would bring at the market's block, sent by the keeper.

        Raises `TransactionFailed` with the contract's own error, `NodeUnavailable`.
        """
        deadline = market.at.timestamp + DEADLINE_SECONDS
        data = self._contracts.call_data(BURNER, "execute", market.next_run, lot.usdc, lot.minimum, deadline)
        call = {"from": market.keeper, "to": self._contracts.address(BURNER), "data": data}
        answer = cast("HTTPProvider", self._contracts.web3.provider).make_request(
            RPCEndpoint("eth_call"), [call, market.at.hash]
        )
        if "error" in answer:
            told = revert_data(answer["error"])
            if told is not None:
                raise TransactionFailed(what="a trial", reason=self._contracts.reverts.describe(told))
            raise NodeUnavailable(method="eth_call", reason=str(answer["error"])[:200])
        try:
            spent, burned = decode(["uint256", "uint256"], bytes.fromhex(str(answer.get("result"))[2:]))
        except ValueError:
            raise InconsistentNode("a trial was answered with no two numbers") from None
        return Fill(Usdc(spent), Wei(burned), market.depth.sqrt_price)
