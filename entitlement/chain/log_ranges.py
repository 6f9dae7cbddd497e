"""Ranges of logs: as long as the node takes them and as its answers stay handy, learned while asking.

    refused, the node names a number      ask for that many, and for no more
    refused for another reason            half; what was refused is not asked for again, the gap is bisected
    answered                              half as much again, at most so that about 8,000 logs come at once
    no answer in time                     half, from the next question on

What was learned is kept for each node by itself, and doubted after a while: plans change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

from entitlement import metrics
from entitlement.chain import answers
from entitlement.chain.range_hints import hint_in
from entitlement.chain.refusals import RefusedByNode, Throttled, TooSlow
from entitlement.chain.rpc import Rpc

LOGS_AIMED_AT = 8_000
"""In one answer. Many nodes give 10,000 at the most; somewhat less leaves room for a livelier stretch."""

ANSWERS_UNTIL_DOUBT = 500
"""So many answers after a refusal, the limit that it taught is tried again."""


@dataclass(slots=True)
class _Learned:
    """What is known of one node. Blocks."""

    size: int
    limit: int
    """More has been refused."""
    answered: int = 0
    """The most that was answered since the limit was learned."""
    since: int = 0
    """Answers since then."""


class LogRanges:
    """Asks for logs in ranges that fit the node. Thread-safe: ranges may be asked for side by side."""

    def __init__(self, largest: int) -> None:
        """Take the most blocks that are ever asked for at once, which is where it begins."""
        assert largest > 0
        self._largest = largest
        self._learned: dict[str, _Learned] = {}
        self._lock = Lock()

    def logs(
        self, rpc: Rpc, wanted: dict[str, Any], first: int, last: int, ends: list[Any] | None = None
    ) -> Iterator[Any]:
        """Yield the logs of blocks `first..last` that fit the filter `wanted`, in as many parts as needed.

        The last log of each part is added to `ends`, for whom an answer that was cut off is a danger.

        The parts come in order; what is in each is as the node said it. Raises `NodeUnavailable` when the
        node refuses even a single block, and `InconsistentNode` for an answer that is no list.
        """
        start, at_most = first, last - first + 1
        while start <= last:  # each turn goes on, or halves what is asked for next
            node = rpc.chosen
            size = self.size(node)
            asked = min(size, at_most, last - start + 1)
            end = start + asked - 1
            question = wanted | {"fromBlock": hex(start), "toBlock": hex(end)}
            try:
                answer = rpc.call("eth_getLogs", question, patient=asked == 1)
            except Throttled:
                raise
            except RefusedByNode as refusal:
                if asked == 1:
                    raise
                at_most = self._refused(rpc.chosen, asked, refusal)
                continue
            except TooSlow:
                self._halved(node, asked)
                raise
            logs = answers.sequence(answer, "logs")
            self._answered(node, asked, len(logs), was_whole=asked == size)
            if ends is not None:
                ends += logs[-1:]
            yield from logs
            start, at_most = end + 1, last - end

    def size(self, node: str) -> int:
        """Return how many blocks a node is asked for next."""
        with self._lock:
            return self._of(node).size

    def _refused(self, node: str, asked: int, refusal: RefusedByNode) -> int:
        """Learn from a refusal of so many blocks, and return how many to ask for instead: fewer, always."""
        hint = hint_in(refusal.words, asked)
        with self._lock:
            known = self._of(node)
            if hint.is_lasting:
                known.limit = min(known.limit, hint.blocks or asked - 1)
            if known.answered >= asked:
                # It has answered as many elsewhere: that says nothing about this stretch.
                known.answered = 0
            half = max(1, asked // 2)
            instead = hint.blocks or max(half, known.answered)
            known.since = 0
            self._set(node, known, min(known.size, instead))
            return instead

    def _halved(self, node: str, asked: int) -> None:
        with self._lock:
            known = self._of(node)
            self._set(node, known, min(known.size, max(1, asked // 2)))

    def _answered(self, node: str, asked: int, logs: int, *, was_whole: bool) -> None:
        handy = max(1, asked * LOGS_AIMED_AT // max(logs, 1))
        with self._lock:
            known = self._of(node)
            known.since += 1
            if known.since >= ANSWERS_UNTIL_DOUBT:
                known.limit, known.since = self._largest, 0
            if handy < asked:
                self._set(node, known, min(known.size, handy))
            elif was_whole:
                known.answered = min(max(known.answered, asked), known.limit)
                self._set(node, known, min(handy, self._grown(known)))

    def _of(self, node: str) -> _Learned:
        return self._learned.setdefault(node, _Learned(self._largest, self._largest))

    def _grown(self, known: _Learned) -> int:
        """Return the next size after one that was answered whole: half as much again, up to the limit.

        Where the limit is what was refused, the middle of the gap is tried, so that it is found in few turns.
        """
        more = min(known.size + max(1, known.size // 2), known.limit)
        if known.size < known.answered or known.limit == self._largest:
            return more
        return min(more, (known.size + known.limit + 1) // 2)

    @staticmethod
    def _set(node: str, known: _Learned, size: int) -> None:
        known.size = size
        metrics.RANGE_BLOCKS.labels(node).set(size)
