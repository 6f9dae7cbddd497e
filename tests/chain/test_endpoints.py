"""Several nodes that stand in for each other: by a clock that only the test moves, and without a network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from entitlement.chain.addresses import addresses_in
from entitlement.chain.endpoints import (
    BLOCKS_BEHIND_MAX,
    DOUBT_SECONDS,
    DOUBTS_MAX,
    WRONG_CHAIN_SECONDS,
    Endpoints,
    open_rpc,
)
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.core.errors import InconsistentNode, NodeUnavailable, WrongChain
from tests.chain.test_pacing import Time

CHAIN = 31_337
LONG = 1_000.0
Answer = Callable[[str, list[Any]], Any]


@dataclass
class Fake:
    """A node: what it answers, and what it was asked."""

    name: str
    head: int = 100
    chain_id: int = CHAIN
    fault: httpx.Response | Exception | None = None
    special: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        body = orjson.loads(request.content)
        questions = body if isinstance(body, list) else [body]
        self.asked += [question["method"] for question in questions]
        if isinstance(self.fault, Exception):
            raise self.fault
        if self.fault is not None:
            return self.fault
        answers = [self._answer(question["id"], question["method"]) for question in questions]
        return httpx.Response(200, json=answers if isinstance(body, list) else answers[0])

    def _answer(self, number: int, method: str) -> dict[str, Any]:
        if method in self.special:
            told = self.special[method]
            return {
                "id": number,
                **(told if isinstance(told, dict) and "error" in told else {"result": told}),
            }
        digest = "0x" + "12" * 32
        block = {"number": hex(self.head), "hash": digest, "parentHash": digest, "timestamp": "0x1"}
        known = {
            "eth_chainId": hex(self.chain_id),
            "eth_blockNumber": hex(self.head),
            "eth_getBlockByNumber": block,
        }
        return {"id": number, "result": known.get(method, self.name)}

    def works(self) -> int:
        """Return how many questions came that are not a trial's."""
        return sum(method not in {"eth_chainId", "eth_blockNumber"} for method in self.asked)


@dataclass
class Pair:
    one: Fake
    two: Fake
    time: Time
    rpc: Endpoints

    def who(self) -> str:
        return self.rpc.call("eth_call")


@contextmanager
def pair_of(**limits: int) -> Iterator[Pair]:
    time, fakes = Time(), [Fake("one"), Fake("two")]
    rpc = Endpoints(
        ["http://one/key", "http://two/key"], RpcLimits(**limits), chain_id=CHAIN, clock=time.clock
    )
    for node, fake in zip(rpc._nodes, fakes, strict=True):
        node.rpc._client.close()
        node.rpc._client = httpx.Client(transport=httpx.MockTransport(fake.handle))
    with rpc:
        yield Pair(*fakes, time, rpc)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with pair_of() as made:
        yield made


def error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def breaker_state(node: str) -> float | None:
    return REGISTRY.get_sample_value("entitlement_node_breaker_state", {"node": node})


def is_chosen(node: str) -> float | None:
    return REGISTRY.get_sample_value("entitlement_node_chosen", {"node": node})


GRAVE = [
    httpx.ReadTimeout("slow"),
    httpx.Response(200, json={"id": 77, "result": "0x1"}),
    httpx.Response(429, headers={"retry-after": "60"}),
]
LIGHT = [
    httpx.ConnectError("no"),
    httpx.RemoteProtocolError("cut"),
    httpx.Response(502),
    httpx.Response(200, content=b"<html>"),
    httpx.Response(429),
    httpx.Response(200, json={"id": 0, **error(-32005, "too many requests")}),
]


def test_one_node_is_asked_for_everything_while_it_is_well(pair: Pair) -> None:
    assert [pair.who() for _ in range(20)] == ["one"] * 20
    assert pair.two.asked == []
    assert (is_chosen("one"), is_chosen("two")) == (1, 0)


@pytest.mark.parametrize("fault", [*GRAVE, *LIGHT])
def test_a_node_in_trouble_is_left_for_the_next_and_no_question_fails(
    fault: httpx.Response | Exception, pair: Pair
) -> None:
    pair.who()
    pair.one.fault = fault
    assert [pair.who() for _ in range(5)] == ["two"] * 5
    assert pair.rpc.chosen == "two"
    tries = 1 if fault in GRAVE else 2
    assert pair.one.works() == 1 + tries
    assert (breaker_state("one"), breaker_state("two")) == (2, 0)
    assert (is_chosen("one"), is_chosen("two")) == (0, 1)


