"""What the contracts said about themselves in a time: its events, and the supply at its ends."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.endpoints import open_rpc
from entitlement.chain.networks import Network
from entitlement.chain.public.logs import PublicLogs
from entitlement.chain.public.views import PublicViews, Question
from entitlement.chain.rpc import Rpc
from entitlement.core.blocks import Header
from entitlement.core.buyback_lines import SupplyChange, supply_change
from entitlement.core.errors import InconsistentNode, InvalidRequest
from entitlement.core.public_events import PublicEvent
from entitlement.core.units import Wei

_TOTAL_SUPPLY = Question("VVV", "totalSupply")
REQUESTS_PER_STEP = 10
_HALVINGS_MAX = 64


@dataclass(frozen=True, slots=True)
class Period:
    """Unix times, half-open; None for the deployment, and for the newest block."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class PeriodSaid:
    """What was said in a period."""

    first: Header
    last: Header
    final: Header
    """The newest final block: what is above it the chain could still take back."""
    events: tuple[PublicEvent, ...]
    change: SupplyChange


class PeriodReader:
    """Reads periods of one deployment."""

    def __init__(self, rpc_url: str, network: Network, deployment: Deployment, artifacts: Artifacts) -> None:
        self._rpc_url, self._network, self._deployment = rpc_url, network, deployment
        self._artifacts = artifacts
        self._logs = PublicLogs(artifacts, deployment, network.blocks_per_request)
        self._views = PublicViews(artifacts, deployment.addresses)

    def read(
        self, period: Period, progress: Callable[[int, int], None] = lambda _block, _of: None
    ) -> PeriodSaid:
        """Return what was said in a period; one that begins before the emission begins with the deployment.

        Raises `InvalidRequest` where the period has no block; `NodeUnavailable`, also for a node that has not
        kept the state at the ends of the period, as an archive node has; `InconsistentNode`.
        """
        deployment = self._deployment
        chain = RpcChainReader(self._rpc_url, self._network, deployment, self._artifacts)
        with closing(chain), open_rpc(self._rpc_url, chain_id=self._network.chain_id) as rpc:
            first, last = self._ends(chain, period)
            events = self._events(rpc, first.number, last.number, progress)
            change = self._change(chain, rpc, first, last, events)
            final = chain.final_head()
            if chain.header(last.number) != last:
                raise InconsistentNode(f"block {last.number} is another one than when this began")
        return PeriodSaid(first, last, final, tuple(events), change)

    def _events(
        self, rpc: Rpc, first: int, last: int, progress: Callable[[int, int], None]
    ) -> list[PublicEvent]:
        step = self._network.blocks_per_request * REQUESTS_PER_STEP
        events: list[PublicEvent] = []
        for start in range(first, last + 1, step):
            end = min(start + step - 1, last)
            events += self._logs.read(rpc, start, end)
            progress(end - first + 1, last - first + 1)
        return events

    def _change(
        self, chain: RpcChainReader, rpc: Rpc, first: Header, last: Header, events: list[PublicEvent]
    ) -> SupplyChange:
        deployment = self._deployment
        before, genesis = Wei(0), Wei(deployment.parameters.genesis_supply)
        if first.number > deployment.start_block:
            earlier = chain.header(first.number - 1)
            if earlier is None:
                raise InconsistentNode(f"block {first.number} is there, and the one before it is not")
            before, genesis = self._supply(rpc, earlier), Wei(0)
        return supply_change(
            events,
            burner=deployment.addresses["BuybackBurner"],
            before=before,
            after=self._supply(rpc, last),
            genesis=genesis,
        )

    def _ends(self, chain: RpcChainReader, period: Period) -> tuple[Header, Header]:
        """Return the first and the last block of a period."""
        head, low = chain.head(), _block(chain, self._deployment.start_block)
        first, last = low, head
        if period.start is not None and period.start > self._deployment.parameters.emission_start:
            first = _first_from(chain, low, head, period.start)
        if period.end is not None:
            after = _first_from(chain, low, head, period.end)
            last = head if after is None else _block(chain, max(after.number - 1, 0))
        if first is None or last.number < first.number:
            raise InvalidRequest("no block lies in this time since the deployment", field="from")
        return first, last

    def _supply(self, rpc: Rpc, block: Header) -> Wei:
        return Wei(self._views.ask(rpc, block, [_TOTAL_SUPPLY])[_TOTAL_SUPPLY])


def _first_from(chain: RpcChainReader, low: Header, high: Header, time: int) -> Header | None:
    """Return the first block from `low` to `high` that is not before a Unix time, or None."""
    if high.timestamp < time:
        return None
    if low.timestamp >= time:
        return low
    for _ in range(_HALVINGS_MAX):
        if high.number == low.number + 1:
            return high
        middle = _block(chain, (low.number + high.number) // 2)
        low, high = (middle, high) if middle.timestamp < time else (low, middle)
    raise InconsistentNode("the times of blocks do not rise")


def _block(chain: RpcChainReader, number: int) -> Header:
    found = chain.header(number)
    if found is None:
        raise InconsistentNode(f"block {number} is not there, but a later one is")
    return found
