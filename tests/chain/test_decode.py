import json
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3._utils.events import get_event_data
from web3.types import LogReceipt

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.decode import FOLLOWED, FOLLOWED_CONTRACTS, LogDecoder
from entitlement.core.errors import InconsistentNode, SetupError
from entitlement.core.events import EVENT_KINDS, AllowanceChanged, Delegated, DiemStaked, VvvStaked

ADDRESSES = {name: f"0x{number:040x}" for number, name in enumerate(FOLLOWED_CONTRACTS, start=0xA0)}
# What our names for a field are in the contracts, where they differ.
ARGUMENT_OF = {"wallet": ("account", "from"), "receiver": ("to",), "delegation": ("id",)}

words = st.integers(min_value=0, max_value=2**256 - 1)
accounts = st.integers(min_value=0, max_value=2**160 - 1).map(lambda number: f"0x{number:040x}")


@pytest.fixture(scope="module")
def decoder(artifacts: Artifacts) -> LogDecoder:
    return LogDecoder(artifacts, ADDRESSES)


def abi_of(artifacts: Artifacts, contract: str, event: str) -> dict[str, Any]:
    return next(
        entry for entry in artifacts[contract].abi if entry["type"] == "event" and entry["name"] == event
    )


def encoded(abi: dict[str, Any], values: dict[str, Any], address: str) -> dict[str, Any]:
    """Return the log that a node would give for an event, made with web3's encoder rather than ours."""
    codec = Web3().codec
    signature = f"{abi['name']}({','.join(given['type'] for given in abi['inputs'])})"
    indexed = [given for given in abi["inputs"] if given["indexed"]]
    in_data = [given for given in abi["inputs"] if not given["indexed"]]
    topics = [Web3.keccak(text=signature)] + [
        codec.encode([given["type"]], [values[given["name"]]]) for given in indexed
    ]
    data = codec.encode([given["type"] for given in in_data], [values[given["name"]] for given in in_data])
    return {
        "address": address,
        "topics": ["0x" + bytes(topic).hex() for topic in topics],
        "data": "0x" + data.hex(),
        "blockNumber": "0x10",
        "blockHash": "0x" + "ab" * 32,
        "transactionHash": "0x" + "cd" * 32,
        "transactionIndex": "0x0",
        "logIndex": "0x3",
        "removed": False,
    }


def test_every_event_of_the_core_comes_from_exactly_one_event_of_a_contract() -> None:
    assert sorted(kind.__name__ for kind, _ in FOLLOWED.values()) == sorted(EVENT_KINDS)


@pytest.mark.parametrize(("contract", "event"), list(FOLLOWED))
@given(data=st.data())
def test_a_log_is_decoded_as_web3_decodes_it(
    contract: str, event: str, data: st.DataObject, artifacts: Artifacts, decoder: LogDecoder
) -> None:
    abi = abi_of(artifacts, contract, event)
    values = {
        given["name"]: data.draw(accounts if given["type"] == "address" else words, given["name"])
        for given in abi["inputs"]
    }
    log = encoded(abi, values, ADDRESSES[contract])
    receipt: Any = {
        **log,
        "address": to_checksum_address(log["address"]),
        "topics": [Web3.to_bytes(hexstr=topic) for topic in log["topics"]],
        "data": Web3.to_bytes(hexstr=log["data"]),
    }
    known: dict[str, Any] = dict(get_event_data(Web3().codec, abi, LogReceipt(receipt))["args"])
    found = decoder.decode(log)
    assert found is not None
    assert type(found).__name__ == FOLLOWED[contract, event][0].__name__
    assert (found.at.block_number, found.at.log_index) == (16, 3)
    assert (found.at.block_hash, found.at.transaction_hash) == ("0x" + "ab" * 32, "0x" + "cd" * 32)
    for name in [field.name for field in fields(found)[1:] if field.default is MISSING]:
        camel = "".join(part.capitalize() for part in name.split("_"))
        (argument,) = {name, camel[0].lower() + camel[1:], *ARGUMENT_OF.get(name, ())} & set(known)
        expected = known[argument]
        assert getattr(found, name) == (expected.lower() if isinstance(expected, str) else expected), name


def test_events_of_one_name_are_told_apart_by_their_contract(
    artifacts: Artifacts, decoder: LogDecoder
) -> None:
    values = {"payer": "0x" + "11" * 20, "account": "0x" + "22" * 20, "amount": 5}
    abi = abi_of(artifacts, "StakedVVV", "Staked")
    assert isinstance(decoder.decode(encoded(abi, values, ADDRESSES["StakedVVV"])), VvvStaked)
    assert isinstance(decoder.decode(encoded(abi, values, ADDRESSES["InferenceStake"])), DiemStaked)


@pytest.mark.parametrize(
    ("contract", "event"), [("StakedVVV", "Accrued"), ("StakedVVV", "TreasuryPaid"), ("VVV", "Transfer")]
)
def test_what_is_not_followed_is_passed_over(
    contract: str, event: str, artifacts: Artifacts, decoder: LogDecoder
) -> None:
    abi = abi_of(artifacts, contract, event)
    values = {given["name"]: "0x" + "00" * 20 if given["type"] == "address" else 1 for given in abi["inputs"]}
    assert decoder.decode(encoded(abi, values, ADDRESSES.get(contract, "0x" + "99" * 20))) is None


