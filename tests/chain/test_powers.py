"""Who may call what: every function that can change something, and the proof that everybody else is refused.

The table is by hand and the functions come from the compiled contracts: one that is added without a line here
fails a test, as does a line whose function is gone.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.reverts import RevertReader, revert_data


class Who(Enum):
    """Who may call a function; for those with a power, the error that everybody else gets."""

    ITSELF = "anybody, over what is its own: its tokens, stake, tickets, position, delegations or signature"
    ALL = "anybody, and whoever calls, the same happens"
    DEVELOPMENT = "anybody; the contract stands on development chains only"
    TIMELOCK = "OnlyTimelock"
    GUARDIAN = "OnlyGuardian"
    KEEPER = "OnlyKeeper"
    PUBLISHER = "OnlyPublisher"
    MINTER = "OnlyMinter"
    OWNER = "OnlyOwner"
    """Of the replicas of the live contracts; ours have no owner."""
    DIEM_MINT = "OnlyDiemMint"
    POOL = "OnlyPool"
    ROLE = "AccessControlUnauthorizedAccount"
    """OpenZeppelin's: proposers schedule, cancellers cancel, executors execute; the timelock gives roles."""
    THE_TIMELOCK_ITSELF = "TimelockUnauthorizedCaller"


UNRESTRICTED = (Who.ITSELF, Who.ALL, Who.DEVELOPMENT)

