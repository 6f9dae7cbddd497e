"""Pools of leases against a service that keeps the rules: never beyond a lease, never after its end."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from entitlement.client import (
    AsyncCreditClient,
    AsyncLeasePool,
    CreditClient,
    CreditError,
    CreditUnavailable,
    InsufficientCredit,
    KeyRefused,
    LeasePool,
    LeaseTerms,
    RateLimited,
    RetryPolicy,
    Usage,
    leased_key,
)
from entitlement.client.lease_book import LeaseBook
from entitlement.core.units import NanoUsd
from tests.gateway.conftest import CreditService, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.rule_keeper import TOKEN, Credit, RuleKeeper
from tests.gateway.running import Stand, running

POLICY = RetryPolicy(attempts_max=2, attempt_seconds=2, deadline_seconds=4, first_delay_seconds=0.01)
TERMS = LeaseTerms(amount=NanoUsd(1_000), ttl=1, idle_seconds=60)
USAGE = Usage("m", 1, 2, 3, 200, price_version="v1", images=4)
KEY = "ent_key"


@pytest.fixture(scope="module")
def stand() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with running(stand) as url:
        yield stand, url


@pytest.fixture
def service(stand: tuple[Stand, str]) -> Iterator[RuleKeeper]:
    keeper = RuleKeeper(credit={KEY: Credit(100_000)})
    stand[0].app = keeper.app()
    yield keeper
    keeper.check()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lease be asked about more often than once a second: growing takes its time otherwise."""
    monkeypatch.setattr(leased_key, "SECONDS_BETWEEN_CALLS", 0.1)


@pytest.fixture
def client(stand: tuple[Stand, str], service: RuleKeeper) -> Iterator[CreditClient]:
    del service
    with CreditClient(stand[1], TOKEN, policy=POLICY) as client:
        yield client


@pytest.fixture
def pool(client: CreditClient) -> Iterator[LeasePool]:
    with LeasePool(client, TERMS) as pool:
        yield pool


def spend(pool: LeasePool, amount: int, cost: int, **fields: str) -> None:
    with pool.hold(KEY, NanoUsd(amount), **fields) as hold:
        hold.capture(NanoUsd(cost), USAGE)


def test_decisions_come_from_memory_and_the_spending_is_reported_when_the_lease_is_returned(
    client: CreditClient, service: RuleKeeper
) -> None:
    with LeasePool(client, TERMS) as pool:
        for number in range(50):
            spend(pool, 10, 4, request_id=f"r{number}")
        assert service.calls["open_lease"] == 1
        assert sum(service.calls.values()) <= 2
    assert service.credit[KEY].spent == 200
    assert service.credit[KEY].available == 100_000 - 200
    assert [each["request_id"] for each in service.told] == [f"r{number}" for number in range(50)]
    assert service.told[0]["usage"]["price_version"] == "v1"
    assert service.told[0]["usage"]["images"] == 4


