"""Rederive: positions again from the stored events alone, without a node, and put right what differs.

    one snapshot: every wallet's events, wallet after wallet -> fold -> shadow       nobody waits
    cursor's row locked: fold again whoever has events since, compare, write what differs

Safe to end at any moment: what is stored changes in the last transaction only.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import CursorMoved, JournalBroken, SetupError
from entitlement.core.events import ChainEvent, wallets_in
from entitlement.core.positions import Position, fold
from entitlement.core.units import Wallet
from entitlement.flows.reindex_chain import DIFFERENCES_SHOWN, Progress, Rebuilt, Shadow
from entitlement.store import chain as chain_rows
from entitlement.store import comparison, journal
from entitlement.store.chain import Followed
from entitlement.store.comparison import Differences

EVENTS_AT_ONCE = 10_000
"""Of one wallet, so that the busiest one takes no more memory than any other."""
EVENTS_PER_REPORT = 20_000
WALLETS_AT_ONCE = 500
UNCOMPARED = Differences(0, [])


class RederivePositions:
    """Folds the journal of events anew. One at a time; the caller sees to that."""

    def __init__(self, sessions: sessionmaker[Session], shadow: Shadow) -> None:
        self._sessions = sessions
        self._shadow = shadow

    def run(self, progress: Progress, *, dry_run: bool) -> Rebuilt:
        """Fold, compare, and write what differs unless it is a `dry_run`; `progress` counts events alone.

        Raises `SetupError` where nothing was followed yet, `JournalBroken` where the events do not fit
        together, and `CursorMoved` where a final block was undone meanwhile.
        """
        with self._shadow() as shadow:
            with self._sessions() as session, session.begin():
                # One snapshot for the cursor and all the events that it stands for.
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                known = chain_rows.followed(session)
                if known is None:
                    raise SetupError(
                        "The chain has not been followed yet, so there is nothing to rederive.",
                        remedy="Run `entitlement follow`.",
                    )
                events = self._rederive(session, shadow, known, progress)
            return self._finish(shadow, known, events, dry_run=dry_run)

    def _rederive(
        self, session: Session, shadow: sessionmaker[Session], known: Followed, progress: Progress
    ) -> int:
        of = journal.count_events_by_wallet(session, to=known.head.number)
        done = 0

        def counted(told: Iterator[tuple[Wallet, ChainEvent]]) -> Iterator[tuple[Wallet, ChainEvent]]:
            nonlocal done
            for each in told:
                done += 1
                if done % EVENTS_PER_REPORT == 0:
                    progress(done, of, done)
                yield each

        # Closed whatever happens: the connection is the stream's until then.
        with (
            closing(journal.events_by_wallet(session, to=known.head.number)) as stream,
            shadow.begin() as rows,
        ):
            positions = (
                position
                for wallet, told in groupby(counted(stream), key=itemgetter(0))
                for position in _positions(wallet, map(itemgetter(1), told), known.final.number)
            )
            journal.add_positions(rows, positions)
        progress(done, of, done)
        return done

    def _finish(
        self, shadow: sessionmaker[Session], known: Followed, events: int, *, dry_run: bool
    ) -> Rebuilt:
        with self._sessions.begin() as session:
            now = chain_rows.followed(session, for_update=True)
            then = chain_rows.kept_block(session, known.final.number)
            if (
                now is None
                or now.final.number < known.final.number
                or (then and then.hash != known.final.hash)
            ):
                raise CursorMoved(expected=known.final.number)
            self._fold_again(session, shadow, known, now)
            positions = comparison.positions()
            found = Rebuilt(
                block=now.head.number,
                final=now.final.number,
                events=events,
                wallets=comparison.compare_positions(session, positions, shown=DIFFERENCES_SHOWN),
                logs=UNCOMPARED,
                blocks=UNCOMPARED,
                epoch_starts=UNCOMPARED,
                cursor=UNCOMPARED,
                is_mended=False,
            )
            if dry_run or not found.differs:
                return found
            positions.mend(session)
        return replace(found, is_mended=True)

    @staticmethod
    def _fold_again(session: Session, shadow: sessionmaker[Session], known: Followed, now: Followed) -> None:
        """Bring the shadow to the cursor of now: only who has events since, or had some that are undone."""
        since = chain_rows.events_between(session, above=known.final.number, to=now.head.number)
        with shadow.begin() as writing:
            moved = sorted(wallets_in(since) | chain_rows.wallets_with_pending(writing))
            for first in range(0, len(moved), WALLETS_AT_ONCE):
                wallets = moved[first : first + WALLETS_AT_ONCE]
                for pending in (False, True):
                    chain_rows.forget_positions(writing, wallets, pending=pending)
                told = chain_rows.events_between(session, above=-1, to=now.head.number, wallets=wallets)
                of: dict[Wallet, list[ChainEvent]] = {wallet: [] for wallet in wallets}
                for event in told:
                    for wallet in wallets_in([event]) & of.keys():
                        of[wallet].append(event)
                journal.add_positions(
                    writing,
                    (
                        held
                        for wallet, events in of.items()
                        for held in _positions(wallet, events, now.final.number)
                    ),
                )


def _positions(wallet: Wallet, events: Iterable[ChainEvent], final: int) -> Iterator[tuple[Position, bool]]:
    """Fold one wallet's events; yield what it has at the final block and, if that differs, at the newest."""
    held: dict[Wallet, Position] = {}
    batch: list[ChainEvent] = []
    pending = False
    for event in events:
        if not pending and event.at.block_number > final:
            _fold(held, batch, wallet)
            if wallet in held:
                yield held[wallet], False
            pending = True
        batch.append(event)
        if len(batch) == EVENTS_AT_ONCE:
            _fold(held, batch, wallet)
    _fold(held, batch, wallet)
    if wallet in held:
        yield held[wallet], pending


def _fold(held: dict[Wallet, Position], events: list[ChainEvent], wallet: Wallet) -> None:
    """Fold `events` into what is held, and forget them."""
    try:
        fold(held, events, only={wallet})
    except AssertionError as error:
        raise JournalBroken(wallet=wallet, reason=str(error)) from None
    events.clear()
