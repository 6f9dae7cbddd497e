import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.carry_out import deploy
from entitlement.chain.deployment.check import check_deployment
from entitlement.chain.deployment.order import CONTRACTS, order_of
from entitlement.chain.deployment.parameters import Parameters, Roles, parameters_of
from entitlement.chain.deployment.plan import plan_deployment
from entitlement.chain.deployment.record import (
    deployment_path,
    read_deployment,
    refuse_second_deployment,
    write_deployment,
)
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import Network
from entitlement.core.errors import (
    DeploymentMismatch,
    DeploymentMissing,
    InvalidRequest,
    MalformedAddress,
    SetupError,
    TransactionFailed,
    WrongChain,
)
from tests.chain.system import DEPLOYER, System


@pytest.fixture
def parameters(network: Network) -> Parameters:
    assert network.genesis is not None
    return parameters_of(
        network.genesis,
        deployer=development_account(7).address,
        deployed_at=2_000_000_000,
        roles=Roles(
            treasury=development_account(8).address,
            proposer=development_account(9).address,
            revenue=development_account(1).address,
            keeper=development_account(2).address,
            publisher=development_account(3).address,
        ),
    )


@pytest.fixture
def empty_chain() -> Iterator[str]:
    with AnvilProcess(AnvilSettings()) as anvil:
        yield anvil.url


def test_what_was_deployed_is_what_was_planned_and_checks_again(system: System) -> None:
    web3 = system.contracts.web3
    check_deployment(web3, system.deployment, system.artifacts)
    assert tuple(system.deployment.addresses) == order_of(system.deployment.parameters)
    assert set(CONTRACTS) < set(system.deployment.addresses)
    first = web3.eth.get_transaction_receipt(system.deployment.transactions["Timelock"])  # type: ignore[arg-type]
    assert first["blockNumber"] == system.deployment.start_block
    assert first["blockHash"].to_0x_hex() == system.deployment.start_block_hash
    assert system.contracts.view("DiemMint", "target") == 40_000 * 10**18
    assert system.contracts.view("VVV", "totalSupply", block=system.deployment.start_block + 2) == 10**26


def test_each_role_goes_to_the_address_that_was_named(
    empty_chain: str, network: Network, artifacts: Artifacts, parameters: Parameters
) -> None:
    web3, account = connect(empty_chain), development_account(DEPLOYER)
    plan = plan_deployment(web3, network, account.address, parameters)
    made = deploy(web3, account, plan, artifacts)
    check_deployment(web3, made, artifacts)
    assert made.parameters.guardian == development_account(7).address
    assert made.parameters.treasury == made.parameters.genesis_holder == development_account(8).address
    contracts = Contracts(web3, artifacts, made.addresses)
    proposer_role = contracts.view("Timelock", "PROPOSER_ROLE")
    assert contracts.view("Timelock", "hasRole", proposer_role, development_account(9).address)
    assert contracts.view("CreditSales", "revenue") == development_account(1).address
    assert contracts.view("BuybackBurner", "keeper") == development_account(2).address
    assert contracts.view("EpochRoots", "publisher") == development_account(3).address


@pytest.mark.parametrize(
    ("case", "shift", "refusal"),
    [
        ("one transaction slipped in between", 1, r"deploying StakedVVV failed: NotWiredToThis"),
        (
            "a plan that was already carried out",
            -1,
            r"deploying Timelock failed: its nonce was to be 0, but the",
        ),
    ],
)
def test_a_wrong_prediction_is_refused(
    case: str,
    shift: int,
    refusal: str,
    empty_chain: str,
    network: Network,
    artifacts: Artifacts,
    parameters: Parameters,
) -> None:
    web3, account = connect(empty_chain), development_account(DEPLOYER)
    good = plan_deployment(web3, network, account.address, parameters)
    deploy(web3, account, good, artifacts)
    late = plan_deployment(web3, network, account.address, parameters)
    addresses = good.addresses if shift < 0 else plan_shifted(late.addresses, good.addresses)
    wrong = replace(late, nonce=good.nonce if shift < 0 else late.nonce, addresses=addresses)
    with pytest.raises(TransactionFailed, match=refusal):
        deploy(web3, account, wrong, artifacts)
    assert case


def plan_shifted(right: dict[str, str], wrong: dict[str, str]) -> dict[str, str]:
    """The address of StakedVVV is predicted wrongly, the others rightly."""
    return right | {"StakedVVV": wrong["StakedVVV"]}


def test_a_constructor_refuses_a_partner_that_does_not_name_it(
    empty_chain: str, network: Network, artifacts: Artifacts, parameters: Parameters
) -> None:
    web3, account = connect(empty_chain), development_account(DEPLOYER)
    plan = plan_deployment(web3, network, account.address, parameters)
    elsewhere = plan.addresses | {"DiemMint": development_account(5).address}
    with pytest.raises(TransactionFailed, match="deploying DiemMint failed: NotWiredToThis"):
        deploy(web3, account, replace(plan, addresses=elsewhere), artifacts)


def test_an_emission_that_begins_in_the_past_is_refused_in_the_contracts_words(
    empty_chain: str, network: Network, artifacts: Artifacts, parameters: Parameters
) -> None:
    web3, account = connect(empty_chain), development_account(DEPLOYER)
    late = replace(parameters, emission_start=1_000)
    plan = plan_deployment(web3, network, account.address, late)
    with pytest.raises(TransactionFailed, match=r"EmissionStartInPast\(emissionStart=1000"):
        deploy(web3, account, plan, artifacts)


def test_another_chain_is_refused_before_anything_is_sent(
    empty_chain: str, network: Network, parameters: Parameters
) -> None:
    with pytest.raises(WrongChain, match="31337"):
        plan_deployment(
            connect(empty_chain), replace(network, chain_id=8453), development_account(0).address, parameters
        )


