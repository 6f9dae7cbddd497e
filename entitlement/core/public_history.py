"""What the contracts have said about themselves so far: one fold of `public_events`.

Of what comes with every stake (emission) and of what anybody may do as often as he likes (burns), sums are
kept; of all the rest, which only holders of powers can cause, every event.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.public_events import (
    BuybackExecuted,
    CallExecuted,
    CallScheduled,
    DonationBurned,
    EmissionAccrued,
    EmissionRateLowered,
    OperationCancelled,
    PublicEvent,
    RoleGranted,
    RoleRevoked,
    RootPublished,
    TargetRampStarted,
    VvvBurned,
)
from entitlement.core.units import Wei

NOTHING = Wei(0)


@dataclass(frozen=True, slots=True)
class History:
    """All that was said up to a block."""

    to_number: int
    to_hash: str
    """Of the last block that was read; whoever goes on from here makes sure that it still stands."""
    emitted: Wei = NOTHING
    """Minted after the genesis supply."""
    burned: Wei = NOTHING
    burned_by_day: tuple[tuple[Epoch, Wei], ...] = ()
    burned_by_burner: Wei = NOTHING
    """The part of `burned` that BuybackBurner burned."""
    events: tuple[PublicEvent, ...] = ()
    """In the order of the chain, without emission and burns."""

    @property
    def buybacks(self) -> list[BuybackExecuted]:
        """The runs, in their order."""
        return [each for each in self.events if isinstance(each, BuybackExecuted)]

    @property
    def donations(self) -> dict[int, Wei]:
        """What was burned beside what a run bought, by the run's number."""
        return {each.run: each.amount for each in self.events if isinstance(each, DonationBurned)}

    @property
    def rates(self) -> list[EmissionRateLowered]:
        """Every change of the emission."""
        return [each for each in self.events if isinstance(each, EmissionRateLowered)]

    @property
    def ramps(self) -> list[TargetRampStarted]:
        """Every change of the target, the first one included."""
        return [each for each in self.events if isinstance(each, TargetRampStarted)]

    @property
    def roots(self) -> list[RootPublished]:
        """The published roots, in the order of their epochs."""
        return [each for each in self.events if isinstance(each, RootPublished)]


def fold(history: History, events: Iterable[PublicEvent], *, burner: str, to: tuple[int, str]) -> History:
    """Return `history` with what was said after it up to the block `to`: its number and hash."""
    emitted, burned, by_burner = history.emitted, history.burned, history.burned_by_burner
    by_day, kept = dict(history.burned_by_day), list(history.events)
    for event in events:
        block = event.block if isinstance(event, EmissionAccrued) else event.at.block
        assert history.to_number < block <= to[0], f"{event} is not of the blocks that follow"
        match event:
            case EmissionAccrued(amount=amount):
                emitted = Wei(emitted + amount)
            case VvvBurned(amount=amount, holder=holder):
                day = epoch_at(event.at.time)
                burned = Wei(burned + amount)
                by_day[day] = Wei(by_day.get(day, 0) + amount)
                by_burner = Wei(by_burner + amount) if holder == burner else by_burner
            case _:
                kept.append(event)
    return replace(
        history,
        to_number=to[0],
        to_hash=to[1],
        emitted=emitted,
        burned=burned,
        burned_by_day=tuple(by_day.items()),
        burned_by_burner=by_burner,
        events=tuple(kept),
    )


class OperationState(StrEnum):
    """What may happen to an operation of the timelock next."""

    WAITING = "waiting"
    READY = "ready"
    """Its delay has passed: it may be executed or cancelled."""
    EXECUTED = "executed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the timelock, with all its calls."""

    id: str
    calls: tuple[CallScheduled, ...]
    state: OperationState
    ended_by: CallExecuted | OperationCancelled | None

    @property
    def ready_at(self) -> int:
        """Unix time from which it may be executed."""
        return self.calls[0].at.time + self.calls[0].delay


def operations(events: Iterable[PublicEvent], now: int) -> list[Operation]:
    """Return every operation as it stands at Unix time `now`, in the order in which they were scheduled.

    One that was cancelled may be scheduled again: what is told of it is the last time.
    """
    found: dict[str, Operation] = {}
    for event in events:
        match event:
            case CallScheduled():
                known = found.get(event.operation)
                goes_on = known is not None and known.ended_by is None
                calls = (*known.calls, event) if goes_on and known is not None else (event,)
                if not goes_on:
                    found.pop(event.operation, None)
                found[event.operation] = Operation(event.operation, calls, OperationState.WAITING, None)
            # An operation without calls does nothing, and nothing was told of it before its end.
            case CallExecuted() if event.operation in found:
                found[event.operation] = replace(
                    found[event.operation], state=OperationState.EXECUTED, ended_by=event
                )
            case OperationCancelled() if event.operation in found:
                found[event.operation] = replace(
                    found[event.operation], state=OperationState.CANCELLED, ended_by=event
                )
            case _:
                pass
    return [
        replace(each, state=OperationState.READY) if each.ended_by is None and each.ready_at <= now else each
        for each in found.values()
    ]


def holders(events: Iterable[PublicEvent]) -> dict[str, list[str]]:
    """Return who holds each role of the timelock, by the role's hash; also those that nobody holds."""
    found: dict[str, set[str]] = {}
    for event in events:
        match event:
            case RoleGranted():
                found.setdefault(event.role, set()).add(event.account)
            case RoleRevoked():
                found.setdefault(event.role, set()).discard(event.account)
            case _:
                pass
    return {role: sorted(accounts) for role, accounts in found.items()}
