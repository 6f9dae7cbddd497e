"""Verify an epoch with nothing but a node and its public file: no database, no service, nobody's word.

    the file against itself       its form, its sums, the root of its rows
    the file against EpochRoots   root, totals, accounts and the file's own SHA-256
    the rows against the logs     everybody's right and share, computed again from the first block on; and the
                                  logs against the blocks (chain/history.py)

What everybody spent stays hidden: each owner opens its own leaf (`entitlement proof check`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from entitlement.chain.block_times import last_block_before
from entitlement.chain.history import LogHistory
from entitlement.chain.roots import Commitment, RootsOnChain
from entitlement.core.blocks import Header
from entitlement.core.epoch_check import Bounds, compare, given_in, moments_of
from entitlement.core.epoch_file import BlockName, EpochHead, Row, wrong_in
from entitlement.core.epochs import ends_at
from entitlement.core.errors import InvalidRequest

EVERY_BLOCK_MAX = 100_000
"""Blocks that are all read and linked by themselves: a thousand questions. More only where it is wished."""


@dataclass(frozen=True, slots=True)
class EpochVerified:
    """What was found."""

    differences: list[str]
    """A sentence with both figures for each; empty where everything agrees."""
    tolerated: int
    """Wallets whose right changed within an hour of midnight, and that were granted in between."""
    last_block: int
    """The last block of the day."""
    every_block: bool
    """Whether all blocks of the range were read and linked, and not only those that have our logs."""


class VerifyEpoch:
    """Verifies files of one deployment."""

    def __init__(
        self, history: LogHistory, contract: RootsOnChain, *, every_block: bool | None = None
    ) -> None:
        """Take readers of the same node, and whether every block is read: None for up to EVERY_BLOCK_MAX."""
        self._history, self._contract, self._every_block = history, contract, every_block

    def run(
        self, content: bytes, head: EpochHead, rows: list[Row], told: Callable[[str], None]
    ) -> EpochVerified:
        """Verify a file; `told` hears what is being done.

        Raises `InvalidRequest` while the day's end is not final, and as the readers do.
        """
        final = self._history.final_head()
        if final.timestamp < ends_at(head.epoch):
            raise InvalidRequest(
                f"epoch {head.epoch} ends at {ends_at(head.epoch)}, and the final block {final.number} is of "
                f"{final.timestamp}: wait until the chain is past it",
                field="epoch",
            )
        told("the file against itself")
        found = wrong_in(head, rows)
        told("the file against EpochRoots")
        found += self._against_contract(content, head)
        found += self._against_block(head.block, final, not_before=ends_at(head.epoch))
        told("the rows against the logs")
        bounds, start = self._bounds(head, final)
        every = self._every_block
        if every is None:
            every = bounds.end - head.deployed.number < EVERY_BLOCK_MAX
        given = given_in(
            head.epoch,
            partial(self._history.between, every=every),
            first=head.deployed.number,
            bounds=bounds,
            sharing=head.sharing,
        )
        if head.sharing is not None and head.sharing.start is not None:
            said = (head.sharing.start, head.sharing.vvv_staked)
            there = (BlockName(start.number, start.hash), given.vvv_staked)
            if said != there:
                found.append(f"shares were by {said} in the file, and the chain has {there}")
        compared = compare(rows, given, head.sharing)
        return EpochVerified(found + compared.differences, compared.tolerated, bounds.end, every)

    def _against_contract(self, content: bytes, head: EpochHead) -> list[str]:
        standing = self._contract.standing(head.epoch)
        if standing is None:
            return [f"EpochRoots has no root of epoch {head.epoch}"]
        digest = f"0x{hashlib.sha256(content).hexdigest()}"
        said = Commitment(head.root, head.granted, head.spent, head.accounts, digest)
        there = standing.commitment
        pairs = {
            "root": (f"0x{said.root.hex()}", f"0x{there.root.hex()}"),
            "granted": (said.granted, there.granted),
            "spent": (said.spent, there.spent),
            "accounts": (said.accounts, there.accounts),
            "the SHA-256 of the file": (said.file_hash, there.file_hash),
        }
        return [
            f"{name} is {ours} by the file, and {theirs} on the chain"
            for name, (ours, theirs) in pairs.items()
            if ours != theirs
        ]

    def _against_block(self, named: BlockName, final: Header, *, not_before: int) -> list[str]:
        if named.number > final.number:
            return [f"block {named.number}, at which the file was made, is not final"]
        block = self._history.block(named.number)
        if block.hash != named.hash or block.timestamp < not_before:
            made_at = f"the file was made at block {named.number} {named.hash}"
            return [f"{made_at}, and the chain has {block.hash} of {block.timestamp} there"]
        return []

    def _bounds(self, head: EpochHead, final: Header) -> tuple[Bounds, Header]:
        """Return the blocks between which rights count, and the last one before the day."""
        low = self._history.block(head.deployed.number - 1)
        blocks = [
            # The deployment may be younger than the day's beginning: then nothing of ours was before it.
            last_block_before(moment, self._history.header, low=low, high=final)
            if low.timestamp < moment
            else low
            for moment in moments_of(head.epoch)
        ]
        return Bounds(*(block.number for block in blocks)), blocks[1]
