"""The contracts' logs of any range of blocks, in order: for who folds a past and keeps nothing.

Unlike the follower it does not link every block and look into every filter, which takes a question for each
hundred blocks of years. The node is asked by whoever checks, and is trusted by nobody else; what it leaves
out shows where the fold does not fit together.
"""

from collections.abc import Iterator, Mapping

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.client import RpcLogReader
from entitlement.chain.decode import FOLLOWED, TableDecoder
from entitlement.chain.networks import Network
from entitlement.chain.rpc import RpcLimits
from entitlement.core.blocks import Header
from entitlement.core.epoch_file import BlockName
from entitlement.core.errors import DeploymentMismatch, InconsistentNode
from entitlement.core.events import ChainEvent


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

    def between(self, first: int, last: int) -> Iterator[ChainEvent]:
        """Yield the events of blocks `first..last`, which must be final, in chain order."""
        if first > last:
            return
        self._check_chain()
        before = (first, -1)
        for at, _, event in self._decoder.read(self._range(first, last)):
            here = (at.block_number, at.log_index)
            if not before < here or at.block_number > last:
                raise InconsistentNode(f"a log at {here} comes after {before}, asked for up to block {last}")
            before = here
            if event is not None:
                yield event

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
