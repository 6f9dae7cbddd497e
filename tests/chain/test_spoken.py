"""Logs taken together: neighbours share their block, and each is held to it all the same."""

import pytest

from entitlement.chain.decode import Read
from entitlement.chain.spoken import Spoken
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, RangeTooFull
from entitlement.core.events import LogPlace

HEADERS = [Header(7, "0xa", "0x9", 84), Header(8, "0xb", "0xa", 96)]
STAKED = ("0xstation", "0xstaked")


def taken(*places: tuple[int, int, str], most: int = 9) -> list[str]:
    """What is kept of logs at these (block, index, hash), each named by its place."""
    spoken = Spoken[str](HEADERS, {STAKED: 1})
    reads: list[Read[str]] = [
        (LogPlace(number, index, block_hash, "0xt"), STAKED, f"{number}:{index}")
        for number, index, block_hash in places
    ]
    spoken.take(reads, most=most)
    return spoken.in_order()


def test_logs_are_kept_in_the_order_of_their_blocks() -> None:
    assert taken((7, 0, "0xa"), (7, 3, "0xa"), (8, 1, "0xb")) == ["7:0", "7:3", "8:1"]
    assert taken((8, 1, "0xb"), (7, 0, "0xa"), (8, 2, "0xb")) == ["7:0", "8:1", "8:2"]


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ((8, 1, "0xa"), "not one of them"),
        ((6, 1, "0xa"), "not one of them"),
        ((7, 1, "0xb"), "not one of them"),
        ((7, 0, "0xa"), "came behind"),
    ],
)
def test_a_log_beside_another_of_its_block_is_held_to_number_hash_and_order(
    second: tuple[int, int, str], why: str
) -> None:
    with pytest.raises(InconsistentNode, match=why):
        taken((7, 0, "0xa"), second)


def test_an_order_that_is_broken_by_a_turn_through_another_block_is_found() -> None:
    with pytest.raises(InconsistentNode, match="came behind"):
        taken((7, 3, "0xa"), (8, 0, "0xb"), (7, 2, "0xa"))


def test_more_than_may_come_at_once_is_refused_and_as_many_are_not() -> None:
    three = ((7, 0, "0xa"), (7, 1, "0xa"), (8, 0, "0xb"))
    assert len(taken(*three, most=3)) == 3
    with pytest.raises(RangeTooFull):
        taken(*three, most=2)
