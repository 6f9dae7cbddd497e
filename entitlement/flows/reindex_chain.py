"""Reindex: rebuild from the chain what was followed, beside the live follower, and put right what differs.

    shadow, empty -> FollowChain, to the live cursor -> compare the long settled part      nobody waits
                  -> FollowChain, to the live cursor again                                   |
                  -> cursor's row locked, still there? compare the rest, write what differs  one transaction

Where a second node is configured, it must say the same of every final block, as it must live: the shadow is
followed from both. One that is out or behind is waited for a while; a disagreement ends it.

The same code follows as live, so the result is what following from the first block gives. Grants and the
ledger are not touched. Safe to end at any moment: what is stored changes in the last transaction only.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.quorum import QuorumReader, Second
from entitlement.chain.reader import ChainReader
from entitlement.core.blocks import Header
from entitlement.core.errors import (
    CursorMoved,
    FinalityHeldBack,
    InconsistentNode,
    SetupError,
    WrongChain,
)
from entitlement.core.events import ChainEvent
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.kept_chain import kept_chain
from entitlement.store import chain as chain_rows
from entitlement.store import comparison
from entitlement.store.chain import Followed
from entitlement.store.comparison import Differences

ATTEMPTS_MAX = 1_000
"""Each is lost to a block that came in between; a follower that is that fast does not exist."""
DIFFERENCES_SHOWN = 20
WAIT_SECONDS = 5.0
WAITS_MAX = 60
"""For two nodes to agree about a further block; so long does a node's restart take, and a person look on."""
NOTHING_WRITTEN = (
    "nothing was written: ask a third node which of them is right, and start again with that one and another"
)

Shadow = Callable[[], AbstractContextManager[sessionmaker[Session]]]
Progress = Callable[[int, int, int], None]
"""Told how many blocks are done, of how many, and how many events they had."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuilding compared, and found."""

    block: int
    """The newest block that was compared; what is final was compared at `final`."""
    final: int
    events: int
    """Events that were folded."""
    wallets: Differences
    logs: Differences
    """Of the journal of events."""
    blocks: Differences
    epoch_starts: Differences
    cursor: Differences
    is_mended: bool
    """Whether differences were written; otherwise what is stored is as it was."""

    @property
    def parts(self) -> tuple[Differences, ...]:
        """Everything that was compared."""
        return (self.cursor, self.blocks, self.logs, self.epoch_starts, self.wallets)

    @property
    def differs(self) -> bool:
        """Tell whether anything was stored otherwise than it was rebuilt."""
        return any(part.count for part in self.parts)

    @property
    def first(self) -> list[str]:
        """Return the first differences, in sentences with both figures."""
        return [sentence for part in self.parts for sentence in part.first][:DIFFERENCES_SHOWN]