def test_a_lease_that_is_used_up_grows_and_asks_at_most_once_a_second(
    pool: LeasePool, service: RuleKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for _ in range(8):
        spend(pool, 400, 400)
    pool.close()
    assert service.credit[KEY].spent == 3_200
    for times in service.touched.values():
        # The last one is the return, which may follow at once.
        assert all(later - earlier >= 0.95 for earlier, later in itertools.pairwise(times[:-1]))


def test_a_lease_is_kept_for_longer_than_its_first_life(pool: LeasePool, service: RuleKeeper) -> None:
    with pool.hold(KEY, NanoUsd(500)) as hold:
        eventually(lambda: service.calls["renew_lease"] >= 3, expected=True)
        hold.capture(NanoUsd(500))
    assert service.calls["open_lease"] == 1
    pool.close()
    assert service.credit[KEY].spent == 500


def test_a_request_that_is_larger_than_a_lease_gets_a_larger_lease(
    pool: LeasePool, service: RuleKeeper
) -> None:
    spend(pool, 50_000, 20_000)
    spend(pool, 80_000, 80_000)
    pool.close()
    assert service.credit[KEY].spent == 100_000


def test_credit_is_spent_to_the_last_affordable_request_and_not_beyond(
    pool: LeasePool, service: RuleKeeper
) -> None:
    service.credit[KEY] = Credit(950)
    for _ in range(9):
        spend(pool, 100, 100)
    with pytest.raises(InsufficientCredit) as refused:
        pool.hold(KEY, NanoUsd(100))
    assert (refused.value.figure("wanted"), refused.value.figure("available")) == (100, 50)
    with pool.hold(KEY, NanoUsd(100), minimum=NanoUsd(10)) as hold:
        assert hold.amount == 50
        hold.capture(NanoUsd(50))
    pool.close()
    assert service.credit[KEY].spent == 950


def test_threads_together_never_spend_more_than_there_is_and_all_that_is_affordable(
    pool: LeasePool, service: RuleKeeper
) -> None:
    service.credit[KEY] = Credit(20_000)
    served: list[int] = []
    refused: list[CreditError] = []

    def work() -> None:
        for _ in range(100):
            try:
                with pool.hold(KEY, NanoUsd(30)) as hold:
                    hold.capture(NanoUsd(30), USAGE)
                    served.append(30)
            except InsufficientCredit as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert len(served) == 20_000 // 30
    assert len(served) + len(refused) == 1_000
    assert service.credit[KEY].spent == sum(served)


def test_two_gateways_of_one_account_never_spend_more_than_it_has(
    client: CreditClient, service: RuleKeeper
) -> None:
    service.credit[KEY] = Credit(5_000)
    served: list[int] = []

    def work(pool: LeasePool) -> None:
        for _ in range(40):
            try:
                with pool.hold(KEY, NanoUsd(100)) as hold:
                    hold.capture(NanoUsd(100))
                    served.append(100)
            except InsufficientCredit:
                return

    with LeasePool(client, TERMS) as one, LeasePool(client, TERMS) as other:
        threads = [threading.Thread(target=work, args=(pool,)) for pool in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert service.credit[KEY].spent == sum(served) <= 5_000


def test_nothing_is_taken_from_a_lease_after_its_end_though_the_service_is_away(
    pool: LeasePool, service: RuleKeeper
) -> None:
    spend(pool, 100, 10)
    service.down = True
    lease = next(iter(service.kept.values()))
    served_at = 0.0
    unavailable = False
    while not unavailable:
        asked_at = service.clock()
        try:
            spend(pool, 1, 1)
            served_at = asked_at
            time.sleep(0.01)
        except CreditUnavailable:
            unavailable = True
    assert lease.expires_at - 0.5 < served_at < lease.expires_at
    service.down = False
    eventually(pool.unsettled, 0)


def test_the_time_of_a_lease_is_counted_from_before_it_was_asked_for(
    stand: tuple[Stand, str], service: RuleKeeper
) -> None:
    class Slow(CreditClient):
        def batch(self, operations: object) -> object:
            answers = super().batch(operations)
            time.sleep(1.1)
            return answers

    terms = LeaseTerms(amount=NanoUsd(1_000), ttl=1, patience_seconds=1.5)
    with (
        Slow(stand[1], TOKEN, policy=POLICY) as slow,
        LeasePool(slow, terms) as pool,
        pytest.raises(CreditUnavailable),
    ):
        pool.hold(KEY, NanoUsd(1))
    assert service.calls["open_lease"] >= 1
    assert service.credit[KEY].spent == 0


def test_a_capture_after_the_end_of_its_lease_is_charged_all_the_same(
    pool: LeasePool, service: RuleKeeper
) -> None:
    hold = pool.hold(KEY, NanoUsd(500))
    service.down = True
    lease = next(iter(service.kept.values()))
    eventually(lambda: service.clock() > lease.expires_at, expected=True)
    service.down = False
    hold.capture(NanoUsd(450), USAGE)
    eventually(lambda: service.credit[KEY].spent, 450)
    assert lease.state == "expired"


def test_a_new_lease_is_had_at_once_when_the_day_is_over(pool: LeasePool, service: RuleKeeper) -> None:
    service.day_ends_at = service.clock() + 0.7
    spend(pool, 10, 10)
    eventually(lambda: service.clock() >= service.day_ends_at, expected=True)
    service.day_ends_at = float("inf")
    spend(pool, 10, 10)
    pool.close()
    assert service.calls["open_lease"] == 2
    assert service.credit[KEY].spent == 20


def test_a_guessed_key_is_refused_and_a_revoked_one_stops_with_its_lease(
    pool: LeasePool, service: RuleKeeper
) -> None:
    with pytest.raises(KeyRefused):
        pool.hold("ent_guess", NanoUsd(1))
    spend(pool, 10, 10)
    service.credit[KEY].revoked = True
    hold = pool.hold(KEY, NanoUsd(10))

    def refused() -> bool:
        try:
            pool.hold(KEY, NanoUsd(1)).release()
        except KeyRefused as error:
            return error.code == "key_revoked"
        return False

    eventually(refused, expected=True)
    # Its credit is gone with the key: what was under way is the operator's, and is not asked for for ever.
    hold.capture(NanoUsd(10))
    eventually(pool.unsettled, 0)
    assert service.credit[KEY].spent == 10


def test_being_asked_too_often_is_told_with_the_time_to_wait(pool: LeasePool, service: RuleKeeper) -> None:
    service.limited = 7
    with pytest.raises(RateLimited) as refused:
        pool.hold(KEY, NanoUsd(1))
    assert refused.value.retry_after == 7
    service.limited = None


def test_a_cost_above_the_hold_is_taken_from_the_lease_or_charged_besides(
    pool: LeasePool, service: RuleKeeper
) -> None:
    with pool.hold(KEY, NanoUsd(600), request_id="long") as hold:
        hold.capture(NanoUsd(5_000), USAGE)
    pool.close()
    assert service.credit[KEY].spent == 5_000
    assert "long:rest" in service.answered


@pytest.mark.parametrize("name", ["", "x" * 121, "a\nb"])
def test_what_is_no_name_of_a_request_is_refused_though_the_lease_would_pay(
    pool: LeasePool, name: str
) -> None:
    spend(pool, 10, 4)
    with pytest.raises(ValueError, match="request"):
        pool.hold(KEY, NanoUsd(10), request_id=name)


def test_a_hold_ends_once(pool: LeasePool, service: RuleKeeper) -> None:
    hold = pool.hold(KEY, NanoUsd(600))
    hold.capture(NanoUsd(70))
    hold.capture(NanoUsd(70))
    hold.release()
    with pytest.raises(ValueError, match="ended before"):
        hold.capture(NanoUsd(71))
    pool.close()
    assert service.credit[KEY].spent == 70


def test_a_hold_that_was_forgotten_is_given_back(pool: LeasePool, service: RuleKeeper) -> None:
    service.credit[KEY] = Credit(1_000)
    hold = pool.hold(KEY, NanoUsd(900))
    del hold
    eventually(lambda: spendable(pool, 900), expected=True)


def spendable(pool: LeasePool, amount: int) -> bool:
    try:
        pool.hold(KEY, NanoUsd(amount)).release()
    except InsufficientCredit:
        return False
    return True


def test_an_unused_lease_is_given_back(client: CreditClient, service: RuleKeeper) -> None:
    terms = LeaseTerms(amount=NanoUsd(1_000), ttl=3, idle_seconds=0.5)
    with LeasePool(client, terms) as pool:
        spend(pool, 10, 10)
        eventually(lambda: service.credit[KEY].available, 100_000 - 10)
        assert service.calls["return_lease"] == 1
        spend(pool, 10, 10)
        assert service.calls["open_lease"] == 2


OFFLINE = LeaseTerms(amount=NanoUsd(1_000), ttl=1, offline_allowance=NanoUsd(500))


def until_unavailable(pool: LeasePool, service: RuleKeeper, key: str) -> None:
    """Take the service away, and wait until the lease is over."""
    with pool.hold(key, NanoUsd(1)) as hold:
        hold.capture(NanoUsd(1))
    service.down = True
    lease = list(service.kept.values())[-1]
    eventually(lambda: service.clock() > lease.expires_at, expected=True)


def test_without_an_allowance_nobody_is_served_while_the_service_is_away(
    pool: LeasePool, service: RuleKeeper
) -> None:
    service.down = True
    with pytest.raises(CreditUnavailable):
        pool.hold(KEY, NanoUsd(1))
    service.down = False


def test_with_an_allowance_a_known_key_is_served_up_to_it_and_charged_later(
    client: CreditClient, service: RuleKeeper
) -> None:
    with LeasePool(client, OFFLINE) as pool:
        until_unavailable(pool, service, KEY)
        for number in range(5):
            with pool.hold(KEY, NanoUsd(100), request_id=f"offline {number}") as hold:
                hold.capture(NanoUsd(100), USAGE)
        with pytest.raises(CreditUnavailable):
            pool.hold(KEY, NanoUsd(1))
        with pytest.raises(CreditUnavailable):
            pool.hold("ent_guess", NanoUsd(1))
        service.down = False
        eventually(lambda: service.credit[KEY].spent, 501)
        eventually(pool.unsettled, 0)
        assert {f"offline {number}" for number in range(5)} <= service.answered.keys()
    assert service.usages[-1]["price_version"] == "v1"


def test_threads_together_never_spend_more_than_the_allowance(
    client: CreditClient, service: RuleKeeper
) -> None:
    served: list[int] = []

    def work() -> None:
        for _ in range(20):
            try:
                with pool.hold(KEY, NanoUsd(7)) as hold:
                    hold.capture(NanoUsd(7))
                    served.append(7)
            except CreditUnavailable:
                return

    with LeasePool(client, OFFLINE) as pool:
        until_unavailable(pool, service, KEY)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(served) == 500 // 7 * 7
        service.down = False
    assert service.credit[KEY].spent == sum(served) + 1


def test_closing_waits_for_open_holds_and_gives_everything_back(
    client: CreditClient, service: RuleKeeper
) -> None:
    pool = LeasePool(client, TERMS)
    hold = pool.hold(KEY, NanoUsd(100))
    later = threading.Timer(0.3, lambda: hold.capture(NanoUsd(60)))
    later.start()
    pool.close()
    assert service.credit[KEY].spent == 60
    assert service.credit[KEY].held == 0
    with pytest.raises(CreditUnavailable):
        pool.hold(KEY, NanoUsd(1))


def test_leases_of_the_service_itself_are_spent_to_the_last_request_and_told_to_the_nano_dollar(
    way_url: str, credit_service: CreditService
) -> None:
    key = credit_service.make_key(20_000)
    served: list[int] = []

    def work() -> None:
        for _ in range(200):
            try:
                with pool.hold(key, NanoUsd(40)) as hold:
                    hold.capture(NanoUsd(30), USAGE)
                    served.append(30)
            except InsufficientCredit:
                return

    terms = LeaseTerms(amount=NanoUsd(2_000), ttl=5)
    with (
        CreditClient(way_url, credit_service.service_token, policy=POLICY) as client,
        LeasePool(client, terms) as pool,
    ):
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    state = credit_service.account_state(key)
    assert state == {"available": 20_000 - sum(served), "held": 0, "captured": sum(served)}
    assert state["available"] < 40 * 6


def test_an_answer_of_the_service_that_is_lost_changes_nothing_twice(
    way_url: str, credit_service: CreditService, way: FaultyWay
) -> None:
    key = credit_service.make_key(5_000)
    with (
        CreditClient(way_url, credit_service.service_token, policy=POLICY) as client,
        LeasePool(client, LeaseTerms(amount=NanoUsd(500), ttl=5)) as pool,
    ):
        for _ in range(10):
            way.faults = ["lose"]
            with pool.hold(key, NanoUsd(300), request_id=None) as hold:
                hold.capture(NanoUsd(300), USAGE)
        way.faults = ["lose"]
    assert credit_service.account_state(key) == {"available": 2_000, "held": 0, "captured": 3_000}


def test_what_is_captured_after_a_return_whose_answer_was_lost_is_charged_alone(
    credit_service: CreditService,
) -> None:
    key = credit_service.make_key(5_000)
    book = LeaseBook(TERMS, time.monotonic, lambda: None)
    with CreditClient(credit_service.url, credit_service.service_token, policy=POLICY) as client:

        def ask(*, is_lost: bool = False) -> None:
            errands, sent_at = book.errands(force=True), time.monotonic()
            answers = client.batch([errand.call for errand in errands])
            book.give_answers(errands, CreditUnavailable("lost") if is_lost else answers, sent_at)

        _, waiting = book.wait(key, NanoUsd(300), None, None, lambda: None)
        ask()
        first, second = waiting.hold, book.try_hold(key, NanoUsd(300), None, None)
        assert first is not None
        assert second is not None
        first.capture(NanoUsd(300), USAGE)
        book.close()
        ask(is_lost=True)
        second.capture(NanoUsd(200), USAGE)
        for _ in range(2):
            time.sleep(leased_key.SECONDS_BETWEEN_CALLS)
            ask()
    assert book.unsettled() == 0
    assert credit_service.account_state(key) == {"available": 4_500, "held": 0, "captured": 500}


@pytest.mark.anyio
async def test_the_asynchronous_pool_does_the_same(stand: tuple[Stand, str], service: RuleKeeper) -> None:
    service.credit[KEY] = Credit(20_000)

    async def work(pool: AsyncLeasePool) -> int:
        served = 0
        for _ in range(50):
            try:
                with await pool.hold(KEY, NanoUsd(30)) as hold:
                    await asyncio.sleep(0)
                    hold.capture(NanoUsd(30), USAGE)
                    served += 30
            except InsufficientCredit:
                return served
        return served

    async with (
        AsyncCreditClient(stand[1], TOKEN, policy=POLICY) as client,
        AsyncLeasePool(client, TERMS) as pool,
    ):
        served = sum(await asyncio.gather(*(work(pool) for _ in range(20))))
    assert served == 20_000 // 30 * 30
    assert service.credit[KEY].spent == served


@pytest.mark.anyio
async def test_one_who_is_cancelled_while_waiting_leaves_nothing_behind(
    stand: tuple[Stand, str], service: RuleKeeper
) -> None:
    async with (
        AsyncCreditClient(stand[1], TOKEN, policy=POLICY) as client,
        AsyncLeasePool(client, TERMS) as pool,
    ):
        waiting = asyncio.create_task(pool.hold(KEY, NanoUsd(100)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert service.credit[KEY].held == 0
    assert service.credit[KEY].available == 100_000
