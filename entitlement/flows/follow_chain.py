"""Follow the chain: from the cursor towards the head, one bounded step at a time.

    cursor.hash still on the node's chain?  --no-->  roll back to the fork point
      | yes
    headers, linked to the cursor  ->  events of exactly these blocks  ->  fold
      |
    one transaction: cursor as read? (compare-and-set) · blocks · events · positions · cursor

Two positions are kept for a wallet: at the final block, and at the head where events above the final block
make it differ. A reorganisation touches the second only, so undoing it is a fold of a few events over the
first. Safe to repeat at any point: nothing is written but the whole step.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement import metrics
from entitlement.chain.reader import ChainReader
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import (
    ChainError,
    CursorMoved,
    EntitlementError,
    FinalBlockChanged,
    InconsistentNode,
    NodesDisagree,
    SetupError,
    WrongChain,
)
from entitlement.core.events import ChainEvent, wallets_in
from entitlement.core.positions import Position, fold
from entitlement.core.pro_rata import stake_changes
from entitlement.core.reorg import fork_point, is_linked
from entitlement.core.units import Wallet
from entitlement.flows.read_ahead import Blocks, ReadAhead
from entitlement.store import chain as chain_rows
from entitlement.store import pro_rata
from entitlement.store.chain import Followed
from entitlement.store.clock import service_time
from entitlement.store.waiting import meanwhile

BLOCKS_KEPT = 1_024
"""Blocks below the head that are all kept, as are all that are not final: a fork is found to the block."""
SPARSE_BLOCK_EVERY = 1_000
"""Below those, one block in so many is kept."""
NOTHING_NEW = Blocks([], [])


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """How far one step goes, and what it may undo."""

    blocks_per_step: int = 2_000
    may_undo_final: bool = False
    """Only on development networks, whose chain a person resets at will."""


@dataclass(frozen=True, slots=True)
class FollowStep:
    """What a step did."""

    head: int
    """The block followed to."""
    head_timestamp: int
    """When it was made, Unix time."""
    final: int
    """The newest of these that is final."""
    final_timestamp: int
    node_head: int
    node_head_timestamp: int
    events: int
    undone: int
    """Blocks that were rolled back."""

    @property
    def is_caught_up(self) -> bool:
        """Tell whether nothing was left to follow when the node was asked."""
        return self.head >= self.node_head


class FollowChain:
    """Follows one deployment on one chain into the database."""

    def __init__(
        self, reader: ChainReader, sessions: sessionmaker[Session], limits: FollowLimits, *, start_block: int
    ) -> None:
        assert start_block > 0, "a deployment is never in the genesis block"
        self._reader = reader
        self._sessions = sessions
        self._limits = limits
        self._start_block = start_block
        self._ahead = ReadAhead(reader, blocks_max=limits.blocks_per_step)
        self._written: Followed | None = None
        """What the last step left in the database; who takes the cursor compares it with what is there."""

    def reached(self) -> int | None:
        """Return the newest block that is followed, or None before the first step."""
        with self._sessions.begin() as session:
            known = chain_rows.followed(session)
        return None if known is None else known.head.number

    def step(self) -> FollowStep:
        """Undo what the node's chain no longer has, then follow up to `blocks_per_step` blocks.

        Raises a ChainError where the node fails, lies or shows another chain; nothing is changed then but the
        note of the problem that health shows, and what is certainly gone from the node's chain is undone.
        """
        try:
            return self._step()
        except CursorMoved:
            raise
        except EntitlementError as error:
            stops = isinstance(error, ChainError) and error.stops_granting
            with self._sessions.begin() as session:
                chain_rows.note_problem(session, str(error), stops_granting=stops)
            raise

    def drop_pending(self) -> None:
        """Forget what is followed above the final block: the next step reads it again."""
        with self._sessions.begin() as session:
            known = chain_rows.followed(session)
        if known is not None and known.head != known.final:
            self._roll_back(known, known.final)

    def _step(self) -> FollowStep:
        # Forgotten until this step has written, too: after one that failed the cursor is read anew.
        written, self._written = self._written, None
        if written is not None:
            try:
                return self._step_from(written)
            except CursorMoved:
                # Somebody else has, since: a second follower, or a rebuilding.
                pass
        return self._step_from(self._known())

    def _step_from(self, known: Followed) -> FollowStep:
        node_head = self._node_head(known)
        known, undone = self._undo_what_is_gone(known, node_head)
        read = NOTHING_NEW
        if known.head.number < node_head.number:
            read = self._ahead.read(known.head, to=node_head.number)
        headers, events = read.headers, read.events
        head = headers[-1] if headers else known.head
        if headers:
            # The node can work while we write.
            self._ahead.expect(head, to=node_head.number)
        hashes = {header.number: header.hash for header in headers}
        # The key of an event is its place; that its block is the one at that height is what makes it whole.
        assert all(hashes.get(event.at.block_number) == event.at.block_hash for event in events)
        try:
            final = self._final_within(known, headers)
        except NodesDisagree:
            # What was stored before it was final may be the lie: the next step reads it again.
            if known.head != known.final:
                self._roll_back(known, known.final)
            raise
        self._written = self._write(known, headers, events, final, node_head)
        return FollowStep(
            head=head.number,
            head_timestamp=head.timestamp,
            final=final.number,
            final_timestamp=final.timestamp,
            node_head=node_head.number,
            node_head_timestamp=node_head.timestamp,
            events=len(events),
            undone=undone,
        )

    def _known(self) -> Followed:
        with self._sessions.begin() as session:
            known = chain_rows.followed(session)
        return self._begin(self._reader.chain_id()) if known is None else known

    def _node_head(self, known: Followed) -> Header:
        """Return the node's newest block. Raises WrongChain."""
        node_head = self._reader.head()
        # A block that names ours by its hash is of our chain: then nobody need be asked which it is.
        if not is_linked([node_head], known.head):
            chain_id = self._reader.chain_id()
            if known.chain_id != chain_id:
                raise WrongChain(expected=known.chain_id, found=chain_id)
        return node_head

    def _begin(self, chain_id: int) -> Followed:
        start = self._reader.header(self._start_block - 1)
        if start is None:
            raise SetupError(
                f"The node of chain {chain_id} has no block {self._start_block - 1} yet.",
                remedy="Wait until it is synced, or deploy again if the chain was reset.",
            )
        first = self._reader.header(self._start_block)
        nothing_follows = first is None and self._reader.head().number < self._start_block
        if not (nothing_follows or (first is not None and is_linked([first], start))):
            # Everything rests on this hash, and a wrong one could never be undone.
            raise InconsistentNode(f"block {self._start_block} does not follow block {start}")
        with self._sessions.begin() as session:
            chain_rows.begin(session, chain_id=chain_id, start=start, now=service_time(session))
            known = chain_rows.followed(session)
        assert known is not None
        return known

    # --- going back -------------------------------------------------------------------------------------

    def _undo_what_is_gone(self, known: Followed, node_head: Header) -> tuple[Followed, int]:
        """Roll back to the fork point if our head left the node's chain; return by how many blocks."""
        if self._has_our_head(known, node_head):
            return known, 0
        with self._sessions.begin() as session:
            kept = chain_rows.kept_blocks(session)
        fork = fork_point(kept, self._hash_on_node)
        if fork.number < known.final.number and not self._limits.may_undo_final:
            comparable = [header.number for header in kept if header.number <= node_head.number]
            if comparable and fork.number == comparable[-1]:
                # It has all of ours that it is high enough to have: it lags, by more than the kept window.
                return known, 0
            raise FinalBlockChanged(final=known.final.number, fork=fork.number)
        after, undone = self._roll_back(known, fork), known.head.number - fork.number
        # Counted here: what is undone stays undone, also where the rest of the step fails.
        metrics.REORGANISATIONS.inc()
        metrics.UNDONE_BLOCKS.observe(undone)
        return after, undone

    def _has_our_head(self, known: Followed, node_head: Header) -> bool:
        """Tell whether our newest block is on the node's chain, or may be once the node has caught up."""
        if is_linked([node_head], known.head):
            return True
        if node_head.number >= known.head.number:
            theirs = self._hash_on_node(known.head.number)
            if theirs is None:
                # Two machines behind one address do that; no chain does.
                raise InconsistentNode(
                    f"its head is block {node_head.number}, but it has no block {known.head.number}"
                )
            return theirs == known.head.hash
        # A lower head alone is no reorganisation: the node may lag behind one that we asked before. Its head
        # being one of our blocks says that it does; then we wait.
        with self._sessions.begin() as session:
            ours = chain_rows.kept_block(session, node_head.number)
        return ours is not None and ours.hash == node_head.hash

    def _hash_on_node(self, number: int) -> str | None:
        header = self._reader.header(number)
        return None if header is None else header.hash

    def _roll_back(self, known: Followed, fork: Header) -> Followed:
        with self._sessions.begin() as session:
            self._take_cursor(session, known)
            final = known.final
            touched = chain_rows.forget_events_above(session, fork.number)
            if fork.number < final.number:
                final = fork
                pro_rata.forget_total(session)
                rebuilt: dict[Wallet, Position] = {}
                history = self._of(touched, session, above=known.start.number, to=fork.number)
                fold(rebuilt, history, only=touched)
                chain_rows.forget_positions(session, touched, pending=False)
                chain_rows.write_positions(session, rebuilt.values(), pending=False)
            chain_rows.forget_blocks_above(session, fork.number)
            self._write_pending(session, touched, final=final, head=fork)
            return chain_rows.move_cursor(session, head=fork, final=final, node_number=known.node_number)

    # --- going on ---------------------------------------------------------------------------------------

    def _final_within(self, known: Followed, headers: list[Header]) -> Header:
        """Return the newest final block among what is followed after this step; it never goes back."""
        final = self._reader.final_head()
        newest = headers[-1] if headers else known.head
        number = min(final.number, newest.number)
        if number <= known.final.number:
            return known.final
        if headers and number >= headers[0].number:
            found = headers[number - headers[0].number]
        else:
            with self._sessions.begin() as session:
                found = chain_rows.kept_block(session, number)
            assert found is not None, f"block {number} is not final yet, and all of those are kept"
        if found.number == final.number and found.hash != final.hash:
            raise InconsistentNode(f"final block {final.number} is {final.hash}, and also {found.hash}")
        if final.number > number:
            # Finality lies ahead of us. The chain may have turned since our blocks were read, and what is
            # said to be final may have another height: only the node's chain as it is now can tell.
            for block in (final, found):
                if self._hash_on_node(block.number) != block.hash:
                    raise InconsistentNode(f"block {block.number} {block.hash} is not final after all")
        return found

    def _write(
        self,
        known: Followed,
        headers: list[Header],
        events: list[ChainEvent],
        final: Header,
        node_head: Header,
    ) -> Followed:
        head = headers[-1] if headers else known.head
        oldest = min(head.number - BLOCKS_KEPT, final.number)
        # What comes next is read where PostgreSQL would be waited for.
        with meanwhile(self._reader.read_piece), self._sessions.begin() as session:
            self._take_cursor(session, known)
            chain_rows.add_blocks(session, _kept(headers, oldest))
            settled = self._stored(session, known, to=final.number)
            settled += [event for event in events if event.at.block_number <= final.number]
            changes = stake_changes(settled)
            pro_rata.note_stake(session, start=known.start, above=known.final, to=final, changes=changes)
            positions = chain_rows.positions(session, wallets_in(settled), pending=False)
            with chain_rows.adding_events(session, events):
                fold(positions, settled)
            chain_rows.write_positions(session, positions.values(), pending=False)
            # Where all was final, and all is again, no wallet has a pending position, before or after.
            if known.final != known.head or final != head:
                touched = wallets_in(events) | set(positions)
                self._write_pending(session, touched, final=final, head=head)
            chain_rows.thin_blocks_below(session, oldest, keep_every=SPARSE_BLOCK_EVERY)
            return chain_rows.move_cursor(
                session,
                head=head,
                final=final,
                node_number=node_head.number,
                node_timestamp=node_head.timestamp,
            )

    @staticmethod
    def _stored(session: Session, known: Followed, *, to: int) -> list[ChainEvent]:
        """Return the stored events that were not final before and lie at or below block `to`."""
        if known.final == known.head:
            return []
        return chain_rows.events_between(session, above=known.final.number, to=min(to, known.head.number))

    def _write_pending(self, session: Session, wallets: set[Wallet], *, final: Header, head: Header) -> None:
        """Write what `wallets` have at `head` where events above `final` change it; drop it elsewhere."""
        above = self._of(wallets, session, above=final.number, to=head.number)
        differing = wallets & wallets_in(above)
        positions = chain_rows.positions(session, differing, pending=False)
        fold(positions, above, only=differing)
        chain_rows.write_positions(session, positions.values(), pending=True)
        chain_rows.forget_positions(session, wallets - differing, pending=True)

    @staticmethod
    def _of(wallets: Iterable[Wallet], session: Session, *, above: int, to: int) -> list[ChainEvent]:
        return chain_rows.events_between(session, above=above, to=to, wallets=wallets)

    @staticmethod
    def _take_cursor(session: Session, expected: Followed) -> None:
        """Lock the cursor's row; raises `CursorMoved` if another follower has moved it since it was read."""
        found = chain_rows.followed(session, for_update=True)
        # Finality is compared too: it moves without the head, and what became final is folded once.
        if found is None or (found.head, found.final) != (expected.head, expected.final):
            raise CursorMoved(expected=expected.head.number)


def _kept(headers: list[Header], oldest: int) -> list[Header]:
    """Return the new blocks that `thin_blocks_below` would leave, and those that a midnight follows.

    Of these the pro-rata policy takes note before they are thinned out.
    """
    return [
        header
        for header, following in zip(headers, [*headers[1:], None], strict=False)
        if header.number >= oldest
        or header.number % SPARSE_BLOCK_EVERY == 0
        or (following is not None and epoch_at(following.timestamp) != epoch_at(header.timestamp))
    ]
