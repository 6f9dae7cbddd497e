import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3.types import TxParams

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.networks import Network
from entitlement.chain.reverts import RevertReader
from entitlement.chain.transactions import SendLimits, deliver, sign, transact
from entitlement.core.errors import InconsistentNode, NodeUnavailable, TransactionFailed
from tests.chain.lying_node import RawAnswer, lying_node
from tests.chain.system import DEPLOYER, System, deployed

ONE = 10**18


@pytest.fixture(scope="module", autouse=True)
def history(system: System) -> None:
    system.fund(1, 1_000)
    system.transact(1, "StakedVVV", "stake", system.address(1), 500 * ONE)


def test_a_call_that_succeeds_is_mined_when_it_returns(system: System) -> None:
    before = system.contracts.view("StakedVVV", "balanceOf", system.address(1))
    receipt = system.transact(1, "StakedVVV", "stake", system.address(1), ONE)
    assert receipt["status"] == 1
    assert system.contracts.view("StakedVVV", "balanceOf", system.address(1)) == before + ONE
    block = receipt["blockNumber"] - 1
    assert system.contracts.view("StakedVVV", "balanceOf", system.address(1), block=block) == before


def test_a_refusal_names_the_contracts_error_and_its_arguments(system: System) -> None:
    with pytest.raises(TransactionFailed) as caught:
        system.transact(2, "StakedVVV", "requestUnstake", 7)
    assert str(caught.value) == (
        "StakedVVV.requestUnstake failed: "
        f"InsufficientUnlocked(account={system.address(2)}, available=0, needed=7)"
    )


def test_an_error_of_a_library_or_of_another_contract_is_named_too(system: System) -> None:
    with pytest.raises(TransactionFailed, match=r"SupplyAboveCap\(supply="):
        system.transact(1, "DiemMint", "mintExactOut", 10**24, 2**255)
    with pytest.raises(TransactionFailed, match=r"InsufficientUnlocked\(account=0x"):
        system.transact(1, "DiemMint", "mintExactOut", 100 * ONE, 2**255)
    with pytest.raises(TransactionFailed, match=r"ERC20InsufficientAllowance\(spender=0x"):
        system.transact(0, "InferenceStake", "stake", system.address(1), 5)


def test_a_refusal_that_only_the_block_knows_is_explained_by_asking_again(system: System) -> None:
    """Fine when it was estimated, refused when it was mined: someone else was faster."""
    account = system.account(1)
    web3 = system.contracts.web3
    everything = system.contracts.view("StakedVVV", "balanceOfUnlocked", account.address)
    data = system.contracts.call_data("StakedVVV", "requestUnstake", everything)
    system.rpc.call("evm_setAutomine", False)  # noqa: FBT003
    nonce = web3.eth.get_transaction_count(account.address)
    first = {
        "to": system.contracts.address("StakedVVV"),
        "data": data,
        "nonce": nonce,
        "gas": 500_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**10,
        "chainId": 31337,
        "value": 0,
    }
    web3.eth.send_raw_transaction(account.sign_transaction(first).raw_transaction)
    system.rpc.call("evm_setIntervalMining", 1)
    try:
        with pytest.raises(TransactionFailed, match=r"InsufficientUnlocked\(.*available=0"):
            transact(system.contracts, account, "StakedVVV", "requestUnstake", everything)
    finally:
        system.rpc.call("evm_setAutomine", True)  # noqa: FBT003
    ticket = system.contracts.view("StakedVVV", "ticketCount")
    system.transact(1, "StakedVVV", "cancelUnstake", ticket)


def test_gas_suffices_for_emission_that_the_estimate_could_not_see(system: System) -> None:
    """Estimated in a second whose emission is accounted for, mined when there is more."""
    system.transact(1, "StakedVVV", "accrue")
    system.devnet.set_next_timestamp(system.devnet.head().timestamp + 1_000)
    before = system.contracts.view("VVV", "totalSupply")
    receipt = system.transact(1, "StakedVVV", "stake", system.address(1), ONE)
    assert receipt["status"] == 1
    assert system.contracts.view("VVV", "totalSupply") > before


def test_a_transaction_that_is_not_mined_says_that_it_still_may_be(system: System) -> None:
    system.rpc.call("evm_setAutomine", False)  # noqa: FBT003
    try:
        with pytest.raises(TransactionFailed, match="still may be"):
            transact(
                system.contracts,
                system.account(1),
                "StakedVVV",
                "accrue",
                limits=SendLimits(receipt_seconds=0.3),
            )
    finally:
        system.rpc.call("evm_setAutomine", True)  # noqa: FBT003
        system.devnet.mine()


