"""What the contracts said about themselves in a range of blocks, in the order of the chain."""

from typing import Any

from entitlement.chain import answers
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.log_ranges import LogRanges
from entitlement.chain.public.decode import PublicDecoder
from entitlement.chain.rpc import HASHES_ONLY, Rpc
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.public_events import PublicEvent

CALLS_PER_BATCH = 100
"""What public nodes take at once."""


class PublicLogs:
    """Reads the public events of one deployment."""

    def __init__(self, artifacts: Artifacts, deployment: Deployment, blocks_per_request: int) -> None:
        self._decoder = PublicDecoder(artifacts, deployment.addresses)
        # Each kind of question has its own length that suits the node: one is busy, the other nearly silent.
        self._ranges = [(wanted, LogRanges(blocks_per_request)) for wanted in self._decoder.filters]

    def read(self, rpc: Rpc, first: int, last: int) -> list[PublicEvent]:
        """Return what was said in blocks `first..last`, both included.

        Raises `NodeUnavailable`, or `InconsistentNode` for what cannot be an answer to this.
        """
        logs = [log for wanted, ranges in self._ranges for log in ranges.logs(rpc, wanted, first, last)]
        placed = sorted(((_place(log), log) for log in logs), key=lambda each: each[0])
        places = [place for place, _ in placed]
        if len(set(places)) < len(places) or any(not first <= number <= last for number, _ in places):
            raise InconsistentNode(f"asked for logs of blocks {first}..{last}, got others or some twice")
        needed = {place[0] for place, log in placed if self._decoder.needs_time(log)}
        headers = _headers(rpc, sorted(needed))
        return [self._decoder.decode(log, headers) for _, log in placed]


def _place(log: Any) -> tuple[int, int]:  # noqa: ANN401  JSON
    fields = answers.mapping(log, "a log")
    return answers.quantity(fields, "blockNumber"), answers.quantity(fields, "logIndex")


def _headers(rpc: Rpc, numbers: list[int]) -> dict[int, Header]:
    found: dict[int, Header] = {}
    for start in range(0, len(numbers), CALLS_PER_BATCH):
        part = numbers[start : start + CALLS_PER_BATCH]
        blocks = rpc.batch("eth_getBlockByNumber", [[hex(number), HASHES_ONLY] for number in part])
        for number, block in zip(part, blocks, strict=True):
            found[number] = answers.header(block)
            if found[number].number != number:
                raise InconsistentNode(f"asked for block {number}, got block {found[number].number}")
    return found
