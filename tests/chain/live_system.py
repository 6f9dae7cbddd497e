"""The replica of the live contracts on an Anvil of its own, its users, and a profile to read it by."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hexbytes import HexBytes
from web3.types import Nonce, TxReceipt
from web3.utils.address import get_create_address

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.devnet import Devnet, development_account
from entitlement.chain.live.profile import LiveProfile, load_live
from entitlement.chain.live.reader import LiveChainReader
from entitlement.chain.networks import NETWORKS, Network
from entitlement.chain.rpc import JsonRpc
from entitlement.chain.transactions import send, transact
from entitlement.core.epochs import SECONDS_PER_EPOCH, epoch_at
from entitlement.core.errors import TransactionFailed
from entitlement.core.live import Exit, LiveAccount
from entitlement.core.positions import Slot
from entitlement.core.step_curve import StepCurve, exponential
from entitlement.core.units import WEI_PER_TOKEN, Wallet, Wei, wallet
from tests.chain.system import IMPATIENT, PLENTY, USERS

OWNER, TREASURY = 0, 9
VVV, STAKING, DIEM = "ReplicaVVV", "ReplicaStaking", "ReplicaDiem"
NOBODY = "0x" + "00" * 20
CURVE = exponential(target=Wei(40_000 * WEI_PER_TOKEN), width=Wei(500 * WEI_PER_TOKEN))
EMISSION = 79_274_479_959_411_466

Call = tuple[str, str, tuple[object, ...]]


@dataclass
class LiveSystem:
    """What a test needs of the replica. Rights are kept beside it, by our rule, from what was sent."""

    anvil: AnvilProcess
    devnet: Devnet
    rpc: JsonRpc
    contracts: Contracts
    born_block: int
    slots: dict[Wallet, Slot] = field(default_factory=dict[Wallet, Slot])

    def transact(self, who: int, contract: str, function: str, *arguments: object) -> TxReceipt:
        receipt = transact(self.contracts, development_account(who), contract, function, *arguments)
        self._note(who, contract, function, arguments, receipt)
        return receipt

    def in_one_block(self, calls: Sequence[tuple[int, str, str, tuple[object, ...]]]) -> None:
        """Let a block hold exactly these calls, in this order, and all of them succeed."""
        web3 = self.contracts.web3
        self.rpc.call("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC has no names
        # Anvil takes the best paid first.
        sent = [
            web3.eth.send_raw_transaction(
                HexBytes(self.signed(who, contract, function, *arguments, tip=10**9 - place))
            )
            for place, (who, contract, function, arguments) in enumerate(calls)
        ]
        self.devnet.mine()
        self.rpc.call("evm_setAutomine", True)  # noqa: FBT003
        receipts = [web3.eth.get_transaction_receipt(each) for each in sent]
        assert len({receipt["blockNumber"] for receipt in receipts}) == 1
        for call, receipt in zip(calls, receipts, strict=True):
            assert receipt["status"] == 1, call
            who, contract, function, arguments = call
            self._note(who, contract, function, arguments, receipt)

    def signed(self, who: int, contract: str, function: str, *arguments: object, tip: int = 10**9) -> str:
        """Return a signed call, in hex, that is not sent."""
        account, web3 = development_account(who), self.contracts.web3
        transaction: dict[str, Any] = {
            "to": self.contracts.address(contract),
            "data": self.contracts.call_data(contract, function, *arguments),
            "nonce": web3.eth.get_transaction_count(account.address, "pending"),
            "gas": 1_000_000,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 10**11,
            "chainId": web3.eth.chain_id,
        }
        return account.sign_transaction(transaction).raw_transaction.to_0x_hex()

    def address(self, who: int) -> str:
        return development_account(who).address

    def wallet(self, who: int) -> Wallet:
        return wallet(self.address(who))

    def view(self, contract: str, function: str, *arguments: object, block: int | str = "latest") -> Any:  # noqa: ANN401
        return self.contracts.view(contract, function, *arguments, block=block)

    def account(self, who: int, block: int | str = "latest") -> LiveAccount:
        """What the replica says of somebody, asked in another way than the adapter asks."""
        mine = self.address(who)
        _, vvv_due, vvv_cooling = self.view(STAKING, "stakes", mine, block=block)
        locked, minted = self.view(STAKING, "lockedStakes", mine, block=block)
        staked, due, cooling = self.view(DIEM, "stakedInfos", mine, block=block)
        return LiveAccount(
            self.wallet(who),
            Wei(self.view(STAKING, "balanceOf", mine, block=block) - locked),
            Wei(locked),
            Exit(Wei(vvv_cooling), vvv_due),
            Wei(minted),
            Wei(staked),
            Exit(Wei(cooling), due),
        )

    def slot(self, who: int, timestamp: int) -> Slot:
        """The right of somebody on the day of `timestamp`, by our rule."""
        slot, today = self.slots.get(self.wallet(who), Slot()), epoch_at(timestamp)
        return slot if slot.epoch == today else Slot(today, slot.next, slot.next)

    def begin_day_now(self) -> None:
        """Forget what was asked for earlier today, as a reader does that begins to follow here."""
        now = self.devnet.head().timestamp
        for who in USERS:
            following = self.slot(who, now).next
            self.slots[self.wallet(who)] = Slot(epoch_at(now), following, following)

    def _note(
        self, who: int, contract: str, function: str, arguments: tuple[Any, ...], receipt: TxReceipt
    ) -> None:
        if contract != DIEM or function not in {"stake", "initiateUnstake"}:
            return
        timestamp = self.contracts.web3.eth.get_block(receipt["blockNumber"]).get("timestamp", 0)
        slot, (amount,) = self.slot(who, timestamp), arguments
        if function == "stake":
            slot = Slot(slot.epoch, Wei(slot.current + amount), Wei(slot.next + amount))
        else:
            slot = Slot(slot.epoch, slot.current, Wei(slot.next - amount))
        self.slots[self.wallet(who)] = slot


@contextmanager
def live_system(network: Network, artifacts: Artifacts, curve: StepCurve = CURVE) -> Iterator[LiveSystem]:
    """Start an Anvil, deploy the replica, and give everybody VVV."""
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        devnet, web3, owner = Devnet(rpc, network), connect(anvil.url), development_account(OWNER)
        staking = get_create_address(owner.address, Nonce(2))
        addresses: dict[str, str] = {}
        contracts = Contracts(web3, artifacts, {})
        for name, arguments in (
            (VVV, lambda: (owner.address, 100_000_000 * WEI_PER_TOKEN, staking)),
            (DIEM, lambda: (staking,)),
            (
                STAKING,
                lambda: (
                    addresses[VVV],
                    addresses[DIEM],
                    owner.address,
                    development_account(TREASURY).address,
                    EMISSION,
                ),
            ),
        ):
            factory = web3.eth.contract(abi=artifacts[name].abi, bytecode=artifacts[name].bytecode)
            data = factory.constructor(*arguments()).data_in_transaction
            receipt = send(web3, owner, {"data": data}, f"deploying {name}", contracts.reverts)
            addresses[name] = str(receipt.get("contractAddress"))
        assert addresses[STAKING] == staking
        contracts = Contracts(web3, artifacts, addresses)
        system = LiveSystem(anvil, devnet, rpc, contracts, born_block=1)
        system.transact(OWNER, STAKING, "setDiemMintCurve", curve.bounds, curve.rates)
        for who in USERS:
            system.transact(OWNER, VVV, "transfer", system.address(who), 1_000_000 * WEI_PER_TOKEN)
            system.transact(who, VVV, "approve", staking, PLENTY)
        yield system


def write_profile(folder: Path, system: LiveSystem, start_block: int, depth: int = 1) -> LiveProfile:
    """Keep a read profile of the replica as `replica.toml` in a folder, with the live contracts' ABI."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(NETWORKS / "base-live.abi.json", folder)
    (folder / "replica.toml").write_text(
        f"""
        name = "replica"
        read_only = true
        chain_id = 31337
        rpc_url = "{system.anvil.url}"
        block_seconds = 2
        blocks_per_request = 50
        abi = "base-live.abi.json"
        born_block = {system.born_block}
        start_block = {start_block}
        [contracts]
        VVV = "{system.contracts.address(VVV)}"
        sVVV = "{system.contracts.address(STAKING)}"
        DIEM = "{system.contracts.address(DIEM)}"
        [finality]
        rule = "depth"
        depth = {depth}
        """
    )
    return load_live("replica", folder)


