from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.chain.bloom import BloomWatch, bits_of
from entitlement.chain.decode import LogDecoder
from entitlement.chain.rpc import HASHES_ONLY
from tests.chain.system import System

entries = st.lists(st.binary(min_size=20, max_size=32), min_size=1, max_size=40)


@given(entries, st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))
def test_what_was_put_into_a_filter_is_never_denied(
    others: list[bytes], address: bytes, topic: bytes
) -> None:
    watch = BloomWatch({"0x" + address.hex(): ["0x" + topic.hex()]})
    bloom = bits_of(address) | bits_of(topic)
    for other in others:
        bloom |= bits_of(other)
    assert watch.may_say(bloom)
    for missing in (bits_of(address), bits_of(topic)):
        lowest = missing & -missing
        assert not watch.may_say(bloom & ~lowest)


@given(st.binary())
def test_an_entry_sets_at_most_three_of_2048_bits(entry: bytes) -> None:
    assert 1 <= bits_of(entry).bit_count() <= 3
    assert bits_of(entry) < 2**2048


def test_a_nodes_own_filter_is_the_one_of_its_blocks_logs(system: System) -> None:
    system.fund(1, 10)
    system.devnet.set_next_timestamp(system.devnet.head().timestamp + 10)
    receipt = system.transact(1, "StakedVVV", "stake", system.address(2), 10**18)
    number = hex(receipt["blockNumber"])
    block = system.rpc.call("eth_getBlockByNumber", number, HASHES_ONLY)
    logs: list[dict[str, Any]] = system.rpc.call("eth_getLogs", {"fromBlock": number, "toBlock": number})
    expected = 0
    for log in logs:
        for entry in (log["address"], *log["topics"]):
            expected |= bits_of(bytes.fromhex(entry[2:]))
    assert len(logs) == 4  # the transfer and the stake, and what accrued with it
    assert int(block["logsBloom"], 16) == expected


@pytest.mark.parametrize("speaks", [True, False])
def test_a_block_with_our_events_may_speak_and_an_empty_one_not(*, speaks: bool, system: System) -> None:
    watch = BloomWatch(LogDecoder(system.artifacts, system.deployment.addresses).topics_of)
    system.fund(3, 10)
    if speaks:
        system.transact(3, "StakedVVV", "stake", system.address(3), 10**18)
    else:
        system.devnet.mine()
    block = system.rpc.call("eth_getBlockByNumber", "latest", HASHES_ONLY)
    assert bool(watch.may_say(int(block["logsBloom"], 16))) is speaks
