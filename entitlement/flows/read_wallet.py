"""Read what the chain says of any wallet: public, for whoever asks, and bounded however much there is."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.allowance import credit_of, right_in
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.events import ChainEvent
from entitlement.core.ledger import Source
from entitlement.core.positions import Delegation, Position, Ticket, open_delegations, open_tickets
from entitlement.core.units import NanoUsd, Wallet
from entitlement.flows.grant_allowances import dues_in
from entitlement.store import chain
from entitlement.store.clock import service_time

RECENT_EVENTS = 50
OPEN_MAX = 200
"""Of tickets, of delegations given and of delegations received, so many are told: the newest."""
EVENTS_READ_MAX = 4_000
"""Anybody may ask, and open and end dust for little gas: what is read of one wallet has an end."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is in progress of a wallet, oldest first."""

    tickets: list[Ticket]
    given: list[Delegation]
    received: list[Delegation]
    is_cut: bool
    """Whether there was more than is told: then these are the newest."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, and what its block says of it."""

    event: ChainEvent
    time: int | None
    """Unix seconds; None where the block is no longer kept."""
    is_final: bool


@dataclass(frozen=True, slots=True)
class WalletView:
    """What the followed chain says of a wallet, all of it as of one moment."""

    wallet: Wallet
    epoch: Epoch
    final: Position
    """At the final block: what credit comes from."""
    latest: Position
    final_block: int
    latest_block: int
    allowance_now: NanoUsd
    """What the chain gives it today as far as is known now, whether it was granted yet or not."""
    allowance_next: NanoUsd
    """What the next epoch will give if nothing changes."""
    opened: Opened
    recent: list[Happened]
    """The newest events, newest first."""


class ReadWallet:
    """What anybody may know of a wallet. Nothing is written by it, no account is opened."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def wallet(self, wallet: Wallet) -> WalletView:
        """Return what the chain says of a wallet; of one that nobody has seen, zeros."""
        with self._sessions.begin() as session:
            # One snapshot: position, tickets and events are of the same block though following goes on.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            epoch = epoch_at(service_time(session))
            followed = chain.followed(session)
            final, latest = chain.position_pair(session, wallet)
            final_block = followed.final.number if followed else 0
            return WalletView(
                wallet=wallet,
                epoch=epoch,
                final=final,
                latest=latest,
                final_block=final_block,
                latest_block=followed.head.number if followed else 0,
                allowance_now=dues_in(session, epoch, [wallet]).get((wallet, Source.DIEM), NanoUsd(0)),
                allowance_next=credit_of(right_in(latest.slot, Epoch(epoch + 1))),
                opened=_opened(session, wallet),
                recent=_recent(session, wallet, final_block),
            )


def _opened(session: Session, wallet: Wallet) -> Opened:
    own = chain.newest_openings(session, wallet, limit=EVENTS_READ_MAX)
    received = chain.newest_received(session, wallet, limit=EVENTS_READ_MAX)
    own_is_part, received_is_part = len(own) == EVENTS_READ_MAX, len(received) == EVENTS_READ_MAX
    whole = Opened(
        tickets=open_tickets(reversed(own), is_part=own_is_part),
        given=open_delegations(reversed(own), is_part=own_is_part),
        received=open_delegations(reversed(received), is_part=received_is_part),
        is_cut=own_is_part or received_is_part,
    )
    longest = max(len(whole.tickets), len(whole.given), len(whole.received))
    return replace(
        whole,
        tickets=whole.tickets[-OPEN_MAX:],
        given=whole.given[-OPEN_MAX:],
        received=whole.received[-OPEN_MAX:],
        is_cut=whole.is_cut or longest > OPEN_MAX,
    )


def _recent(session: Session, wallet: Wallet, final_block: int) -> list[Happened]:
    events = chain.newest_events(session, wallet, limit=RECENT_EVENTS)
    times = chain.block_times(session, {event.at.block_number for event in events})
    return [
        Happened(event, times.get(event.at.block_number), event.at.block_number <= final_block)
        for event in events
    ]
