"""The block that a moment falls behind is found by halving; a node that contradicts itself is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.chain.block_times import last_block_before
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode


def chain_of(times: list[int]) -> list[Header]:
    return [Header(number, f"0x{number:064x}", "", time) for number, time in enumerate(times)]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=200), st.integers(1, 12_000))
def test_it_is_the_last_block_with_a_time_before_the_moment(gaps: list[int], moment: int) -> None:
    times = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    blocks = chain_of([0, *times])
    asked: list[int] = []

    def header(number: int) -> Header | None:
        asked.append(number)
        return blocks[number]

    found = last_block_before(moment, header, low=blocks[0], high=blocks[-1])
    assert found == [block for block in blocks if block.timestamp < moment][-1]
    assert len(asked) <= len(blocks).bit_length()


def test_a_block_that_is_missing_or_of_a_time_that_cannot_be_is_not_believed() -> None:
    blocks = chain_of([0, 10, 20, 30, 40])
    for wrong in (None, Header(2, "0x", "", 41), Header(2, "0x", "", -1)):
        with pytest.raises(InconsistentNode):
            last_block_before(25, lambda _, wrong=wrong: wrong, low=blocks[0], high=blocks[-1])
