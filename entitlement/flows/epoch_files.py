"""The public file of an epoch: made from what is stored, the same byte by byte whenever it is made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.commitment import spending_of
from entitlement.core.epoch_file import BlockName, EpochHead, Row, lines_of
from entitlement.core.epochs import Epoch
from entitlement.core.errors import ProofFileChanged, UnknownEpoch
from entitlement.store import proof_files, roots
from entitlement.store.roots import Closed


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a file says of the contracts, so that anybody can ask them."""

    chain_id: int
    contracts: dict[str, str]
    """Contract -> address in lower case: those that a right and a share come from, and EpochRoots."""
    first_block: BlockName


class EpochFiles:
    """The files in one folder."""

    def __init__(
        self, sessions: sessionmaker[Session], folder: Path, deployed: Callable[[], Deployed]
    ) -> None:
        """`deployed` is asked when a file is made: the service runs without a deployment."""
        self._sessions, self._folder, self._deployed = sessions, folder, deployed

    def commit_to(self, closed: Closed) -> str:
        """Write an epoch's file and keep its digest; return it. Safe to repeat."""
        made = self._write(closed)
        if closed.file_hash is None:
            with self._sessions.begin() as session:
                roots.keep_file_hash(session, closed.epoch, made)
        elif closed.file_hash != made:
            raise ProofFileChanged(epoch=closed.epoch, committed=closed.file_hash, made=made)
        return made

    def path(self, epoch: Epoch) -> tuple[Path, str]:
        """Return an epoch's file and its digest; it is made anew where it is missing.

        Raises `UnknownEpoch` where there is none yet, `ProofFileChanged` where it cannot be made as it was.
        """
        with self._sessions.begin() as session:
            closed = roots.closed_epoch(session, epoch)
        if closed is None or closed.file_hash is None:
            raise UnknownEpoch(epoch=epoch, reason="its file is made when the day can change no more")
        path = proof_files.path_of(self._folder, epoch)
        if not path.exists():
            self.commit_to(closed)
        return path, closed.file_hash

    def _write(self, closed: Closed) -> str:
        deployed = self._deployed()
        head = EpochHead(
            chain_id=deployed.chain_id,
            contracts=deployed.contracts,
            deployed=deployed.first_block,
            epoch=closed.epoch,
            block=closed.block,
            sharing=closed.sharing,
            journal_heads=closed.journal_heads,
            root=closed.root,
            accounts=closed.accounts,
            diem=closed.diem,
            pro_rata=closed.pro_rata,
            spent=closed.spent,
        )
        with self._sessions.begin() as session:
            path = proof_files.path_of(self._folder, closed.epoch)
            return proof_files.write(path, lines_of(head, _rows(session, closed.epoch)))


def _rows(session: Session, epoch: Epoch) -> Iterator[Row]:
    for leaf in roots.leaves_in(session, epoch):
        honoured = leaf.honoured
        spending = spending_of(honoured.spent, leaf.salt)
        yield Row(honoured.wallet, honoured.diem, honoured.pro_rata, spending)
