"""Buckets, breakers and rests, by a clock that only the test moves."""

import json
from collections.abc import Callable

import httpx
import pytest

from entitlement.chain.breaker import FIRST_REST_SECONDS, LONGEST_REST_SECONDS, Breaker, BreakerState
from entitlement.chain.pacing import Clock, TokenBucket, full_jitter
from entitlement.chain.refusals import Throttled
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.core.errors import NodeUnavailable


class Time:
    """A clock whose sleepers do not wait: it goes on by what they sleep."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def answering(rpc: JsonRpc, answer: Callable[[int], httpx.Response]) -> list[int]:
    """Let a node answer the n-th request as told, without a network; return the sizes of the requests."""
    sizes: list[int] = []

    def handle(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        sizes.append(len(body) if isinstance(body, list) else 1)
        response = answer(len(sizes))
        if response.status_code == 200 and not response.content:
            results = [
                {"id": each["id"], "result": "0x1"} for each in (body if isinstance(body, list) else [body])
            ]
            return httpx.Response(200, json=results if isinstance(body, list) else results[0])
        return response

    rpc._client.close()
    rpc._client = httpx.Client(transport=httpx.MockTransport(handle))
    return sizes


def test_a_bucket_gives_what_was_saved_and_then_so_many_a_second() -> None:
    bucket = TokenBucket(10, now=0.0)
    assert [bucket.take(5, 0.0), bucket.take(5, 0.0)] == [0.0, 0.0]
    assert bucket.take(1, 0.0) == pytest.approx(0.1)
    assert bucket.take(4, 0.0) == pytest.approx(0.5)
    assert bucket.take(1, 100.0) == 0.0  # what is saved up is never more than a second's
    assert bucket.take(10, 100.0) == pytest.approx(0.1)


def test_a_node_is_asked_no_more_often_than_it_may_be() -> None:
    time = Time()
    with JsonRpc("http://node", RpcLimits(requests_per_second=10), clock=time.clock) as rpc:
        sizes = answering(rpc, lambda _: httpx.Response(200))
        started = time.now
        assert len(rpc.batch("eth_call", [[]] * 95)) == 95
        for _ in range(15):
            rpc.call("eth_chainId")
        assert max(sizes) <= 10
        assert sum(sizes) == 110
        assert time.now - started == pytest.approx(10.0)


@pytest.mark.parametrize("attempt", range(8))
def test_a_wait_is_anything_up_to_a_bound_that_doubles(attempt: int) -> None:
    waits = [full_jitter(attempt, first=0.5, longest=10.0) for _ in range(200)]
    bound = min(10.0, 0.5 * 2**attempt)
    assert 0 <= min(waits) < bound / 4
    assert bound * 3 / 4 < max(waits) <= bound


def test_a_node_that_names_a_rest_is_left_alone_for_it() -> None:
    time = Time()
    with JsonRpc("http://node", RpcLimits(), clock=time.clock) as rpc:
        sizes = answering(
            rpc,
            lambda n: httpx.Response(429, headers={"retry-after": "7"}) if n == 1 else httpx.Response(200),
        )
        started = time.now
        assert rpc.call("eth_chainId") == "0x1"
        assert time.now - started >= 7
        assert sizes == [1, 1]


def test_a_node_that_wants_a_long_rest_is_not_waited_for_and_not_asked_before_it_is_over() -> None:
    time = Time()
    with JsonRpc("http://node", RpcLimits(), clock=time.clock) as rpc:
        sizes = answering(
            rpc,
            lambda n: httpx.Response(429, headers={"retry-after": "120"}) if n == 1 else httpx.Response(200),
        )
        with pytest.raises(Throttled, match="left alone"):
            rpc.call("eth_chainId")
        assert sizes == [1]
        assert sum(time.slept) < 10
        time.now += 121
        assert rpc.call("eth_chainId") == "0x1"


def test_a_limit_in_the_body_of_a_good_answer_is_waited_out_also_for_a_member_of_a_batch() -> None:
    limited = {"error": {"code": -32005, "message": "rate limit exceeded"}}
    time = Time()
    with JsonRpc("http://node", RpcLimits(), clock=time.clock) as rpc:
        mixed = [{"id": 0, "result": "0x1"}, {"id": 1, **limited}]
        sizes = answering(rpc, lambda n: httpx.Response(200, json=mixed) if n < 3 else httpx.Response(200))
        assert rpc.batch("eth_call", [[], []]) == ["0x1", "0x1"]
        assert sizes == [2, 2, 2]
        sizes = answering(
            rpc, lambda n: httpx.Response(200, json={"id": 0, **limited}) if n < 3 else httpx.Response(200)
        )
        assert rpc.call("eth_getLogs", patient=False) == "0x1"


def test_a_node_that_never_stops_limiting_is_unavailable_in_the_end() -> None:
    time = Time()
    with JsonRpc("http://node", RpcLimits(), clock=time.clock) as rpc:
        sizes = answering(rpc, lambda _: httpx.Response(429))
        with pytest.raises(NodeUnavailable, match="429"):
            rpc.batch("eth_call", [[]] * 100)
        assert len(sizes) < 30


# --- the breaker -----------------------------------------------------------------------------------------


def opened(breaker: Breaker, now: float) -> float:
    """Return when an open breaker is due again, to the tenth of a second, without taking the trial."""
    state, until = breaker.state, breaker._until
    assert state is BreakerState.OPEN
    return until - now


def test_a_breaker_opens_at_the_second_failure_in_a_row() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    breaker.succeeded(0.0)
    breaker.failed(0.0)
    assert breaker.state is BreakerState.CLOSED
    breaker.failed(0.0)
    assert breaker.state is BreakerState.OPEN
    assert FIRST_REST_SECONDS / 2 <= opened(breaker, 0.0) <= FIRST_REST_SECONDS


def test_a_grave_failure_opens_it_at_once_and_for_as_long_as_is_asked() -> None:
    breaker = Breaker()
    breaker.failed(0.0, at_once=True, at_least=120.0)
    assert opened(breaker, 0.0) == 120.0
    assert not breaker.is_due(119.9)
    assert breaker.is_due(120.0)


def test_one_trial_is_allowed_after_the_rest_and_decides() -> None:
    breaker = Breaker()
    breaker.failed(0.0, at_once=True)
    assert not breaker.is_due(FIRST_REST_SECONDS / 2 - 0.1)
    assert breaker.is_due(FIRST_REST_SECONDS)
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.is_due(FIRST_REST_SECONDS)
    breaker.failed(FIRST_REST_SECONDS)
    assert breaker.state is BreakerState.OPEN
    assert opened(breaker, FIRST_REST_SECONDS) >= FIRST_REST_SECONDS
    assert breaker.is_due(4 * FIRST_REST_SECONDS)
    breaker.succeeded(4 * FIRST_REST_SECONDS)
    assert breaker.state is BreakerState.CLOSED


def test_a_trial_whose_end_was_never_told_is_followed_by_another() -> None:
    breaker = Breaker()
    breaker.failed(0.0, at_once=True)
    assert breaker.is_due(10.0)
    assert not breaker.is_due(11.0)
    assert breaker.is_due(10.0 + 2 * FIRST_REST_SECONDS)


def test_rests_double_up_to_a_bound_and_are_short_again_after_a_long_health() -> None:
    breaker, now, rests = Breaker(), 0.0, []
    for _ in range(10):
        breaker.failed(now, at_once=True)
        rests.append(opened(breaker, now))
        now += rests[-1]
        assert breaker.is_due(now)
        breaker.succeeded(now)
    assert all(rest <= FIRST_REST_SECONDS * 2**number for number, rest in enumerate(rests))
    assert rests[4] > 2 * rests[0]
    assert LONGEST_REST_SECONDS / 2 <= rests[-1] <= LONGEST_REST_SECONDS
    now += LONGEST_REST_SECONDS + 1
    breaker.failed(now, at_once=True)
    assert opened(breaker, now) <= FIRST_REST_SECONDS
