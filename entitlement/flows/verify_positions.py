"""Verify: everything that is stored about wallets against what the contracts themselves say at one block.

Three questions, each of which finds what the others cannot:

    journal up to the block, folded == the contracts' view of each wallet    a log that was missed or misread
    stored final position           == journal up to it, folded              a position written wrongly
    sum over all stored wallets     == the contracts' totals                 a wallet that is not stored

Where a second node is configured, what the contracts say at a final block is what both nodes say. Where they
differ nothing is compared: that is no difference of what is stored.
"""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.agreed_views import AgreedViews, SecondContracts
from entitlement.chain.contracts import Contracts
from entitlement.chain.reader import ChainReader
from entitlement.chain.views import Totals, differences
from entitlement.core.blocks import Header
from entitlement.core.errors import InvalidRequest, NodesDisagree, SetupError
from entitlement.core.events import wallets_in
from entitlement.core.positions import Position, apply_event
from entitlement.core.units import Wallet, Wei
from entitlement.store import chain as chain_rows
from entitlement.store import verification as outcomes
from entitlement.store.chain import Followed
from entitlement.store.clock import service_time
from entitlement.store.verification import Verified

WALLETS_AT_ONCE = 200
NOTHING_GRANTED = "nothing more is granted until a verification finds that they agree"
NOTHING_COMPARED = "nothing was compared: ask a third node which of them is right"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found."""

    block: int
    wallets: int
    differences: list[str]
    """A sentence with both figures for each; empty when everything agrees."""


class VerifyPositions:
    """Compares what is stored with the contracts, and keeps the outcome. The follower may go on meanwhile."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        reader: ChainReader,
        contracts: Contracts,
        second: SecondContracts | None = None,
    ) -> None:
        """Take the node that is followed, and the `second` one that must agree about final blocks, if any."""
        self._sessions, self._reader, self._contracts, self._second = sessions, reader, contracts, second

    def run(self, number: int | None, progress: Callable[[int, int], None]) -> Verification:
        """Verify at a block, or at the final one; `progress` is told how many wallets are done, of how many.

        Raises `InvalidRequest` for a block that is not followed, `SetupError` if none is yet, and as the
        reader does. The node must have kept the state of that block, and so must the second one where the
        block is final: `NodesDisagree` where they differ. What is found at the final block is kept, and
        differences there stop granting until a later run finds none; so does a disagreement.
        """
        if number is not None:
            return self._run(number, progress)
        with self._stopping_grants():
            return self._run(None, progress)

    def _run(self, number: int | None, progress: Callable[[int, int], None]) -> Verification:
        with self._sessions.begin() as session:
            known = self._known(session)
            count = chain_rows.count_followed_wallets(session)
        asked = known.final.number if number is None else number
        views = self._views(known, asked, NOTHING_GRANTED if number is None else NOTHING_COMPARED)
        block = self._block(known, asked, views)
        found: list[str] = []
        sums: Counter[str] = Counter()
        done, after = 0, ""
        while wallets := self._page(after):
            found += self._compare(wallets, block, sums, views)
            done, after = done + len(wallets), wallets[-1]
            progress(done, max(done, count))
        found += _compare_totals(sums, views.totals(block))
        verification = Verification(block.number, done, found)
        if number is None:
            self._keep(verification, next_after=None, is_whole=True)
        return verification

    def sample(self, limit: int) -> Verification:
        """Verify up to `limit` wallets at the final block, others each time, and the totals of all; keep it.

        All of them where they are no more, or where the last run found a difference: only a whole run takes
        that back. Raises as `run` does.
        """
        with self._sessions.begin() as session:
            known = self._known(session)
            last = outcomes.last(session)
            after = "" if last is None or last.next_after is None else last.next_after
            is_whole = known.check_failed is not None or chain_rows.count_followed_wallets(session) <= limit
            wallets = chain_rows.followed_wallets(session, after=after, limit=limit)
        if is_whole:
            return self.run(None, lambda _done, _of: None)
        found: list[str] = []
        with self._stopping_grants():
            views = self._views(known, known.final.number, NOTHING_GRANTED)
            block = self._block(known, known.final.number, views)
            for first in range(0, len(wallets), WALLETS_AT_ONCE):
                found += self._compare(wallets[first : first + WALLETS_AT_ONCE], block, Counter(), views)
            found += self._compare_stored_totals(block, views)
        verification = Verification(block.number, len(wallets), found)
        self._keep(verification, next_after=outcomes.last_wallet(wallets, limit), is_whole=False)
        return verification

    @staticmethod
    def _known(session: Session) -> Followed:
        known = chain_rows.followed(session)
        if known is None:
            raise SetupError(
                "The chain has not been followed yet.", remedy="Run `entitlement follow`, then this again."
            )
        return known

    def _keep(self, verification: Verification, *, next_after: str | None, is_whole: bool) -> None:
        differences = verification.differences
        with self._sessions.begin() as session:
            outcome = Verified(
                block_number=verification.block,
                verified_at=service_time(session),
                wallets=verification.wallets,
                differences=len(differences),
                next_after=next_after,
            )
            first = differences[0] if differences else None
            outcomes.keep(session, outcome, first_difference=first, is_whole=is_whole)

    @contextmanager
    def _stopping_grants(self) -> Generator[None]:
        """Keep a disagreement of two nodes, so that nothing is granted meanwhile; a fault may pass."""
        try:
            yield
        except NodesDisagree as error:
            with self._sessions.begin() as session:
                outcomes.doubt(session, str(error))
            raise

    def _views(self, known: Followed, number: int, consequence: str) -> AgreedViews:
        """Return whom to ask about a block: what is not final yet is the first node's word alone."""
        second = self._second if number <= known.final.number else None
        return AgreedViews(self._contracts, second, consequence=consequence)

    def _compare_stored_totals(self, block: Header, views: AgreedViews) -> list[str]:
        with self._snapshot() as session:
            known = self._known(session)
            stored = outcomes.sums(session)
        if known.final.number != block.number:
            return []  # it has moved on since: the next run compares
        stored["vvv_staked"] = stored["vvv_unlocked"] + stored["vvv_locked"]
        return _compare_totals(Counter(stored), views.totals(block))

    @contextmanager
    def _snapshot(self) -> Generator[Session]:
        """Open a transaction that sees one moment: the follower may go on between two of its questions."""
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def _block(self, known: Followed, number: int, views: AgreedViews) -> Header:
        if not known.start.number < number <= known.head.number:
            followed = f"{known.start.number + 1} to {known.head.number}"
            raise InvalidRequest(f"block {number} is not followed: give one from {followed}", field="block")
        theirs = self._reader.header(number)
        if theirs is not None:
            views.check_block(theirs)
        with self._sessions.begin() as session:
            ours = chain_rows.kept_block(session, number)
        if theirs is None or (ours is not None and ours.hash != theirs.hash):
            raise InvalidRequest(
                f"block {number} is {ours and ours.hash} here and {theirs and theirs.hash} on the node: "
                "wait until the follower has undone it",
                field="block",
            )
        return theirs

    def _page(self, after: str) -> list[Wallet]:
        with self._sessions.begin() as session:
            return chain_rows.followed_wallets(session, after=after, limit=WALLETS_AT_ONCE)

    def _compare(
        self, wallets: list[Wallet], block: Header, sums: Counter[str], views: AgreedViews
    ) -> list[str]:
        with self._snapshot() as session:
            known = self._known(session)
            events = chain_rows.events_between(
                session, above=known.start.number, to=block.number, wallets=wallets
            )
            stored = chain_rows.positions(session, wallets, pending=False)
        found: list[str] = []
        folded = {wallet: Position(wallet) for wallet in wallets}
        for event in events:
            for wallet in wallets_in([event]) & set(folded):
                try:
                    folded[wallet] = apply_event(folded[wallet], event)
                except AssertionError as error:
                    # More went out than came in: a log is missing before this one. What follows says where.
                    found.append(f"the events do not fit together: {error}")
        for wallet, view in zip(wallets, views.wallet_views(wallets, block), strict=True):
            position = folded[wallet]
            found += differences(position, view)
            # The final block may have moved on since: then there is nothing to compare.
            is_final = known.final.number == block.number
            if is_final and stored.get(wallet, Position(wallet)) != position:
                found.append(f"{wallet} is stored as {stored.get(wallet)}, but its events give {position}")
            sums.update(
                vvv_staked=position.vvv_unlocked + position.vvv_locked,
                vvv_locked=position.vvv_locked,
                vvv_cooling=position.vvv_cooling,
                diem_minted=position.diem_minted,
                diem_staked=position.diem_staked,
                diem_cooling=position.diem_cooling,
            )
        return found


def _compare_totals(sums: Counter[str], on_chain: Totals) -> list[str]:
    expected = {name: Wei(getattr(on_chain, name)) for name in Totals.__slots__}
    return [
        f"{name} of all stored wallets together is {sums[name]}, the contracts have {total}: "
        "of some wallet nothing is stored"
        for name, total in expected.items()
        if sums[name] != total
    ]