@pytest.mark.parametrize(
    ("contract", "field", "change"),
    [
        ("CreditSales", "revenue", {"revenue": "0x" + "11" * 20}),
        ("StakedVVV", "treasury", {"treasury": "0x" + "11" * 20}),
        ("DiemMint", "opensAt", {"opens_at": 1}),
    ],
)
def test_an_immutable_that_differs_is_named(
    contract: str, field: str, change: dict[str, Any], system: System
) -> None:
    other = replace(system.deployment, parameters=replace(system.deployment.parameters, **change))
    with pytest.raises(DeploymentMismatch) as caught:
        check_deployment(system.contracts.web3, other, system.artifacts)
    assert (caught.value.contract, caught.value.field) == (contract, field)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_changed_byte_of_code_is_noticed(name: str, system: System) -> None:
    web3 = system.contracts.web3
    address = system.contracts.address(name)
    code = bytearray(web3.eth.get_code(address))  # type: ignore[arg-type]
    snapshot = system.devnet.snapshot()
    code[len(code) // 3] ^= 1
    system.rpc.call("anvil_setCode", address, "0x" + code.hex())
    with pytest.raises(DeploymentMismatch, match=name):
        check_deployment(web3, system.deployment, system.artifacts)
    system.rpc.call("anvil_setCode", address, "0x")
    with pytest.raises(DeploymentMismatch, match=r"0 bytes at 0x"):
        check_deployment(web3, system.deployment, system.artifacts)
    system.devnet.revert(snapshot)
    check_deployment(web3, system.deployment, system.artifacts)


def test_two_contracts_in_each_others_place_are_noticed(system: System) -> None:
    at = system.deployment.addresses
    swapped = replace(system.deployment, addresses=at | {"VVV": at["DIEM"], "DIEM": at["VVV"]})
    with pytest.raises(DeploymentMismatch):
        check_deployment(system.contracts.web3, swapped, system.artifacts)


def test_an_immutable_that_is_not_known_here_is_an_error_of_the_program(system: System) -> None:
    guardian = replace(system.artifacts["Guardian"], immutables={"timelock": [[1, 32]], "brake": [[40, 32]]})
    newer = replace(system.artifacts, contracts=system.artifacts.contracts | {"Guardian": guardian})
    with pytest.raises(SetupError, match="brake"):
        check_deployment(system.contracts.web3, system.deployment, newer)


def test_the_code_of_another_chains_contracts_is_not_looked_at(system: System) -> None:
    with pytest.raises(WrongChain):
        check_deployment(system.contracts.web3, replace(system.deployment, chain_id=8453), system.artifacts)


# --- the file -------------------------------------------------------------------------------------------


def test_a_deployment_is_read_as_it_was_written(system: System, tmp_path: Path) -> None:
    path = deployment_path(system.deployment.chain_id, tmp_path)
    write_deployment(system.deployment, path)
    assert read_deployment(path) == system.deployment
    assert path.name == "31337.json"
    assert [each.name for each in tmp_path.iterdir()] == ["31337.json"]
    # Other readers than Python's lose the digits of large numbers.
    assert json.loads(path.read_text())["parameters"]["genesis_supply"] == "1" + "0" * 26


def test_a_missing_deployment_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DeploymentMissing, match=r"chain 8453.*entitlement deploy"):
        read_deployment(deployment_path(8453, tmp_path))


@pytest.mark.parametrize(
    ("case", "change", "complaint"),
    [
        ("a field too many", {"colour": "red"}, "colour"),
        ("a field too few", {"compiler": None}, "compiler"),
        ("a number as text", {"start_block": "5"}, "start_block"),
        ("an address without its checksum", {"deployer": "0x" + "ab" * 20}, "deployer"),
        ("a short hash", {"start_block_hash": "0x12"}, "start_block_hash"),
        ("a contract too few", {"addresses": {}}, "it names []"),
        ("an amount as a number", {"parameters": {"target": 5}}, "parameters.target"),
        ("parameters that are none", {"parameters": []}, "parameters"),
    ],
)
def test_a_file_that_is_no_deployment_is_refused_by_the_field(
    case: str, change: dict[str, Any], complaint: str, system: System, tmp_path: Path
) -> None:
    path = tmp_path / "31337.json"
    write_deployment(system.deployment, path)
    values = json.loads(path.read_text())
    for name, value in change.items():
        values[name] = values[name] | value if isinstance(value, dict) and value else value
    path.write_text(json.dumps(values))
    with pytest.raises(SetupError) as caught:
        read_deployment(path)
    assert complaint in str(caught.value), case


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_file_that_is_no_json_object_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    path.write_text(content)
    with pytest.raises(SetupError, match="is not a deployment"):
        read_deployment(path)


def test_a_second_deployment_is_refused_until_it_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    refuse_second_deployment(path)
    path.write_text("{}")
    with pytest.raises(SetupError, match="--again"):
        refuse_second_deployment(path)


def test_a_role_with_a_letter_wrong_is_refused(network: Network) -> None:
    good = development_account(3).address
    wrong = good[:2] + good[2:].swapcase()
    assert network.genesis is not None
    with pytest.raises(InvalidRequest, match="checksum"):
        parameters_of(network.genesis, deployer=good, deployed_at=1, roles=Roles(guardian=wrong))
    with pytest.raises(MalformedAddress):
        parameters_of(network.genesis, deployer=good, deployed_at=1, roles=Roles(guardian=good[:-1]))
    assert parameters_of(network.genesis, deployer=good.lower(), deployed_at=1).guardian == good