class ReindexChain:
    """Rebuilds one deployment's followed chain. One at a time; the caller sees to that."""

    def __init__(
        self,
        reader: ChainReader,
        sessions: sessionmaker[Session],
        shadow: Shadow,
        *,
        blocks_per_step: int,
        start_block: int,
        second: Second | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the node that is followed, and the `second` that must agree, if any; `wait` takes seconds."""
        self._reader = UpTo(reader)
        self._second, self._wait = second, wait
        self._sessions = sessions
        self._shadow = shadow
        # The shadow's own blocks are nobody's credit yet.
        self._limits = FollowLimits(blocks_per_step=blocks_per_step, may_undo_final=True)
        self._start_block = start_block

    def run(self, progress: Progress, *, dry_run: bool) -> Rebuilt:
        """Rebuild, compare, and write what differs unless it is a `dry_run`.

        Raises as following does; `SetupError` where nothing was followed yet, `FinalityHeldBack` where two
        nodes do not come to agree about all that is final here, and `CursorMoved` where the cursor never
        stands still for as long as it takes to compare.
        """
        live = self._live()
        with self._shadow() as shadow:
            quorum = self._quorum(shadow)
            reader = self._reader if quorum is None else quorum
            following = FollowChain(reader, shadow, self._limits, start_block=self._start_block)
            rebuilding = _Rebuilding(following, self._start_block, progress, quorum, self._wait)
            settled = self._settle(rebuilding, live)
            for _ in range(ATTEMPTS_MAX):
                live = self._live()
                self._catch_up(rebuilding, live)
                done = self._finish(rebuilding, live, settled, dry_run=dry_run)
                if done is not None:
                    return done
        raise CursorMoved(expected=live.head.number)

    def _quorum(self, shadow: sessionmaker[Session]) -> QuorumReader | None:
        """Return both nodes, compared over what the shadow has; what is final ends at the live cursor."""
        if self._second is None:
            return None
        names = self._second.names
        kept = kept_chain(shadow)
        return QuorumReader(self._reader, self._second.reader, kept, names=names, consequence=NOTHING_WRITTEN)

    def _live(self) -> Followed:
        with self._sessions.begin() as session:
            live = chain_rows.followed(session)
        if live is None:
            raise SetupError(
                "The chain has not been followed yet, so there is nothing to rebuild.",
                remedy="Run `entitlement follow`.",
            )
        return live

    def _catch_up(self, rebuilding: "_Rebuilding", live: Followed) -> None:
        found = self._reader.chain_id()
        if found != live.chain_id:
            raise WrongChain(expected=live.chain_id, found=found)
        self._reader.head_number, self._reader.final_number = live.head.number, live.final.number
        rebuilding.catch_up(live.final.number)
        if rebuilding.head > live.head.number:
            # Where two nodes disagree, the follower drops what is not final.
            rebuilding.following.drop_pending()
            rebuilding.catch_up(live.final.number)

    def _settle(self, rebuilding: "_Rebuilding", live: Followed) -> int:
        """Compare the events that no longer change, before anybody waits; return above which to compare."""
        self._catch_up(rebuilding, live)
        start = self._start_block - 1
        settled = comparison.events_above(start, to=live.final.number)
        with self._sessions.begin() as session:
            differing = comparison.compare_events(session, settled, shown=0).count
        return start if differing else live.final.number

    def _finish(
        self, rebuilding: "_Rebuilding", live: Followed, settled: int, *, dry_run: bool
    ) -> Rebuilt | None:
        """Compare what may still change, and write; None if the live cursor has moved since it was read."""
        with self._sessions.begin() as session:
            now = chain_rows.followed(session, for_update=True)
            if now is None or (now.head, now.final) != (live.head, live.final):
                return None
            if now.final.number < settled:
                # Somebody undid what was final.
                settled = self._start_block - 1
            events, blocks = comparison.events_above(settled), comparison.blocks()
            positions = comparison.positions()
            shown = DIFFERENCES_SHOWN
            found = Rebuilt(
                block=rebuilding.head,
                final=rebuilding.final,
                events=rebuilding.events,
                wallets=comparison.compare_positions(session, positions, shown=shown),
                logs=comparison.compare_events(session, events, shown=shown),
                blocks=comparison.compare_blocks(session, blocks, from_number=rebuilding.final, shown=shown),
                epoch_starts=comparison.compare_epoch_starts(session, shown=shown),
                cursor=comparison.compare_cursor(session),
                is_mended=False,
            )
            if dry_run or not found.differs:
                return found
            for rows in (events, blocks, positions):
                rows.mend(session)
            comparison.mend_epoch_starts(session)
            comparison.mend_cursor(session)
        return replace(found, is_mended=True)


@dataclass
class _Rebuilding:
    """The shadow on its way."""

    following: FollowChain
    start_block: int
    progress: Progress
    quorum: QuorumReader | None
    wait: Callable[[float], None]
    events: int = 0
    head: int = 0
    final: int = 0

    def catch_up(self, final: int) -> None:
        """Follow to where the reader ends; with two nodes, until both call block `final` final."""
        waits = 0
        while True:  # ends: the reader ends at the live cursor, and a node is waited for so often
            before = self.final
            step = self.following.step()
            self.events += step.events
            self.head, self.final = step.head, step.final
            done = step.head - self.start_block + 1
            self.progress(done, max(done, step.node_head - self.start_block + 1), self.events)
            wanted = final if self.quorum is not None else step.final
            if step.is_caught_up and step.final >= wanted:
                return
            reachable = wanted if step.is_caught_up else min(wanted, step.head)
            if step.final > before or step.final >= reachable:
                waits = 0
                continue
            waits += 1
            if waits > WAITS_MAX:
                assert self.quorum is not None, "a reader of one node is waited for by nobody"
                raise FinalityHeldBack(wanted=wanted, agreed=step.final, reason=str(self.quorum.held_back_by))
            self.wait(WAIT_SECONDS)


class UpTo:
    """A `ChainReader` whose chain ends, and is final, no later than the numbers it is given."""

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader
        self.head_number = self.final_number = 0

    def chain_id(self) -> int:
        """As the reader."""
        return self._reader.chain_id()

    def head(self) -> Header:
        """Return the newest block, or the last one that may be seen."""
        return self._no_later(self._reader.head(), self.head_number)

    def final_head(self) -> Header:
        """Return the newest final block, or the last one that may be seen as such."""
        return self._no_later(self._reader.final_head(), self.final_number)

    def header(self, number: int) -> Header | None:
        """As the reader."""
        return self._reader.header(number)

    def headers(self, first: int, last: int) -> list[Header]:
        """As the reader."""
        return self._reader.headers(first, last)

    def expect(self, first: int, last: int) -> None:
        """As the reader."""
        self._reader.expect(first, last)

    def read_piece(self) -> bool:
        """As the reader."""
        return self._reader.read_piece()

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        """As the reader."""
        return self._reader.events(headers)

    def _no_later(self, newest: Header, number: int) -> Header:
        if newest.number <= number:
            return newest
        found = self._reader.header(number)
        if found is None:
            raise InconsistentNode(f"its head is block {newest.number}, but it has no block {number}")
        return found
