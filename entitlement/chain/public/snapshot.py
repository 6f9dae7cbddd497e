"""Everything that public figures say of the chain, read at one block: all of it is true of the same moment.

    latest block ─┬─ views of the contracts, at its hash
                  ├─ logs: what is final is folded once and kept, the few blocks above it anew each time
                  └─ the block is asked for again at the end: if it is gone, nothing of this was read

What two ways lead to is compared (`Snapshot.checks`): a node that leaves a log out is not believed.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.deployment.order import CONTRACTS
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.endpoints import open_rpc
from entitlement.chain.networks import Network
from entitlement.chain.public.calls import CallReader
from entitlement.chain.public.kept import KeptHistory
from entitlement.chain.public.logs import PublicLogs
from entitlement.chain.public.views import PublicViews, Question
from entitlement.chain.rpc import Rpc, RpcLimits
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.public_history import History, fold
from entitlement.core.supply import Check, Supply
from entitlement.core.units import Wei

LIMITS = RpcLimits(connect_seconds=2.0, answer_seconds=10.0, tries=2)
"""Somebody is waiting, and there is an older answer for him: not as patient as the follower."""

REQUESTS_PER_STEP = 10
"""Ranges that are folded at once when the history is read for the first time."""
STEPS_PER_KEEPING = 20

ZERO_ADDRESS = "0x" + "0" * 40
DEAD_ADDRESS = "0x000000000000000000000000000000000000dEaD"

_USDC = "VVV"
"""Any ERC-20's ABI has `balanceOf`."""


@dataclass(frozen=True)
class Snapshot:
    """What was read of one block."""

    block: Header
    final_number: int
    deployment: Deployment
    history: History
    answers: dict[Question, Any]
    views: PublicViews
    calls: CallReader

    def __getitem__(self, question: Question) -> Any:  # noqa: ANN401  as the ABI says
        """Return what a contract answered."""
        return self.answers[question]

    def cast(self, contract: str, function: str, *arguments: object) -> str:
        """Return the line that asks the same of any node that has kept the state of the block."""
        return self.views.as_typed(question(contract, function, *arguments), self.block)

    def ask(self, contract: str, function: str, *arguments: object) -> Any:  # noqa: ANN401  as the ABI says
        """Return what was answered to a question of `questions`."""
        return self.answers[question(contract, function, *arguments)]

    @property
    def supply(self) -> Supply:
        """The supply of VVV and its parts."""
        deployment, history = self.deployment, self.history
        return Supply(
            genesis=Wei(deployment.parameters.genesis_supply),
            emitted=history.emitted,
            burned=history.burned,
            total=self.ask("VVV", "totalSupply"),
            zero_address=self._balance(ZERO_ADDRESS),
            dead_address=self._balance(DEAD_ADDRESS),
            staked=self.ask("StakedVVV", "totalStaked"),
            locked=self.ask("StakedVVV", "totalLocked"),
            cooling=self.ask("StakedVVV", "totalCooling"),
            in_station=self._balance(deployment.addresses["StakedVVV"]),
            in_contracts=Wei(sum(self._balance(address) for address in other_contracts(deployment))),
            pool=self._balance(deployment.market.pool),
            treasury=self._balance(deployment.parameters.treasury),
        )

    @property
    def usdc_set_aside(self) -> int:
        """Units of USDC that wait in BuybackBurner."""
        return self.answers[_usdc_of_burner(self.deployment)]

    @property
    def checks(self) -> list[Check]:
        """What must hold between figures that were found by different ways."""
        history = self.history
        bought = sum(each.burned for each in history.buybacks) + sum(history.donations.values())
        first, following = self.ask("EpochRoots", "firstEpoch"), self.ask("EpochRoots", "nextEpoch")
        return [
            *self.supply.checks(),
            Check(
                "what BuybackBurner says it burned = what left it by burning",
                bought,
                history.burned_by_burner,
            ),
            Check("runs in the logs = nextRun", len(history.buybacks), self.ask("BuybackBurner", "nextRun")),
            Check("roots in the logs = nextEpoch - firstEpoch", len(history.roots), following - first),
        ]

    def _balance(self, address: str) -> Wei:
        return self.ask("VVV", "balanceOf", address)


def question(contract: str, function: str, *arguments: object) -> Question:
    """Return a question to a contract of the deployment."""
    return Question(contract, function, arguments)


def other_contracts(deployment: Deployment) -> list[str]:
    """Return the addresses of all contracts of the system but StakedVVV, whose parts are told one by one."""
    return [deployment.addresses[name] for name in CONTRACTS if name != "StakedVVV"]


