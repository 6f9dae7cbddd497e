from dataclasses import fields, replace

import pytest

from entitlement.core.epochs import Epoch
from entitlement.core.errors import (
    EntitlementError,
    HoldAlreadyEnded,
    HoldExpired,
    InvalidAmount,
    InvalidRequest,
)
from entitlement.core.holds import (
    LARGEST_COUNT,
    LATE_CAPTURE_SECONDS,
    LONGEST_MODEL_NAME,
    LONGEST_REQUEST_ID,
    LONGEST_TTL_SECONDS,
    Hold,
    HoldKind,
    HoldRequest,
    HoldState,
    Usage,
    check_capturable,
    check_releasable,
    is_repetition_of_capture,
)
from entitlement.core.units import NANO_USD_MAX, NanoUsd

REQUEST = HoldRequest("r1", b"\1" * 32, NanoUsd(100), NanoUsd(10), 600, "a-model")
HOLD = Hold(
    id="hold_1",
    account_id=1,
    key_id="key_1",
    gateway_id=1,
    request_id="r1",
    state=HoldState.OPEN,
    epoch=Epoch(20_000),
    amount=NanoUsd(100),
    is_final=False,
    captured=NanoUsd(0),
    shortfall=NanoUsd(0),
    created_at=1_000,
    expires_at=1_600,
    charged_at=None,
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"amount": NANO_USD_MAX},
        {"amount": 1, "minimum": 1},
        {"minimum": 100},
        {"ttl": 1},
        {"ttl": LONGEST_TTL_SECONDS},
        {"request_id": "r" * LONGEST_REQUEST_ID},
        {"model": None},
        {"model": "m" * LONGEST_MODEL_NAME},
    ],
)
def test_a_request_within_the_bounds_is_taken(changes: dict[str, object]) -> None:
    replace(REQUEST, **changes).check()


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"amount": 0}, InvalidAmount, "amount"),
        ({"amount": -1}, InvalidAmount, "amount"),
        ({"amount": NANO_USD_MAX + 1}, InvalidAmount, "amount"),
        ({"minimum": 0}, InvalidAmount, "minimum"),
        ({"minimum": 101}, InvalidAmount, "minimum"),
        ({"ttl": 0}, InvalidRequest, "ttl"),
        ({"ttl": LONGEST_TTL_SECONDS + 1}, InvalidRequest, "ttl"),
        ({"request_id": ""}, InvalidRequest, "request_id"),
        ({"request_id": "r" * (LONGEST_REQUEST_ID + 1)}, InvalidRequest, "request_id"),
        ({"request_id": "a\nb"}, InvalidRequest, "request_id"),
        ({"request_id": "a\0b"}, InvalidRequest, "request_id"),
        ({"request_id": "a\ud800"}, InvalidRequest, "request_id"),
        ({"model": ""}, InvalidRequest, "model"),
        ({"model": "m" * (LONGEST_MODEL_NAME + 1)}, InvalidRequest, "model"),
        ({"model": "m\n"}, InvalidRequest, "model"),
    ],
)
def test_a_request_outside_the_bounds_is_refused_by_its_field(
    changes: dict[str, object], error: type[EntitlementError], field: str
) -> None:
    with pytest.raises(error) as caught:
        replace(REQUEST, **changes).check()
    assert caught.value.facts()["field"] == field


def test_every_part_of_what_is_asked_is_in_the_fingerprint_but_the_id_itself() -> None:
    other = {
        "request_id": "r2",
        "key_hash": b"\2" * 32,
        "amount": 99,
        "minimum": 9,
        "ttl": 599,
        "model": "other",
        "kind": HoldKind.CHARGE,
        "usage": Usage(status=200),
    }
    assert set(other) == {field.name for field in fields(HoldRequest)}
    for name, value in other.items():
        changed = replace(REQUEST, **{name: value}).fingerprint()
        assert (changed == REQUEST.fingerprint()) is (name == "request_id"), name
    assert replace(REQUEST, model=None).fingerprint() != REQUEST.fingerprint()


@pytest.mark.parametrize(
    ("changes", "fingerprint"),
    [
        ({}, "746cd6ade5438277e5d2f809ae4c492095dd4fb43579d58feaf6001fa9cd2a92"),
        ({"kind": HoldKind.LEASE}, "2b4f77528a642271cf62c096e2c29080b6cf1bbca93cdf0a5e5d0ba82a91a5b6"),
        ({"kind": HoldKind.CHARGE}, "6e78db112d62c48cacf8db4056d906b972fa00df64606b8250940d97d9603404"),
        (
            {"kind": HoldKind.CHARGE, "usage": Usage()},
            "fc554935b0afb26586d82081c599fe28895bcd5a9801e371ec6997958cd13bd7",
        ),
        (
            {"kind": HoldKind.CHARGE, "usage": Usage('it\'s "m"', 1, 2, 3, 200, "v1")},
            "53006f2d822f9116b8c529763300d09b509ae7e69aa8e0b6c344e160d21602b0",
        ),
    ],
)
def test_a_fingerprint_is_the_same_as_it_was_when_retries_under_way_were_first_asked(
    changes: dict[str, object], fingerprint: str
) -> None:
    assert replace(REQUEST, **changes).fingerprint().hex() == fingerprint


