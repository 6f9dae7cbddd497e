"""Check an epoch: what everybody was granted, by the public file, against what the chain gives them.

The right of a day only rises during the day (IInferenceStake), so that the last block of the day says what
the chain gives. The ledger grants by the clock, though, up to what it knows to be final; so what was granted
may lie between two bounds, which are the same for nearly everybody:

         an hour before the day     00:00          an hour before its end      end
      ---|--------------------------|------- ... -|---------------------------|--->
         a right that left here may               a right that came here may
         have been paid for once: most            have come too late: least    right

A share of the day's capacity is exact: it is computed from the stakes after the last block before 00:00.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from entitlement.core.allowance import BLIND_SECONDS_MAX, credit_of, right_in
from entitlement.core.epoch_file import Row, Sharing
from entitlement.core.epochs import Epoch, ends_at, starts_at
from entitlement.core.errors import InconsistentNode
from entitlement.core.events import AllowanceChanged, ChainEvent
from entitlement.core.positions import Position, Slot, fold
from entitlement.core.pro_rata import Basis, Policy, share, staked_vvv
from entitlement.core.units import NanoUsd, Wallet, Wei

LATE_SECONDS = 3_600
"""How long before a day's end a right may come and still not be granted: it has to be final in the day."""
NOTHING = NanoUsd(0)

EventsIn = Callable[[int, int], Iterable[ChainEvent]]
"""Returns the events of blocks `first..last`, in chain order."""


def moments_of(epoch: Epoch) -> tuple[int, int, int, int]:
    """Return the Unix times of the picture above; the blocks before them are the `Bounds`."""
    start, end = starts_at(epoch), ends_at(epoch)
    return start - BLIND_SECONDS_MAX, start, end - LATE_SECONDS, end


@dataclass(frozen=True, slots=True)
class Bounds:
    """The last block before each of these moments, by number."""

    blind: int
    start: int
    late: int
    end: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What the chain gives a wallet in an epoch."""

    right: NanoUsd = NOTHING
    """From its daily right, by the last block of the day."""
    least: NanoUsd = NOTHING
    most: NanoUsd = NOTHING
    share: NanoUsd = NOTHING
    """Of the day's capacity."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the chain gives everybody in an epoch."""

    wallets: Mapping[Wallet, Expected]
    vvv_staked: Wei
    """By all wallets together, after the last block before the day."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a file was found to say."""

    differences: list[str]
    """A sentence with both figures for each."""
    tolerated: int
    """Wallets that were granted something else than their right at the end of the day, within the bounds."""


def given_in(
    epoch: Epoch, events_in: EventsIn, *, first: int, bounds: Bounds, sharing: Sharing | None
) -> Given:
    """Return what the chain gives everybody in `epoch`, from the deployment's first block on.

    Raises `InconsistentNode` where the events do not fit together: a log is missing, or there twice.
    """
    try:
        return _given(epoch, events_in, first, bounds, sharing)
    except AssertionError as error:
        raise InconsistentNode(f"the contracts' logs do not fit together: {error}") from error


def _given(epoch: Epoch, events_in: EventsIn, first: int, bounds: Bounds, sharing: Sharing | None) -> Given:
    positions: dict[Wallet, Position] = {}
    fold(positions, events_in(first, bounds.blind))
    before = list(events_in(bounds.blind + 1, bounds.start))
    most = _rights_seen(positions, before, epoch)
    fold(positions, before)
    total = Wei(sum(staked_vvv(position) for position in positions.values()))
    shares = {} if sharing is None else _shares(positions, total, sharing)
    fold(positions, events_in(bounds.start + 1, bounds.late))
    evening = list(events_in(bounds.late + 1, bounds.end))
    least = {wallet: right_in(_slot(positions, wallet), epoch) for wallet in _spoken_of(evening)}
    fold(positions, evening)
    _require_whole(positions)
    given: dict[Wallet, Expected] = {}
    for wallet, position in positions.items():
        right = right_in(position.slot, epoch)
        given[wallet] = Expected(
            right=credit_of(right),
            least=credit_of(min(right, least.get(wallet, right))),
            most=credit_of(max(right, most.get(wallet, right))),
            share=shares.get(wallet, NOTHING),
        )
    return Given(given, total)


def _slot(positions: Mapping[Wallet, Position], wallet: Wallet) -> Slot:
    known = positions.get(wallet)
    return Slot() if known is None else known.slot


def _spoken_of(events: Iterable[ChainEvent]) -> set[Wallet]:
    return {event.wallet for event in events if isinstance(event, AllowanceChanged)}


def _rights_seen(
    positions: Mapping[Wallet, Position], events: Iterable[ChainEvent], epoch: Epoch
) -> dict[Wallet, Wei]:
    """Return the largest right in `epoch` that each wallet of `events` had, before and between them."""
    seen: dict[Wallet, Wei] = {}
    for event in events:
        if isinstance(event, AllowanceChanged):
            known = seen.get(event.wallet, right_in(_slot(positions, event.wallet), epoch))
            slot = Slot(event.epoch, event.current, event.next)
            seen[event.wallet] = max(known, right_in(slot, epoch))
    return seen


def _shares(positions: Mapping[Wallet, Position], total: Wei, sharing: Sharing) -> dict[Wallet, NanoUsd]:
    if sharing.start is None:
        return {}
    policy = Policy(sharing.capacity, sharing.minimum_stake)
    return {
        wallet: share(policy, Basis(sharing.start.number, staked_vvv(position), total))
        for wallet, position in positions.items()
    }


def _require_whole(positions: Mapping[Wallet, Position]) -> None:
    """Invariant 21 of the contracts: all rights of the next day together are the DIEM that is staked."""
    rights = sum(position.slot.next for position in positions.values())
    staked = sum(position.diem_staked for position in positions.values())
    assert rights == staked, f"rights of {rights} wei stand beside {staked} wei of DIEM staked"


def compare(rows: Iterable[Row], given: Given, sharing: Sharing | None) -> Comparison:
    """Compare what everybody was granted with what the chain gives them."""
    listed = {row.wallet: row for row in rows}
    differences: list[str] = []
    tolerated = 0
    # Where it is not known by which stakes, or that changed, what was shared may have ended early.
    is_exact = sharing is not None and sharing.start is not None and not sharing.is_disputed
    for wallet in sorted(listed.keys() | given.wallets.keys()):
        row, due = listed.get(wallet), given.wallets.get(wallet, Expected())
        diem, pro_rata = (NOTHING, NOTHING) if row is None else (row.diem, row.pro_rata)
        whose = wallet if row is not None else f"{wallet}, which has no row,"
        wrong = _outside(diem, due.least, due.most, right=due.right)
        if wrong:
            differences.append(f"{whose} was granted {diem} for its DIEM, {wrong}")
        elif diem != due.right:
            tolerated += 1
        wrong = _outside(pro_rata, due.share if is_exact else NOTHING, due.share, right=due.share)
        if wrong:
            differences.append(f"{whose} was granted {pro_rata} as a share, {wrong}")
    return Comparison(differences, tolerated)


def _outside(granted: NanoUsd, least: NanoUsd, most: NanoUsd, *, right: NanoUsd) -> str:
    if granted < least:
        return f"and the chain gives {right}: {least - granted} too little"
    if granted > most:
        return f"and the chain gives {right}: {granted - most} too much"
    return ""
