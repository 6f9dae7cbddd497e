"""Pokes: the memory of prices in front of a pair is kept without a gap, so that buybacks have a mean.

    is one due? --no--> nothing
        |yes
    is there a poke of ours that no block has? --yes--> the same nonce, an eighth more
        |no
    a new one

Anybody may poke, at any time, and one too many changes nothing: so nothing is journalled, and a second
process does no harm. What each may cost is bounded. The account is one of its own: the keeper's nonces are
the journal's (flows/run_buybacks.py).
"""

from dataclasses import dataclass
from enum import StrEnum

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.exceptions import Web3Exception
from web3.types import TxParams

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.replacement import fields_of, sign_dearer
from entitlement.chain.signers import Signer
from entitlement.chain.transactions import SendLimits, sign
from entitlement.core.errors import NodeUnavailable, TransactionFailed

VENUE = "PairVenue"
SECONDS = 240
"""Between two looks. The memory has a gap after 600 seconds: two may fail."""
GAS_MOST = 200_000
"""Twice what the first poke of a new memory takes."""
TIP_MOST = 20 * 10**9
"""Wei for each gas that a node is followed to."""
_LIMITS = SendLimits(gas_beside=20_000, tip_most=TIP_MOST)
_WHAT = "a poke"


class Done(StrEnum):
    """What a look came to."""

    NOT_DUE = "not due"
    """Somebody has poked within the last minute."""
    SENT = "sent"
    REPLACED = "replaced"
    """The one before waits still: it was offered more."""


@dataclass(frozen=True, slots=True)
class Poked:
    """A look at the memory."""

    done: Done
    hash: str | None = None
    """Of the transaction that was sent."""


class Poker:
    """Pokes one venue by one account."""

    def __init__(self, contracts: Contracts, signer: Signer, *, cost_most: int) -> None:
        """Take who pays, and what a poke may cost at the most, in wei of the chain's own coin."""
        self._contracts, self._signer, self._cost_most = contracts, signer, cost_most
        self._last: bytes | None = None

    def poke(self) -> Poked:
        """Poke if it is due; do not wait for a block, which the next look sees.

        Raises `TransactionFailed` where it would be refused or cost too much, `NodeUnavailable`,
        `SignatureRefused`.
        """
        # Asked as a view it says whether a poke of this moment would be kept.
        if not self._contracts.view(VENUE, "poke"):
            return Poked(Done.NOT_DUE)
        raw, is_again = self._signed()
        self._check_cost(raw)
        self._last = raw
        try:
            self._contracts.web3.eth.send_raw_transaction(HexBytes(raw))
        except Web3Exception as error:
            raise TransactionFailed(what=_WHAT, reason=str(error)[:300]) from error
        return Poked(Done.REPLACED if is_again else Done.SENT, f"0x{keccak(raw).hex()}")

    def _signed(self) -> tuple[bytes, bool]:
        web3, sender = self._contracts.web3, to_checksum_address(self._signer.address)
        try:
            nonce = web3.eth.get_transaction_count(sender, "latest")
            # One that the node did not take, or has forgotten, waits nowhere: there is nothing to outbid.
            is_waiting = web3.eth.get_transaction_count(sender, "pending") > nonce
            if is_waiting and self._last is not None and fields_of(self._last)["nonce"] == nonce:
                return sign_dearer(web3, self._signer, self._last, tip_most=TIP_MOST), True
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionCount", reason=str(error)[:200]) from error
        call: TxParams = {
            "to": to_checksum_address(self._contracts.address(VENUE)),
            "data": HexStr(self._contracts.call_data(VENUE, "poke")),
        }
        reverts = self._contracts.reverts
        return bytes(sign(web3, self._signer, call, _WHAT, reverts, nonce=nonce, limits=_LIMITS)), False

    def _check_cost(self, raw: bytes) -> None:
        fields = fields_of(raw)
        gas, cost = fields["gas"], fields["gas"] * fields["maxFeePerGas"]
        if gas > GAS_MOST:
            raise TransactionFailed(
                what=_WHAT, reason=f"it would take {gas} gas, and {GAS_MOST} is the most: is it a PairVenue?"
            )
        if cost > self._cost_most:
            raise TransactionFailed(
                what=_WHAT,
                reason=f"it might cost {cost} wei, and {self._cost_most} is the most: it waits for a lower "
                "fee, or for a higher ENTITLEMENT_POKER_COST_MOST",
            )


def pair_venue_of(contracts: Contracts, artifacts: Artifacts) -> str | None:
    """Return the PairVenue that BuybackBurner trades in; None where that is a pool, which needs no pokes.

    Raises `NodeUnavailable`.
    """
    venue = str(contracts.view("BuybackBurner", "pool"))
    try:
        Contracts(contracts.web3, artifacts, {VENUE: venue}).view(VENUE, "pair")
    except TransactionFailed:
        return None
    return venue