def test_every_part_of_what_a_charge_tells_is_in_its_fingerprint() -> None:
    told = {
        "model": "other",
        "input_tokens": 9,
        "output_tokens": 9,
        "latency_ms": 9,
        "status": 201,
        "price_version": "v2",
        "images": 0,
    }
    assert set(told) == {field.name for field in fields(Usage)}
    usage = Usage("m", 1, 2, 3, 200, "v1")
    charges = [replace(usage, **{name: value}) for name, value in told.items()]
    charges += [usage, replace(usage, images=1), replace(usage, images=2)]
    assert len({replace(REQUEST, usage=each).fingerprint() for each in charges}) == len(charges)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage("m", 0, 0, 0, 200),
        Usage("m" * LONGEST_MODEL_NAME, LARGEST_COUNT, LARGEST_COUNT, LARGEST_COUNT, 599),
        Usage(images=0),
        Usage(images=LARGEST_COUNT),
    ],
)
def test_counts_and_times_of_a_request_are_kept(usage: Usage) -> None:
    usage.check()


@pytest.mark.parametrize(
    ("usage", "field"),
    [
        (Usage(model=""), "usage.model"),
        (Usage(model="m" * (LONGEST_MODEL_NAME + 1)), "usage.model"),
        (Usage(model="tell me\na story"), "usage.model"),
        (Usage(input_tokens=-1), "usage.input_tokens"),
        (Usage(output_tokens=LARGEST_COUNT + 1), "usage.output_tokens"),
        (Usage(latency_ms=-1), "usage.latency_ms"),
        (Usage(images=-1), "usage.images"),
        (Usage(images=LARGEST_COUNT + 1), "usage.images"),
        (Usage(status=99), "usage.status"),
        (Usage(status=600), "usage.status"),
    ],
)
def test_what_is_no_count_and_no_model_name_is_not_kept_of_a_request(usage: Usage, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        usage.check()
    assert caught.value.field == field


@pytest.mark.parametrize(("now", "due"), [(1_599, False), (1_600, True), (1_601, True)])
def test_a_hold_is_due_from_its_expiry_on(now: int, *, due: bool) -> None:
    assert HOLD.is_due(now) is due
    for state in set(HoldState) - {HoldState.OPEN}:
        assert not replace(HOLD, state=state).is_due(now)


def ended(state: HoldState, captured: int | None = None, shortfall: int = 0) -> Hold:
    charged_at = None if captured is None else 1_700
    return replace(
        HOLD, state=state, captured=captured or 0, shortfall=NanoUsd(shortfall), charged_at=charged_at
    )


@pytest.mark.parametrize(
    ("hold", "amount", "expected"),
    [
        (HOLD, 0, False),
        (ended(HoldState.RELEASED), 0, False),
        (ended(HoldState.EXPIRED), 0, False),
        (ended(HoldState.CAPTURED, 0), 0, True),
        (ended(HoldState.CAPTURED, 60), 60, True),
        (ended(HoldState.CAPTURED, 60, shortfall=5), 65, True),
        (ended(HoldState.EXPIRED, 60, shortfall=5), 65, True),
    ],
)
def test_a_capture_of_the_same_amount_again_is_a_repetition(
    hold: Hold, amount: int, *, expected: bool
) -> None:
    assert is_repetition_of_capture(hold, NanoUsd(amount)) is expected


@pytest.mark.parametrize("amount", [0, 59, 60, 61])
def test_a_capture_of_another_amount_is_refused(amount: int) -> None:
    with pytest.raises(HoldAlreadyEnded) as caught:
        is_repetition_of_capture(ended(HoldState.CAPTURED, 60, shortfall=5), NanoUsd(amount))
    assert (caught.value.state, caught.value.captured) == ("captured", 60)


def test_an_expired_hold_can_be_charged_within_the_grace_hour_and_not_after() -> None:
    hold = ended(HoldState.EXPIRED)
    check_capturable(HOLD, now=10**9)
    check_capturable(hold, now=hold.expires_at + LATE_CAPTURE_SECONDS - 1)
    with pytest.raises(HoldExpired):
        check_capturable(hold, now=hold.expires_at + LATE_CAPTURE_SECONDS)


def test_a_released_hold_can_not_be_charged() -> None:
    with pytest.raises(HoldAlreadyEnded):
        check_capturable(ended(HoldState.RELEASED), now=1_000)


def test_what_was_charged_can_not_be_released() -> None:
    for hold in (HOLD, ended(HoldState.RELEASED), ended(HoldState.EXPIRED)):
        check_releasable(hold)
    for hold in (ended(HoldState.CAPTURED, 0), ended(HoldState.EXPIRED, 0)):
        with pytest.raises(HoldAlreadyEnded):
            check_releasable(hold)
