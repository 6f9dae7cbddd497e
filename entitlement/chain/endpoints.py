"""Several nodes of one chain that stand in for each other, in the order in which they are preferred.

    one is chosen and asked for everything           two nodes are at two heights, and asked in turn they
      | fails twice in a row, takes too long, or     would seem to contradict themselves
      | contradicts itself five times in a minute
    its breaker opens; the next that answers is chosen
      | after its rest, tried: the right chain? not far behind?
    the preferred one is chosen again

A node of another chain is left out, loudly; the others go on. A refusal counts against a node only where
another answers the same question. Where all are in trouble, all are asked: whoever answers is well again.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import structlog

from entitlement import metrics
from entitlement.chain import answers
from entitlement.chain.addresses import addresses_in, names_of
from entitlement.chain.breaker import Breaker, BreakerState
from entitlement.chain.pacing import Clock, full_jitter
from entitlement.chain.refusals import RefusedByNode, Throttled, TooSlow
from entitlement.chain.rpc import JsonRpc, Rpc, RpcLimits
from entitlement.core.errors import ChainError, InconsistentNode, NodeUnavailable, WrongChain

log = structlog.get_logger()

BLOCKS_BEHIND_MAX = 10
"""A node that is tried again may be so far behind the one in use: more would look like a step back."""

WRONG_CHAIN_SECONDS = 300.0
"""A node of another chain is asked again after this: a person may have put it right."""

_REST_WAITED_FOR_SECONDS = 1.0
"""A node that wants to be left alone for longer is changed for another at once."""

DOUBTS_MAX = 5
DOUBT_SECONDS = 60.0
"""A chain that turns between two questions looks like a contradiction, too, but not so often."""

_TAGS = frozenset({"latest", "safe", "finalized"})


def open_rpc(rpc_url: str, limits: RpcLimits | None = None, *, chain_id: int | None = None) -> Rpc:
    """Return the node, or the nodes separated by commas, of the chain `chain_id`; nothing is asked yet."""
    addresses = addresses_in(rpc_url)
    if len(addresses) == 1:
        return JsonRpc(addresses[0], limits)
    return Endpoints(addresses, limits, chain_id=chain_id)


@dataclass(slots=True)
class _Node:
    rpc: JsonRpc
    breaker: Breaker = field(default_factory=Breaker)
    is_tried: bool = False
    """Whether it was found to serve the right chain since it last failed."""


class Endpoints(Rpc):
    """Several nodes with the face of one. Thread-safe.

    Beside what one node raises, `WrongChain` when none of them serves the chain `chain_id`.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        limits: RpcLimits | None = None,
        *,
        chain_id: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Take the addresses, preferred first; the limits hold for each node by itself."""
        assert addresses
        self._limits, self._chain_id = limits or RpcLimits(), chain_id
        self._clock = clock or Clock()
        names = names_of(addresses)
        self._nodes = [
            _Node(JsonRpc(address, limits, name=name, clock=clock))
            for address, name in zip(addresses, names, strict=True)
        ]
        self._at = 0
        self._head = 0
        self._doubts: deque[float] = deque(maxlen=DOUBTS_MAX)
        self._lock = RLock()
        self._show()

    def close(self) -> None:
        """Close the connections to all of them."""
        for node in self._nodes:
            node.rpc.close()

    @property
    def chosen(self) -> str:
        """The name of the node in use: its host, with a number where several have the same."""
        return self._nodes[self._at].rpc.chosen

    def doubt(self, reason: str) -> None:
        """Leave the chosen node alone for a while, if it was in doubt often enough."""
        now = self._clock.now()
        with self._lock:
            self._doubts.append(now)
            if len(self._doubts) == DOUBTS_MAX and now - self._doubts[0] <= DOUBT_SECONDS:
                self._doubts.clear()
                self._failed(self._nodes[self._at], InconsistentNode(reason))

    @property
    def _batch_most(self) -> int:
        return self._limits.batch_most

    def _results(
        self, method: str, params: Sequence[Sequence[object]], *, patient: bool, batched: bool
    ) -> list[Any]:
        limits = self._limits
        for attempt in range(limits.tries):
            is_last = attempt == limits.tries - 1
            errors: list[ChainError] = []
            refusers: list[tuple[_Node, ChainError]] = []
            for node, is_last_resort in self._candidates():
                try:
                    results = self._ask(node, method, params, batched=batched, as_is=is_last_resort)
                except (NodeUnavailable, InconsistentNode, WrongChain) as error:
                    if _halves_help(error, len(params)):
                        self._answered(node)
                        raise
                    errors.append(error)
                    if isinstance(error, RefusedByNode) and not isinstance(error, Throttled):
                        refusers.append((node, error))
                    elif not self._failed(node, error) and not is_last:
                        break  # the same node gets a second chance, after a wait
                else:
                    self._answered(node)
                    for refuser, refusal in refusers:
                        self._failed(refuser, refusal)
                    return results
            error = next((each for each in errors if not isinstance(each, WrongChain)), errors[0])
            is_final = isinstance(error, RefusedByNode) and not (patient and error.passing)
            if is_last or isinstance(error, WrongChain) or (is_final and not isinstance(error, Throttled)):
                raise error
            self._clock.sleep(
                full_jitter(attempt, first=limits.first_wait_seconds, longest=limits.longest_wait_seconds)
            )
        raise AssertionError("the last try returns or raises")

    # --- whom to ask -----------------------------------------------------------------------------------

    def _candidates(self) -> Iterator[tuple[_Node, bool]]:
        """Yield the nodes in the order to ask them, each with whether nothing better is left.

        Each is looked at when it is its turn, so that only a trial that takes place is counted as one.
        """
        at, seen = self._at, False
        for node in self._nodes[:at]:
            if self._is_due(node):
                seen = True
                yield node, False
        for node in [self._nodes[at], *self._nodes[:at], *self._nodes[at + 1 :]]:
            if node.breaker.state is BreakerState.CLOSED:
                seen = True
                yield node, False
        for node in self._nodes[at:]:
            if self._is_due(node):
                seen = True
                yield node, False
        if not seen:
            yield from ((node, True) for node in self._nodes)

    def _is_due(self, node: _Node) -> bool:
        with self._lock:
            is_due = node.breaker.is_due(self._clock.now())
            self._show()
            return is_due

    # --- asking ----------------------------------------------------------------------------------------

    def _ask(
        self, node: _Node, method: str, params: Sequence[Sequence[object]], *, batched: bool, as_is: bool
    ) -> list[Any]:
        if not node.is_tried:
            self._try_out(node, as_is=as_is)
        results = node.rpc.ask_once(method, params, batched=batched)
        if method == "eth_chainId":
            self._check_chain(results[0])
        if method == "eth_getBlockByNumber" and params[0][0] in _TAGS:
            if results[0] is None:
                raise NodeUnavailable(method=method, reason=f"it knows no {params[0][0]} block yet")
            if params[0][0] == "latest":
                self._head = answers.header(results[0]).number
        return results

    def _try_out(self, node: _Node, *, as_is: bool) -> None:
        """Raise unless a node serves the right chain and, unless it is taken `as_is`, is not far behind."""
        self._check_chain(node.rpc.ask_once("eth_chainId", [[]], batched=False)[0])
        method = "eth_blockNumber"
        number = answers.quantity({method: node.rpc.ask_once(method, [[]], batched=False)[0]}, method)
        if self._head - number > BLOCKS_BEHIND_MAX and not as_is:
            raise NodeUnavailable(method=method, reason=f"it is {self._head - number} blocks behind")
        node.is_tried = True

    def _check_chain(self, answer: object) -> None:
        found = answers.quantity({"chain id": answer}, "chain id")
        if self._chain_id is not None and found != self._chain_id:
            raise WrongChain(expected=self._chain_id, found=found)

    # --- what came of it -------------------------------------------------------------------------------

    def _answered(self, node: _Node) -> None:
        with self._lock:
            node.breaker.succeeded(self._clock.now())
            at, chosen = self._nodes.index(node), self._nodes[self._at]
            # An answer that was long under way changes nothing while the chosen node is well.
            if at < self._at or (node is not chosen and chosen.breaker.state is not BreakerState.CLOSED):
                log.warning("node_changed", before=chosen.rpc.chosen, now=node.rpc.chosen)
                self._at = at
            self._show()

    def _failed(self, node: _Node, error: ChainError) -> bool:
        """Count a failure, and tell whether the node is left alone from now on."""
        rest = error.retry_after or 0.0 if isinstance(error, Throttled) else 0.0
        is_grave = isinstance(error, TooSlow | InconsistentNode | WrongChain)
        if isinstance(error, WrongChain):
            rest = WRONG_CHAIN_SECONDS
        with self._lock:
            was = node.breaker.state
            node.breaker.failed(
                self._clock.now(), at_once=is_grave or rest > _REST_WAITED_FOR_SECONDS, at_least=rest
            )
            is_left = node.breaker.state is not BreakerState.CLOSED
            if is_left:
                node.is_tried = False
            self._show()
        if is_left and isinstance(error, WrongChain):
            log.error("node_of_another_chain", node=node.rpc.chosen, reason=str(error))
        elif is_left and was is BreakerState.CLOSED:
            log.warning("node_left_alone", node=node.rpc.chosen, reason=str(error))
        return is_left

    def _show(self) -> None:
        for at, node in enumerate(self._nodes):
            metrics.BREAKER_STATE.labels(node.rpc.chosen).set(int(node.breaker.state))
            metrics.CHOSEN.labels(node.rpc.chosen).set(int(at == self._at))


def _halves_help(error: ChainError, questions: int) -> bool:
    """Tell whether the node is well, and only wants to be asked for less at once."""
    if isinstance(error, Throttled) or not isinstance(error, RefusedByNode):
        return False
    return error.is_about_size or questions > 1