@pytest.mark.parametrize("fault", LIGHT)
def test_a_fault_that_passes_at_once_changes_nothing(fault: httpx.Response | Exception, pair: Pair) -> None:
    pair.who()
    pair.one.fault = fault
    sleep = pair.time.clock.sleep

    def recover(seconds: float) -> None:
        pair.one.fault = None
        sleep(seconds)

    object.__setattr__(pair.time.clock, "sleep", recover)
    assert pair.who() == "one"
    assert pair.two.asked == []


def test_the_preferred_node_is_taken_again_when_it_is_well_and_not_before(pair: Pair) -> None:
    pair.one.fault = httpx.Response(502)
    assert pair.who() == "two"
    pair.one.asked.clear()
    assert pair.who() == "two"
    assert pair.one.asked == []  # it has its rest
    pair.time.now += LONG
    assert pair.who() == "two"
    assert pair.one.asked == ["eth_chainId"]  # its trial failed
    pair.one.fault = None
    assert pair.who() == "two"
    pair.time.now += LONG
    assert pair.who() == "one"
    assert pair.one.asked[-3:] == ["eth_chainId", "eth_blockNumber", "eth_call"]


def test_a_node_that_comes_back_far_behind_is_not_taken_yet(pair: Pair) -> None:
    pair.one.fault = httpx.Response(502)
    pair.rpc.call("eth_getBlockByNumber", "latest", False)  # noqa: FBT003
    pair.one.fault, pair.one.head = None, pair.two.head - BLOCKS_BEHIND_MAX - 1
    pair.time.now += LONG
    assert pair.who() == "two"
    pair.one.head += 1
    pair.time.now += LONG
    assert pair.who() == "one"


def test_a_node_far_behind_is_better_than_none(pair: Pair) -> None:
    pair.one.fault = httpx.Response(502)
    pair.rpc.call("eth_getBlockByNumber", "latest", False)  # noqa: FBT003
    pair.one.fault, pair.one.head, pair.two.fault = None, 1, httpx.Response(502)
    assert pair.who() == "one"


def test_where_all_are_in_trouble_the_error_is_theirs_and_whoever_is_well_again_is_asked_at_once(
    pair: Pair,
) -> None:
    pair.one.fault = pair.two.fault = httpx.ConnectError("no")
    for _ in range(3):
        with pytest.raises(NodeUnavailable, match="ConnectError"):
            pair.who()
    pair.two.fault = None
    assert pair.who() == "two"  # within the rest of both: the clock has hardly moved
    assert pair.time.now < 1_000 + 30


def test_a_question_that_ends_goes_to_every_node_before_it_fails() -> None:
    with pair_of(tries=1) as pair:
        pair.one.fault = httpx.Response(502)
        assert pair.who() == "two"
        assert pair.time.slept == []


def test_a_node_of_another_chain_is_left_out_loudly_and_the_others_go_on(pair: Pair) -> None:
    pair.one.chain_id = 1
    with capture_logs() as logs:
        assert pair.who() == "two"
    assert [line["log_level"] for line in logs if line["event"] == "node_of_another_chain"] == ["error"]
    assert "chain 1, expected chain 31337" in str(logs)
    assert pair.one.works() == 0
    pair.time.now += WRONG_CHAIN_SECONDS - 1
    asked = len(pair.one.asked)
    assert pair.who() == "two"
    assert len(pair.one.asked) == asked
    pair.one.chain_id = CHAIN
    pair.time.now += LONG
    assert pair.who() == "one"


def test_a_node_that_changes_its_chain_while_it_is_in_use_is_left_out(pair: Pair) -> None:
    pair.who()
    pair.one.chain_id = 1
    assert pair.rpc.call("eth_chainId") == hex(CHAIN)
    assert pair.who() == "two"


def test_a_node_that_comes_back_with_another_chain_is_left_out(pair: Pair) -> None:
    pair.who()
    pair.one.fault = httpx.Response(502)
    pair.who()
    pair.one.fault, pair.one.chain_id = None, 1
    pair.time.now += LONG
    assert pair.who() == "two"


def test_an_answer_that_was_long_under_way_changes_no_choice(pair: Pair) -> None:
    pair.who()
    pair.rpc._answered(pair.rpc._nodes[1])
    assert pair.rpc.chosen == "one"


def test_where_no_node_serves_the_chain_that_is_the_error(pair: Pair) -> None:
    pair.one.chain_id = pair.two.chain_id = 1
    for _ in range(2):
        with pytest.raises(WrongChain):
            pair.who()
    pair.two.fault = httpx.Response(502)
    with pytest.raises(NodeUnavailable):
        pair.who()


