"""What the chain says of any wallet, for everybody: its position, what is in progress, its newest events."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path

from entitlement.api.auth import TheService
from entitlement.api.public import PREFIX
from entitlement.api.schemas import PositionOut, TicketOut, Wei, Wire
from entitlement.core.events import (
    AllowanceChanged,
    CreditBought,
    Delegated,
    DelegationEnded,
    MembershipBought,
)
from entitlement.core.positions import Delegation
from entitlement.core.units import wallet
from entitlement.flows.read_wallet import Happened, WalletView

router = APIRouter(prefix=f"{PREFIX}/wallets", tags=["public"])

Token = Literal["VVV", "DIEM", "USDC"]


class DelegationOut(Wire):
    """A daily right that is given away for a term."""

    id: int
    """As `InferenceStake.delegationOf` takes it."""
    giver: str
    receiver: str
    amount: Wei
    """Wei of staked DIEM whose right it is."""
    until_epoch: int
    """From this UTC day on the giver may end it; the receiver may at any time."""

    @classmethod
    def of(cls, found: Delegation) -> "DelegationOut":
        """Return it as it goes over the wire."""
        return cls(
            id=found.number,
            giver=found.giver,
            receiver=found.receiver,
            amount=str(found.amount),
            until_epoch=found.until_epoch,
        )


class EventOut(Wire):
    """Something that happened to the wallet on the chain."""

    kind: str
    """VvvStaked, DiemExitRequested and so on."""
    block: int
    log_index: int
    """With the block it names the event."""
    time: int | None
    """Null where the block's time is no longer kept: ask a node."""
    transaction_hash: str
    amount: str | None
    """Of `token`, in its smallest unit; null for what states no amount."""
    token: Token | None
    giver: str | None
    """Of a delegation."""
    receiver: str | None
    """Of a delegation."""
    is_final: bool
    """Whether the chain can no longer take it back; credit comes from what is final."""

    @classmethod
    def of(cls, found: Happened) -> "EventOut":
        """Return it as it goes over the wire."""
        event = found.event
        amount: int | None
        token: Token | None
        match event:
            case CreditBought():
                amount, token = event.usdc, "USDC"
            case AllowanceChanged() | MembershipBought():
                amount, token = None, None
            case _:
                name = type(event).__name__
                amount, token = event.amount, "VVV" if name.startswith(("Vvv", "Rewards")) else "DIEM"
        is_delegation = isinstance(event, Delegated | DelegationEnded)
        return cls(
            kind=type(event).__name__,
            block=event.at.block_number,
            log_index=event.at.log_index,
            time=found.time,
            transaction_hash=event.at.transaction_hash,
            amount=None if amount is None else str(amount),
            token=token,
            giver=event.wallet if is_delegation else None,
            receiver=event.receiver if is_delegation else None,
            is_final=found.is_final,
        )


class WalletOut(Wire):
    """What the followed chain says of a wallet. All of it can be found again on the chain."""

    wallet: str
    epoch: int
    """The running UTC day: days since 1970-01-01."""
    position: PositionOut
    """At the newest block."""
    final_position: PositionOut
    """At the final block."""
    final_block: int
    latest_block: int
    allowance_now: int
    """Nano-USD of DIEM credit that the chain gives today, by what is final."""
    allowance_next: int
    """And tomorrow, if nothing changes."""
    tickets: list[TicketOut]
    """Exits in progress."""
    delegations_given: list[DelegationOut]
    delegations_received: list[DelegationOut]
    is_cut: bool
    """There is more in progress than is told here: these are the newest, at most 200 of each."""
    recent: list[EventOut]
    """The newest 50 events, newest first."""

    @classmethod
    def of(cls, view: WalletView) -> "WalletOut":
        """Return it as it goes over the wire."""
        return cls(
            wallet=view.wallet,
            epoch=view.epoch,
            position=PositionOut.of(view.latest),
            final_position=PositionOut.of(view.final),
            final_block=view.final_block,
            latest_block=view.latest_block,
            allowance_now=view.allowance_now,
            allowance_next=view.allowance_next,
            tickets=[TicketOut.of(each) for each in view.opened.tickets],
            delegations_given=[DelegationOut.of(each) for each in view.opened.given],
            delegations_received=[DelegationOut.of(each) for each in view.opened.received],
            is_cut=view.opened.is_cut,
            recent=[EventOut.of(each) for each in view.recent],
        )


@router.get("/{address}")
def wallet_on_chain(flows: TheService, address: Annotated[str, Path(max_length=80)]) -> WalletOut:
    """Return what the chain says of a wallet, for whoever asks; zeros for an unknown one."""
    return WalletOut.of(flows.wallets.wallet(wallet(address)))