def questions(deployment: Deployment) -> list[Question]:
    """Return all that is asked of the contracts."""
    holders = [
        ZERO_ADDRESS,
        DEAD_ADDRESS,
        *(deployment.addresses[name] for name in CONTRACTS),
        deployment.market.pool,
        deployment.parameters.treasury,
    ]
    return [
        *(question("VVV", "balanceOf", holder) for holder in dict.fromkeys(holders)),
        *(
            question("CreditSales", "priceOf", tier)
            for tier, _ in enumerate(deployment.parameters.monthly_prices, start=1)
        ),
        *(question(contract, function) for contract, names in _VIEWS.items() for function in names.split()),
        _usdc_of_burner(deployment),
    ]


_VIEWS = {
    "VVV": "totalSupply",
    "StakedVVV": "totalStaked totalLocked totalCooling emissionRatePerSecond lastRewardTimestamp",
    "DIEM": "totalSupply",
    "InferenceStake": "totalStaked totalCooling",
    "DiemMint": "rate target ramp opensAt",
    "CreditSales": "revenue minimumTopUp",
    "BuybackBurner": "nextRun nextRunAt bounds keeper",
    "EpochRoots": "firstEpoch nextEpoch publisher",
    "Guardian": "guardian pausedUntil",
    "Timelock": "getMinDelay",
}


def _usdc_of_burner(deployment: Deployment) -> Question:
    burner = deployment.addresses["BuybackBurner"]
    return Question(_USDC, "balanceOf", (burner,), deployment.market.usdc)


class SnapshotReader:
    """Reads snapshots of one deployment, and remembers the history between them. One at a time."""

    def __init__(
        self,
        rpc_url: str,
        network: Network,
        deployment: Deployment,
        artifacts: Artifacts,
        kept: KeptHistory | None = None,
        limits: RpcLimits = LIMITS,
    ) -> None:
        self._rpc_url, self._network, self._limits = rpc_url, network, limits
        self._deployment, self._artifacts, self._kept = deployment, artifacts, kept
        self._views = PublicViews(artifacts, deployment.addresses)
        self._calls = CallReader(artifacts, deployment.addresses)
        self._logs = PublicLogs(artifacts, deployment, network.blocks_per_request)
        self._history: History | None = None
        self._burner = deployment.addresses["BuybackBurner"]

    def read(self, progress: Callable[[int, int], None] = lambda _block, _of: None) -> Snapshot:
        """Return the newest block's snapshot; `progress` hears how far a history that is read anew has come.

        Raises `NodeUnavailable`, `InconsistentNode`, `WrongChain` or `DeploymentMismatch`.
        """
        limits, node = self._limits, self._rpc_url
        chain = RpcChainReader(node, self._network, self._deployment, self._artifacts, limits)
        with closing(chain), open_rpc(node, limits, chain_id=self._network.chain_id) as rpc:
            head, final = chain.head(), chain.final_head()
            settled = self._settled(chain, rpc, min(final, head, key=lambda each: each.number), progress)
            history = self._extended(rpc, settled, head)
            answers = self._views.ask(rpc, head, questions(self._deployment))
            # The logs above the final block were asked for by height.
            if chain.header(head.number) != head:
                raise InconsistentNode(f"block {head.number} is another one than when this began")
        snapshot = Snapshot(head, final.number, self._deployment, history, answers, self._views, self._calls)
        self._refuse_what_does_not_fit(snapshot.checks)
        return snapshot

    def _settled(
        self, chain: RpcChainReader, rpc: Rpc, final: Header, progress: Callable[[int, int], None]
    ) -> History:
        """Return the history up to the final block, of which only what is new is read."""
        history = self._history or (self._kept and self._kept.read())
        if history is not None:
            stands = history.to_number <= final.number and chain.header(history.to_number)
            if not stands or stands.hash != history.to_hash:
                # An undone final block, or another chain in its place: a development chain does so.
                history = None
        if history is None:
            before = self._deployment.start_block - 1
            history = History(before, "")
        step = self._network.blocks_per_request * REQUESTS_PER_STEP
        for count, start in enumerate(range(history.to_number, final.number, step), start=1):
            last = min(start + step, final.number)
            to = final if last == final.number else chain.header(last)
            if to is None:
                raise InconsistentNode(f"block {last} is not there, but {final.number} is final")
            history = self._history = self._extended(rpc, history, to)
            progress(last, final.number)
            if self._kept is not None and (last == final.number or count % STEPS_PER_KEEPING == 0):
                self._kept.write(history)
        return history

    def _extended(self, rpc: Rpc, history: History, to: Header) -> History:
        if to.number == history.to_number:
            return history
        events = self._logs.read(rpc, history.to_number + 1, to.number)
        return fold(history, events, burner=self._burner, to=(to.number, to.hash))

    def _refuse_what_does_not_fit(self, checks: Sequence[Check]) -> None:
        wrong = [check for check in checks if not check.holds]
        if wrong:
            # The next reading begins from the first block: what was left out is in none of what is kept.
            self._history = None
            if self._kept is not None:
                self._kept.forget()
            told = "; ".join(f"{check.name}: {check.one} and {check.other}" for check in wrong)
            raise InconsistentNode(f"public figures do not add up: {told}")
