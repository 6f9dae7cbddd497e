"""The reader of a real node: asks, checks, and returns only what fits together.

    headers(first, last)   one batch; linked by number and hash; their bloom filters are remembered
    events(headers)        1. logs of the whole range by height, in parts that the node takes (log_ranges.py)
                           2. every log must lie in one of exactly these blocks, in order, with their hashes
                           3. a block without a log of an event and contract that its filter may have in it is
                              asked again by its hash, and believed if the node still has the block then
                           4. so is the block of an answer's last log: where it was cut off, there is the cut
                           5. where it is wished, all is compared with the blocks' receipts (receipts.py)

A filter has no false negatives, so what 1, 3 and 4 do not find is not there, unless the node lies twice; then
5 finds it, and a second node does (quorum.py).
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, repeat
from threading import Lock
from typing import Any, Generic

from entitlement.chain import answers
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.asked_ahead import AskedAhead, Logs
from entitlement.chain.bloom import BLOOM_BYTES, BloomWatch
from entitlement.chain.decode import LogDecoder, Read, Said, TableDecoder
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.endpoints import open_rpc
from entitlement.chain.log_ranges import LogRanges
from entitlement.chain.networks import Network
from entitlement.chain.piecewise import Piecewise, drained
from entitlement.chain.receipts import ReceiptCheck
from entitlement.chain.rpc import HASHES_ONLY, RpcLimits
from entitlement.chain.spoken import Kept, Spoken
from entitlement.core.blocks import FinalityRule, Header
from entitlement.core.errors import (
    DeploymentMismatch,
    InconsistentNode,
    NodeUnavailable,
    WrongChain,
)
from entitlement.core.events import ChainEvent, MembershipBought
from entitlement.core.reorg import is_linked

CALLS_PER_BATCH = 100
"""What public nodes take at once."""

REQUESTS_IN_FLIGHT = 4
"""So that the node works while we read its last answer."""

LOGS_AT_ONCE = 20_000
"""What a range of several blocks may hold: some 30 MB while it is read."""

FILTERS_KEPT = 20_000
"""Blocks of which it is remembered, between `headers` and `events`, what their filters do not exclude."""


class RpcLogReader(Generic[Said]):
    """Reads blocks and what some contracts said in them, over JSON-RPC. Thread-safe.

    Beside `NodeUnavailable` and `InconsistentNode`, the first question raises `WrongChain` when the node
    serves another chain, and what `_check_start` raises.
    """

    def __init__(
        self,
        rpc_url: str,
        network: Network,
        decoder: TableDecoder[Said],
        *,
        start_block: int,
        limits: RpcLimits | None = None,
        check_receipts: bool = False,
    ) -> None:
        self._rpc = open_rpc(rpc_url, limits, chain_id=network.chain_id)
        self._network, self._start_block = network, start_block
        self._ranges = LogRanges(network.blocks_per_request)
        self._decoder = decoder
        self._watch = BloomWatch(decoder.topics_of)
        self._receipts = ReceiptCheck(decoder.topics_of) if check_receipts else None
        self._may_say: dict[str, int] = {}
        self._lock = Lock()
        self._ahead = AskedAhead[Header | None, Read[Said]]()
        self._in_flight = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, thread_name_prefix="node")
        self._is_checked = False

    def close(self) -> None:
        """Close the connections to the node."""
        self._in_flight.shutdown(cancel_futures=True)
        self._rpc.close()

    def doubt(self, reason: str) -> None:
        """Tell the nodes that an answer did not fit; often enough, and another of several is asked."""
        self._rpc.doubt(reason)

    def chain_id(self) -> int:
        """Return the chain id that the node says it serves."""
        return answers.quantity({"chain id": self._rpc.call("eth_chainId")}, "chain id")

    def head(self) -> Header:
        """Return the newest block."""
        self._check_chain()
        return self._tagged("latest")

    def final_head(self) -> Header:
        """Return the newest block that the network's finality rule calls final; at least the start block."""
        self._check_chain()
        finality, start = self._network.finality, self._start_block
        if finality.rule is FinalityRule.DEPTH:
            latest = self._tagged("latest")
            if finality.depth == 0 and latest.number >= start:
                return latest
            final = self._block(max(start, latest.number - finality.depth))
            # A height that is told too high would make blocks final that are not.
            if finality.depth and self._block(latest.number) != latest:
                raise InconsistentNode(f"its newest block is {latest}, but another stands at that height")
        else:
            final = self._tagged(finality.rule.value)
            if final.number < start:
                final = self._block(start)
        return final

    def header(self, number: int) -> Header | None:
        """Return the block at a height, or None where the chain is shorter."""
        self._check_chain()
        return self._at_height(number)

    def headers(self, first: int, last: int) -> list[Header]:
        """Return blocks `first..last`, both included, each linked to the one before it by hash."""
        assert 0 <= first <= last, f"{first}..{last} is no range"
        self._check_chain()
        headers: list[Header] = []
        for header in self._ahead.take_blocks(first, last) or self._blocks(first, last):
            if header is None:
                raise InconsistentNode(
                    f"asked for blocks {first}..{last}, block {first + len(headers)} is missing"
                )
            headers.append(header)
        if headers[0].number != first or not is_linked(headers, None):
            raise InconsistentNode(f"blocks {first}..{last} do not follow each other")
        return headers

    def expect(self, first: int, last: int) -> None:
        """Begin to fetch what `headers` and `said` of blocks `first..last` will need: a hint and no more."""
        self._check_chain()
        # One more than is read of several blocks, which then are found to be too full.
        most = None if first == last else LOGS_AT_ONCE + 1

        def logs() -> Logs[Read[Said]]:
            ends: list[Any] = []
            return self._logs(drained(list(islice(self._range(first, last, ends=ends), most))), ends)

        self._ahead.begin(first, last, lambda: self._blocks(first, last), logs)

    def read_piece(self) -> bool:
        """Read a little of what `expect` has fetched by now; return whether there was any."""
        return self._ahead.read_piece()

    def said(self, headers: Sequence[Header]) -> list[Said]:
        """Return what the contracts said in exactly these blocks, in chain order.

        Raises `RangeTooFull` where several blocks hold more than `LOGS_AT_ONCE`.
        """
        assert is_linked(headers, None), "only blocks that follow each other have a range of logs"
        if not headers:
            return []
        self._check_chain()
        spoken, cut, kept = self._by_height(headers)
        loud = self._loud(headers)
        missing: dict[Header, int] = {}
        for header in headers:
            may_say, said = loud[header.hash], spoken.kinds[header.hash]
            if said & ~may_say:
                raise InconsistentNode(f"block {header.number} has our logs, but its filter excludes them")
            if may_say & ~said or header.hash in cut:
                missing[header] = may_say & ~said
        for header, left_out, logs in self._left_out(missing, spoken, cut):
            whole = self._spoken_in(header, logs)
            if whole.kinds[header.hash] & ~loud[header.hash]:
                raise InconsistentNode(f"block {header.number} has our logs, but its filter excludes them")
            self._spoken_in(header, left_out).replace(header, whole)
            spoken.replace(header, whole)
            if kept is not None:
                kept.logs[header.hash] = logs
        if self._receipts is not None and kept is not None:
            complete = {header.hash: kept.logs.get(header.hash, []) for header in headers}
            self._receipts.check(self._rpc, [header for header in headers if loud[header.hash]], complete)
        return spoken.in_order()

    # --- logs ------------------------------------------------------------------------------------------

    def _range(
        self, first: int, last: int, only: dict[str, Any] | None = None, ends: list[Any] | None = None
    ) -> Iterator[Any]:
        return self._ranges.logs(self._rpc, only or self._filter(), first, last, ends)

    def _logs(self, logs: Iterable[Any], ends: list[Any]) -> Logs[Read[Said]]:
        """Return logs and the last ones of their parts, to be read once somebody asks what they say."""
        kept = None if self._receipts is None else Kept()
        reads = self._decoder.read(logs if kept is None else kept.passing(logs))
        return Logs(Piecewise(reads), ends, kept)

    def _by_height(self, headers: Sequence[Header]) -> tuple[Spoken[Said], set[str], Kept | None]:
        """Return what was said, the blocks where an answer ended (perhaps it was cut off), and the logs."""
        first, last = headers[0].number, headers[-1].number
        told = self._ahead.take_logs(first, last)
        if told is None:
            ends: list[Any] = []
            told = self._logs(self._range(first, last, ends=ends), ends)
        spoken = Spoken[Said](headers, self._watch.bit_of)
        spoken.take(told.reads, most=LOGS_AT_ONCE if len(headers) > 1 else sys.maxsize)
        cut = {answers.digest(answers.mapping(log, "a log"), "blockHash") for log in told.ends}
        return spoken, cut, told.kept

    def _left_out(
        self, missing: dict[Header, int], spoken: Spoken[Said], cut: set[str]
    ) -> list[tuple[Header, list[Any], list[Any]]]:
        """Ask for what these blocks may hold beside what was said; return it, and all logs of such a block.

        Mostly their filters only seem to have it, and the answers are empty. A block of which nothing at all
        was said must still be on the node after that.
        """
        silent = {each for each in missing if not spoken.kinds[each.hash]}
        wholly = silent | {each for each in missing if each.hash in cut}
        found = self._logs_in(
            [
                (each, self._filter() if each in wholly else self._watch.saying(bits))
                for each, bits in missing.items()
            ]
        )
        self._read_again([each for each in missing if each in silent and not found[each]])
        partly = [each for each in missing if found[each] and each not in wholly]
        whole = found | self._logs_in([(each, self._filter()) for each in partly])
        # An empty answer about a block that has spoken is one too: it contradicts the first.
        return [(each, found[each], whole[each]) for each in missing if found[each] or each.hash in cut]

    def _logs_in(self, questions: Sequence[tuple[Header, dict[str, Any]]]) -> dict[Header, list[Any]]:
        """Ask for logs of blocks by their hashes, each with a filter."""
        asked = [[wanted | {"blockHash": each.hash}] for each, wanted in questions]
        found = [answers.sequence(logs, "logs") for logs in self._batched("eth_getLogs", asked)]
        return {each: logs for (each, _), logs in zip(questions, found, strict=True)}

    def _spoken_in(self, header: Header, logs: list[Any]) -> Spoken[Said]:
        spoken = Spoken[Said]([header], self._watch.bit_of)
        spoken.take(self._decoder.read(logs))
        return spoken

    def _filter(self) -> dict[str, Any]:
        topics = {topic for of_contract in self._decoder.topics_of.values() for topic in of_contract}
        return {"address": list(self._decoder.topics_of), "topics": [sorted(topics)]}

    # --- blocks ----------------------------------------------------------------------------------------

    def _loud(self, headers: Sequence[Header]) -> dict[str, int]:
        """Return, by the blocks' hashes, which of our logs their filters do not exclude."""
        with self._lock:
            known = {header.hash: self._may_say.get(header.hash) for header in headers}
        # Blocks that were read by an earlier process, or too long ago.
        self._read_again([header for header in headers if known[header.hash] is None])
        with self._lock:
            return {header.hash: self._may_say.get(header.hash, self._watch.everything) for header in headers}

    def _read_again(self, headers: Sequence[Header]) -> None:
        """Raise `InconsistentNode` unless the node still has exactly these blocks."""
        blocks = self._batched("eth_getBlockByHash", [[header.hash, HASHES_ONLY] for header in headers])
        for header, block in zip(headers, blocks, strict=True):
            if block is None or self._taken(block) != header:
                raise InconsistentNode(f"block {header.number} {header.hash} is not on the node any more")

    def _taken(self, block: object) -> Header:
        """Return what is kept of a block, and remember what its filter says."""
        taken = answers.header(block)
        bloom = answers.bloom(block, BLOOM_BYTES)
        with self._lock:
            self._may_say[taken.hash] = (
                self._watch.everything if bloom is None else self._watch.may_say(bloom)
            )
            while len(self._may_say) > FILTERS_KEPT:
                del self._may_say[next(iter(self._may_say))]
        return taken

    def _tagged(self, tag: str) -> Header:
        block = self._rpc.call("eth_getBlockByNumber", tag, HASHES_ONLY)
        if block is None:
            raise NodeUnavailable(method="eth_getBlockByNumber", reason=f"it knows no {tag} block yet")
        return self._taken(block)

    def _block(self, number: int) -> Header:
        block = self._at_height(number)
        if block is None:
            raise NodeUnavailable(method="eth_getBlockByNumber", reason=f"it has not reached block {number}")
        return block

    def _at_height(self, number: int) -> Header | None:
        block = self._rpc.call("eth_getBlockByNumber", hex(number), HASHES_ONLY)
        if block is None:
            return None
        taken = self._taken(block)
        if taken.number != number:
            raise InconsistentNode(f"asked for block {number}, got block {taken.number}")
        return taken

    def _blocks(self, first: int, last: int) -> Piecewise[Header | None]:
        blocks = self._batched(
            "eth_getBlockByNumber", [[hex(number), HASHES_ONLY] for number in range(first, last + 1)]
        )
        return Piecewise(None if block is None else self._taken(block) for block in drained(blocks))

    def _batched(self, method: str, params: Sequence[Sequence[object]]) -> list[Any]:
        parts = [params[start : start + CALLS_PER_BATCH] for start in range(0, len(params), CALLS_PER_BATCH)]
        answered = self._in_flight.map(self._rpc.batch, repeat(method), parts)
        return [answer for part in answered for answer in part]

    def _check_chain(self) -> None:
        if self._is_checked:
            return
        found = self.chain_id()
        if found != self._network.chain_id:
            raise WrongChain(expected=self._network.chain_id, found=found)
        self._check_start()
        self._is_checked = True

    def _check_start(self) -> None:
        """Raise unless the contracts are on this chain; called once, before the first answer."""


class RpcChainReader(RpcLogReader[ChainEvent]):
    """`ChainReader` for one of our deployments.

    The first question raises `DeploymentMismatch` when the deployment's first block is not on the chain.
    """

    def __init__(
        self,
        rpc_url: str,
        network: Network,
        deployment: Deployment,
        artifacts: Artifacts,
        limits: RpcLimits | None = None,
        *,
        check_receipts: bool = False,
    ) -> None:
        super().__init__(
            rpc_url,
            network,
            LogDecoder(artifacts, deployment.addresses),
            start_block=deployment.start_block,
            limits=limits,
            check_receipts=check_receipts,
        )
        self._deployment = deployment

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        """Return what our contracts said in exactly these blocks, in chain order."""
        times = {header.hash: header.timestamp for header in headers}
        return [
            replace(event, bought_at=times[event.at.block_hash])
            if isinstance(event, MembershipBought)
            else event
            for event in self.said(headers)
        ]

    def _check_start(self) -> None:
        start = self._block(self._deployment.start_block)
        if start.hash != self._deployment.start_block_hash:
            raise DeploymentMismatch(
                contract="the deployment",
                field="start_block_hash",
                expected=self._deployment.start_block_hash,
                found=start.hash,
            )
