"""The client of the protocol, against the service, with faults on the way."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from entitlement.client import (
    AsyncCreditClient,
    CreditRefused,
    CreditUnavailable,
    GatewayNotAuthenticated,
    HoldAlreadyEnded,
    HoldRequest,
    InsufficientCredit,
    InvalidAnswer,
    KeyRefused,
    RetryPolicy,
    UnknownHold,
    Usage,
)
from entitlement.core.units import NanoUsd
from tests.gateway.conftest import CreditService
from tests.gateway.faulty_way import SLOW_SECONDS, FaultyWay

pytestmark = pytest.mark.anyio

POLICY = RetryPolicy(
    attempts_max=4, attempt_seconds=10, deadline_seconds=30, first_delay_seconds=0.02, delay_max_seconds=0.1
)
"""Patient: a try fails by what the test does to it, not because the machine is busy."""
USAGE = Usage(model="m", input_tokens=1, output_tokens=2, latency_ms=3, status=200)


@pytest.fixture
async def client(way_url: str, credit_service: CreditService) -> AsyncIterator[AsyncCreditClient]:
    async with AsyncCreditClient(way_url, credit_service.service_token, policy=POLICY) as client:
        yield client


@pytest.fixture
def key(credit_service: CreditService) -> str:
    return credit_service.make_key(1000)


def wanted(key: str, amount: int, **fields: object) -> HoldRequest:
    return HoldRequest(key, NanoUsd(amount), **{"request_id": f"r-{key}-{amount}", **fields})


async def state_becomes(look: Callable[[], dict[str, int]], expected: dict[str, int]) -> None:
    for _ in range(400):
        if look() == expected:
            return
        await asyncio.sleep(0.01)
    assert look() == expected


async def test_a_hold_sets_aside_and_a_capture_takes_and_gives_back(
    client: AsyncCreditClient, credit_service: CreditService, key: str
) -> None:
    answer = await client.place_hold(wanted(key, 400, model="m"))
    assert (answer.hold.amount, answer.hold.state, answer.hold.final) == (400, "open", False)
    assert (answer.balance.available, answer.balance.held) == (600, 400)
    assert sum(part.amount for part in answer.hold.funded_by) == 400
    captured = await client.capture(answer.hold.id, NanoUsd(150), USAGE)
    assert (captured.hold.state, captured.hold.captured, captured.hold.shortfall) == ("captured", 150, 0)
    assert credit_service.account_state(key) == {"available": 850, "held": 0, "captured": 150}
    assert (await client.look_up(answer.hold.id)).state == "captured"


async def test_a_minimum_gives_what_is_left(client: AsyncCreditClient, key: str) -> None:
    answer = await client.place_hold(wanted(key, 5000, minimum=NanoUsd(10)))
    assert (answer.hold.amount, answer.hold.final) == (1000, True)


async def test_an_introspection_holds_nothing(
    client: AsyncCreditClient, credit_service: CreditService, key: str
) -> None:
    answer = await client.introspect(key)
    assert (answer.key.type, answer.balance.available) == ("INFERENCE", 1000)
    assert credit_service.account_state(key)["held"] == 0


@pytest.mark.parametrize("fault", ["refuse", "drop", "lose"])
async def test_a_retry_after_a_fault_holds_once_and_captures_once(
    client: AsyncCreditClient, credit_service: CreditService, way: FaultyWay, key: str, fault: str
) -> None:
    way.faults = [fault, fault]
    # All the account has: a second hold could not be paid.
    answer = await client.place_hold(wanted(key, 1000))
    way.faults = [fault, fault]
    await client.capture(answer.hold.id, NanoUsd(700))
    assert credit_service.account_state(key) == {"available": 300, "held": 0, "captured": 700}
    assert way.seen["holds"] == way.seen["capture"] == 3


async def test_an_answer_that_takes_too_long_is_asked_for_again_and_it_was_one_hold_and_one_charge(
    way_url: str, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    policy = RetryPolicy(
        attempts_max=20, attempt_seconds=SLOW_SECONDS * 0.6, deadline_seconds=30, first_delay_seconds=0.02
    )
    async with AsyncCreditClient(way_url, credit_service.service_token, policy=policy) as client:
        way.faults = ["slow", "slow"]
        answer = await client.place_hold(wanted(key, 1000))
        way.faults = ["slow", "slow"]
        await client.capture(answer.hold.id, NanoUsd(700))
    assert credit_service.account_state(key) == {"available": 300, "held": 0, "captured": 700}
    assert way.seen["holds"] >= 3
    assert way.seen["capture"] >= 3


async def test_tries_are_bounded_and_then_there_is_no_answer(
    client: AsyncCreditClient, way: FaultyWay, key: str
) -> None:
    way.down_for = ""
    with pytest.raises(CreditUnavailable):
        await client.place_hold(wanted(key, 1))
    assert way.seen["holds"] == POLICY.attempts_max


async def test_the_deadline_bounds_the_tries_too(
    way_url: str, way: FaultyWay, credit_service: CreditService, key: str
) -> None:
    policy = RetryPolicy(attempts_max=1000, deadline_seconds=0.5, first_delay_seconds=0.01)
    way.down_for = ""
    began = asyncio.get_running_loop().time()
    async with AsyncCreditClient(way_url, credit_service.service_token, policy=policy) as client:
        with pytest.raises(CreditUnavailable):
            await client.introspect(key)
    # A thousand tries would take minutes.
    assert asyncio.get_running_loop().time() - began < 10


async def test_a_wait_that_the_service_asks_for_is_passed_on_when_it_is_too_long(
    client: AsyncCreditClient, way: FaultyWay, key: str
) -> None:
    way.faults = [(503, b"{}")]
    policy_wait = POLICY.delay(0, fraction=0.0, retry_after=30)
    assert policy_wait == 30
    assert (await client.introspect(key)).balance.available == 1000
    assert way.seen["introspect"] == 2


async def test_refusals_have_their_own_exceptions_with_the_figures(
    client: AsyncCreditClient, way_url: str, key: str
) -> None:
    with pytest.raises(InsufficientCredit) as refused:
        await client.place_hold(wanted(key, 1001))
    assert (refused.value.figure("wanted"), refused.value.figure("available")) == (1001, 1000)
    with pytest.raises(KeyRefused) as unknown:
        await client.place_hold(wanted("ek_nobody", 1))
    assert (unknown.value.status, unknown.value.code) == (401, "unknown_key")
    with pytest.raises(UnknownHold):
        await client.release("no-such-hold")
    answer = await client.place_hold(wanted(key, 10))
    await client.release(answer.hold.id)
    assert (await client.release(answer.hold.id)).hold.state == "released"
    with pytest.raises(HoldAlreadyEnded):
        await client.capture(answer.hold.id, NanoUsd(1))
    with pytest.raises(CreditRefused, match="idempotency_key_reused"):
        await client.place_hold(wanted(key, 11, request_id=f"r-{key}-10"))
    async with AsyncCreditClient(way_url, "wrong", policy=POLICY) as stranger:
        with pytest.raises(GatewayNotAuthenticated):
            await stranger.introspect(key)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (201, b"{}"),
        (404, b"<html>"),
        (403, b'{"detail": "no code"}'),
        (302, b'{"code": 5}'),
    ],
)
async def test_an_answer_that_is_not_of_the_protocol_is_not_believed(
    client: AsyncCreditClient, way: FaultyWay, key: str, status: int, body: bytes
) -> None:
    way.faults = [(status, body)]
    with pytest.raises((InvalidAnswer, CreditRefused)):
        await client.place_hold(wanted(key, 1))
    assert way.seen["holds"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 1.0),
        ("amount", True),
        ("amount", -1),
        ("amount", None),
        ("state", "lost"),
        ("final", 1),
        ("funded_by", {}),
        ("funded_by", [{"source": "diem"}]),
        ("id", 7),
    ],
)
async def test_a_hold_with_an_odd_field_is_not_believed(
    client: AsyncCreditClient, way: FaultyWay, key: str, field: str, value: object
) -> None:
    good = json.dumps(GOOD_ANSWER).encode()
    odd = json.dumps({**GOOD_ANSWER, "hold": {**GOOD_HOLD, field: value}}).encode()
    way.faults = [(201, good), (201, odd)]
    await client.place_hold(wanted(key, 1))
    with pytest.raises(InvalidAnswer):
        await client.place_hold(wanted(key, 1))


GOOD_HOLD: dict[str, object] = {
    "id": "h",
    "request_id": "r",
    "amount": 1,
    "state": "open",
    "epoch": 20_000,
    "created_at": 1,
    "expires_at": 2,
    "captured": 0,
    "shortfall": 0,
    "final": False,
    "funded_by": [{"source": "diem", "amount": 1}],
    "new_field": "passed over",
}
GOOD_ANSWER = {
    "hold": GOOD_HOLD,
    "balance": dict.fromkeys(("available", "held", "diem", "usd", "epoch", "resets_at", "granted"), 1),
}


async def test_a_block_that_captures_is_charged(
    client: AsyncCreditClient, credit_service: CreditService, key: str
) -> None:
    async with client.hold(key, NanoUsd(500), model="m") as hold:
        assert (hold.amount, hold.balance.available) == (500, 500)
        await hold.capture(NanoUsd(200), USAGE)
        assert hold.balance.available == 800
    assert credit_service.account_state(key) == {"available": 800, "held": 0, "captured": 200}


async def test_a_block_that_fails_gives_everything_back(
    client: AsyncCreditClient, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    async def fail() -> None:
        async with client.hold(key, NanoUsd(500)):
            way.faults = ["refuse"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with client.hold(key, NanoUsd(1000)):
        pass
    assert credit_service.account_state(key) == {"available": 1000, "held": 0, "captured": 0}


async def test_a_block_that_is_cancelled_gives_everything_back(
    client: AsyncCreditClient, credit_service: CreditService, key: str
) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with client.hold(key, NanoUsd(500)):
            inside.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert credit_service.account_state(key) == {"available": 1000, "held": 0, "captured": 0}


async def test_a_release_goes_on_when_its_caller_is_cancelled_twice(
    client: AsyncCreditClient, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with client.hold(key, NanoUsd(500)):
            way.faults = ["refuse", "refuse"]
            inside.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await state_becomes(
        lambda: credit_service.account_state(key), {"available": 1000, "held": 0, "captured": 0}
    )


async def test_a_hold_whose_caller_left_before_the_answer_is_released(
    client: AsyncCreditClient, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    way.faults = ["lose"]
    task = asyncio.create_task(client.place_hold(wanted(key, 500)))
    await state_becomes(
        lambda: credit_service.account_state(key), {"available": 500, "held": 500, "captured": 0}
    )
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await state_becomes(
        lambda: credit_service.account_state(key), {"available": 1000, "held": 0, "captured": 0}
    )
    assert way.seen["release"] == 1


async def test_closing_the_client_waits_for_what_goes_on_in_the_background(
    way_url: str, way: FaultyWay, credit_service: CreditService, key: str
) -> None:
    async with AsyncCreditClient(way_url, credit_service.service_token, policy=POLICY) as client:
        answer = await client.place_hold(wanted(key, 500))
        way.faults = ["refuse", "refuse"]
        capture = asyncio.create_task(client.capture(answer.hold.id, NanoUsd(100)))
        await asyncio.sleep(0.001)
        capture.cancel()
    assert credit_service.account_state(key) == {"available": 900, "held": 0, "captured": 100}


async def test_a_capture_without_an_answer_is_not_followed_by_a_release(
    client: AsyncCreditClient, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    async with client.hold(key, NanoUsd(500)) as hold:
        way.down_for = "/capture"
        with pytest.raises(CreditUnavailable):
            await hold.capture(NanoUsd(100))
    assert way.seen["release"] == 0
    way.down_for = None
    await hold.capture(NanoUsd(100))
    assert credit_service.account_state(key) == {"available": 900, "held": 0, "captured": 100}


async def test_a_block_ends_quietly_when_the_release_gets_no_answer(
    client: AsyncCreditClient, way: FaultyWay, key: str
) -> None:
    async with client.hold(key, NanoUsd(500)):
        way.down_for = "/release"
    assert way.seen["release"] == POLICY.attempts_max


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0},
        {"amount": 2**53},
        {"minimum": 11},
        {"minimum": 0},
        {"request_id": ""},
        {"request_id": "x" * 129},
        {"request_id": "a\nb"},
        {"ttl": 0},
        {"ttl": 3601},
        {"model": "m" * 129},
        {"model": ""},
        {"model": "a\nb"},
    ],
)
async def test_what_the_protocol_does_not_allow_is_not_sent(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which field it was is what varies
        HoldRequest(**{"key": "k", "amount": 10, "request_id": "r", **fields})


async def test_no_secret_is_in_a_repr(key: str) -> None:
    assert key not in repr(HoldRequest(key, NanoUsd(1), "r"))


async def test_a_hold_that_was_there_before_says_so_and_one_whose_answer_was_lost_does_not(
    client: AsyncCreditClient, way: FaultyWay, key: str
) -> None:
    assert not (await client.place_hold(wanted(key, 1))).is_repeated
    assert (await client.place_hold(wanted(key, 1))).is_repeated
    way.faults = ["lose"]
    # The second try is answered as the first one was, and that was ours.
    assert not (await client.place_hold(wanted(key, 2))).is_repeated


async def test_a_refusal_of_before_says_so(client: AsyncCreditClient, way: FaultyWay, key: str) -> None:
    seen: list[bool] = []
    for faults in ([], [], ["lose"]):
        way.faults = faults
        with pytest.raises(InsufficientCredit) as refused:
            await client.place_hold(wanted(key, 5000))
        assert "is_repeated" not in refused.value.figures
        seen.append(refused.value.is_repeated)
    assert seen == [False, True, False]


async def test_who_gives_up_on_the_way_leaves_a_hold_that_was_there_before(
    way_url: str, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    async with AsyncCreditClient(way_url, credit_service.service_token) as client:
        first = await client.place_hold(wanted(key, 400))
        way.faults = ["slow"]
        second = asyncio.create_task(client.place_hold(wanted(key, 400)))
        await asyncio.sleep(0.1)
        second.cancel()
    # Closed, it has finished all that it began.
    assert way.seen["holds"] == 2
    assert way.seen["release"] == 0
    assert credit_service.account_state(key)["held"] == 400
    assert first.hold.state == "open"
