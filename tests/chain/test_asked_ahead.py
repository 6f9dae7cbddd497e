"""Answers fetched ahead: each is taken once, for exactly its range, and a failure is its taker's."""

import threading

import pytest

from entitlement.chain import client
from entitlement.chain.asked_ahead import AskedAhead, Logs
from entitlement.chain.log_ranges import LogRanges
from entitlement.core.errors import NodeUnavailable, RangeTooFull
from tests.chain.system import DEPLOYER, System

LOGS = Logs(["a log"], ["a log"])
ONE = 10**18


def begun(*, first: int = 5, last: int = 8) -> AskedAhead:
    ahead = AskedAhead()
    ahead.begin(first, last, lambda: ["a block"], lambda: LOGS)
    return ahead


def test_an_answer_is_taken_once() -> None:
    ahead = begun()
    assert ahead.take_blocks(5, 8) == ["a block"]
    assert ahead.take_logs(5, 8) == LOGS
    assert ahead.take_logs(5, 8) is None
    assert ahead.take_blocks(5, 8) is None


@pytest.mark.parametrize("other", [(5, 7), (4, 8), (6, 8), (5, 9)])
def test_another_range_is_asked_for_anew(other: tuple[int, int]) -> None:
    ahead = begun()
    assert ahead.take_blocks(*other) is None
    assert ahead.take_blocks(5, 8) == ["a block"]
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
    ahead.begin(9, 12, lambda: ["another"], lambda: LOGS)
    assert ahead.take_blocks(5, 8) is None
    assert ahead.take_blocks(9, 12) == ["another"]


def test_a_failure_is_told_once_to_who_asks_for_the_answer() -> None:
    def fail() -> list[object]:
        raise NodeUnavailable(method="eth_getBlockByNumber", reason="not today")

    ahead = AskedAhead()
    ahead.begin(5, 8, fail, lambda: LOGS)
    with pytest.raises(NodeUnavailable, match="not today"):
        ahead.take_blocks(5, 8)
    assert ahead.take_blocks(5, 8) is None, "who asks again wants a new answer"
    assert ahead.take_logs(5, 8) is None
    ahead.begin(5, 8, lambda: ["a block"], fail)  # type: ignore[arg-type]
    ahead.take_blocks(5, 8)
    with pytest.raises(NodeUnavailable, match="not today"):
        ahead.take_logs(5, 8)
    assert ahead.take_logs(5, 8) is None


def test_it_is_fetched_while_others_work() -> None:
    ahead, is_asked, may_answer = AskedAhead(), threading.Event(), threading.Event()

    def blocks() -> list[object]:
        is_asked.set()
        assert may_answer.wait(60)
        return ["a block"]

    ahead.begin(5, 8, blocks, lambda: LOGS)
    assert is_asked.wait(60), "nobody needs to ask for it"
    may_answer.set()
    assert ahead.take_blocks(5, 8) == ["a block"]


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
