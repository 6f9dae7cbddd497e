"""Positions: what a wallet has on the chain, as a fold of its events.

    VVV    --stake--> unlocked --lock--> locked        DIEM --stake--> staked --request--> cooling --claim-->
                      |    ^             |                              ^                    |
                      v    |             v                              +-----cancel---------+
              request/cancel cooling   unlock
                      |
                      v claim

The daily right is not derived from the stake: the contract states it, whole, at every change
(AllowanceChanged), and the slot here is its last word.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import assert_never

from entitlement.core.epochs import Epoch
from entitlement.core.events import (
    AllowanceChanged,
    ChainEvent,
    Delegated,
    DelegationEnded,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    RewardsClaimed,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
    wallets_of,
)
from entitlement.core.units import Wallet, Wei

NO_WEI = Wei(0)
NEVER = Epoch(0)
"""The slot's epoch of a wallet of which the contract never spoke."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The daily right as the contract last stated it, in DIEM wei.

    From `epoch + 1` on, and until the contract speaks again, `next` is the right of every day.
    """

    epoch: Epoch = NEVER
    current: Wei = NO_WEI
    next: Wei = NO_WEI


@dataclass(frozen=True, slots=True)
class Position:
    """Everything a wallet has in the contracts; amounts in wei, all zero for a wallet never seen."""

    wallet: Wallet
    vvv_unlocked: Wei = NO_WEI
    vvv_locked: Wei = NO_WEI
    """Behind minted DIEM."""
    vvv_cooling: Wei = NO_WEI
    """In exit tickets that are neither cancelled nor claimed."""
    rewards_claimed: Wei = NO_WEI
    """All emission ever paid to the wallet, compounded or not."""
    diem_minted: Wei = NO_WEI
    """Outstanding DIEM that this wallet minted, wherever the tokens are now."""
    diem_staked: Wei = NO_WEI
    diem_cooling: Wei = NO_WEI
    diem_given: Wei = NO_WEI
    """Staked DIEM whose daily right is delegated to others."""
    diem_received: Wei = NO_WEI
    """DIEM of others whose daily right is delegated to this wallet."""
    slot: Slot = Slot()


@dataclass(frozen=True, slots=True)
class Ticket:
    """An exit in progress: `amount` wei, payable from Unix time `claimable_at`."""

    station: str
    """`vvv` or `diem`."""
    number: int
    amount: Wei
    claimable_at: int


def fold(
    positions: dict[Wallet, Position],
    events: Iterable[ChainEvent],
    *,
    only: AbstractSet[Wallet] | None = None,
) -> None:
    """Apply `events`, in chain order, to `positions` in place; a wallet that is missing starts at zero.

    With `only`, other wallets that the events also touch (the far side of a delegation) are left alone.
    """
    for event in events:
        for wallet in wallets_of(event):
            if only is None or wallet in only:
                positions[wallet] = apply_event(positions.get(wallet) or Position(wallet), event)


def apply_event(position: Position, event: ChainEvent) -> Position:
    """Return `position` after `event`, which must be about its wallet."""
    assert position.wallet in wallets_of(event), f"{event} is not about {position.wallet}"
    after = _after(position, event)
    # The contracts cannot pay out more than was put in; if we see that, we
    # missed a log, and every number after this one would be wrong.
    assert _smallest(after) >= 0, f"{after.wallet} below zero at {event.at}: {after}"
    return after


def open_tickets(events: Iterable[ChainEvent]) -> list[Ticket]:
    """Return the exits of one wallet that are neither cancelled nor claimed, oldest first."""
    tickets: dict[tuple[str, int], Ticket] = {}
    for event in events:
        match event:
            case VvvExitRequested():
                tickets["vvv", event.ticket] = Ticket("vvv", event.ticket, event.amount, event.claimable_at)
            case DiemExitRequested():
                tickets["diem", event.ticket] = Ticket("diem", event.ticket, event.amount, event.claimable_at)
            case VvvExitCancelled() | VvvExitClaimed():
                del tickets["vvv", event.ticket]
            case DiemExitCancelled() | DiemExitClaimed():
                del tickets["diem", event.ticket]
            case _:
                pass
    return list(tickets.values())


# One case for each event, each a line: splitting it would only hide that it is whole.
def _after(position: Position, event: ChainEvent) -> Position:  # noqa: C901, PLR0911, PLR0912
    match event:
        case VvvStaked():
            return _moved(position, event.amount, target="vvv_unlocked")
        case VvvExitRequested():
            return _moved(position, event.amount, source="vvv_unlocked", target="vvv_cooling")
        case VvvExitCancelled():
            return _moved(position, event.amount, source="vvv_cooling", target="vvv_unlocked")
        case VvvExitClaimed():
            return _moved(position, event.amount, source="vvv_cooling")
        case VvvLocked():
            return _moved(position, event.amount, source="vvv_unlocked", target="vvv_locked")
        case VvvUnlocked():
            return _moved(position, event.amount, source="vvv_locked", target="vvv_unlocked")
        case RewardsClaimed():
            return _moved(position, event.amount, target="rewards_claimed")
        case DiemMinted():
            return _moved(position, event.amount, target="diem_minted")
        case DiemBurned():
            return _moved(position, event.amount, source="diem_minted")
        case DiemStaked():
            return _moved(position, event.amount, target="diem_staked")
        case DiemExitRequested():
            return _moved(position, event.amount, source="diem_staked", target="diem_cooling")
        case DiemExitCancelled():
            return _moved(position, event.amount, source="diem_cooling", target="diem_staked")
        case DiemExitClaimed():
            return _moved(position, event.amount, source="diem_cooling")
        case AllowanceChanged():
            return replace(position, slot=Slot(event.epoch, event.current, event.next))
        case Delegated():
            return _delegated(position, event, event.amount)
        case DelegationEnded():
            return _delegated(position, event, -event.amount)
        case _:
            assert_never(event)  # a new event makes the type checker point here


def _moved(
    position: Position, amount: Wei, *, source: str | None = None, target: str | None = None
) -> Position:
    changed: dict[str, Wei] = {}
    if source is not None:
        changed[source] = Wei(getattr(position, source) - amount)
    if target is not None:
        changed[target] = Wei(getattr(position, target) + amount)
    return replace(position, **changed)


def _delegated(position: Position, event: Delegated | DelegationEnded, amount: int) -> Position:
    if position.wallet == event.wallet:
        position = replace(position, diem_given=Wei(position.diem_given + amount))
    if position.wallet == event.receiver:
        position = replace(position, diem_received=Wei(position.diem_received + amount))
    return position


def _smallest(position: Position) -> int:
    return min(
        position.vvv_unlocked,
        position.vvv_locked,
        position.vvv_cooling,
        position.diem_minted,
        position.diem_staked,
        position.diem_cooling,
        position.diem_given,
        position.diem_received,
    )
