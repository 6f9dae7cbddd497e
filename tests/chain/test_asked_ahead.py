"""Answers fetched ahead: each is taken once, for exactly its range, and a failure is its taker's."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import pytest

from entitlement.chain import client
from entitlement.chain.asked_ahead import AskedAhead, Logs
from entitlement.chain.log_ranges import LogRanges
from entitlement.chain.piecewise import ITEMS_PER_PIECE, Piecewise, drained
from entitlement.core.errors import NodeUnavailable, RangeTooFull
from tests.chain.system import DEPLOYER, System

Ahead = AskedAhead[str, str]
LOGS = Logs(Piecewise(iter(["a log"])), ["a log"])
ONE = 10**18


def begun(*, first: int = 5, last: int = 8) -> Ahead:
    ahead = Ahead()
    ahead.begin(first, last, a_block, lambda: LOGS)
    return ahead


def a_block() -> Piecewise[str]:
    return Piecewise(iter(["a block"]))


def taken(blocks: Piecewise[str] | None) -> list[str] | None:
    return None if blocks is None else list(blocks)


def test_an_answer_is_taken_once() -> None:
    ahead = begun()
    assert taken(ahead.take_blocks(5, 8)) == ["a block"]
    assert ahead.take_logs(5, 8) == LOGS
    assert ahead.take_logs(5, 8) is None
    assert ahead.take_blocks(5, 8) is None


@pytest.mark.parametrize("other", [(5, 7), (4, 8), (6, 8), (5, 9)])
def test_another_range_is_asked_for_anew(other: tuple[int, int]) -> None:
    ahead = begun()
    assert ahead.take_blocks(*other) is None
    assert taken(ahead.take_blocks(5, 8)) == ["a block"]
    assert ahead.take_logs(*other) is None


def test_logs_are_of_the_same_time_as_the_blocks_that_were_taken() -> None:
    """Whose blocks were read anew has read another chain, perhaps."""
    assert begun().take_logs(5, 8) is None
    again = begun()
    again.take_blocks(5, 8)
    again.take_blocks(5, 8)
    assert again.take_logs(5, 8) is None


def test_what_nobody_took_is_forgotten_when_another_range_is_begun() -> None:
    ahead = begun()
    ahead.begin(9, 12, lambda: Piecewise(iter(["another"])), lambda: LOGS)
    assert ahead.take_blocks(5, 8) is None
    assert taken(ahead.take_blocks(9, 12)) == ["another"]


def test_a_failure_is_told_once_to_who_asks_for_the_answer() -> None:
    def fail() -> NoReturn:
        raise NodeUnavailable(method="eth_getBlockByNumber", reason="not today")

    ahead = Ahead()
    ahead.begin(5, 8, fail, lambda: LOGS)
    with pytest.raises(NodeUnavailable, match="not today"):
        ahead.take_blocks(5, 8)
    assert ahead.take_blocks(5, 8) is None, "who asks again wants a new answer"
    assert ahead.take_logs(5, 8) is None
    ahead.begin(5, 8, a_block, fail)
    ahead.take_blocks(5, 8)
    with pytest.raises(NodeUnavailable, match="not today"):
        ahead.take_logs(5, 8)
    assert ahead.take_logs(5, 8) is None


def test_it_is_fetched_while_others_work() -> None:
    ahead, is_asked, may_answer = Ahead(), threading.Event(), threading.Event()

    def blocks() -> Piecewise[str]:
        is_asked.set()
        assert may_answer.wait(60)
        return a_block()

    ahead.begin(5, 8, blocks, lambda: LOGS)
    assert is_asked.wait(60), "nobody needs to ask for it"
    may_answer.set()
    assert taken(ahead.take_blocks(5, 8)) == ["a block"]


def test_what_has_come_is_read_in_pieces_by_whoever_has_a_moment() -> None:
    blocks, reads = Made(3 * ITEMS_PER_PIECE), Made(ITEMS_PER_PIECE)
    ahead = AskedAhead[int, int]()
    assert not ahead.read_piece(), "nothing was asked for"
    ahead.begin(5, 8, lambda: Piecewise(blocks), lambda: Logs(Piecewise(reads), []))
    until(lambda: ahead._asked is not None and ahead._asked.logs.done())
    assert ahead.read_piece()
    assert (blocks.made, reads.made) == (ITEMS_PER_PIECE, 0)
    found = ahead.take_blocks(5, 8)
    assert found is not None
    while ahead.read_piece():
        pass
    assert (blocks.made, reads.made) == (ITEMS_PER_PIECE, ITEMS_PER_PIECE), "what is taken is its taker's"
    assert list(found) == list(range(3 * ITEMS_PER_PIECE))
    logs = ahead.take_logs(5, 8)
    assert logs is not None
    assert not ahead.read_piece()
    assert list(logs.reads) == list(range(ITEMS_PER_PIECE))


def test_what_is_wrong_with_an_item_is_told_when_it_is_asked_for() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third")

    for pieces in (0, 5):
        ahead, read = Piecewise(items()), list[int]()
        for _ in range(pieces):
            ahead.make_piece()
        with pytest.raises(ValueError, match="the third"):
            one_by_one(ahead, read)
        assert read == [1, 2]


def test_a_list_that_is_drained_lets_go_of_what_was_yielded() -> None:
    items = list(range(5))
    left = [(each, len(items)) for each in drained(items)]
    assert left == [(0, 4), (1, 3), (2, 2), (3, 1), (4, 0)]


def test_a_reader_that_was_told_what_comes_next_answers_the_same_and_does_not_ask_again(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = system.reader
    for _ in range(3):
        system.transact(DEPLOYER, "VVV", "approve", system.contracts.address("StakedVVV"), ONE)
        system.transact(DEPLOYER, "StakedVVV", "stake", system.address(1), ONE)
    head = reader.head().number
    headers = reader.headers(head - 5, head)
    events = reader.events(headers)
    assert len(events) == 3
    reader.expect(head - 5, head)
    with monkeypatch.context() as patched:

        def ask_again(*_: object) -> None:
            raise AssertionError("it was fetched")

        reader._ahead._asked.logs.result(60)  # type: ignore[union-attr]
        patched.setattr(reader, "_blocks", ask_again)
        patched.setattr(LogRanges, "logs", ask_again)
        assert reader.headers(head - 5, head) == headers
        assert reader.events(headers) == events
    assert reader.events(headers) == events, "from the node again"


def test_what_is_too_full_is_too_full_when_it_was_fetched_ahead(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LOGS_AT_ONCE", 2)
    reader = system.reader
    for _ in range(3):
        system.transact(DEPLOYER, "VVV", "approve", system.contracts.address("StakedVVV"), ONE)
        system.transact(DEPLOYER, "StakedVVV", "stake", system.address(1), ONE)
    head = reader.head().number
    reader.expect(head - 5, head)
    with pytest.raises(RangeTooFull):
        reader.events(reader.headers(head - 5, head))
    reader.expect(head, head)
    assert len(reader.events(reader.headers(head, head))) == 1


def test_pieces_change_no_answer(system: System) -> None:
    reader = system.reader
    for _ in range(3):
        system.transact(DEPLOYER, "VVV", "approve", system.contracts.address("StakedVVV"), ONE)
        system.transact(DEPLOYER, "StakedVVV", "stake", system.address(1), ONE)
    head = reader.head().number
    headers = reader.headers(head - 5, head)
    events = reader.events(headers)
    reader.expect(head - 5, head)
    until(lambda: reader._ahead._asked is not None and reader._ahead._asked.logs.done())
    pieces = 0
    while reader.read_piece():
        pieces += 1
    assert pieces >= 2, "the blocks, and their logs"
    assert reader.headers(head - 5, head) == headers
    assert reader.events(headers) == events


def one_by_one(items: Iterable[int], read: list[int]) -> None:
    for each in items:
        read.append(each)  # noqa: PERF402 - a list would be lost with an error


@dataclass
class Made:
    """Numbers from zero, and how many of them were made."""

    most: int
    made: int = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self.made == self.most:
            raise StopIteration
        self.made += 1
        return self.made - 1


def until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)