def reader_of(profile: LiveProfile) -> LiveChainReader:
    return LiveChainReader(profile.network.rpc_url, profile, IMPATIENT)


class RandomLiveUsers:
    """Five people who do at random what the live contracts allow, at odd times."""

    def __init__(self, system: LiveSystem, seed: int) -> None:
        self.system = system
        self.refused = self.succeeded = 0
        self._random = Random(seed)
        self._choices: list[tuple[int, Callable[[int], Call]]] = [
            (4, lambda who: (STAKING, "stake", (system.address(who), self._part(VVV, "balanceOf", who)))),
            (2, lambda who: (STAKING, "stake", (self._another(who), self._part(VVV, "balanceOf", who)))),
            (3, lambda who: (STAKING, "initiateUnstake", (self._part(STAKING, "balanceOfUnlocked", who),))),
            (6, lambda _: (STAKING, "finalizeUnstake", ())),
            (1, lambda _: (STAKING, "claim", ())),
            (2, lambda _: (STAKING, "claimAndStake", ())),
            (5, lambda who: (STAKING, "mintDiem", (self._part(STAKING, "balanceOfUnlocked", who) // 4, 0))),
            (3, lambda who: (STAKING, "burnDiem", (self._part(DIEM, "balanceOf", who),))),
            (2, lambda who: (DIEM, "transfer", (self._another(who), self._part(DIEM, "balanceOf", who)))),
            (1, lambda who: (DIEM, "transfer", (system.contracts.address(DIEM), 1 + who))),
            (1, lambda who: (VVV, "transfer", (NOBODY, 1 + who))),
            (1, lambda who: (DIEM, "transferFrom", (system.contracts.address(DIEM), system.address(who), 0))),
            (8, lambda who: (DIEM, "stake", (self._part(DIEM, "balanceOf", who),))),
            (9, lambda who: (DIEM, "initiateUnstake", (self._part(DIEM, "stakedInfos", who),))),
            (5, lambda _: (DIEM, "unstake", ())),
        ]

    def settle_in(self) -> None:
        for who in USERS:
            self.system.transact(who, STAKING, "stake", self.system.address(who), 500_000 * WEI_PER_TOKEN)
            self.system.transact(who, STAKING, "mintDiem", 100_000 * WEI_PER_TOKEN, 0)
            self.system.transact(who, DIEM, "stake", 400 * WEI_PER_TOKEN)

    def act(self) -> None:
        """Let time pass or not, then let one of the five do something, which may be refused."""
        if self._random.random() < 0.3:
            self._let_time_pass()
        who = self._random.choice(USERS)
        ((_, choice),) = self._random.choices(self._choices, [weight for weight, _ in self._choices])
        contract, function, arguments = choice(who)
        try:
            self.system.transact(who, contract, function, *arguments)
            self.succeeded += 1
        except TransactionFailed:
            self.refused += 1

    def _part(self, contract: str, view: str, who: int) -> int:
        found = self.system.view(contract, view, self.system.address(who))
        available = found[0] if isinstance(found, tuple) else found
        return available if self._random.random() < 0.15 else self._random.randint(0, available)

    def _another(self, who: int) -> str:
        return self.system.address(self._random.choice([other for other in USERS if other != who]))

    def _let_time_pass(self) -> None:
        """To a second before, at or after midnight, or the end of somebody's wait; or for some hours."""
        now = self.system.devnet.head().timestamp
        midnight = (now // SECONDS_PER_EPOCH + 1) * SECONDS_PER_EPOCH
        account = self.system.account(self._random.choice(USERS))
        dues = [due for due in (account.diem_exit.due, account.vvv_exit.due) if due > now + 1]
        goal = self._random.choice([midnight, midnight, *dues, now + self._random.randint(60, 40_000)])
        goal = max(now + 1, goal + self._random.choice((-1, 0, 1)))
        if self._random.random() < 0.5:
            self.system.devnet.jump_to(goal)
        else:
            self.system.devnet.set_next_timestamp(goal)
