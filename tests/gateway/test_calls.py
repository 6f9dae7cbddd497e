"""The synchronous client, and the calls beside holds: charges, extends, batches, leases."""

import json
from collections.abc import Iterator

import pytest

from entitlement.client import (
    ChargeRequest,
    CreditClient,
    CreditError,
    CreditRefused,
    CreditUnavailable,
    HoldAnswer,
    HoldExpired,
    HoldRequest,
    InsufficientCredit,
    InvalidAnswer,
    LeaseAnswer,
    LeaseRequest,
    RateLimited,
    RetryPolicy,
    Usage,
)
from entitlement.client.lease_answers import lease_of
from entitlement.client.wire import (
    Changing,
    capture_call,
    charge_call,
    extend_call,
    hold_call,
    introspect_call,
    open_lease_call,
    release_call,
    renew_lease_call,
    return_lease_call,
)
from entitlement.core.units import NanoUsd
from tests.gateway.conftest import CreditService
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.rule_keeper import TOKEN, Credit, RuleKeeper
from tests.gateway.running import Stand, running

POLICY = RetryPolicy(
    attempts_max=4, attempt_seconds=10, deadline_seconds=30, first_delay_seconds=0.01, delay_max_seconds=0.05
)
USAGE = Usage("m", 1, 2, 3, 200)
KEY = "ent_key"


@pytest.fixture
def real(way_url: str, credit_service: CreditService) -> Iterator[CreditClient]:
    """A client of the real service, with a faulty way in between."""
    with CreditClient(way_url, credit_service.service_token, policy=POLICY) as client:
        yield client


@pytest.fixture
def key(credit_service: CreditService) -> str:
    return credit_service.make_key(1000)


def test_a_block_of_the_synchronous_client_captures_or_gives_back(
    real: CreditClient, credit_service: CreditService, key: str
) -> None:
    with real.hold(key, NanoUsd(500), model="m") as hold:
        hold.capture(NanoUsd(200), USAGE)
        assert hold.balance.available == 800
    with real.hold(key, NanoUsd(500)):
        pass
    assert credit_service.account_state(key) == {"available": 800, "held": 0, "captured": 200}


@pytest.mark.parametrize("fault", ["refuse", "lose", "drop"])
def test_a_retry_of_the_synchronous_client_is_one_hold_and_one_charge(
    real: CreditClient, credit_service: CreditService, way: FaultyWay, key: str, fault: str
) -> None:
    way.faults = [fault, fault]
    answer = real.place_hold(HoldRequest(key, NanoUsd(400), f"r-{key}"))
    way.faults = [fault]
    real.capture(answer.hold.id, NanoUsd(100), USAGE)
    assert way.seen["holds"] == 3
    assert credit_service.account_state(key) == {"available": 900, "held": 0, "captured": 100}


def test_the_synchronous_client_gives_up_after_its_tries_and_says_so(
    real: CreditClient, way: FaultyWay, key: str
) -> None:
    way.down_for = "introspect"
    with pytest.raises(CreditUnavailable):
        real.introspect(key)
    assert way.seen["introspect"] == POLICY.attempts_max
    way.down_for = None
    assert real.introspect(key).key.model_privacy == "ALL"


def test_a_capture_without_an_answer_is_not_followed_by_a_release(
    real: CreditClient, credit_service: CreditService, way: FaultyWay, key: str
) -> None:
    with real.hold(key, NanoUsd(500)) as hold:
        way.down_for = "/capture"
        with pytest.raises(CreditUnavailable):
            hold.capture(NanoUsd(100))
    assert way.seen["release"] == 0
    way.down_for = None
    hold.capture(NanoUsd(100))
    assert credit_service.account_state(key)["captured"] == 100


@pytest.fixture(scope="module")
def stand() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with running(stand) as url:
        yield stand, url


@pytest.fixture
def service(stand: tuple[Stand, str]) -> Iterator[RuleKeeper]:
    keeper = RuleKeeper(credit={KEY: Credit(1_000)})
    stand[0].app = keeper.app()
    yield keeper
    keeper.check()


@pytest.fixture
def client(stand: tuple[Stand, str], service: RuleKeeper) -> Iterator[CreditClient]:
    del service
    with CreditClient(stand[1], TOKEN, policy=POLICY) as client:
        yield client


