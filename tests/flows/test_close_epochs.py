"""When a day can change no more, and what is then written down of it, once."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from entitlement.core.adjustments import Wish
from entitlement.core.commitment import NO_ROOT, leaf_of, make_tree, root_from, spending_of
from entitlement.core.epochs import Epoch, ends_at
from entitlement.core.errors import NotThatMuchToTakeBack
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.shift_clock import ShiftClock
from entitlement.store import access, entry_batches, roots
from tests.crashes import Deaths, at_every_point
from tests.proofs import TODAY, Days, Sessions
from tests.support import NOON, USD, grant, holder, wallet_number

TOMORROW = Epoch(TODAY + 1)
ENOUGH = 40
"""Days to die in: more than closing one has points."""


@pytest.fixture
def days(sessions: Sessions, clock: ShiftClock) -> Days:
    return Days(sessions, clock)


def test_every_account_with_a_grant_has_a_leaf_also_one_that_nobody_asked_for(days: Days) -> None:
    days.grant({1: 3, 2: 1, 3: 5})
    days.spend(1, 2 * USD)
    days.end()
    assert days.close() == [TODAY]
    said = [(each.honoured.wallet, each.honoured.diem, each.honoured.spent) for each in days.leaves()]
    assert said == [
        (wallet_number(1), 3 * USD, 2 * USD),
        (wallet_number(2), 1 * USD, 0),
        (wallet_number(3), 5 * USD, 0),
    ]
    closed = days.closed()
    assert (closed.accounts, closed.granted, closed.spent) == (3, 9 * USD, 2 * USD)
    assert closed.block.hash == days.chain.headers_[-1].hash


def test_the_root_is_that_of_the_leaves_and_every_stored_proof_leads_to_it(days: Days) -> None:
    days.grant({number: number for number in range(1, 8)})
    days.spend(4, USD)
    days.end()
    days.close()
    hashes = {
        each.honoured.wallet: leaf_of(
            TODAY, each.honoured.wallet, each.honoured.granted, spending_of(each.honoured.spent, each.salt)
        )
        for each in days.leaves()
    }
    assert days.closed().root == make_tree(hashes.values()).root
    for each in days.leaves():
        with days.sessions.begin() as session:
            proof = roots.proof_of(session, TODAY, each.place)
        assert root_from(hashes[each.honoured.wallet], proof) == days.closed().root


def test_a_closed_day_binds_the_journal_as_it_was_then(days: Days) -> None:
    days.grant({1: 3, 2: 1})
    days.spend(1, 2 * USD)
    days.end()
    with days.sessions.begin() as session:
        then = entry_batches.heads(session)
    assert then
    days.close()
    assert [(each.lane, each.number, each.hash) for each in days.closed().journal_heads] == [
        (each.lane, each.number, f"0x{each.hash.hex()}") for each in then
    ]


def test_a_day_without_grants_is_closed_with_the_root_zero(days: Days) -> None:
    days.grant({})
    days.end()
    assert days.close() == [TODAY]
    assert (days.closed().root, days.closed().accounts, days.leaves()) == (NO_ROOT, 0, [])


def test_a_day_is_not_closed_before_its_end_is_final_and_the_hour_of_late_captures_over(days: Days) -> None:
    days.grant({1: 1})
    assert days.close() == []
    days.clock.jump_to(ends_at(TODAY) + LATE_CAPTURE_SECONDS)
    assert days.close() == [], "no block is after its end"
    days.end()
    assert days.close() == [TODAY]


def test_a_day_is_not_closed_in_the_hour_of_late_captures(days: Days) -> None:
    days.grant({1: 1})
    days.chain.mine(at=ends_at(TODAY))
    days.following.step()
    days.clock.jump_to(ends_at(TODAY) + LATE_CAPTURE_SECONDS - 60)
    assert days.close() == []


def test_what_a_hold_of_the_day_costs_after_midnight_is_in_the_days_leaf(days: Days) -> None:
    days.grant({1: 3})
    days.clock.jump_to(ends_at(TODAY) - 10)
    hold_id = days.hold(1, 2 * USD)
    days.clock.jump_to(ends_at(TODAY) + 60)
    days.capture(1, hold_id, USD)
    days.end()
    assert days.close() == [TODAY]
    assert days.leaves()[0].honoured.spent == USD


def test_a_day_waits_for_the_last_hold_of_its_credit(days: Days) -> None:
    days.grant({1: 3})
    days.clock.jump_to(ends_at(TODAY) - 10)
    days.hold(1, 2 * USD)
    days.end()
    assert days.close() == []
    ExpireCredit(days.sessions).expire_holds()
    assert days.close() == [TODAY]


def test_a_hold_that_ran_out_lets_the_day_be_closed_and_a_late_capture_changes_nothing_of_it(
    days: Days,
) -> None:
    days.grant({1: 3})
    days.clock.jump_to(ends_at(TODAY) - 10)
    hold_id = days.hold(1, 2 * USD)
    days.clock.jump_to(ends_at(TODAY) + 1_200)
    ExpireCredit(days.sessions).expire_holds()
    days.capture(1, hold_id, USD)
    days.end()
    assert days.close() == [TODAY]
    assert days.leaves()[0].honoured.spent == 0, "the operator paid: the day's credit was gone"


def test_a_correction_after_the_end_belongs_to_the_day_it_is_made_in(days: Days) -> None:
    days.grant({1: 3})
    days.spend(1, 2 * USD)
    days.end()
    wish = Wish("case-1", wallet_number(1), NanoUsd(USD), "too much", "alice")
    with pytest.raises(NotThatMuchToTakeBack):
        AdjustCredit(days.sessions).correct(wish)
    days.close()
    before = days.leaves()
    AdjustCredit(days.sessions).grant(wish)
    with days.sessions.begin() as session:
        assert roots.honoured_in(session, TODAY) == [each.honoured for each in before]


def test_a_booking_that_read_the_days_clock_and_is_still_under_way_is_waited_for(days: Days) -> None:
    days.grant({1: 3})
    days.end()
    with days.sessions.begin() as session:
        account_id = access.account_of(session, wallet_number(1))
        assert account_id is not None
        access.lock_account(session, account_id)
        assert days.close() == []
    assert days.close() == [TODAY]


def test_days_that_were_missed_are_closed_in_order_and_each_once(days: Days) -> None:
    days.grant({1: 1})
    days.end(Epoch(TODAY + 2))
    assert days.close() == [TODAY, TOMORROW, Epoch(TODAY + 2)]
    assert days.close() == []


def test_what_was_committed_to_cannot_be_changed_or_taken_back(days: Days) -> None:
    days.grant({1: 3})
    days.end()
    days.close()
    with days.sessions.begin() as session:
        roots.keep_file_hash(session, TODAY, "0x" + "1" * 64)
    for statement in (
        "UPDATE epoch_roots SET spent = 1",
        "UPDATE epoch_roots SET root = '0x'",
        "UPDATE epoch_roots SET tree = ''",
        "UPDATE epoch_roots SET file_hash = '0x'",
        "DELETE FROM epoch_roots",
        "TRUNCATE epoch_roots CASCADE",
        "UPDATE epoch_leaves SET spent = 1",
        "UPDATE epoch_leaves SET salt = salt",
        "DELETE FROM epoch_leaves",
        "TRUNCATE epoch_leaves",
    ):
        with pytest.raises(DBAPIError, match=r"append-only|committed to"), days.sessions.begin() as session:
            session.execute(text(statement))


def test_two_services_that_saw_the_same_day_publish_other_commitments_for_the_same_spending(
    new_database: Callable[[], AbstractContextManager[Sessions]],
) -> None:
    published: list[set[bytes]] = []
    for _ in range(2):
        with new_database() as sessions:
            clock = ShiftClock(sessions, network="tests", is_devnet=True)
            clock.jump_to(NOON)
            days = Days(sessions, clock)
            days.grant({1: 3, 2: 3, 3: 3})
            for number in (1, 2):
                days.spend(number, USD, f"r{number}")
            days.end()
            days.close()
            published.append({spending_of(each.honoured.spent, each.salt) for each in days.leaves()})
    assert len(published[0] | published[1]) == 6, "each commitment is like no other"


def test_closing_that_dies_anywhere_and_is_run_again_comes_to_one_root(days: Days) -> None:
    first = holder(days.sessions)
    for epoch in range(TODAY, TODAY + ENOUGH):
        grant(days.sessions, first.account_id, Source.DIEM, USD, epoch=Epoch(epoch))
    days.end(Epoch(TODAY + ENOUGH))
    passed = 0

    def prepare(point: int) -> Callable[[], object]:
        return lambda: CloseEpochs(days.sessions)._close(Epoch(TODAY + point - 1))

    for passed in at_every_point(Deaths(days.sessions, by_the_server=False), prepare):
        epoch = Epoch(TODAY + passed - 1)
        assert CloseEpochs(days.sessions)._close(epoch)
        assert (len(days.leaves(epoch)), days.closed(epoch).granted) == (1, USD)
    assert 10 < passed < ENOUGH
