"""The real contracts on a real Anvil, spoken to in names: a call, a transaction at an exact second, a look.

A step costs four answers of the node, 9 milliseconds together: would the call be refused, the time of the
next block, the transaction, and one batch of every view.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import lru_cache
from http.client import HTTPConnection
from typing import Any

import orjson
from eth_utils.address import to_checksum_address

from entitlement.chain.anvil import HOST, AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.carry_out import deploy
from entitlement.chain.deployment.order import CONTRACTS
from entitlement.chain.deployment.parameters import Roles, parameters_of
from entitlement.chain.deployment.plan import plan_deployment
from entitlement.chain.devnet import Devnet, development_account
from entitlement.chain.networks import Network
from entitlement.chain.reverts import revert_data
from entitlement.chain.rpc import JsonRpc
from entitlement.core.units import Wei, wallet
from tests.machine.names import (
    ACCOUNTS,
    EMISSION_PER_SECOND,
    EMISSION_START,
    GENESIS_SUPPLY,
    NOBODY,
    OPENS_AT,
    ORIGIN,
    TARGET,
    TIMELOCK,
    Answer,
    Question,
    Refusal,
)

GAS = hex(2_000_000)
PLENTY_OF_COINS = Wei(10**20)
LATEST = "latest"
_HEX_WORD = 64
_ARGUMENT = re.compile(r"\w+=([^,)]+)")


class Chain:
    """One deployment, and the way back to any moment of it that was marked."""

    def __init__(
        self, artifacts: Artifacts, contracts: Contracts, devnet: Devnet, http: HTTPConnection
    ) -> None:
        self.artifacts, self.contracts, self.devnet, self._http = artifacts, contracts, devnet, http
        self._marks: dict[str, str] = {}
        self._address = {name: development_account(number).address for name, number in ACCOUNTS.items()}
        self._address |= {name: contracts.address(name) for name in CONTRACTS if name != "Timelock"}
        self._address[TIMELOCK] = contracts.address("Timelock")
        self._address[NOBODY] = "0x" + 40 * "0"
        self._name = {address.lower(): name for name, address in self._address.items()}
        self._call_data = lru_cache(maxsize=20_000)(self._encoded)

    def mark(self, stage: str) -> None:
        """Remember this moment for `go_back`."""
        self._marks[stage] = self.devnet.snapshot()

    def go_back(self, stage: str) -> None:
        """Return to a moment; those that were marked after it are forgotten."""
        self.devnet.revert(self._marks[stage])
        self.mark(stage)

    def attempt(
        self, who: str, contract: str, function: str, arguments: tuple[Any, ...], at: int
    ) -> Answer | Refusal:
        """What a call at a second would return, or how it would be refused; changes nothing."""
        call = {"from": self._address[who], **self._call(contract, function, arguments)}
        answer = self._ask([_request("eth_call", call, LATEST, {}, _time(at))])[0]
        if "error" in answer:
            return self._refusal(answer["error"])
        return self._decoded(contract, function, answer["result"])

    def send(self, who: str, contract: str, function: str, arguments: tuple[Any, ...], at: int) -> None:
        """Let it happen in a block of exactly this second."""
        self._ask([_request("evm_setNextBlockTimestamp", ORIGIN + at)])
        transaction = {
            "from": self._address[who],
            "gas": GAS,
            **self._call(contract, function, arguments),
        }
        answer = self._ask([_request("eth_sendTransactionSync", transaction)])[0]
        assert answer.get("result", {}).get("status") == "0x1", f"{contract}.{function}: {answer}"

    def look(self, questions: Iterable[Question], now: int) -> dict[Question, Answer]:
        """What the views answer now, or at their own time."""
        asked = list(questions)
        requests = [
            _request(
                "eth_call",
                self._call(each.contract, each.function, each.arguments),
                LATEST,
                {},
                _time(now if each.at is None else each.at),
                number=number,
            )
            for number, each in enumerate(asked)
        ]
        answers = {answer["id"]: answer for answer in self._ask(requests)}
        return {each: self._answered(each, answers[number]) for number, each in enumerate(asked)}

    def _answered(self, question: Question, answer: dict[str, Any]) -> Answer:
        """A view that is refused is a finding, and an answer like any other."""
        if "error" in answer:
            return (str(self._refusal(answer["error"])),)
        return self._decoded(question.contract, question.function, answer["result"])

    def _refusal(self, error: object) -> Refusal:
        data = revert_data(error)
        assert data is not None, f"the node is at fault: {error}"
        described = self.contracts.reverts.describe(data)
        return Refusal(described.split("(")[0], tuple(map(self._named, _ARGUMENT.findall(described))))

    def _call(self, contract: str, function: str, arguments: tuple[Any, ...]) -> dict[str, str]:
        return {"to": self._address[contract], "data": self._call_data(contract, function, arguments)}

    def _encoded(self, contract: str, function: str, arguments: tuple[Any, ...]) -> str:
        plain = (self._address.get(each, each) if isinstance(each, str) else each for each in arguments)
        return self.contracts.call_data(contract, function, *plain)

    def _decoded(self, contract: str, function: str, result: str) -> Answer:
        """All that we ask for are words: numbers, truths and addresses."""
        types = self._types(contract, function)
        words = [result[2:][start : start + _HEX_WORD] for start in range(0, len(result) - 2, _HEX_WORD)]
        return tuple(
            self._named("0x" + word[-40:]) if type_ == "address" else int(word, 16)
            for type_, word in zip(types, words, strict=True)
        )

    @lru_cache(maxsize=1_000)  # noqa: B019  there is one chain, and it lives as long as the tests
    def _types(self, contract: str, function: str) -> list[str]:
        found = next(
            entry
            for entry in self.artifacts[contract].abi
            if entry["type"] == "function" and entry["name"] == function
        )
        return [each["type"] for each in found["outputs"]]

    def _named(self, value: str) -> str:
        return self._name.get(value.lower(), value)

    def _ask(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self._http.request("POST", "/", orjson.dumps(requests), {"content-type": "application/json"})
        return orjson.loads(self._http.getresponse().read())


@contextmanager
def deployed(network: Network, artifacts: Artifacts) -> Iterator[Chain]:
    """Start an Anvil and deploy there, with a guardian, a timelock and an emission that begins later."""
    addresses = {name: development_account(number).address for name, number in ACCOUNTS.items()}
    assert network.genesis is not None
    genesis = replace(
        network.genesis,
        vvv_supply=GENESIS_SUPPLY,
        emission_per_second=EMISSION_PER_SECOND,
        emission_starts_after=EMISSION_START,
        target=TARGET,
        minting_opens_after=OPENS_AT,
    )
    roles = Roles(guardian=addresses["guardian"])
    parameters = parameters_of(genesis, deployer=addresses["treasury"], deployed_at=ORIGIN, roles=roles)
    with (
        AnvilProcess(AnvilSettings()) as anvil,
        JsonRpc(anvil.url) as rpc,
        closing(HTTPConnection(HOST, anvil.port, timeout=30)) as http,
    ):
        web3, devnet = connect(anvil.url), Devnet(rpc, network)
        plan = plan_deployment(web3, network, to_checksum_address(addresses["treasury"]), parameters)
        deployment = deploy(web3, development_account(ACCOUNTS["treasury"]), plan, artifacts)
        contracts = Contracts(web3, artifacts, deployment.addresses)
        timelock = contracts.address("Timelock")
        rpc.call("anvil_impersonateAccount", timelock)
        devnet.set_balance(wallet(timelock), PLENTY_OF_COINS)
        yield Chain(artifacts, contracts, devnet, http)


def _request(method: str, *params: object, number: int = 0) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _time(at: int) -> dict[str, str]:
    return {"time": hex(ORIGIN + at)}
