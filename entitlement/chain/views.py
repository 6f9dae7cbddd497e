"""What the contracts themselves say about a wallet, to hold against what the fold of their logs says."""

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from entitlement.chain.contracts import Contracts
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
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


def wallet_view(contracts: Contracts, wallet: Wallet, block: Header) -> WalletView:
    """Ask the contracts about a wallet at exactly this block.

    Raises `NodeUnavailable`, also for a node that has not kept the state of that block.
    """
    account, at = to_checksum_address(wallet), block.hash

    def ask(contract: str, function: str, *arguments: object) -> int:
        return contracts.view(contract, function, *arguments, block=at)

    locked, minted = contracts.view("DiemMint", "lockedStakes", account, block=at)
    current, following = contracts.view("InferenceStake", "allowanceOf", account, block=at)
    vvv_locked = ask("StakedVVV", "balanceOfLocked", account)
    # Two contracts keep this figure, each changed only together with the other.
    assert vvv_locked == locked, f"{wallet}: StakedVVV has {vvv_locked} locked, DiemMint {locked}"
    return WalletView(
        wallet=wallet,
        block=block,
        vvv_balance=Wei(ask("VVV", "balanceOf", account)),
        vvv_unlocked=Wei(ask("StakedVVV", "balanceOfUnlocked", account)),
        vvv_locked=Wei(vvv_locked),
        vvv_cooling=Wei(ask("StakedVVV", "coolingOf", account)),
        pending_rewards=Wei(ask("StakedVVV", "pendingRewards", account)),
        diem_balance=Wei(ask("DIEM", "balanceOf", account)),
        diem_minted=Wei(minted),
        diem_staked=Wei(ask("InferenceStake", "stakedOf", account)),
        diem_cooling=Wei(ask("InferenceStake", "coolingOf", account)),
        diem_given=Wei(ask("InferenceStake", "delegatedOf", account)),
        allowance_current=Wei(current),
        allowance_next=Wei(following),
        mint_rate=Wei(ask("DiemMint", "rate")),
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