def test_a_block_with_a_name_that_is_null_is_a_node_in_trouble(pair: Pair) -> None:
    pair.one.special["eth_getBlockByNumber"] = None
    assert pair.rpc.call("eth_getBlockByNumber", "finalized", False)["number"] == "0x64"  # noqa: FBT003
    pair.two.special["eth_getBlockByNumber"] = None
    with pytest.raises(NodeUnavailable, match="no finalized block yet"):
        pair.rpc.call("eth_getBlockByNumber", "finalized", False)  # noqa: FBT003
    assert pair.rpc.call("eth_getBlockByNumber", "0x65", False) is None  # noqa: FBT003  the chain is shorter


@pytest.mark.parametrize("patient", [True, False])
def test_a_refusal_counts_only_where_another_node_answers(patient: bool, pair: Pair) -> None:  # noqa: FBT001
    pruned = error(-32000, "missing trie node")
    pair.one.special["eth_getLogs"] = pair.two.special["eth_getLogs"] = pruned
    for _ in range(5):
        with pytest.raises(NodeUnavailable, match="missing trie node"):
            pair.rpc.call("eth_getLogs", patient=patient)
    assert pair.who() == "one"
    del pair.two.special["eth_getLogs"]
    assert [pair.rpc.call("eth_getLogs", patient=patient) for _ in range(3)] == ["two"] * 3
    assert pair.rpc.chosen == "two"
    assert pair.one.asked.count("eth_getLogs") < 20


def test_a_range_that_is_too_large_is_told_at_once_and_the_node_is_kept(pair: Pair) -> None:
    pair.one.special["eth_getLogs"] = error(-32614, "eth_getLogs is limited to a 10,000 range")
    for _ in range(5):
        with pytest.raises(NodeUnavailable, match="10,000 range"):
            pair.rpc.call("eth_getLogs", patient=False)
    assert pair.two.asked == []
    assert pair.who() == "one"


def test_a_batch_goes_to_one_node_and_over_to_the_next(pair: Pair) -> None:
    assert pair.rpc.batch("eth_call", [[]] * 3) == ["one"] * 3
    pair.one.fault = httpx.Response(502)
    assert pair.rpc.batch("eth_call", [[]] * 3) == ["two"] * 3


def test_an_answer_that_fits_no_question_is_raised_where_nobody_has_a_better_one(pair: Pair) -> None:
    pair.one.fault = pair.two.fault = httpx.Response(200, json={"id": 77, "result": "0x1"})
    with pytest.raises(InconsistentNode):
        pair.who()


def test_a_node_that_contradicts_itself_again_and_again_is_left(pair: Pair) -> None:
    pair.who()
    for _ in range(DOUBTS_MAX - 1):
        pair.rpc.doubt("two blocks at one height")
        pair.time.now += 1
    assert pair.who() == "one"
    with capture_logs() as logs:
        pair.rpc.doubt("two blocks at one height")
    assert "two blocks at one height" in str(logs)
    assert pair.who() == "two"


def test_contradictions_now_and_then_are_a_chain_that_turns(pair: Pair) -> None:
    for _ in range(3 * DOUBTS_MAX):
        pair.rpc.doubt("not one of them")
        pair.time.now += DOUBT_SECONDS / (DOUBTS_MAX - 1) + 1
        assert pair.who() == "one"


def test_a_node_in_doubt_is_kept_where_no_other_is_well(pair: Pair) -> None:
    pair.who()
    pair.rpc._nodes[1].breaker.failed(pair.time.now, at_once=True)
    for _ in range(3 * DOUBTS_MAX):
        pair.rpc.doubt("not one of them")
    assert pair.who() == "one"


def test_no_log_and_no_error_shows_an_address_which_may_hold_a_key(pair: Pair) -> None:
    pair.one.fault, pair.two.fault = httpx.Response(401, content=b"no"), httpx.ConnectError("http://two/key")
    with capture_logs() as logs, pytest.raises(NodeUnavailable) as caught:
        pair.who()
    assert "/key" not in str(logs) + str(caught.value)


def test_addresses_are_separated_by_commas_and_one_is_no_more_than_a_node() -> None:
    assert addresses_in(" http://a/x , http://b ,") == ["http://a/x", "http://b"]
    assert addresses_in("") == [""]
    with open_rpc("http://a") as one, open_rpc("http://a:1,http://a:2,http://b") as three:
        assert isinstance(one, JsonRpc)
        assert isinstance(three, Endpoints)
        assert [node.rpc.chosen for node in three._nodes] == ["a", "a#2", "b"]
