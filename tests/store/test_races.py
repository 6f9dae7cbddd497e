"""Many at once on one PostgreSQL: whatever the interleaving, credit is spent once and things happen once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import epoch_at
from entitlement.core.errors import (
    EntitlementError,
    HoldAlreadyEnded,
    IdempotencyKeyReused,
    InsufficientCredit,
    KeyLimitReached,
    KeyPaused,
    KeyRevoked,
    KeyRotated,
)
from entitlement.core.holds import HoldState
from entitlement.core.keys import KeyChange, NewKey
from entitlement.core.limits import KeyLimits
from entitlement.core.positions import Position, Slot
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import HoldAnswer, SpendCredit
from entitlement.store import access
from entitlement.store import chain as chain_rows
from entitlement.store.session import session_factory
from entitlement.store.tables import AccountRow, ApiKeyRow, BucketRow, EntryRow, HoldRow
from tests.support import DIEM, NOON, USD, ScriptedChain, assert_books_close, follower, holder, wallet_number

Sessions = sessionmaker[Session]
Outcome = object | EntitlementError


@pytest.fixture
def many(database: Engine) -> Iterator[Sessions]:
    """Sessions over more connections than one process usually has: every thread gets its own."""
    wide = create_engine(
        database.url,
        pool_size=64,
        max_overflow=0,
        isolation_level="READ COMMITTED",
        connect_args={"prepare_threshold": None},
    )
    sessions = session_factory(wide)
    ShiftClock(sessions, network="tests", is_devnet=True).jump_to(NOON)
    yield sessions
    wide.dispose()


def at_once(tasks: Sequence[Callable[[], object]]) -> list[Outcome]:
    """Run `tasks` in as many threads, let go together; return answers and expected failures in order."""
    start = Barrier(len(tasks))

    def run(task: Callable[[], object]) -> Outcome:
        start.wait(timeout=60)
        try:
            return task()
        except EntitlementError as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def answers(outcomes: list[Outcome]) -> list[HoldAnswer]:
    return [outcome for outcome in outcomes if isinstance(outcome, HoldAnswer)]


def count(sessions: Sessions, table: type, *where: object) -> int:
    with sessions.begin() as session:
        return session.scalars(select(func.count()).select_from(table).where(*where)).one()  # type: ignore[arg-type]


# --- holds -----------------------------------------------------------------------------------------------


def test_of_two_hundred_holds_of_one_unit_against_credit_for_thirty_three_thirty_three_succeed(
    many: Sessions,
) -> None:
    alice = holder(many, diem=20, prepaid=13)
    spend = SpendCredit(many)
    outcomes = at_once([partial(spend.hold, alice.gateway_id, alice.request(1, f"r{n}")) for n in range(200)])
    assert len(answers(outcomes)) == 33
    assert sum(isinstance(outcome, InsufficientCredit) for outcome in outcomes) == 167
    assert sum(answer.hold.is_final for answer in answers(outcomes)) == 1
    assert_books_close(many)
    with many.begin() as session:
        buckets = session.execute(select(BucketRow.available, BucketRow.held).order_by(BucketRow.id)).all()
    assert [tuple(row) for row in buckets] == [(0, 20), (0, 13)]


def test_a_keys_limit_is_not_overspent_by_holds_that_come_together(many: Sessions) -> None:
    alice = holder(many, diem=1_000, wish=NewKey("limited", limits=KeyLimits(diem=NanoUsd(33))))
    spend = SpendCredit(many)
    outcomes = at_once([partial(spend.hold, alice.gateway_id, alice.request(1, f"r{n}")) for n in range(64)])
    assert len(answers(outcomes)) == 33
    assert sum(isinstance(outcome, KeyLimitReached) for outcome in outcomes) == 31
    assert_books_close(many)


def test_twenty_deliveries_of_one_request_are_one_hold(many: Sessions) -> None:
    alice = holder(many, diem=100)
    outcomes = at_once([partial(SpendCredit(many).hold, alice.gateway_id, alice.request(100))] * 20)
    found = answers(outcomes)
    assert len(found) == 20
    assert len({answer.hold.id for answer in found}) == 1
    assert [answer.is_repeated for answer in found].count(False) == 1
    assert count(many, HoldRow) == 1
    assert_books_close(many)


def test_twenty_deliveries_of_a_refused_request_are_one_refusal(many: Sessions) -> None:
    alice = holder(many, diem=99)
    outcomes = at_once([partial(SpendCredit(many).hold, alice.gateway_id, alice.request(100))] * 20)
    assert all(isinstance(outcome, InsufficientCredit) for outcome in outcomes)
    assert count(many, HoldRow) == 1


def test_one_request_id_that_comes_under_the_keys_of_many_accounts_at_once_is_one_hold(
    many: Sessions,
) -> None:
    people = [holder(many, diem=100, number=number) for number in range(1, 9)]
    spend = SpendCredit(many)
    outcomes = at_once([partial(spend.hold, people[0].gateway_id, each.request(10)) for each in people])
    assert len(answers(outcomes)) == 1
    assert sum(isinstance(outcome, IdempotencyKeyReused) for outcome in outcomes) == 7
    assert count(many, HoldRow) == 1
    assert_books_close(many)


def test_equal_request_ids_of_two_gateways_do_not_collide(many: Sessions) -> None:
    alice, bob = holder(many, diem=100), holder(many, number=2)
    spend = SpendCredit(many)
    tasks = [
        partial(spend.hold, gateway, alice.request(10)) for gateway in (alice.gateway_id, bob.gateway_id)
    ]
    found = answers(at_once(tasks * 5))
    assert len(found) == 10
    assert {(answer.hold.gateway_id, answer.hold.id) for answer in found}.__len__() == 2
    assert count(many, HoldRow) == 2
    assert_books_close(many)


@pytest.mark.parametrize("is_rotated", [False, True], ids=["paused", "rotated"])
def test_after_a_key_is_paused_or_rotated_no_hold_of_its_secret_is_made(
    many: Sessions, *, is_rotated: bool
) -> None:
    alice = holder(many, diem=100)
    spend, keys = SpendCredit(many), ManageKeys(many)
    holds = [partial(spend.hold, alice.gateway_id, alice.request(1, f"r{n}")) for n in range(30)]
    act: Callable[[], object] = (
        partial(keys.rotate, alice.account_id, alice.key_id)
        if is_rotated
        else partial(keys.change, alice.account_id, alice.key_id, KeyChange(is_paused=True))
    )
    refusal = KeyRotated if is_rotated else KeyPaused
    outcomes = at_once([*holds[:15], act, *holds[15:]])
    made = sum(isinstance(outcome, HoldAnswer) for outcome in outcomes)
    assert made + sum(isinstance(outcome, refusal) for outcome in outcomes) == 30
    with many.begin() as session:
        row = session.scalars(select(ApiKeyRow)).one()
        latest = session.scalars(select(func.max(HoldRow.created_at))).one() or 0
    stopped = row.rotated_at if is_rotated else row.paused_at
    assert stopped is not None
    assert latest <= stopped
    assert isinstance(at_once([partial(spend.hold, alice.gateway_id, alice.request(1, "after"))])[0], refusal)
    assert_books_close(many)


def test_after_a_key_is_revoked_no_hold_of_it_is_made(many: Sessions) -> None:
    alice = holder(many, diem=100)
    spend, keys = SpendCredit(many), ManageKeys(many)
    holds = [partial(spend.hold, alice.gateway_id, alice.request(1, f"r{n}")) for n in range(30)]
    revoking = partial(keys.revoke, alice.account_id, alice.key_id)
    outcomes = at_once([*holds[:15], revoking, *holds[15:]])
    made = len(answers(outcomes))
    assert made + sum(isinstance(outcome, KeyRevoked) for outcome in outcomes) == 30
    with many.begin() as session:
        revoked = session.scalars(select(ApiKeyRow.revoked_at)).one()
        latest = session.scalars(select(func.max(HoldRow.created_at))).one() or 0
    assert revoked is not None
    assert latest <= revoked
    assert isinstance(
        at_once([partial(spend.hold, alice.gateway_id, alice.request(1, "after"))])[0], KeyRevoked
    )
    assert_books_close(many)


# --- ends ------------------------------------------------------------------------------------------------


def ends_of(sessions: Sessions, hold_id: str) -> int:
    return count(sessions, EntryRow, EntryRow.key.in_([f"end:{hold_id}", f"late:{hold_id}"]))


def test_of_captures_of_different_amounts_one_wins(many: Sessions) -> None:
    alice = holder(many, diem=100)
    spend = SpendCredit(many)
    for turn in range(5):
        held = spend.hold(alice.gateway_id, alice.request(10, f"r{turn}")).hold
        outcomes = at_once(
            [partial(spend.capture, alice.gateway_id, held.id, NanoUsd(cost), None) for cost in range(1, 9)]
        )
        assert len(answers(outcomes)) == 1
        assert sum(isinstance(outcome, HoldAlreadyEnded) for outcome in outcomes) == 7
        assert ends_of(many, held.id) == 1
    assert_books_close(many)


def test_captures_of_the_same_amount_are_one_capture(many: Sessions) -> None:
    alice = holder(many, diem=100)
    spend = SpendCredit(many)
    held = spend.hold(alice.gateway_id, alice.request(10)).hold
    found = answers(at_once([partial(spend.capture, alice.gateway_id, held.id, NanoUsd(7), None)] * 8))
    assert [answer.is_repeated for answer in found].count(False) == 1
    assert {answer.hold.captured for answer in found} == {7}
    assert (ends_of(many, held.id), found[-1].balance.spent) == (1, 7)
    assert_books_close(many)


def test_of_a_capture_and_a_release_one_wins(many: Sessions) -> None:
    alice = holder(many, diem=1_000)
    spend = SpendCredit(many)
    for turn in range(10):
        held = spend.hold(alice.gateway_id, alice.request(10, f"r{turn}")).hold
        tasks = [
            partial(spend.capture, alice.gateway_id, held.id, NanoUsd(7), None),
            partial(spend.release, alice.gateway_id, held.id),
        ]
        outcomes = at_once(tasks[:: 1 if turn % 2 else -1])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["HoldAlreadyEnded", "HoldAnswer"]
        assert ends_of(many, held.id) == 1
    assert_books_close(many)


def test_a_capture_and_an_expiry_at_once_charge_once(many: Sessions) -> None:
    alice = holder(many, diem=1_000)
    spend, jobs = SpendCredit(many), ExpireCredit(many)
    clock = ShiftClock(many, network="tests", is_devnet=True)
    for turn in range(1, 11):
        held = spend.hold(alice.gateway_id, alice.request(10, f"r{turn}", ttl=60)).hold
        clock.jump_to(held.expires_at)
        capturing = partial(spend.capture, alice.gateway_id, held.id, NanoUsd(7), None)
        captured, *_ = at_once([capturing, jobs.expire_holds, jobs.expire_holds])
        assert isinstance(captured, HoldAnswer)
        assert (captured.hold.state, captured.hold.captured) == (HoldState.EXPIRED, 7)
        assert captured.balance.spent == 7 * turn
        assert ends_of(many, held.id) == 2, "given back, then charged"
    assert_books_close(many)


def test_the_days_end_and_captures_and_releases_at_once_lose_nothing(many: Sessions) -> None:
    alice = holder(many, diem=1_000)
    spend, jobs = SpendCredit(many), ExpireCredit(many)
    held = [spend.hold(alice.gateway_id, alice.request(10, f"r{n}", ttl=3_600)).hold for n in range(20)]
    ShiftClock(many, network="tests", is_devnet=True).jump_to(NOON + 86_400 // 2)
    captures = [partial(spend.capture, alice.gateway_id, each.id, NanoUsd(4), None) for each in held[:10]]
    releases = [partial(spend.release, alice.gateway_id, each.id) for each in held[10:]]
    at_once([*captures, jobs.expire_buckets, jobs.expire_holds, *releases, jobs.expire_buckets])
    jobs.expire_buckets()
    with many.begin() as session:
        row = session.scalars(select(BucketRow)).one()
        assert (row.available, row.held) == (0, 0)
        assert row.consumed + row.expired == 1_000
    assert_books_close(many)


# --- grants, accounts, nonces ----------------------------------------------------------------------------


def test_sweeps_and_touches_at_once_grant_once(many: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine()
    follower(chain, many).step()
    wallets = [wallet_number(number) for number in range(1, 11)]
    reads = [partial(ReadAccount(many).account, each) for each in wallets]
    for turn, diem in enumerate((3, 5, 8), start=1):
        slot = Slot(epoch_at(NOON), Wei(diem * DIEM), Wei(0))
        with many.begin() as session:
            chain_rows.write_positions(
                session, [Position(each, slot=slot) for each in wallets], pending=False
            )
        at_once([*[GrantAllowances(many).sweep] * 8, *reads])
        assert count(many, AccountRow) == count(many, BucketRow) == 10
        assert count(many, EntryRow) == 10 * turn
        with many.begin() as session:
            assert set(session.scalars(select(BucketRow.granted))) == {diem * USD}
    assert_books_close(many)


def test_a_nonce_that_is_used_by_many_at_once_is_used_once(many: Sessions) -> None:
    with many.begin() as session:
        access.add_nonce(session, "n" * 16, NOON + 600)

    def use() -> bool:
        with many.begin() as session:
            return access.use_nonce(session, "n" * 16, NOON)

    assert at_once([use] * 20).count(True) == 1
