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
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from entitlement.core.epochs import Epoch
from entitlement.core.events import (
    DELEGATIONS,
    EVENT_KINDS,
    PURCHASES,
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
    LogPlace,
    PositionEvent,
    RewardsClaimed,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
    wallets_in,
)
from entitlement.core.record import record
from entitlement.core.units import Wallet, Wei

NO_WEI = Wei(0)
NEVER = Epoch(0)
"""The slot's epoch of a wallet of which the contract never spoke."""


@record
class Slot:
    """The daily right as the contract last stated it, in DIEM wei.

    From `epoch + 1` on, and until the contract speaks again, `next` is the right of every day.
    """

    epoch: Epoch = NEVER
    current: Wei = NO_WEI
    next: Wei = NO_WEI


@record
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


@dataclass(frozen=True, slots=True)
class Delegation:
    """The right of `amount` wei of staked DIEM, given by a wallet to another for a term."""

    number: int
    giver: Wallet
    receiver: Wallet
    amount: Wei
    until_epoch: Epoch
    """From this day on the giver may end it; the receiver may at any time."""


def fold(
    positions: dict[Wallet, Position],
    events: Iterable[ChainEvent],
    *,
    only: AbstractSet[Wallet] | None = None,
) -> None:
    """Apply `events`, in chain order, to `positions` in place; a wallet that is missing starts at zero.

    With `only`, other wallets that the events also touch (the far side of a delegation) are left alone.
    """
    drafts: dict[Wallet, _Draft] = {}
    for event in events:
        if isinstance(event, PURCHASES):
            continue
        wallet = event.wallet
        if only is None or wallet in only:
            draft = drafts.get(wallet)
            if draft is None:
                draft = drafts[wallet] = _draft_of(positions.get(wallet))
            _apply(draft, event)
        if isinstance(event, DELEGATIONS) and (only is None or event.receiver in only):
            receiver = event.receiver
            draft = drafts.get(receiver)
            if draft is None:
                draft = drafts[receiver] = _draft_of(positions.get(receiver))
            _apply_received(draft, event)
    for wallet, draft in drafts.items():
        positions[wallet] = Position(wallet, **draft)


def apply_event(position: Position, event: ChainEvent) -> Position:
    """Return `position` after `event`, which must be about its wallet."""
    assert position.wallet in (event.wallet, *wallets_in([event])), f"{event} is not about {position.wallet}"
    after = {position.wallet: position}
    fold(after, [event], only={position.wallet})
    return after[position.wallet]


def open_tickets(events: Iterable[ChainEvent], *, is_part: bool = False) -> list[Ticket]:
    """Return the exits of one wallet that are neither cancelled nor claimed, oldest first.

    `is_part`: not all of the wallet's events, but the newest ones, in which older exits may end too.
    """
    tickets: dict[tuple[str, int], Ticket] = {}
    for event in events:
        match event:
            case VvvExitRequested():
                tickets["vvv", event.ticket] = Ticket("vvv", event.ticket, event.amount, event.claimable_at)
            case DiemExitRequested():
                tickets["diem", event.ticket] = Ticket("diem", event.ticket, event.amount, event.claimable_at)
            case VvvExitCancelled() | VvvExitClaimed():
                _end(tickets, ("vvv", event.ticket), is_part=is_part)
            case DiemExitCancelled() | DiemExitClaimed():
                _end(tickets, ("diem", event.ticket), is_part=is_part)
            case _:
                pass
    return list(tickets.values())


def open_delegations(events: Iterable[ChainEvent], *, is_part: bool = False) -> list[Delegation]:
    """Return the delegations that have begun and not ended, oldest first; `is_part` as for tickets."""
    delegations: dict[int, Delegation] = {}
    for event in events:
        if isinstance(event, Delegated):
            delegations[event.delegation] = Delegation(
                event.delegation, event.wallet, event.receiver, event.amount, event.until_epoch
            )
        elif isinstance(event, DelegationEnded):
            _end(delegations, event.delegation, is_part=is_part)
    return list(delegations.values())


def _end(opened: dict[Any, Any], name: object, *, is_part: bool) -> None:
    # Whatever ends has begun: where all events are there, what is missing is a log that we missed.
    assert is_part or name in opened, f"{name} ends and never began"
    opened.pop(name, None)


_Draft = dict[str, Any]
"""A position under way: the fields of `Position` but its wallet, by their names."""

_MOVES: dict[type[ChainEvent], tuple[str | None, str | None]] = {
    # the event's amount leaves   and joins, of its wallet
    VvvStaked: (None, "vvv_unlocked"),
    VvvExitRequested: ("vvv_unlocked", "vvv_cooling"),
    VvvExitCancelled: ("vvv_cooling", "vvv_unlocked"),
    VvvExitClaimed: ("vvv_cooling", None),
    VvvLocked: ("vvv_unlocked", "vvv_locked"),
    VvvUnlocked: ("vvv_locked", "vvv_unlocked"),
    RewardsClaimed: (None, "rewards_claimed"),
    DiemMinted: (None, "diem_minted"),
    DiemBurned: ("diem_minted", None),
    DiemStaked: (None, "diem_staked"),
    DiemExitRequested: ("diem_staked", "diem_cooling"),
    DiemExitCancelled: ("diem_cooling", "diem_staked"),
    DiemExitClaimed: ("diem_cooling", None),
    Delegated: (None, "diem_given"),
    DelegationEnded: ("diem_given", None),
}
"""Every event but the one that states a slot. Delegations move an amount of their receiver too."""

assert {*_MOVES, AllowanceChanged, *PURCHASES} == set(EVENT_KINDS.values()), "each event counts once"


def _draft_of(position: Position | None) -> _Draft:
    return dict(zip(_DRAFTED, _drafted_of(_NOTHING if position is None else position), strict=True))


def _apply(draft: _Draft, event: PositionEvent) -> None:
    if isinstance(event, AllowanceChanged):
        draft["slot"] = Slot(event.epoch, event.current, event.next)
        return
    source, target = _MOVES[type(event)]
    if source is not None:
        _take(draft, source, event.amount, event.at)
    if target is not None:
        draft[target] += event.amount


def _apply_received(draft: _Draft, event: Delegated | DelegationEnded) -> None:
    if isinstance(event, DelegationEnded):
        _take(draft, "diem_received", event.amount, event.at)
    else:
        draft["diem_received"] += event.amount


def _take(draft: _Draft, source: str, amount: Wei, at: LogPlace) -> None:
    remaining = draft[source] - amount
    # The contracts cannot pay out more than was put in; if we see that, we
    # missed a log, and every number after this one would be wrong.
    assert remaining >= 0, f"{source} is below zero at {at}: {draft[source]} less {amount}"
    draft[source] = remaining


_NOTHING = Position(Wallet("0x" + "0" * 40))
_DRAFTED = [field.name for field in fields(Position) if field.name != "wallet"]
_drafted_of = attrgetter(*_DRAFTED)
