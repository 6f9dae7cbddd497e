"""An operation tried on a copy of the chain: what it would do, in figures, before anybody signs.

    now ---- until it may be executed ---- without it ---- 30 days on        the first copy, taken back
                                     '---- with it ------- 30 days on        the second

Between the two copies only the operation differs: what time alone changes stands in both.
"""

from dataclasses import dataclass
from typing import cast

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import RPCEndpoint, TxParams, Wei

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.powers import holders, powers_now
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.reverts import revert_data
from entitlement.chain.timelock.operation import NO_PREDECESSOR, Operation, State
from entitlement.chain.timelock.proposal import Proposal
from entitlement.core.epochs import SECONDS_PER_EPOCH, SECONDS_PER_YEAR
from entitlement.core.errors import InvalidRequest, NodeUnavailable, TransactionFailed
from entitlement.core.units import WEI_PER_TOKEN

AFTER = 30 * SECONDS_PER_EPOCH
"""How long after the operation its effect is looked at once more."""
_ANYBODY = "0x0000000000000000000000000000000000000000"
GAS = 5_000_000
"""More than any operation takes."""
_COINS = hex(100 * WEI_PER_TOKEN)

Figures = dict[str, str]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Figures by name, which ends with `(wei)` for tokens; all else is as the contracts have it."""

    executed_at: int
    """Unix time on the copy."""
    now: Figures
    without: Figures
    """At the same second as `done`, had it not been executed."""
    done: Figures
    later_without: Figures
    later: Figures
    """So long after as `AFTER` says."""

    @property
    def changed(self) -> list[str]:
        """The figures that the operation makes differ, at once or later."""
        return [
            name
            for name in self.done | self.later
            if self.done.get(name) != self.without.get(name)
            or self.later.get(name) != self.later_without.get(name)
        ]


def rehearse(url: str, deployment: Deployment, artifacts: Artifacts, what: Proposal | Operation) -> Rehearsal:
    """Try a proposal, or an operation that waits, on a copy of the chain behind `url`.

    Raises `TransactionFailed` with the contract's own error when it would be refused, `InvalidRequest` for an
    operation that has ended.
    """
    with AnvilProcess(AnvilSettings(fork=url)) as anvil:
        copy = _Copy(anvil.url, deployment, artifacts)
        if isinstance(what, Operation):
            if what.state in (State.DONE, State.CANCELLED):
                raise InvalidRequest(f"0x{what.id.hex()} is {what.state}: there is nothing to try")
            ready_at, (function, arguments) = what.ready_at, what.execution()
        else:
            ready_at = copy.schedule(what)
            function = "execute"
            arguments = (what.call.to, what.call.value, what.call.data, NO_PREDECESSOR, what.salt)
        return copy.compare(ready_at, function, arguments)


class _Copy:
    def __init__(self, url: str, deployment: Deployment, artifacts: Artifacts) -> None:
        self._web3 = connect(url, seconds=120.0)
        self._contracts = Contracts(self._web3, artifacts, deployment.addresses)
        self._deployment = deployment

    def schedule(self, proposal: Proposal) -> int:
        """Schedule it as who may, and return from when it may be executed."""
        delay = self._contracts.view("Timelock", "getMinDelay")
        call = proposal.call
        given = (call.to, call.value, call.data, NO_PREDECESSOR, proposal.salt, delay)
        self._mine(self._time() + 1, ("proposers", "schedule", given))
        return self._contracts.view("Timelock", "getTimestamp", proposal.id)

    def compare(self, ready_at: int, function: str, arguments: tuple[object, ...]) -> Rehearsal:
        """Let the time come with the operation and without it."""
        before = self._figures()
        executed_at = max(ready_at, self._time() + 1)
        snapshot = self._ask("evm_snapshot")
        self._mine(executed_at)
        without = self._figures()
        self._mine(executed_at + AFTER)
        later_without = self._figures()
        self._ask("evm_revert", snapshot)
        self._mine(executed_at, ("executors", function, arguments))
        done = self._figures()
        self._mine(executed_at + AFTER)
        return Rehearsal(executed_at, before, without, done, later_without, self._figures())

    def _mine(self, timestamp: int, *calls: tuple[str, str, tuple[object, ...]]) -> None:
        """Mine one block at this time: with what is emitted until then, and with calls of the timelock.

        Each call says by whom, the holder of a role, and what: on a copy nobody has to sign.
        """
        deployer = self._deployment.deployer
        wanted = [(deployer, "StakedVVV", "accrue", cast("tuple[object, ...]", ()))]
        wanted += [(self._holder(role), "Timelock", function, given) for role, function, given in calls]
        self._ask("evm_setAutomine", False)  # noqa: FBT003 - the method's own argument
        self._ask("anvil_setNextBlockBaseFeePerGas", "0x0")
        sent = [self._send(*each) for each in wanted]
        self._ask("evm_setNextBlockTimestamp", timestamp)
        self._ask("evm_mine")
        for (sender, contract, function, given), transaction in zip(wanted, sent, strict=True):
            if self._web3.eth.get_transaction_receipt(transaction)["status"] != 1:
                reason = self._reason(sender, contract, function, given)
                raise TransactionFailed(what=f"{contract}.{function}", reason=reason)

    def _holder(self, role: str) -> str:
        people = sorted(holders(self._contracts, self._deployment, role) - {_ANYBODY})
        return people[0] if people else self._deployment.deployer

    def _send(self, sender: str, contract: str, function: str, arguments: tuple[object, ...]) -> HexBytes:
        self._ask("anvil_impersonateAccount", sender)
        self._ask("anvil_setBalance", sender, _COINS)
        call: TxParams = {
            "from": to_checksum_address(sender),
            "to": to_checksum_address(self._contracts.address(contract)),
            "data": HexStr(self._contracts.call_data(contract, function, *arguments)),
            # Not estimated: what is refused fails in a block, and is then asked for its reason.
            "gas": GAS,
            "gasPrice": Wei(0),
        }
        return self._web3.eth.send_transaction(call)

    def _reason(self, sender: str, contract: str, function: str, arguments: tuple[object, ...]) -> str:
        data = self._contracts.call_data(contract, function, *arguments)
        asked = {"from": sender, "to": self._contracts.address(contract), "data": data}
        answer = self._web3.provider.make_request(RPCEndpoint("eth_call"), [asked, "latest"])
        found = revert_data(answer.get("error"))
        return "no reason given" if found is None else self._contracts.reverts.describe(found)

    def _figures(self) -> Figures:
        """Return every setting, role and figure that a person would ask about, in the newest block."""
        _, _, vvv, diem, *_ = self._contracts.view("Lens", "system")
        return {
            "VVV supply (wei)": str(vvv[0]),
            "VVV emitted in a year (wei)": str(vvv[4] * SECONDS_PER_YEAR),
            "VVV that locks one more DIEM (wei)": str(diem[4]),
            "DIEM target (wei)": str(diem[5]),
            "DIEM cap (wei)": str(diem[1]),
        } | powers_now(self._contracts, self._deployment)

    def _time(self) -> int:
        return self._web3.eth.get_block("latest").get("timestamp", 0)

    def _ask(self, method: str, *arguments: object) -> object:
        answer = self._web3.provider.make_request(RPCEndpoint(method), list(arguments))
        if "error" in answer:
            raise NodeUnavailable(method=method, reason=str(answer["error"])[:200])
        return answer.get("result")
