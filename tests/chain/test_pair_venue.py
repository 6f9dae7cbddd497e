"""The second venue of buybacks, on Uniswap's own bytecode: a pair, pokes over time, a run that burns.

PairVenue is not part of the deployment: it is deployed here as somebody would who has a pair and no v3 pool,
and BuybackBurner over it with the same bounds.
"""

from collections.abc import Sequence

import orjson
import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.types import TxParams, TxReceipt

from entitlement.chain.contracts import Contracts
from entitlement.chain.toolchain import PROJECT
from entitlement.chain.transactions import send, transact
from entitlement.core.errors import TransactionFailed
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN
from tests.chain.system import DEPLOYER, System

FACTORY = PROJECT / "node_modules/@uniswap/v2-core/build/UniswapV2Factory.json"
KEEPER, ANYBODY = 3, 4
USDC, VVV = 2_000_000 * USDC_PER_DOLLAR, 500_000 * WEI_PER_TOKEN
LOT = 10_000 * USDC_PER_DOLLAR
FLOOR, DEVIATION = 9_800, 150
HOP, WINDOW = 4 * 3600, 1_800
BOUNDS = (LOT, HOP, WINDOW, DEVIATION, FLOOR)
POKES_EVERY = 300


def create(system: System, code: str, types: Sequence[str], arguments: Sequence[object]) -> str:
    """Return the address of a new contract."""
    data = HexBytes(bytes.fromhex(code.removeprefix("0x")) + encode(types, arguments))
    receipt = sent(system, {"data": data})
    made = receipt.get("contractAddress")
    assert made is not None, "a creation has an address"
    return made


def create_ours(system: System, name: str, *arguments: object) -> str:
    artifact = system.artifacts[name]
    inputs = next(entry["inputs"] for entry in artifact.abi if entry["type"] == "constructor")
    return create(system, artifact.bytecode, [collapse_if_tuple(given) for given in inputs], arguments)


def call(system: System, to: str, signature: str, *arguments: object) -> TxReceipt:
    """Call a function of a contract that is not ours."""
    return sent(system, {"to": to_checksum_address(to), "data": call_data(signature, arguments)})


def call_data(signature: str, arguments: Sequence[object]) -> HexBytes:
    types = [type_ for type_ in signature.partition("(")[2].rstrip(")").split(",") if type_]
    return HexBytes(keccak(text=signature)[:4] + encode(types, arguments))


def sent(system: System, given: TxParams) -> TxReceipt:
    known = system.contracts
    return send(known.web3, system.account(DEPLOYER), given, "a call of the test's", known.reverts)


def open_pair(system: System) -> str:
    """Return a pair of USDC and VVV that Uniswap's factory made, with liquidity."""
    code = orjson.loads(FACTORY.read_bytes())["bytecode"]
    factory = create(system, code, ["address"], [system.address(DEPLOYER)])
    usdc, vvv = system.contracts.address("DevDollar"), system.contracts.address("VVV")
    call(system, factory, "createPair(address,address)", usdc, vvv)
    question: TxParams = {
        "to": to_checksum_address(factory),
        "data": call_data("getPair(address,address)", (usdc, vvv)),
    }
    pair = to_checksum_address(system.contracts.web3.eth.call(question)[-20:])
    system.transact(DEPLOYER, "DevDollar", "mint", pair, USDC)
    system.transact(DEPLOYER, "VVV", "transfer", pair, VVV)
    call(system, pair, "mint(address)", system.address(DEPLOYER))
    return pair


def over_pair(system: System, pair: str) -> Contracts:
    """Deploy a venue over the pair and a burner over the venue; returns them beside the tokens."""
    known = system.contracts
    venue = create_ours(system, "PairVenue", pair)
    usdc, vvv = known.address("DevDollar"), known.address("VVV")
    powers = (known.address("Timelock"), known.address("Guardian"), system.address(KEEPER))
    burner = create_ours(system, "BuybackBurner", usdc, vvv, venue, *powers, BOUNDS)
    system.transact(DEPLOYER, "DevDollar", "mint", burner, 2 * LOT)
    addresses = {"PairVenue": venue, "BuybackBurner": burner, "DevDollar": usdc, "VVV": vvv}
    return Contracts(known.web3, system.artifacts, addresses)


def test_a_burner_over_a_pair_waits_for_a_window_of_pokes_then_buys_what_the_pair_gives_and_burns_it(
    system: System,
) -> None:
    pair = open_pair(system)
    contracts = over_pair(system, pair)
    burner, venue = contracts.address("BuybackBurner"), contracts.address("PairVenue")
    keeper, stranger = system.account(KEEPER), system.account(ANYBODY)

    def execute(run: int) -> TxReceipt:
        deadline = system.devnet.head().timestamp + 3_600
        return transact(contracts, keeper, "BuybackBurner", "execute", run, LOT, 0, deadline)

    first = system.devnet.head().timestamp
    transact(contracts, stranger, "PairVenue", "poke")
    while system.devnet.head().timestamp < first + WINDOW:
        with pytest.raises(TransactionFailed, match="OLD"):
            execute(0)
        system.devnet.jump_to(system.devnet.head().timestamp + POKES_EVERY)
        transact(contracts, stranger, "PairVenue", "poke")

    # Nobody has traded, so the mean is the price of the reserves, and so is the spot.
    price, mean, spot = contracts.view("BuybackBurner", "market")
    assert abs(price * USDC - VVV * USDC_PER_DOLLAR) * 5_000 <= VVV * USDC_PER_DOLLAR, "within two ticks"
    assert abs(spot - mean) <= 1

    supply = contracts.view("VVV", "totalSupply")
    receipt = execute(0)
    bought = LOT * 997 * VVV // (USDC * 1_000 + LOT * 997)
    assert contracts.view("VVV", "totalSupply") == supply - bought
    assert contracts.view("DevDollar", "balanceOf", pair) == USDC + LOT
    assert contracts.view("DevDollar", "balanceOf", burner) == LOT
    assert contracts.view("VVV", "balanceOf", pair) == VVV - bought
    for holder, token in ((venue, "DevDollar"), (venue, "VVV"), (burner, "VVV")):
        assert contracts.view(token, "balanceOf", holder) == 0
    told = keccak(text="BuybackExecuted(uint256,address,uint256,uint256,uint256)")
    (event,) = (log for log in receipt["logs"] if log["topics"][0] == told)
    assert decode(["uint256", "uint256"], event["data"][:64]) == (LOT, bought)

    # For hours nobody pokes, so that the next run has no mean price to go by, however long ago the first was.
    system.devnet.jump_to(system.devnet.head().timestamp + HOP)
    with pytest.raises(TransactionFailed, match="OLD"):
        execute(1)
    assert contracts.view("BuybackBurner", "nextRun") == 1
