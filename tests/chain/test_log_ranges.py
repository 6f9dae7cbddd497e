"""Ranges of logs against nodes that take only so much: nothing is lost, and what was learned is kept."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement import metrics
from entitlement.chain.log_ranges import ANSWERS_UNTIL_DOUBT, LOGS_AIMED_AT, LogRanges
from entitlement.chain.refusals import RefusedByNode, Throttled, TooSlow, refusal_of
from entitlement.chain.rpc import Rpc
from entitlement.core.errors import InconsistentNode, NodeUnavailable

LARGEST = 2_000
Refuses = Callable[[int, int], str | None]


@dataclass
class Node(Rpc):
    """A node with logs in some blocks, which refuses as it is told."""

    logs: dict[int, int] = field(default_factory=dict)
    """How many there are in each block."""
    refuses: Refuses = lambda _first, _last: None
    name: str = "one"
    asked: list[int] = field(default_factory=list)
    refused: int = 0

    @property
    def chosen(self) -> str:
        return self.name

    def doubt(self, reason: str) -> None:
        pass

    @property
    def _batch_most(self) -> int:
        return 1

    def close(self) -> None:
        pass

    def _results(
        self, method: str, params: Sequence[Sequence[object]], *, patient: bool, batched: bool
    ) -> list[Any]:
        assert not batched
        ((wanted,),) = params
        assert isinstance(wanted, dict)
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        assert patient == (first == last)
        self.asked.append(last - first + 1)
        words = self.refuses(first, last)
        if words is not None:
            self.refused += 1
            raise refusal_of(method, {"code": -32602, "message": words})
        return [
            [
                (number, index)
                for number in range(first, last + 1)
                for index in range(self.logs.get(number, 0))
            ]
        ]


def above(blocks: int, words: str = "block range too large") -> Refuses:
    return lambda first, last: words if last - first + 1 > blocks else None


def more_logs_than(node: Node, most: int, words: str) -> Refuses:
    def refuses(first: int, last: int) -> str | None:
        return words if sum(node.logs.get(number, 0) for number in range(first, last + 1)) > most else None

    return refuses


def expected(node: Node, first: int, last: int) -> list[tuple[int, int]]:
    return [(number, index) for number in range(first, last + 1) for index in range(node.logs.get(number, 0))]


@given(
    cap=st.integers(1, 300),
    first=st.integers(1, 50),
    blocks=st.integers(1, 400),
    logs=st.dictionaries(st.integers(1, 450), st.integers(1, 3), max_size=20),
    words=st.sampled_from(
        [
            "block range too large",
            "exceed maximum block range: {}",
            "不允许",
            "query returned more than 3 results",
        ]
    ),
)
def test_whatever_a_node_takes_every_log_comes_once_and_in_order(
    *, cap: int, first: int, blocks: int, logs: dict[int, int], words: str
) -> None:
    node = Node(logs, above(cap, words.format(cap)))
    last = first + blocks - 1
    assert list(LogRanges(LARGEST).logs(node, {}, first, last)) == expected(node, first, last)


def test_a_limit_that_the_node_names_costs_one_refusal() -> None:
    node, ranges = Node(refuses=above(500, "exceed maximum block range: 500")), LogRanges(LARGEST)
    list(ranges.logs(node, {}, 1, 50_000))
    assert node.refused == 1
    assert node.asked[0] == LARGEST
    assert set(node.asked[1:]) == {500}


@pytest.mark.parametrize("words", ["block range is too wide", "nicht so viel"])
@pytest.mark.parametrize("cap", [1, 3, 100, 499, 500, 1_999])
def test_a_limit_without_a_name_is_found_by_halving_and_kept(cap: int, words: str) -> None:
    node, ranges = Node(refuses=above(cap, words)), LogRanges(LARGEST)
    list(ranges.logs(node, {}, 1, 100 * cap))
    assert node.refused <= 16
    assert ranges.size("one") == cap
    node.asked.clear()
    list(ranges.logs(node, {}, 1, 100 * cap))
    assert set(node.asked) == {cap}


def test_what_was_learned_is_kept_for_each_node_by_itself() -> None:
    ranges = LogRanges(LARGEST)
    narrow, wide = Node(refuses=above(10, "Max range: 10"), name="narrow"), Node(name="wide")
    list(ranges.logs(narrow, {}, 1, 100))
    list(ranges.logs(wide, {}, 1, 4_000))
    assert (ranges.size("narrow"), ranges.size("wide")) == (10, LARGEST)
    assert wide.asked == [2_000, 2_000]
    assert metrics.RANGE_BLOCKS.labels("narrow")._value.get() == 10


def test_a_limit_is_doubted_after_a_while() -> None:
    node, ranges = Node(refuses=above(100, "Max range: 100")), LogRanges(LARGEST)
    list(ranges.logs(node, {}, 1, 1_000))
    node.refuses = above(400, "Max range: 400")  # a better plan was bought
    list(ranges.logs(node, {}, 1, 100 * (ANSWERS_UNTIL_DOUBT + 20)))
    assert ranges.size("one") == 400


def test_answers_are_aimed_at_a_handy_size() -> None:
    node, ranges = Node(dict.fromkeys(range(1, 3000), 100)), LogRanges(LARGEST)
    assert len(list(ranges.logs(node, {}, 1, 2_999))) == 299_900
    handy = LOGS_AIMED_AT // 100
    assert node.asked[0] == LARGEST
    assert max(node.asked[1:]) == handy
    list(ranges.logs(node, {}, 10_001, 14_000))  # an empty stretch
    assert ranges.size("one") == LARGEST


def test_a_short_range_with_many_logs_shrinks_the_next_one() -> None:
    node, ranges = Node(dict.fromkeys(range(1, 101), 1_000)), LogRanges(LARGEST)
    list(ranges.logs(node, {}, 1, 100))
    assert ranges.size("one") == LOGS_AIMED_AT // 1_000


def test_a_limit_on_logs_shrinks_the_range_where_they_are_many_and_only_there() -> None:
    node = Node(dict.fromkeys(range(5001, 6001), 20))
    node.refuses = more_logs_than(node, 10_000, "query returned more than 10000 results")
    ranges = LogRanges(LARGEST)
    assert list(ranges.logs(node, {}, 1, 20_000)) == expected(node, 1, 20_000)
    assert node.refused <= 3
    assert ranges.size("one") == LARGEST


def test_a_block_that_is_refused_by_itself_ends_the_question() -> None:
    node, ranges = Node(refuses=above(0, "not today")), LogRanges(LARGEST)
    with pytest.raises(RefusedByNode, match="not today"):
        list(ranges.logs(node, {}, 1, LARGEST))
    assert node.asked == [2_000, 1_000, 500, 250, 125, 62, 31, 15, 7, 3, 1]


def test_a_node_that_wants_a_rest_is_not_asked_for_less() -> None:
    node, ranges = Node(refuses=above(0, "too many requests")), LogRanges(LARGEST)
    with pytest.raises(Throttled):
        list(ranges.logs(node, {}, 1, LARGEST))
    assert node.asked == [LARGEST]
    assert ranges.size("one") == LARGEST


def test_a_node_that_did_not_answer_in_time_is_asked_for_half_the_next_time() -> None:
    class Slow(Node):
        def _results(self, method: str, *_: object, **__: object) -> list[Any]:
            raise TooSlow(method=method, reason="no answer in time")

    ranges = LogRanges(LARGEST)
    for left in (1_000, 500):
        with pytest.raises(NodeUnavailable, match="in time"):
            list(ranges.logs(Slow(), {}, 1, LARGEST))
        assert ranges.size("one") == left


def test_an_answer_that_is_no_list_is_not_believed() -> None:
    class Odd(Node):
        def _results(self, *_: object, **__: object) -> list[Any]:
            return [{"logs": []}]

    with pytest.raises(InconsistentNode, match="not a list"):
        list(LogRanges(LARGEST).logs(Odd(), {}, 1, 2))


def test_ranges_that_are_asked_side_by_side_learn_together() -> None:
    node, ranges = (
        Node(dict.fromkeys(range(1, 20001), 1), above(300, "block range too large")),
        LogRanges(LARGEST),
    )
    with ThreadPoolExecutor(4) as pool:
        parts = list(
            pool.map(lambda first: list(ranges.logs(node, {}, first, first + 1_999)), range(1, 20_001, 2_000))
        )
    assert [log for part in parts for log in part] == expected(node, 1, 20_000)
    assert 280 <= ranges.size("one") <= 300
