"""Publish roots: each closed epoch goes to EpochRoots once, in order, whatever crashes or forks meanwhile.

    close -> file and its digest -> sign -> KEEP what was signed -> send -> in a block -> in a final block
                                                                     ^        |
                                                                     +--------+ a fork dropped it

What waits too long for a block is signed again under its nonce for a higher fee, once for each root, whoever
does it and whatever starts anew: whichever of the two a block takes, the same is published.

What is signed is kept before it is sent, so that a crash at any line sends the same bytes again or signs what
nobody has seen. EpochRoots takes each epoch once and none out of turn, so that even two publishers at once
publish one root. The chain alone says what is done: an epoch counts as published when its root stands there
and its block is final; until then each run looks again, from the oldest on.
"""

from dataclasses import dataclass, replace

import structlog
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.block_times import last_block_before
from entitlement.chain.reader import ChainReader
from entitlement.chain.roots import Commitment, RootPublisher, RootsOnChain, Standing
from entitlement.core.blocks import Header
from entitlement.core.epochs import Epoch
from entitlement.core.errors import InconsistentNode, RootDiffers, TransactionNotMined
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.epoch_files import EpochFiles
from entitlement.store import roots
from entitlement.store.clock import service_time
from entitlement.store.roots import Closed

log = structlog.get_logger()

EPOCHS_PER_RUN = 400
"""More than a year that was missed; what is left is taken by the next run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    to_close: list[Epoch]
    to_publish: list[Closed]
    """Closed already; whether a root of them stands on the chain is not asked."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    closed: list[Epoch]
    published: list[Epoch]
    """Their roots stand in final blocks now."""
    waiting: list[Epoch]
    """Their roots stand in blocks that are not final yet."""


class PublishRoots:
    """Publishes for one deployment; safe to repeat, and by two processes at once."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        closing: CloseEpochs,
        files: EpochFiles,
        contract: RootPublisher,
        reader: ChainReader,
        *,
        start_block: int,
    ) -> None:
        """Take a reader of the same chain, which says what is final."""
        self._sessions, self._closing, self._files = sessions, closing, files
        self._contract, self._reader, self._start_block = contract, reader, start_block

    def run(self) -> Run:
        """Close what is due and publish what is closed.

        Raises `RootDiffers` where the chain has something else, `TransactionFailed` and `ChainError`s; what
        was done before stays done, and the next run goes on.
        """
        closed = self._closing.close_due(self._contract.next_epoch(), not_before=self._contract.start_epoch())
        with self._sessions.begin() as session:
            open_epochs = roots.unpublished(session, limit=EPOCHS_PER_RUN)
        done = Run(closed, [], [])
        for each in open_epochs:
            (done.published if self._publish(each) else done.waiting).append(each.epoch)
        return done

    def _publish(self, closed: Closed) -> bool:
        """Bring one epoch as far as it goes now; tell whether its root stands in a final block."""
        file_hash = self._files.commit_to(closed)
        said = Commitment(closed.root, closed.granted, closed.spent, closed.accounts, file_hash)
        closed = replace(closed, file_hash=file_hash)
        standing = self._contract.standing(closed.epoch)
        if standing is None:
            self._send(closed, said)
            standing = self._contract.standing(closed.epoch)
            if standing is None:
                # It was in a block a moment ago. The next run sends it again.
                return False
        if standing.commitment != said:
            raise RootDiffers(
                epoch=closed.epoch, expected=said.explain(), found=standing.commitment.explain()
            )
        return self._is_final(closed.epoch, standing)

    def _send(self, closed: Closed, said: Commitment) -> None:
        raw = closed.raw_transaction
        if raw is None or self._contract.is_void(raw):
            kept = self._keep(closed, *self._contract.sign(closed.epoch, said))
            if kept is None:
                return  # another process publishes it at this moment
            closed, raw = kept
        try:
            self._contract.send(raw)
        except TransactionNotMined as stuck:
            if closed.replaced_at is not None:
                raise
            self._replace(closed, raw, stuck.reason)
        log.info("root_sent", epoch=closed.epoch)

    def _replace(self, closed: Closed, raw: bytes, reason: str) -> None:
        """Offer more under the same nonce, once for each root: what does not help then needs a person."""
        dearer, transaction_hash = self._contract.sign_dearer(raw)
        with self._sessions.begin() as session:
            now = service_time(session)
            is_ours = roots.keep_dearer(session, closed, dearer, transaction_hash, now=now)
        if not is_ours:
            return  # another process has replaced it
        log.warning("root_replaced", epoch=closed.epoch, reason=reason, hash=transaction_hash)
        self._contract.send(dearer)

    def _keep(self, closed: Closed, raw: bytes, transaction_hash: str) -> tuple[Closed, bytes] | None:
        """Keep what was signed before it is sent; None where another process has kept something else."""
        with self._sessions.begin() as session:
            now = service_time(session)
            if not roots.keep_signed(session, closed, raw, transaction_hash, now=now):
                return None
        return replace(closed, raw_transaction=raw, transaction_hash=transaction_hash), raw

    def _is_final(self, epoch: Epoch, standing: Standing) -> bool:
        final = self._reader.final_head()
        if final.timestamp < standing.published_at:
            return False
        # The blocks of that second, as far as they are final: on a real chain there is one.
        before, last = (
            self._last_before(moment, final) for moment in (standing.published_at, standing.published_at + 1)
        )
        found = self._contract.publication(epoch, first=before.number + 1, last=last.number)
        if found is None:
            return False
        block, transaction_hash = found
        with self._sessions.begin() as session:
            roots.keep_published(session, epoch, block=block, transaction_hash=transaction_hash)
        log.info("root_published", epoch=epoch, block=block)
        return True

    def _last_before(self, moment: int, final: Header) -> Header:
        start = self._reader.header(self._start_block)
        if start is None:
            raise InconsistentNode(f"block {self._start_block} is missing")
        return last_block_before(moment, self._reader.header, low=start, high=final)


def plan(sessions: sessionmaker[Session], closing: CloseEpochs, contract: RootsOnChain) -> Plan:
    """Return what a run would do; nothing is written, signed or sent."""
    due = closing.due(contract.next_epoch(), not_before=contract.start_epoch())
    with sessions.begin() as session:
        return Plan(due, roots.unpublished(session, limit=EPOCHS_PER_RUN))