def test_a_charge_is_all_or_nothing_and_once(client: CreditClient, service: RuleKeeper) -> None:
    wanted = ChargeRequest(KEY, NanoUsd(600), "c1", model="m", usage=USAGE)
    assert client.charge(wanted).hold.captured == 600
    assert client.charge(wanted).balance.available == 400
    with pytest.raises(InsufficientCredit):
        client.charge(ChargeRequest(KEY, NanoUsd(401), "c2"))
    assert service.credit[KEY].spent == 600


def test_a_hold_is_extended_up_to_a_total_and_a_repetition_changes_nothing(client: CreditClient) -> None:
    with client.hold(KEY, NanoUsd(300)) as hold:
        assert hold.extend(NanoUsd(700)).hold.amount == 700
        assert hold.extend(NanoUsd(700)).balance.available == 300
        assert hold.extend(NanoUsd(2_000), minimum=NanoUsd(800)).hold.final
        assert hold.amount == 1_000
        with pytest.raises(InsufficientCredit):
            hold.extend(NanoUsd(2_000))
        hold.capture(NanoUsd(1_000))


def test_every_operation_of_a_batch_has_its_own_answer(client: CreditClient) -> None:
    held = client.place_hold(HoldRequest(KEY, NanoUsd(100), "h"))
    other = client.place_hold(HoldRequest(KEY, NanoUsd(100), "o"))
    lease = client.open_lease(LeaseRequest(KEY, NanoUsd(200), "l", ttl=9)).lease
    operations: list[Changing] = [
        hold_call(HoldRequest(KEY, NanoUsd(50), "new")),
        extend_call(held.hold.id, NanoUsd(150), None, 60),
        capture_call(held.hold.id, NanoUsd(120), USAGE),
        release_call(other.hold.id),
        charge_call(ChargeRequest(KEY, NanoUsd(10_000), "too much")),
        open_lease_call(LeaseRequest("ent_nobody", NanoUsd(1), "l2", ttl=9)),
        renew_lease_call(lease.id, spent=NanoUsd(30), amount=NanoUsd(200), minimum=None, ttl=9),
        return_lease_call(lease.id, spent=NanoUsd(40)),
    ]
    answers = client.batch(operations)
    kinds = [type(each) for each in answers]
    assert kinds[:4] == [HoldAnswer] * 4
    assert kinds[4] is InsufficientCredit
    assert isinstance(answers[5], CreditRefused)
    assert answers[5].code == "unknown_key"
    assert isinstance(answers[6], LeaseAnswer)
    assert (answers[6].lease.spent, answers[6].lease.remaining) == (30, 200)
    assert isinstance(answers[7], LeaseAnswer)
    assert (answers[7].lease.state, answers[7].balance.available) == ("returned", 1_000 - 50 - 120 - 40)


def test_a_batch_has_a_bound_and_takes_nothing_that_only_reads() -> None:
    call = release_call("h")
    with CreditClient("http://nobody.invalid", TOKEN) as client:
        for wrong in ([], [call] * 1_001, [introspect_call(KEY)]):
            with pytest.raises(ValueError, match="batch"):
                client.batch(wrong)  # pyright: ignore[reportArgumentType] - what the types forbid already


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"answers": []},
        {"answers": [{"status": 200, "body": {}}, {"status": 200, "body": {}}]},
    ],
)
def test_a_batch_with_another_number_of_answers_is_not_believed(
    real: CreditClient, way: FaultyWay, body: dict[str, object]
) -> None:
    way.faults = [(200, json.dumps(body).encode())]
    with pytest.raises(InvalidAnswer):
        real.batch([release_call("h")])


@pytest.mark.parametrize("answer", [None, {}, {"status": "200"}, {"status": 200, "body": 7}])
def test_an_answer_of_a_batch_that_makes_no_sense_is_an_error_of_its_own(
    real: CreditClient, way: FaultyWay, answer: object
) -> None:
    unavailable = {"status": 503, "body": {}}
    way.faults = [(200, json.dumps({"answers": [answer, unavailable]}).encode())]
    first, second = real.batch([release_call("h"), release_call("i")])
    assert isinstance(first, InvalidAnswer)
    assert isinstance(second, CreditUnavailable)


def test_a_refused_renewal_tells_what_is_left_of_the_lease(client: CreditClient, service: RuleKeeper) -> None:
    lease = client.open_lease(LeaseRequest(KEY, NanoUsd(1_000), "l", ttl=9)).lease
    with pytest.raises(InsufficientCredit) as refused:
        client.renew_lease(lease.id, spent=NanoUsd(900), amount=NanoUsd(500), ttl=9)
    left = lease_of(refused.value)
    assert left is not None
    assert (left.spent, left.remaining) == (900, 100)
    assert service.credit[KEY].spent == 900
    client.return_lease(lease.id, spent=NanoUsd(1_000))


