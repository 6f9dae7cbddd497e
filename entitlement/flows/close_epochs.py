"""Close epochs: once a day can change no more, what everybody was granted and spent is written down.

    the day is over, and the hour of late captures    nothing more is granted in it or charged to it late
    the final block is after it                       the file names a block that has all of the day
    whoever read the day's clock has ended            a moment in which nobody holds an account's lock
    no request holds any of its credit                a hold belongs to the day it was made in

Then what the journal says of the day is the same for ever: a correction gives back to credit that can still
be spent, never to a day that is over. Leaves, salts and root are written in one transaction, once; a day in
which nobody was granted anything has a root too, of zero.
"""

import secrets

import structlog
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.commitment import SALT_BYTES, leaf_of, make_tree, spending_of
from entitlement.core.epoch_file import BlockName, JournalHead, Sharing
from entitlement.core.epochs import Epoch, ends_at
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.positions import NO_WEI
from entitlement.core.units import NanoUsd
from entitlement.store import chain, entry_batches, pro_rata, roots
from entitlement.store.clock import service_time
from entitlement.store.roots import Closed, Honoured, Leaf

log = structlog.get_logger()

EPOCHS_PER_RUN = 400
"""More than a year that was missed; what is left is taken by the next run."""
BOOKINGS_MILLISECONDS = 1_500
"""How long requests may have to stand still while those under way end. They take a few milliseconds; what
cleans the table up gives way within a second."""

EARLIEST = Epoch(0)


class CloseEpochs:
    """Closes one epoch after the other; safe to repeat, and by two processes at once."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def close_due(self, first: Epoch | None = None, *, not_before: Epoch = EARLIEST) -> list[Epoch]:
        """Close what is due, from the last that was closed on; return which.

        Before there is one, from `first`; or from the first day of which the ledger has a grant, but
        `not_before` a day.
        """
        epoch = self._next(first, not_before)
        done: list[Epoch] = []
        while epoch is not None and len(done) < EPOCHS_PER_RUN and self._close(epoch):
            done.append(epoch)
            epoch = Epoch(epoch + 1)
        return done

    def due(self, first: Epoch | None = None, *, not_before: Epoch = EARLIEST) -> list[Epoch]:
        """Return what `close_due` would close now; nothing is written, and nobody waits."""
        epoch = self._next(first, not_before)
        found: list[Epoch] = []
        with self._sessions.begin() as session:
            while epoch is not None and len(found) < EPOCHS_PER_RUN and _is_past(session, epoch):
                if roots.is_anything_held(session, epoch):
                    break
                found.append(epoch)
                epoch = Epoch(epoch + 1)
        return found

    def _next(self, first: Epoch | None, not_before: Epoch) -> Epoch | None:
        with self._sessions.begin() as session:
            newest = roots.newest(session)
            if newest is not None:
                return Epoch(newest + 1)
            if first is not None:
                return first
            granted = roots.first_granted(session)
            return None if granted is None else max(granted, not_before)

    def _close(self, epoch: Epoch) -> bool:
        if not self._is_over(epoch):
            return False
        try:
            return self._close_now(epoch)
        except IntegrityError:
            # Another process has closed it at this very moment.
            return True

    def _close_now(self, epoch: Epoch) -> bool:
        with self._sessions() as session, session.begin():
            # One moment for all that is read: the final block, the day's grants, the journal's heads.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            if roots.closed_epoch(session, epoch) is not None:
                return True
            if roots.is_anything_held(session, epoch):
                log.info("epoch_still_held", epoch=epoch)
                return False
            self._write(session, epoch)
        return True

    def _is_over(self, epoch: Epoch) -> bool:
        with self._sessions.begin() as session:
            if not _is_past(session, epoch):
                return False
        try:
            with self._sessions.begin() as session:
                roots.wait_for_bookings(session, milliseconds=BOOKINGS_MILLISECONDS)
        except OperationalError as error:
            if error.connection_invalidated:
                raise
            # Somebody has held an account for longer than any request: the next run tries again.
            log.warning("bookings_under_way", epoch=epoch)
            return False
        return True

    def _write(self, session: Session, epoch: Epoch) -> None:
        followed = chain.followed(session)
        assert followed is not None
        found = roots.honoured_in(session, epoch)
        salted = [(each, secrets.token_bytes(SALT_BYTES)) for each in found]
        hashes = [_leaf_of(epoch, each, salt) for each, salt in salted]
        tree = make_tree(hashes)
        leaves = [Leaf(*each, tree.places[leaf]) for each, leaf in zip(salted, hashes, strict=True)]
        closed = Closed(
            epoch=epoch,
            root=tree.root,
            accounts=len(found),
            diem=NanoUsd(sum(each.diem for each in found)),
            pro_rata=NanoUsd(sum(each.pro_rata for each in found)),
            spent=NanoUsd(sum(each.spent for each in found)),
            block=BlockName(followed.final.number, followed.final.hash),
            sharing=_sharing(session, epoch),
            journal_heads=tuple(
                JournalHead(each.lane, each.number, f"0x{each.hash.hex()}")
                for each in entry_batches.heads(session)
            ),
        )
        roots.add_root(session, closed, leaves, tree.nodes, service_time(session))
        log.info("epoch_closed", epoch=epoch, accounts=closed.accounts, granted=closed.granted)


def _is_past(session: Session, epoch: Epoch) -> bool:
    followed = chain.followed(session)
    is_final = followed is not None and followed.final.timestamp >= ends_at(epoch)
    return is_final and service_time(session) >= ends_at(epoch) + LATE_CAPTURE_SECONDS


def _leaf_of(epoch: Epoch, honoured: Honoured, salt: bytes) -> bytes:
    return leaf_of(epoch, honoured.wallet, honoured.granted, spending_of(honoured.spent, salt))


def _sharing(session: Session, epoch: Epoch) -> Sharing | None:
    policy = pro_rata.policy_in(session, epoch)
    if not policy.capacity:
        return None
    start = pro_rata.epoch_start(session, epoch)
    if start is None:
        return Sharing(policy.capacity, policy.minimum_stake, None, NO_WEI, is_disputed=False)
    return Sharing(
        policy.capacity,
        policy.minimum_stake,
        BlockName(start.block_number, start.block_hash),
        start.vvv_staked,
        start.is_disputed,
    )