ERC20 = {
    "approve(address,uint256)": Who.ITSELF,
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)": Who.ITSELF,
    "transfer(address,uint256)": Who.ITSELF,
    "transferFrom(address,address,uint256)": Who.ITSELF,
}
REPLICA_TOKEN = {
    "approve(address,uint256)": Who.ITSELF,
    "transfer(address,uint256)": Who.ITSELF,
    "transferFrom(address,address,uint256)": Who.ITSELF,
}
STATION = {
    "stake(address,uint256)": Who.ITSELF,
    "stakeWithPermit(address,uint256,uint256,uint8,bytes32,bytes32)": Who.ITSELF,
    "requestUnstake(uint256)": Who.ITSELF,
    "cancelUnstake(uint256)": Who.ITSELF,
    "claimUnstake(uint256[])": Who.ITSELF,
}
POWERS: dict[str, dict[str, Who]] = {
    "Guardian": {
        "pauseEntries(uint256)": Who.GUARDIAN,
        "resumeEntries()": Who.GUARDIAN,
        "nameGuardian(address)": Who.TIMELOCK,
    },
    "VVV": ERC20
    | {
        "burn(uint256)": Who.ITSELF,
        "burnFrom(address,uint256)": Who.ITSELF,
        "mint(address,uint256)": Who.MINTER,
    },
    "StakedVVV": STATION
    | {
        "claim()": Who.ITSELF,
        "compound()": Who.ITSELF,
        "accrue()": Who.ALL,
        "payTreasury()": Who.ALL,
        "lock(address,uint256)": Who.DIEM_MINT,
        "unlock(address,uint256)": Who.DIEM_MINT,
        "lowerEmissionRate(uint256)": Who.TIMELOCK,
    },
    "DIEM": ERC20
    | {
        "burn(address,uint256)": Who.MINTER,
        "mint(address,uint256)": Who.MINTER,
    },
    "DiemMint": {
        "mintDiem(uint256,uint256)": Who.ITSELF,
        "mintExactOut(uint256,uint256)": Who.ITSELF,
        "burnDiem(uint256)": Who.ITSELF,
        "raiseTarget(uint256,uint256)": Who.TIMELOCK,
    },
    "InferenceStake": STATION
    | {
        "delegate(address,uint256,uint256)": Who.ITSELF,
        "endDelegation(uint256)": Who.ITSELF,
    },
    "CreditSales": {
        "topUp(address,uint256)": Who.ITSELF,
        "topUpWithPermit(address,uint256,uint256,uint8,bytes32,bytes32)": Who.ITSELF,
        "subscribe(address,uint256,uint256,uint256)": Who.ITSELF,
        "subscribeWithPermit(address,uint256,uint256,uint256,uint256,uint8,bytes32,bytes32)": Who.ITSELF,
        "setPrice(uint256,uint256)": Who.TIMELOCK,
    },
    "BuybackBurner": {
        "execute(uint256,uint256,uint256,uint256)": Who.KEEPER,
        "uniswapV3SwapCallback(int256,int256,bytes)": Who.POOL,
        "setBounds((uint256,uint256,uint256,uint256,uint256))": Who.TIMELOCK,
        "nameKeeper(address)": Who.TIMELOCK,
    },
    "EpochRoots": {
        "publish(uint256,bytes32,uint256,uint256,uint256,bytes32)": Who.PUBLISHER,
        "namePublisher(address)": Who.TIMELOCK,
    },
    "Timelock": {
        "schedule(address,uint256,bytes,bytes32,bytes32,uint256)": Who.ROLE,
        "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)": Who.ROLE,
        "cancel(bytes32)": Who.ROLE,
        "execute(address,uint256,bytes,bytes32,bytes32)": Who.ROLE,
        "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)": Who.ROLE,
        "grantRole(bytes32,address)": Who.ROLE,
        "revokeRole(bytes32,address)": Who.ROLE,
        "renounceRole(bytes32,address)": Who.ITSELF,
        "updateDelay(uint256)": Who.THE_TIMELOCK_ITSELF,
        # The timelock may be sent coins and collectibles; it can send them on.
        "receive()": Who.ALL,
        "onERC721Received(address,address,uint256,bytes)": Who.ALL,
        "onERC1155Received(address,address,uint256,uint256,bytes)": Who.ALL,
        "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)": Who.ALL,
    },
    "Lens": {},
    "PoolOpener": {},
    "PairVenue": {
        "swap(address,bool,int256,uint160,bytes)": Who.ITSELF,
        "poke()": Who.ALL,
    },
    "CurveProbe": {},
    "DevWallet": {},
    "DevWalletFactory": {"make(address)": Who.DEVELOPMENT},
    "DevDollar": ERC20 | {"mint(address,uint256)": Who.DEVELOPMENT},
    "DevTrader": {
        "sell(address,uint256)": Who.DEVELOPMENT,
        "sellFor(address,address,uint256)": Who.DEVELOPMENT,
        "moveTo(int256)": Who.DEVELOPMENT,
        "moveToPrice(uint160)": Who.DEVELOPMENT,
        "addLiquidity(int24,int24,uint128)": Who.DEVELOPMENT,
        "removeLiquidity(int24,int24,uint128)": Who.DEVELOPMENT,
        "uniswapV3SwapCallback(int256,int256,bytes)": Who.POOL,
        "uniswapV3MintCallback(uint256,uint256,bytes)": Who.POOL,
    },
    "ReplicaVVV": REPLICA_TOKEN | {"mint(address,uint256)": Who.OWNER},
    "ReplicaDiem": REPLICA_TOKEN
    | {
        "mint(address,uint256)": Who.MINTER,
        "burn(address,uint256)": Who.MINTER,
        "stake(uint256)": Who.ITSELF,
        "initiateUnstake(uint256)": Who.ITSELF,
        "unstake()": Who.ITSELF,
    },
    "ReplicaStaking": REPLICA_TOKEN
    | {
        "stake(address,uint256)": Who.ITSELF,
        "initiateUnstake(uint256)": Who.ITSELF,
        "finalizeUnstake()": Who.ITSELF,
        "claim()": Who.ITSELF,
        "claimAndStake()": Who.ITSELF,
        "mintDiem(uint256,uint256)": Who.ITSELF,
        "burnDiem(uint256)": Who.ITSELF,
        "setEmissionRate(uint256)": Who.OWNER,
        "setCooldownDuration(uint256)": Who.OWNER,
        "setTreasury(address)": Who.OWNER,
        "setDiemMintCurve(uint256[256],uint256[256])": Who.OWNER,
        "setVeniceEmissionsPercentage(uint256)": Who.OWNER,
        "setVeniceEmissionsPercentageWhenLocked(uint256)": Who.OWNER,
    },
}