def test_refusals_of_leases_and_rates_have_their_own_exceptions(
    client: CreditClient, service: RuleKeeper
) -> None:
    lease = client.open_lease(LeaseRequest(KEY, NanoUsd(10), "l", ttl=9)).lease
    service.kept[lease.id].expires_at -= 4_000
    with pytest.raises(HoldExpired):
        client.renew_lease(lease.id, spent=NanoUsd(0), amount=NanoUsd(1), ttl=9)
    service.limited = 3
    with pytest.raises(RateLimited) as limited:
        client.place_hold(HoldRequest(KEY, NanoUsd(10), "h"))
    assert limited.value.retry_after == 3
    assert service.calls["hold"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_in", 61),
        ("expires_in", -1),
        ("expires_in", "5"),
        ("remaining", 1.5),
        ("state", None),
        ("final", 0),
        ("id", 1),
    ],
)
def test_a_lease_with_an_odd_field_is_not_believed(
    real: CreditClient, way: FaultyWay, field: str, value: object
) -> None:
    lease: dict[str, object] = {"id": "l", "amount": 1, "spent": 0, "remaining": 1, "expires_at": 1}
    lease |= {"expires_in": 4.5, "state": "open", "final": False, "epoch": 1, "funded_by": []}
    balance = dict.fromkeys(("available", "held", "diem", "usd", "epoch", "resets_at", "granted"), 1)
    wanted = LeaseRequest(KEY, NanoUsd(1), "l", ttl=9)
    way.faults = [(201, json.dumps({"lease": lease, "balance": balance}).encode())]
    assert real.open_lease(wanted).lease.expires_in == 4.5
    way.faults = [(201, json.dumps({"lease": {**lease, field: value}, "balance": balance}).encode())]
    with pytest.raises(InvalidAnswer):
        real.open_lease(wanted)


def test_what_is_not_told_of_a_request_is_not_sent_so_that_an_older_service_takes_it() -> None:
    told = {"model": "m", "input_tokens": 1, "output_tokens": 2, "latency_ms": 3, "status": 200}
    assert USAGE.fields() == told
    assert Usage("m", 1, 2, 3, 200, images=0).fields() == {**told, "images": 0}
    assert Usage("m", 1, 2, 3, 200, "v1", 2**53 - 1).fields() == {
        **told,
        "price_version": "v1",
        "images": 2**53 - 1,
    }


@pytest.mark.parametrize("images", [-1, 2**53])
def test_a_number_of_images_that_the_service_would_refuse_is_the_callers_mistake(images: int) -> None:
    with pytest.raises(ValueError, match=f"images is {images}"):
        Usage("m", 1, 2, 3, 200, images=images)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", ""),
        ("model", "m" * 129),
        ("model", "a\nb"),
        ("input_tokens", -1),
        ("output_tokens", 2**53),
        ("latency_ms", -1),
        ("status", 99),
        ("status", 600),
    ],
)
def test_a_usage_that_the_service_would_refuse_is_the_callers_mistake(field: str, value: object) -> None:
    told: dict[str, object] = {"model": "m", "input_tokens": 1, "output_tokens": 2, "latency_ms": 3}
    with pytest.raises(ValueError, match=field):
        Usage(**{**told, "status": 200, field: value})


@pytest.mark.parametrize("ttl", [0, 61])
def test_a_lease_has_a_bound_in_time(ttl: int) -> None:
    with pytest.raises(ValueError, match="ttl"):
        LeaseRequest(KEY, NanoUsd(1), "l", ttl=ttl)


def test_no_secret_is_in_the_repr_of_a_call() -> None:
    calls = [
        hold_call(HoldRequest(KEY, NanoUsd(1), "r")),
        charge_call(ChargeRequest(KEY, NanoUsd(1), "r")),
        open_lease_call(LeaseRequest(KEY, NanoUsd(1), "r", ttl=9)),
        introspect_call(KEY),
    ]
    assert KEY not in repr(calls)


def test_errors_are_of_one_family() -> None:
    assert issubclass(RateLimited, CreditRefused)
    assert issubclass(CreditRefused, CreditError)