def test_an_event_of_another_contract_is_passed_over(artifacts: Artifacts, decoder: LogDecoder) -> None:
    values = {"payer": "0x" + "11" * 20, "account": "0x" + "22" * 20, "amount": 5}
    log = encoded(abi_of(artifacts, "StakedVVV", "Staked"), values, "0x" + "77" * 20)
    assert decoder.decode(log) is None


def test_addresses_and_hashes_are_spelled_in_one_way(artifacts: Artifacts, decoder: LogDecoder) -> None:
    values = {"id": 1, "from": "0x" + "ab" * 20, "to": "0x" + "cd" * 20, "amount": 5, "untilEpoch": 9}
    log = encoded(abi_of(artifacts, "InferenceStake", "Delegated"), values, ADDRESSES["InferenceStake"])
    shouted = {
        name: value.upper().replace("0X", "0x") if isinstance(value, str) else value
        for name, value in log.items()
    } | {"topics": [topic.upper().replace("0X", "0x") for topic in log["topics"]]}
    found = decoder.decode(shouted)
    assert isinstance(found, Delegated)
    assert found == decoder.decode(log)
    assert (found.wallet, found.receiver) == ("0x" + "ab" * 20, "0x" + "cd" * 20)
    assert found.at.block_hash == "0x" + "ab" * 32


TOPIC = "0x" + "00" * 31 + "01"
WORD = "00" * 31 + "01"


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("a log of a block that is gone", {"removed": True}),
        ("a flag that is no flag", {"removed": "no"}),
        ("a topic too few", {"topics": ["first"]}),
        ("a topic too many", {"topics": ["first", TOPIC, TOPIC, TOPIC]}),
        ("a short topic", {"topics": ["first", "0x01", TOPIC]}),
        ("topics that are no list", {"topics": "first"}),
        ("no topics", {"topics": []}),
        ("a topic that is no text", {"topics": [5]}),
        ("no data", {"data": "0x"}),
        ("data missing", {"data": None}),
        ("a word too few", {"data": "0x" + WORD}),
        ("a word too many", {"data": "0x" + 3 * WORD}),
        ("half a digit too many", {"data": "0x" + 2 * WORD + "0"}),
        ("data that is no hex", {"data": "0x" + WORD + "zz" * 32}),
        ("data with a sign", {"data": "0x" + WORD + "-" + WORD[1:]}),
        ("data with a space", {"data": "0x" + WORD + " " + WORD[1:]}),
        ("data with two spaces", {"data": "0x" + WORD + "  " + WORD[2:]}),
        ("data with an underscore", {"data": "0x" + WORD + "1_" + WORD[2:]}),
        ("a number of a block beyond all bounds", {"blockNumber": hex(2**64)}),
        ("a negative number of a block", {"blockNumber": "-0x1"}),
        ("a number of a block that is no hex", {"blockNumber": "16"}),
        ("a number of a block that is a number", {"blockNumber": 16}),
        ("a pending block", {"blockNumber": None, "blockHash": None}),
        ("no index", {"logIndex": None}),
        ("a short hash", {"blockHash": "0xabcd"}),
        ("an address that is none", {"address": "0x1234"}),
        ("an account above 160 bits", {"topics": ["first", "0x" + "01" * 32, TOPIC]}),
    ],
)
def test_a_malformed_log_is_not_believed(
    case: str, change: dict[str, Any], artifacts: Artifacts, decoder: LogDecoder
) -> None:
    abi = abi_of(artifacts, "InferenceStake", "AllowanceChanged")
    values = {"account": "0x" + "22" * 20, "epoch": 1, "current": 2, "next": 3}
    log = encoded(abi, values, ADDRESSES["InferenceStake"])
    assert decoder.decode(log) == AllowanceChanged(decoder.decode(log).at, "0x" + "22" * 20, 1, 2, 3)  # type: ignore[union-attr]
    if isinstance(change.get("topics"), list):
        change = {"topics": [log["topics"][0] if topic == "first" else topic for topic in change["topics"]]}
    with pytest.raises(InconsistentNode):
        decoder.decode(log | change)
    assert case


@pytest.mark.parametrize("log", [None, [], "log", 5])
def test_a_log_that_is_no_object_is_not_believed(log: object, decoder: LogDecoder) -> None:
    with pytest.raises(InconsistentNode):
        decoder.decode(log)


@pytest.mark.parametrize(
    ("case", "old", "new"),
    [
        ("an event that is gone", '"name": "Staked"', '"name": "Entered"'),
        ("an argument of another name", '"name": "account"', '"name": "owner"'),
        ("an argument of another type", '"type": "uint256"', '"type": "uint128"'),
    ],
)
def test_contracts_that_do_not_fit_the_table_are_refused(
    case: str, old: str, new: str, artifacts: Artifacts
) -> None:
    station = artifacts["StakedVVV"]
    changed = replace(station, abi=json.loads(json.dumps(station.abi).replace(old, new)))
    assert changed.abi != station.abi, case
    others = replace(artifacts, contracts=artifacts.contracts | {"StakedVVV": changed})
    with pytest.raises(SetupError, match=r"chain/decode\.py"):
        LogDecoder(others, ADDRESSES)
