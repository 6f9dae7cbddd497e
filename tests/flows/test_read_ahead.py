"""Reading ahead: ranges follow what is in them, and what was read in vain is never used."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, RangeTooFull
from entitlement.core.events import ChainEvent, DiemStaked, LogPlace
from entitlement.core.units import Wei
from entitlement.flows.read_ahead import FIRST_BLOCKS, ReadAhead
from tests.support import ScriptedChain, wallet_number

AT_ONCE = 200
WANTED = 80
"""As outside of tests, less than half of what may come at once."""


def stakes(at: LogPlace) -> ChainEvent:
    return DiemStaked(at, wallet_number(1), Wei(1))


@dataclass
class Watched(ScriptedChain):
    """A chain that takes note of the ranges it is asked for, and has a bound on what it gives at once."""

    ranges: list[int] = field(default_factory=list[int])
    refused: list[int] = field(default_factory=list[int])

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        self.ranges.append(len(headers))
        found = super().events(headers)
        if len(found) > AT_ONCE and len(headers) > 1:
            self.refused.append(len(headers))
            raise RangeTooFull(first=headers[0].number, last=headers[-1].number, logs_max=AT_ONCE)
        return found


def chain_of(*events_in_blocks: int) -> Watched:
    chain = Watched()
    for events in events_in_blocks:
        chain.mine(*[stakes] * events)
    return chain


def test_an_empty_history_is_read_in_ever_longer_ranges() -> None:
    chain = chain_of(*[0] * 500)
    blocks = ReadAhead(chain, blocks_max=300).read(chain.headers_[0], to=500)
    assert blocks.headers == chain.headers_[1:301]
    assert chain.ranges[:4] == [FIRST_BLOCKS, FIRST_BLOCKS * 4, FIRST_BLOCKS * 16, 300 - FIRST_BLOCKS * 21]


def test_a_sudden_crowd_is_read_in_smaller_ranges_and_nothing_of_it_is_lost() -> None:
    chain = chain_of(*[0] * 100, *[10] * 60)
    reading = ReadAhead(chain, blocks_max=2_000, events_wanted=WANTED)
    head, events = chain.headers_[0], list[ChainEvent]()
    while head != chain.headers_[-1]:
        blocks = reading.read(head, to=160)
        head, events = blocks.headers[-1], events + blocks.events
    assert events == chain.all_events(to=160)
    # One that ran into the crowd was refused, and perhaps one that came from the quiet before it.
    assert 1 <= len(chain.refused) <= 2
    assert [blocks * 10 <= WANTED for blocks in chain.ranges[-4:]] == [True] * 4


def test_a_range_ends_when_it_holds_what_is_wanted() -> None:
    chain = chain_of(*[10] * 40)
    blocks = ReadAhead(chain, blocks_max=2_000, events_wanted=WANTED).read(chain.headers_[0], to=40)
    assert WANTED <= len(blocks.events) < 2 * WANTED


def test_a_reader_is_told_of_the_next_range_and_only_of_a_whole_one() -> None:
    chain = chain_of(*[1] * 40)
    reading = ReadAhead(chain, blocks_max=8)
    last = reading.read(chain.headers_[0], to=40).headers[-1]
    reading.expect(last, to=40)
    assert chain.expected == [(9, 16)]
    asked = reading.read(last, to=40)
    assert (asked.headers[0].number, asked.headers[-1].number) == (9, 16)
    reading.expect(chain.headers_[33], to=40)
    assert chain.expected == [(9, 16)], "seven blocks are left, and ranges are of eight"


def test_blocks_that_do_not_follow_the_cursor_are_not_believed() -> None:
    ours, theirs = chain_of(1, 1, 1), Watched(salt="another chain")
    for _ in range(4):
        theirs.mine(stakes)
    with pytest.raises(InconsistentNode, match="does not follow"):
        ReadAhead(theirs, blocks_max=10).read(ours.headers_[2], to=4)