PLACE = "0x00000000000000000000000000000000000000aa"
STRANGER = "0x000000000000000000000000000000000000dead"
LINES = [(contract, function) for contract, lines in POWERS.items() for function in lines]
FUNCTIONS = [line for line in LINES if line[1] != "receive()"]


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with AnvilProcess(AnvilSettings()) as anvil:
        yield anvil.url


def changing(artifacts: Artifacts, contract: str) -> dict[str, dict[str, Any]]:
    """Return every entry of a contract's ABI that may change something, by its signature."""
    return {
        abi_to_signature(entry) if entry["type"] == "function" else f"{entry['type']}()": entry
        for entry in artifacts[contract].abi
        if entry["type"] in {"function", "receive", "fallback"}
        and entry["stateMutability"] not in {"view", "pure"}
    }


def is_deployable(artifacts: Artifacts, contract: str) -> bool:
    return artifacts[contract].bytecode != "0x" and any(
        entry["type"] in {"function", "receive", "fallback"} for entry in artifacts[contract].abi
    )


def zero(abi_type: str, components: list[dict[str, Any]] | None = None) -> object:
    """Return the empty value of a type."""
    if abi_type.endswith("[]"):
        return []
    if abi_type.endswith("[256]"):
        return [0] * 256
    if abi_type == "tuple":
        return tuple(zero(part["type"]) for part in components or [])
    if abi_type.startswith("bytes"):
        return bytes(int(abi_type.removeprefix("bytes") or 0))
    return {"address": "0x" + "00" * 20, "bool": False}.get(abi_type, 0)


def refusal_of_stranger(node: str, artifacts: Artifacts, contract: str, function: str) -> str:
    """Return the error that a stranger's call with empty arguments meets, or nothing.

    The code stands without its constructor: every power and every partner is the zero address, as which
    nobody calls. So whoever asks for a power before all else refuses the stranger for being one.
    """
    inputs = changing(artifacts, contract)[function]["inputs"]
    types = [
        f"({','.join(part['type'] for part in given['components'])})"
        if given["type"] == "tuple"
        else given["type"]
        for given in inputs
    ]
    arguments = encode(types, [zero(given["type"], given.get("components")) for given in inputs])
    data = function_signature_to_4byte_selector(function) + arguments
    call = {"from": STRANGER, "to": PLACE, "data": "0x" + data.hex()}
    code = {PLACE: {"code": artifacts[contract].deployed_bytecode}}
    question = {"jsonrpc": "2.0", "id": 0, "method": "eth_call", "params": [call, "latest", code]}
    answer = httpx.post(node, json=question, timeout=30).json()
    if "error" not in answer:
        return ""
    refusal = revert_data(answer["error"])
    assert refusal is not None, answer
    return RevertReader(artifacts).describe(refusal)


def test_every_function_that_can_change_something_has_its_line(artifacts: Artifacts) -> None:
    found = {
        (contract, function)
        for contract in artifacts.contracts
        if is_deployable(artifacts, contract)
        for function in changing(artifacts, contract)
    }
    assert found == set(LINES)


def test_every_contract_has_its_place_in_the_table(artifacts: Artifacts) -> None:
    assert {name for name in artifacts.contracts if is_deployable(artifacts, name)} == set(POWERS)


@pytest.mark.parametrize(("contract", "function"), FUNCTIONS)
def test_a_power_refuses_everybody_else_and_what_is_open_refuses_nobody(
    contract: str, function: str, node: str, artifacts: Artifacts
) -> None:
    who = POWERS[contract][function]
    refusal = refusal_of_stranger(node, artifacts, contract, function)
    if who in UNRESTRICTED:
        assert not refusal.startswith(tuple(power.value for power in Who if power not in UNRESTRICTED))
    else:
        # Each of these errors names the caller first.
        name, arguments = refusal.split("(", 1)
        assert name == who.value
        assert arguments.split("=", 1)[1].startswith(to_checksum_address(STRANGER))
