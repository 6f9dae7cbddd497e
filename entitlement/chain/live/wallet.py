"""One wallet of a live deployment at one block, whole: for a person who looks."""

from dataclasses import dataclass

from entitlement.chain.live.profile import DIEM, STAKED_VVV
from entitlement.chain.live.reader import LiveChainReader
from entitlement.core.blocks import Header
from entitlement.core.errors import NodeUnavailable
from entitlement.core.live import LiveAccount
from entitlement.core.positions import Slot
from entitlement.core.units import Wallet, Wei


@dataclass(frozen=True, slots=True)
class LiveWallet:
    """A wallet at the end of a block. Amounts in wei."""

    block: Header
    account: LiveAccount
    pending_rewards: Wei
    """VVV that a claim would pay."""
    right: Slot | None
    """The daily right by our rule; None where the node has not kept last midnight's state, and it matters."""
    diem_supply: Wei
    mint_rate: Wei
    """sVVV that one whole DIEM locks at the margin."""


def read_live_wallet(reader: LiveChainReader, wallet: Wallet, block: Header) -> LiveWallet:
    """Ask the live contracts about a wallet at exactly this block.

    Raises `NodeUnavailable` (also for a node that has not kept that block's state), `InconsistentNode`, and
    `SupplyAboveCap` when the whole table of the mint curve is used up.
    """
    views, at = reader.views, block.hash
    account = views.accounts([(at, wallet)])[at, wallet]
    supply = Wei(views.number(at, DIEM, "totalSupply"))
    return LiveWallet(
        block=block,
        account=account,
        pending_rewards=Wei(views.number(at, STAKED_VVV, "pendingRewards", wallet)),
        right=_right(reader, account, block),
        diem_supply=supply,
        mint_rate=views.curve(at).rate_at(supply),
    )


def _right(reader: LiveChainReader, account: LiveAccount, block: Header) -> Slot | None:
    try:
        return reader.rights([(block, account)])[0]
    except NodeUnavailable:
        # The block itself answered just before: what is missing is the state of last midnight, which nodes
        # that are no archives forget. The rest is worth showing.
        return None