def test_what_the_node_itself_refuses_is_told(system: System) -> None:
    web3, reverts = system.contracts.web3, system.contracts.reverts
    call: TxParams = {
        "to": system.contracts.address("StakedVVV"),  # type: ignore[typeddict-item]
        "data": system.contracts.call_data("StakedVVV", "accrue"),  # type: ignore[typeddict-item]
    }
    old = sign(web3, system.account(1), call, "a transaction", reverts)
    system.transact(1, "StakedVVV", "claim")  # takes the nonce
    with pytest.raises(TransactionFailed, match=r"an old transaction failed: .*(?i:nonce)"):
        deliver(web3, old, "an old transaction", reverts)


def test_a_transaction_may_be_sent_twice_and_happens_once(system: System) -> None:
    web3, reverts = system.contracts.web3, system.contracts.reverts
    call: TxParams = {
        "to": system.contracts.address("StakedVVV"),  # type: ignore[typeddict-item]
        "data": system.contracts.call_data("StakedVVV", "accrue"),  # type: ignore[typeddict-item]
    }
    raw = sign(web3, system.account(1), call, "a transaction", reverts)
    count = web3.eth.get_transaction_count(system.account(1).address)
    first = deliver(web3, raw, "a transaction", reverts)
    assert deliver(web3, raw, "a transaction", reverts) == first
    assert web3.eth.get_transaction_count(system.account(1).address) == count + 1


def test_a_node_that_is_not_there_is_unavailable(system: System) -> None:
    nowhere = connect("http://127.0.0.1:1/secret-key", 1)
    with pytest.raises(NodeUnavailable) as caught:
        sign(
            nowhere,
            system.account(1),
            {"data": system.contracts.call_data("StakedVVV", "accrue")},
            "a call",
            system.contracts.reverts,
        )
    assert "secret-key" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("told", [None, "", "0x12", "0xzz", 7, {}, "0x" + "ff" * 31])
def test_a_view_that_is_answered_with_something_else_is_told(system: System, told: object) -> None:
    with lying_node(system.anvil.url) as node:
        contracts = Contracts(connect(node.url), system.artifacts, system.deployment.addresses)
        node.lie("eth_call", lambda _params, _truth: told)
        with pytest.raises(InconsistentNode, match="totalSupply was answered with"):
            contracts.view("VVV", "totalSupply")
        with pytest.raises(InconsistentNode, match="balanceOf was answered with"):
            contracts.view_each("VVV", "balanceOf", [[system.address(1)]])


@pytest.mark.parametrize("body", [b"[]", b"null", b"7"])
def test_a_view_whose_answer_is_no_object_is_told(system: System, body: bytes) -> None:
    with lying_node(system.anvil.url) as node:
        contracts = Contracts(connect(node.url), system.artifacts, system.deployment.addresses)
        node.raw.append(RawAnswer(body=body))
        with pytest.raises(InconsistentNode, match=r"the answer to VVV\.totalSupply"):
            contracts.view("VVV", "totalSupply")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "no reason given"),
        (keccak(text="Error(string)")[:4] + encode(["string"], ["too late"]), "Error(message=too late)"),
        (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "Panic(code=17)"),
        (bytes.fromhex("deadbeef"), "an error that is not known here, 0xdeadbeef"),
        (
            keccak(text="Panic(uint256)")[:4] + b"\x01",
            "Panic with arguments that cannot be read, 0x4e487b7101",
        ),
    ],
)
def test_every_refusal_has_words(data: bytes, expected: str, system: System) -> None:
    assert RevertReader(system.artifacts).describe(data) == expected


def test_gas_suffices_for_the_very_first_emission(network: Network, artifacts: Artifacts) -> None:
    """Estimated in the second in which the emission begins, mined when there is some."""
    with deployed(network, artifacts) as system:
        starts_at = system.deployment.parameters.emission_start
        assert system.devnet.head().timestamp == starts_at
        assert system.contracts.view("StakedVVV", "unlockedIndex") == 0
        system.devnet.set_next_timestamp(starts_at + 1_000)
        receipt = system.transact(DEPLOYER, "StakedVVV", "stake", system.address(DEPLOYER), ONE)
        assert receipt["status"] == 1
        assert system.contracts.view("StakedVVV", "unlockedIndex") > 0
