"""A chain to follow for benchmarks: the real contracts on Anvil, and a crowd that stakes for many.

Every block has as many logs: four stakes of DIEM, of two events each, for every two of VVV, of one.
"""

import random
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import load_network
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.chain.transactions import transact
from entitlement.cli.genesis import CROWD, DEPLOYER, ensure_deployed
from entitlement.core.allowance import SMALLEST_RIGHT
from entitlement.core.units import WEI_PER_TOKEN

WALLETS = 2_000
FIRST_WALLET = 0xC0FFEE << 128
NOBODY = "0x" + "f0" * 20
"""Stands for a wallet in a call that is made once and filled in many times."""
EVENTS_PER_ROUND = 10
STAKES_PER_ROUND = ("DIEM", "DIEM", "DIEM", "DIEM", "VVV", "VVV")
STATION = {"DIEM": "InferenceStake", "VVV": "StakedVVV"}
AMOUNT = WEI_PER_TOKEN // 10_000
GAS = 400_000
ROUNDS_PER_BATCH = 100
PLENTY = 2**255
BY_HAND = False
"""What Anvil is told so that it makes a block only when asked to."""


@dataclass(frozen=True, slots=True)
class CrowdedChain:
    """A node with a history, and what was deployed on it."""

    url: str
    folder: Path
    deployment: Deployment
    contracts: Contracts
    blocks: int
    """Blocks with the crowd's events, which are the newest ones."""
    events: int
    crowd: "Crowd"
    """Goes on where the history ends."""
    rpc: JsonRpc

    @property
    def deployment_path(self) -> Path:
        """The deployment's file."""
        return self.folder / "deployment.json"


class Crowd:
    """Stakes for others, a block at a time."""

    def __init__(self, rpc: JsonRpc, contracts: Contracts, seed: int) -> None:
        """Take the node and the contracts; who is staked for follows from `seed`."""
        self._rpc, self._contracts = rpc, contracts
        self._random = random.Random(seed)  # noqa: S311  a workload, no secret
        self._account = development_account(CROWD)
        treasury = development_account(DEPLOYER)
        transact(contracts, treasury, "VVV", "transfer", self._account.address, 10_000_000 * WEI_PER_TOKEN)
        for token, station in STATION.items():
            transact(contracts, self._account, token, "approve", contracts.address(station), PLENTY)
        rpc.call("anvil_setBalance", self._account.address, hex(10**30))
        self._nonce = int(rpc.call("eth_getTransactionCount", self._account.address, "latest"), 16)
        self._calls = {
            token: (contracts.address(station), contracts.call_data(station, "stake", NOBODY, AMOUNT))
            for token, station in STATION.items()
        }

    def block(self, rounds: int) -> None:
        """Mine one block with `rounds` times `EVENTS_PER_ROUND` events."""
        left = rounds
        while left:
            part = min(left, ROUNDS_PER_BATCH)
            self._rpc.batch("eth_sendTransaction", [[each] for _ in range(part) for each in self._round()])
            left -= part
        self._rpc.call("anvil_mine", "0x1")

    def stake_for(self, wallet: str) -> None:
        """Stake 0.1 DIEM for a wallet, in the next block that is mined."""
        station, data = self._calls["DIEM"]
        smallest = data.replace(f"{AMOUNT:064x}", f"{SMALLEST_RIGHT:064x}", 1)
        self._rpc.call("eth_sendTransaction", self._transaction(station, smallest, wallet))

    def _round(self) -> Iterator[dict[str, Any]]:
        for token in STAKES_PER_ROUND:
            station, data = self._calls[token]
            yield self._transaction(station, data, f"0x{FIRST_WALLET + self._random.randrange(WALLETS):040x}")

    def _transaction(self, station: str, data: str, wallet: str) -> dict[str, Any]:
        self._nonce += 1
        return {
            "from": self._account.address,
            "to": station,
            "data": data.replace(NOBODY[2:], wallet[2:], 1),
            "nonce": hex(self._nonce - 1),
            "gas": hex(GAS),
            "gasPrice": hex(10**10),
        }


@contextmanager
def crowded_chain(folder: Path, *, blocks: int, events: int, seed: int = 1) -> Generator[CrowdedChain]:
    """Run an Anvil in `folder` on which `events` events lie in the newest `blocks` blocks, evenly."""
    rounds, rest = divmod(events, blocks * EVENTS_PER_ROUND)
    if rest or not rounds:
        raise SystemExit(
            f"{events:,} events do not fill {blocks:,} blocks with multiples of {EVENTS_PER_ROUND}"
        )
    patient = RpcLimits(answer_seconds=300)
    with AnvilProcess(AnvilSettings(keeps_old_states=False)) as anvil, JsonRpc(anvil.url, patient) as rpc:
        path = folder / "deployment.json"
        deployment, contracts, _ = ensure_deployed(anvil.url, load_network("anvil"), load_artifacts(), path)
        crowd = Crowd(rpc, contracts, seed)
        rpc.call("evm_setAutomine", BY_HAND)
        rpc.call("evm_setBlockGasLimit", hex(2**40))
        for _ in track(range(blocks), description=f"making {events:,} events in {blocks:,} blocks"):
            crowd.block(rounds)
        yield CrowdedChain(anvil.url, folder, deployment, contracts, blocks, events, crowd, rpc)
