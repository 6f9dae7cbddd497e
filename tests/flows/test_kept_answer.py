"""An answer that is kept: who finds it, who waits, and what is told when it cannot be found."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from entitlement.core.errors import NodeUnavailable, NotReadYet
from entitlement.flows.kept_answer import WAITING_MAX, Held, KeepingTimes, KeptAnswer

LONG = 60.0
TIMES = KeepingTimes(fresh=10, patience=LONG, retry=5)
IMPATIENT = KeepingTimes(fresh=10, patience=0, retry=5)


@dataclass
class Source:
    """Finds numbers, when it is let."""

    time: float = 0.0
    found: int = 0
    failure: Exception | None = None
    may_end: threading.Event = field(default_factory=threading.Event)
    has_begun: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    def find(self) -> int:
        self.found += 1
        number = self.found
        self.has_begun.set()
        assert self.may_end.wait(LONG)
        if self.failure is not None:
            raise self.failure
        return number

    def kept(self, times: KeepingTimes = TIMES) -> KeptAnswer[int]:
        return KeptAnswer(self.find, "a number", times, clock=lambda: self.time)


def side_by_side(count: int, act: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_a_fresh_answer_is_told_again_and_an_older_one_is_found_anew() -> None:
    source = Source()
    kept = source.kept()
    assert kept.get() == Held(1, 0.0, is_stale=False, problem=None)
    source.time = 9.9
    assert kept.get() == Held(1, 9.9, is_stale=False, problem=None)
    source.time = 10.0
    assert kept.get() == Held(2, 0.0, is_stale=False, problem=None)


def test_of_many_who_ask_at_once_one_finds_it_for_all() -> None:
    source = Source()
    source.may_end.clear()
    kept, told = source.kept(), list[int]()
    threads = side_by_side(WAITING_MAX, lambda: told.append(kept.get().value))
    assert source.has_begun.wait(LONG)
    source.may_end.set()
    for thread in threads:
        thread.join(LONG)
    assert told == [1] * WAITING_MAX
    assert source.found == 1


def test_so_many_wait_and_no_more() -> None:
    source = Source()
    source.may_end.clear()
    kept, told = source.kept(), list[int]()
    waiting = side_by_side(WAITING_MAX, lambda: told.append(kept.get().value))
    while kept._waiting < WAITING_MAX:
        assert source.has_begun.wait(LONG)
    with pytest.raises(NotReadYet):
        kept.get()
    source.may_end.set()
    for thread in waiting:
        thread.join(LONG)
    assert told == [1] * WAITING_MAX


def test_whoever_is_told_of_a_failure_leaves_nothing_behind_in_it() -> None:
    source = Source(failure=NodeUnavailable(method="eth_call", reason="gone"))
    kept, lengths = source.kept(), set[int]()
    for _ in range(5):
        with pytest.raises(NodeUnavailable) as told:
            kept.get()
        lengths.add(len(told.traceback))
    assert source.found == 1
    assert len(lengths) == 1


def test_while_a_newer_one_is_being_found_the_old_one_is_told_with_its_age() -> None:
    source = Source()
    source.may_end.clear()
    kept = source.kept(IMPATIENT)
    with pytest.raises(NotReadYet):
        kept.get()
    source.may_end.set()
    wait_until(kept, lambda held: held.value == 1)
    source.may_end.clear()
    source.time = 30.0
    assert kept.get() == Held(1, 30.0, is_stale=True, problem=None)
    assert kept.get() == Held(1, 30.0, is_stale=True, problem=None)
    source.may_end.set()
    wait_until(kept, lambda held: held.value == 2)


def wait_until(kept: KeptAnswer[int], holds: Callable[[Held[int]], bool]) -> None:
    with kept._changed:
        assert kept._changed.wait_for(lambda: not kept._is_finding, LONG)
    assert holds(kept.get())


def test_where_none_can_be_found_the_old_one_is_told_with_the_reason_and_nobody_tries_at_once_again() -> None:
    source = Source()
    kept = source.kept()
    kept.get()
    source.failure, source.time = NodeUnavailable(method="eth_call", reason="no answer in time"), 20.0
    assert kept.get() == Held(1, 20.0, is_stale=True, problem=str(source.failure))
    source.time = 24.9
    assert kept.get().value == 1
    assert source.found == 2
    source.failure, source.time = None, 25.0
    assert kept.get() == Held(3, 0.0, is_stale=False, problem=None)


def test_what_nobody_expected_is_not_told_in_its_own_words() -> None:
    source = Source()
    kept = source.kept()
    kept.get()
    source.failure, source.time = ValueError("a secret"), 20.0
    assert kept.get().problem == "an error on our side"


def test_where_there_never_was_one_the_failure_itself_is_raised() -> None:
    source = Source(failure=NodeUnavailable(method="eth_call", reason="no answer in time"))
    kept = source.kept()
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            kept.get()
    assert source.found == 1
    source.failure, source.time = None, 5.0
    assert kept.get().value == 2
