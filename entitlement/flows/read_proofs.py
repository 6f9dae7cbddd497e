"""Read proofs: the epochs that were committed to, their public files, and an account's own leaf."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.account_proof import AccountProof
from entitlement.core.epochs import Epoch
from entitlement.core.errors import UnknownEpoch
from entitlement.core.units import Wallet
from entitlement.flows.epoch_files import Deployed, EpochFiles
from entitlement.store import roots
from entitlement.store.roots import Closed

MOST_EPOCHS = 100
"""In one answer."""


class ReadProofs:
    """Views of what was committed to."""

    def __init__(
        self, sessions: sessionmaker[Session], files: EpochFiles, deployed: Callable[[], Deployed]
    ) -> None:
        """`deployed` is asked when somebody asks: the service runs without a deployment."""
        self._sessions, self._files, self._deployed = sessions, files, deployed

    def published(self, *, below: Epoch | None = None, limit: int = MOST_EPOCHS) -> list[Closed]:
        """Return epochs whose public file is there, newest first; `published_block` says which are final."""
        with self._sessions.begin() as session:
            return roots.closed_epochs(session, below=below, limit=min(limit, MOST_EPOCHS))

    def file(self, epoch: Epoch) -> tuple[Path, str]:
        """Return an epoch's public file and its SHA-256. Raises `UnknownEpoch`, `ProofFileChanged`."""
        return self._files.path(epoch)

    def account(self, wallet: Wallet, epoch: Epoch | None = None) -> AccountProof:
        """Return a wallet's own proof of an epoch, or of the newest that it has one of.

        Raises `UnknownEpoch` where the epoch was not committed to, or the wallet was granted nothing in it.
        """
        with self._sessions.begin() as session:
            found = roots.newest_of(session, wallet) if epoch is None else epoch
            if found is None:
                raise UnknownEpoch(epoch=0, reason="the account has been granted nothing in any closed epoch")
            closed = roots.closed_epoch(session, found)
            leaf = roots.leaf_of(session, found, wallet)
            if closed is None or closed.file_hash is None:
                raise UnknownEpoch(epoch=found, reason="the day has to end first, and its last request")
            if leaf is None:
                raise UnknownEpoch(epoch=found, reason="the account was granted nothing by the chain then")
            proof = roots.proof_of(session, found, leaf.place)
        deployed = self._deployed()
        return AccountProof(
            chain_id=deployed.chain_id,
            contract=deployed.contracts["EpochRoots"],
            epoch=found,
            account=wallet,
            diem=leaf.honoured.diem,
            pro_rata=leaf.honoured.pro_rata,
            spent=leaf.honoured.spent,
            salt=leaf.salt,
            proof=proof,
            root=closed.root,
            file_hash=closed.file_hash,
            block=closed.published_block,
            transaction=closed.published_transaction,
        )
