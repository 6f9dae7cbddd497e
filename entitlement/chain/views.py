"""What the contracts themselves say about a wallet, to hold against what the fold of their logs says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from entitlement.chain.contracts import Contracts
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import InconsistentNode
from entitlement.core.positions import Position
from entitlement.core.units import Wallet, Wei


@dataclass(frozen=True, slots=True)
class WalletView:
    """A wallet as the contracts see it at one block. Amounts in wei, named as in `Position`."""

    wallet: Wallet
    block: Header
    vvv_balance: Wei
    vvv_unlocked: Wei
    vvv_locked: Wei
    vvv_cooling: Wei
    pending_rewards: Wei
    diem_balance: Wei
    diem_minted: Wei
    diem_staked: Wei
    diem_cooling: Wei
    diem_given: Wei
    allowance_current: Wei
    """What the wallet may spend in the epoch of the block."""
    allowance_next: Wei
    mint_rate: Wei
    """VVV wei for one whole DIEM at the margin; the same for all wallets."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What all wallets have together, as the contracts count it. Wei, named as in `Position`."""

    vvv_staked: Wei
    """Unlocked and locked."""
    vvv_locked: Wei
    vvv_cooling: Wei
    diem_minted: Wei
    diem_staked: Wei
    diem_cooling: Wei


def wallet_view(contracts: Contracts, wallet: Wallet, block: Header) -> WalletView:
    """Ask the contracts about a wallet at exactly this block. Raises as `wallet_views` does."""
    return wallet_views(contracts, [wallet], block)[0]


def wallet_views(contracts: Contracts, wallets: Sequence[Wallet], block: Header) -> list[WalletView]:
    """Ask the contracts about each wallet at exactly this block, through the Lens.

    Raises `NodeUnavailable`, also for a node that has not kept the state of that block, `TransactionFailed`
    for a block before the Lens was deployed, and `InconsistentNode` for an answer that is of no such block.
    """
    rate = contracts.view("Lens", "system", block=block.hash)[3][4]
    nothing: list[int] = []
    asked = [(to_checksum_address(wallet), nothing, nothing, nothing) for wallet in wallets]
    answers = contracts.view_each("Lens", "accountOf", asked, block=block.hash)
    return [_view(wallet, block, rate, answer) for wallet, answer in zip(wallets, answers, strict=True)]


def totals(contracts: Contracts, block: Header) -> Totals:
    """Ask what all wallets have together at exactly this block. Raises as `wallet_views` does."""
    _, _, vvv, diem, *_ = contracts.view("Lens", "system", block=block.hash)
    _, staked, locked, cooling, *_ = vvv
    supply, _, diem_staked, diem_cooling, *_ = diem
    return Totals(*map(Wei, (staked, locked, cooling, supply, diem_staked, diem_cooling)))


def _view(wallet: Wallet, block: Header, rate: int, answer: tuple[Any, ...]) -> WalletView:
    """Take an ILens.AccountView apart; its fields stand in the order of the struct."""
    timestamp, _, vvv, diem, _, stake, position, right, *_ = answer
    if timestamp != block.timestamp:
        raise InconsistentNode(f"asked about block {block}, it answered for the time {timestamp}")
    unlocked, vvv_locked, vvv_cooling, pending_rewards = stake
    locked, minted, *_ = position
    staked, delegated, diem_cooling, current, following = right
    # Two contracts keep this figure, each changed only together with the other.
    if vvv_locked != locked:
        raise InconsistentNode(f"of {wallet} StakedVVV has {vvv_locked} locked, and DiemMint {locked}")
    return WalletView(
        wallet=wallet,
        block=block,
        vvv_balance=Wei(vvv[0]),
        vvv_unlocked=Wei(unlocked),
        vvv_locked=Wei(vvv_locked),
        vvv_cooling=Wei(vvv_cooling),
        pending_rewards=Wei(pending_rewards),
        diem_balance=Wei(diem[0]),
        diem_minted=Wei(minted),
        diem_staked=Wei(staked),
        diem_cooling=Wei(diem_cooling),
        diem_given=Wei(delegated),
        allowance_current=Wei(current),
        allowance_next=Wei(following),
        mint_rate=Wei(rate),
    )


def differences(position: Position, view: WalletView) -> list[str]:
    """Return each figure in which a fold and the contracts disagree; empty when they agree."""
    slot = position.slot
    today = epoch_at(view.block.timestamp)
    folded = {
        "vvv_unlocked": position.vvv_unlocked,
        "vvv_locked": position.vvv_locked,
        "vvv_cooling": position.vvv_cooling,
        "diem_minted": position.diem_minted,
        "diem_staked": position.diem_staked,
        "diem_cooling": position.diem_cooling,
        "diem_given": position.diem_given,
        # InferenceStake's own rule: at midnight `next` becomes `current`.
        "allowance_current": slot.next if slot.epoch < today else slot.current,
        "allowance_next": slot.next,
    }
    found = [
        f"{name} of {position.wallet} is {amount} folded, {getattr(view, name)} on the chain"
        for name, amount in folded.items()
        if amount != getattr(view, name)
    ]
    right = position.diem_staked - position.diem_given + position.diem_received
    if slot.next != right:
        found.append(f"next of {position.wallet} is {slot.next}, but own and received stake give {right}")
    return found
