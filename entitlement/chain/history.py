"""The contracts' logs of any range of blocks, in order: for who folds a past and keeps nothing.

    every block        all blocks of the range link by hash, and their filters agree with what was told and
                       with what was not, as the follower has it (client.py); a question for each 100 blocks
    blocks that spoke  of each block with logs the header that stands at its height has the hash that the logs
                       name, and its filter agrees with them; neighbours link. What a node leaves out of all
                       other blocks shows where the fold of the events does not fit together

The second is for years of blocks. Either way the node is one that whoever checks has chosen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.client import LOGS_AT_ONCE, RpcLogReader
from entitlement.chain.decode import FOLLOWED, TableDecoder
from entitlement.chain.networks import Network
from entitlement.chain.rpc import HASHES_ONLY, RpcLimits
from entitlement.core.blocks import Header
from entitlement.core.epoch_file import BlockName
from entitlement.core.errors import DeploymentMismatch, InconsistentNode, RangeTooFull
from entitlement.core.events import ChainEvent, LogPlace
from entitlement.core.reorg import is_linked

BLOCKS_AT_ONCE = 1_000
"""Whose headers are asked for together."""
_Read = tuple[LogPlace, tuple[str, str] | None, ChainEvent | None]


class LogHistory(RpcLogReader[ChainEvent]):
    """Reads what some of our contracts said. The first question raises `DeploymentMismatch` for others."""

    def __init__(
        self,
        rpc_url: str,
        network: Network,
        artifacts: Artifacts,
        contracts: Mapping[str, str],
        deployed: BlockName,
        limits: RpcLimits | None = None,
    ) -> None:
        """`contracts` are addresses by name; those that say nothing of positions are left alone."""
        followed = {place: kind for place, kind in FOLLOWED.items() if place[0] in contracts}
        decoder = TableDecoder[ChainEvent](artifacts, contracts, followed)
        super().__init__(rpc_url, network, decoder, start_block=deployed.number, limits=limits)
        self._deployed = deployed
        self._newest: Header | None = None
        """The last block of those that were linked."""
        self._at_once = BLOCKS_AT_ONCE

    def between(self, first: int, last: int, *, every: bool = False) -> Iterator[ChainEvent]:
        """Yield the events of blocks `first..last`, which must be final, in chain order.

        With `every` each block of the range is read and linked, otherwise those that spoke. Raises
        `NodeUnavailable`, and `InconsistentNode` where what the node says does not fit together.
        """
        if first > last:
            return
        self._check_chain()
        yield from self._of_every_block(first, last) if every else self._of_those_that_spoke(first, last)

    def _of_every_block(self, first: int, last: int) -> Iterator[ChainEvent]:
        for start in range(first, last + 1, BLOCKS_AT_ONCE):
            headers = self.headers(start, min(start + BLOCKS_AT_ONCE - 1, last))
            before = self._newest if self._newest and self._newest.number == start - 1 else None
            if not is_linked(headers, before):
                raise InconsistentNode(
                    f"block {start} follows {headers[0].parent_hash}, and block {start - 1} was {before}"
                )
            self._newest = headers[-1]
            yield from self._in_parts(headers)

    def _in_parts(self, headers: Sequence[Header]) -> Iterator[ChainEvent]:
        """Read as many blocks at once as do not hold too many logs, which is learned from those before."""
        start = 0
        while start < len(headers):  # each turn goes on, or halves how many are read next
            part = headers[start : start + self._at_once]
            try:
                events = self.said(part)
            except RangeTooFull:
                self._at_once = max(1, len(part) // 2)
                continue
            yield from events
            start += len(part)
            if len(events) < LOGS_AT_ONCE // 4:
                self._at_once = min(BLOCKS_AT_ONCE, 2 * self._at_once)

    def _of_those_that_spoke(self, first: int, last: int) -> Iterator[ChainEvent]:
        for blocks in _by_blocks(self._decoder.read(self._range(first, last)), first, last):
            self._check_spoken(blocks)
            yield from (event for reads in blocks.values() for _, _, event in reads if event is not None)

    def _check_spoken(self, blocks: Mapping[int, Sequence[_Read]]) -> None:
        """Hold the logs of some blocks to the blocks that stand at their heights."""
        questions = [[hex(number), HASHES_ONLY] for number in blocks]
        found = self._batched("eth_getBlockByNumber", questions)
        before: Header | None = None
        for (number, reads), block in zip(blocks.items(), found, strict=True):
            if block is None:
                raise InconsistentNode(f"it told logs of block {number}, and has no such block")
            header = self._taken(block)
            wrong = {at.block_hash for at, _, _ in reads} - {header.hash}
            if wrong or header.number != number:
                told = next(iter(wrong), header.hash)
                raise InconsistentNode(f"it told logs of block {number} {told}, and its chain has {header}")
            if before is not None and before.number + 1 == number and header.parent_hash != before.hash:
                raise InconsistentNode(f"block {number} does not follow {before}")
            before = header
            self._check_whole(header, reads)

    def _check_whole(self, header: Header, reads: Sequence[_Read]) -> None:
        may_say, said = self._loud([header])[header.hash], 0
        for _, followed, _ in reads:
            said |= 0 if followed is None else self._watch.bit_of[followed]
        if said & ~may_say:
            raise InconsistentNode(f"block {header.number} has our logs, but its filter excludes them")
        # A filter that seems to have more mostly only seems to; asked by its hash, the block says.
        if may_say & ~said:
            (again,) = self._logs_in([(header, self._filter())]).values()
            if len(again) != len(reads):
                raise InconsistentNode(
                    f"block {header.number} was told with {len(reads)} of our logs, "
                    f"and has {len(again)} by its hash"
                )

    def block(self, number: int) -> Header:
        """Return the block at a height, which must be there."""
        return self._block(number)

    def _check_start(self) -> None:
        found = self._block(self._deployed.number)
        if found.hash != self._deployed.hash:
            raise DeploymentMismatch(
                contract="the deployment",
                field="start_block_hash",
                expected=self._deployed.hash,
                found=found.hash,
            )


def _by_blocks(reads: Iterable[_Read], first: int, last: int) -> Iterator[dict[int, list[_Read]]]:
    """Yield what was read, some blocks together and each of them whole. Raises `InconsistentNode`."""
    blocks: dict[int, list[_Read]] = {}
    before = (first, -1)
    for read in reads:
        at = read[0]
        here = (at.block_number, at.log_index)
        if not before < here or at.block_number > last:
            raise InconsistentNode(f"a log at {here} comes after {before}, asked for up to block {last}")
        before = here
        if at.block_number not in blocks and len(blocks) == BLOCKS_AT_ONCE:
            yield blocks
            blocks = {}
        blocks.setdefault(at.block_number, []).append(read)
    if blocks:
        yield blocks
