"""What was paid for becomes credit once: whatever is read again, undone, done by two, or dies on the way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import PurchasesNotSettled
from entitlement.core.events import CreditBought, MembershipBought
from entitlement.core.ledger import Source
from entitlement.core.membership import MONTH_SECONDS, Terms
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Usdc, Wallet
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.grant_purchases import WHOLE_SECONDS, GrantPurchases
from entitlement.flows.read_purchases import ReadPurchases, Shop
from entitlement.flows.set_membership_terms import SetMembershipTerms
from entitlement.flows.shift_clock import ShiftClock
from entitlement.store import memberships
from entitlement.store.tables import AccountRow, AdjustmentRow, BucketRow, EntryRow, MembershipRow
from tests.crashes import Deaths, at_every_point
from tests.flows.test_reindex import reindex
from tests.simulation.living_chain import PEOPLE, Act, LivingChain, person
from tests.support import (
    GENESIS_TIME,
    NOON,
    USD,
    ScriptedChain,
    Unplaced,
    assert_books_close,
    catch_up,
    follower,
    holder,
    reach,
    wallet_number,
)

Sessions = sessionmaker[Session]
Told = TypeVar("Told")
ALICE, BOB = wallet_number(1), wallet_number(2)
FIVE = Usdc(5_000_000)
TERMS = Terms(credit=NanoUsd(10 * USD), upgrade_credit=NanoUsd(0))


def pays(wallet: Wallet = ALICE, usdc: int = FIVE) -> Unplaced:
    return partial(CreditBought, wallet=wallet, usdc=Usdc(usdc))


def subscribes(months: int, *, bought_at: int, start: int | None = None, tier: int = 1) -> Unplaced:
    until = (bought_at if start is None else start) + months * MONTH_SECONDS
    return partial(MembershipBought, wallet=ALICE, tier=tier, until=until, bought_at=bought_at)


def granted(sessions: Sessions, wallet: Wallet = ALICE, source: Source = Source.PREPAID) -> int:
    query = select(func.coalesce(func.sum(BucketRow.granted), 0)).join(AccountRow)
    with sessions.begin() as session:
        return int(
            session.scalars(query.where(AccountRow.wallet == wallet, BucketRow.source == source)).one()
        )


def entries(sessions: Sessions, kind: str) -> int:
    with sessions.begin() as session:
        return session.scalars(select(func.count()).select_from(EntryRow).where(EntryRow.kind == kind)).one()


def follow(chain: ScriptedChain, sessions: Sessions) -> None:
    catch_up(follower(chain, sessions, may_undo_final=True))


@pytest.fixture
def purchases(sessions: Sessions) -> GrantPurchases:
    return GrantPurchases(sessions)


# --- top-ups -----------------------------------------------------------------------------------------------


def test_a_final_top_up_is_prepaid_credit_dollar_for_dollar_and_once(
    sessions: Sessions, purchases: GrantPurchases
) -> None:
    chain = ScriptedChain(finality_depth=1)
    chain.mine(pays(), pays(usdc=7), pays(BOB))
    follow(chain, sessions)
    assert purchases.sweep() == 0, "it is not final yet"
    chain.mine()
    follow(chain, sessions)
    assert purchases.sweep() == 3
    assert (granted(sessions), granted(sessions, BOB)) == (5 * USD + 7_000, 5 * USD)
    assert purchases.sweep() == 0
    chain.mine(pays())
    chain.mine()
    follow(chain, sessions)
    assert GrantPurchases(sessions).sweep() == 1
    assert granted(sessions) == 10 * USD + 7_000
    assert_books_close(sessions)


@pytest.mark.parametrize("moment", range(4))
def test_who_asks_while_a_top_up_becomes_credit_is_told_of_it_once(
    sessions: Sessions, purchases: GrantPurchases, moment: int
) -> None:
    chain = ScriptedChain()
    paid = chain.mine(pays()).hash
    follow(chain, sessions)
    bought = ReadPurchases(sessions, lambda: Shop(1, "0x", "0x"))

    def asked(question: Callable[[], Told]) -> Told:
        """Ask, while the sweep comes right after one of the statements that this takes."""
        engine, statements = sessions.kw["bind"], count()

        def note(*_: object) -> None:
            if next(statements) == moment:
                purchases.sweep()

        event.listen(engine, "after_cursor_execute", note)
        try:
            return question()
        finally:
            event.remove(engine, "after_cursor_execute", note)

    credited, pending = asked(lambda: bought.of_transaction(paid))
    assert credited + pending == 5 * USD
    chain.mine(pays(usdc=7))
    follow(chain, sessions)
    told = asked(lambda: bought.of_wallet(ALICE))
    assert sorted(each.amount for each in told) == [7_000, 5 * USD]


def test_a_top_up_that_was_undone_before_it_was_final_gives_nothing(
    sessions: Sessions, purchases: GrantPurchases
) -> None:
    chain = ScriptedChain(finality_depth=1)
    chain.mine(pays())
    follow(chain, sessions)
    chain.drop(1)
    chain.mine()
    chain.mine()
    follow(chain, sessions)
    assert purchases.sweep() == 0


def test_a_transaction_that_comes_again_in_another_block_is_credited_once(
    sessions: Sessions, purchases: GrantPurchases
) -> None:
    def paid(at: object) -> CreditBought:
        return CreditBought(replace(at, transaction_hash="0xfeed"), ALICE, FIVE)  # type: ignore[type-var]

    chain = ScriptedChain()
    chain.mine(paid, paid)
    follow(chain, sessions)
    assert purchases.sweep() == 2
    chain.drop(1)
    chain.mine(pays(BOB), paid, paid)
    follow(chain, sessions)
    assert purchases.sweep() == 1
    assert (granted(sessions), granted(sessions, BOB)) == (10 * USD, 5 * USD)


def test_rebuilding_from_the_chain_grants_nothing_again(
    sessions: Sessions, purchases: GrantPurchases
) -> None:
    chain = ScriptedChain()
    chain.mine(pays(), subscribes(2, bought_at=NOON))
    follow(chain, sessions)
    assert purchases.sweep() == 3, "a top-up, a purchase of months, and the month that has begun"
    with sessions.begin() as session:
        session.execute(text("DELETE FROM events"))
    assert reindex(chain, sessions).is_mended
    assert purchases.sweep() == 0
    assert granted(sessions) == 5 * USD


def test_what_was_followed_before_sales_were_is_credited_after_rebuilding(
    sessions: Sessions, purchases: GrantPurchases, clock: ShiftClock
) -> None:
    chain = ScriptedChain()
    chain.mine(pays())
    follow(chain, sessions)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM events"))
    assert purchases.sweep() == 0
    reindex(chain, sessions)
    # Who has looked there before looks again after a while.
    assert purchases.sweep() == 0
    clock.jump_to(NOON + WHOLE_SECONDS + 60)
    assert purchases.sweep() == 1
    assert granted(sessions) == 5 * USD


def test_of_two_jobs_at_once_each_purchase_is_credited_by_one(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(*(pays(wallet_number(number)) for number in range(1, 31)))
    follow(chain, sessions)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: GrantPurchases(sessions).sweep(), range(4)))
    assert sum(done) == 30
    assert all(granted(sessions, wallet_number(number)) == 5 * USD for number in range(1, 31))
    assert_books_close(sessions)


@pytest.mark.parametrize("by_the_server", [False, True], ids=["it stops", "it is cut off"])
def test_a_sweep_that_dies_anywhere_is_made_good_by_the_next(
    sessions: Sessions, *, by_the_server: bool
) -> None:
    with sessions.begin() as session:
        memberships.put_terms(session, 1, TERMS, NOON)
    chain = ScriptedChain()
    paid = 0

    def prepare(point: int) -> Callable[[], object]:
        nonlocal paid
        wallet = wallet_number(100 + point)
        until = NOON + MONTH_SECONDS
        chain.mine(
            pays(usdc=FIVE + point),
            partial(MembershipBought, wallet=wallet, tier=1, until=until, bought_at=NOON),
        )
        paid += FIVE + point
        follow(chain, sessions)
        return GrantPurchases(sessions).sweep

    points = 0
    for point in at_every_point(Deaths(sessions, by_the_server), prepare):
        points = point
        GrantPurchases(sessions).sweep()
        assert granted(sessions) == paid * 1_000
        assert granted(sessions, wallet_number(100 + point), Source.MEMBERSHIP) == 10 * USD
    assert points > 20
    assert_books_close(sessions)


def test_more_than_an_account_may_hold_is_refused_loudly_and_the_others_have_theirs(
    sessions: Sessions, purchases: GrantPurchases
) -> None:
    chain = ScriptedChain()
    largest = NANO_USD_MAX // 1_000
    chain.mine(pays(usdc=largest + 1), pays(usdc=8), pays(BOB, largest), pays(BOB, 2**200))
    # Beside a day's credit there is less room.
    holder(sessions, diem=USD, number=3)
    chain.mine(pays(wallet_number(3), largest))
    follow(chain, sessions)
    for _ in range(2):
        with pytest.raises(PurchasesNotSettled, match="3 accounts' purchases could not be settled"):
            purchases.sweep()
    assert (granted(sessions), granted(sessions, BOB)) == (8_000, largest * 1_000)
    assert_books_close(sessions)


@pytest.mark.parametrize("column", ["granting_stopped", "check_failed"])
def test_while_granting_is_stopped_nothing_that_the_chain_sold_is_granted(
    sessions: Sessions, purchases: GrantPurchases, column: str, clock: ShiftClock
) -> None:
    with sessions.begin() as session:
        memberships.put_terms(session, 1, TERMS, NOON)
    chain = ScriptedChain()
    chain.mine(subscribes(2, bought_at=NOON))
    follow(chain, sessions)
    assert purchases.sweep() == 2
    chain.mine(pays())
    follow(chain, sessions)
    clock.jump_to(NOON + MONTH_SECONDS)
    for stopped, settled in (("'why'", 0), ("NULL", 2)):
        with sessions.begin() as session:
            session.execute(text(f"UPDATE chain_state SET {column} = {stopped}"))  # noqa: S608
        assert purchases.sweep() == settled


# --- memberships -------------------------------------------------------------------------------------------


def test_each_paid_month_gives_its_credit_when_it_begins_and_takes_it_along(
    sessions: Sessions, purchases: GrantPurchases, clock: ShiftClock
) -> None:
    SetMembershipTerms(sessions).set(1, TERMS)
    chain = ScriptedChain()
    chain.mine(subscribes(2, bought_at=NOON), at=NOON)
    chain.mine(subscribes(1, bought_at=NOON + 99, start=NOON + 2 * MONTH_SECONDS), at=NOON + 99)
    follow(chain, sessions)
    for month in range(3):
        clock.jump_to(NOON + month * MONTH_SECONDS + 100)
        purchases.sweep()
        assert purchases.sweep() == 0
        ExpireCredit(sessions).expire_buckets()
        with sessions.begin() as session:
            rows = session.execute(
                select(BucketRow.expires_at, BucketRow.available, BucketRow.expired).order_by(BucketRow.id)
            ).all()
        ends = [NOON + number * MONTH_SECONDS for number in range(1, month + 2)]
        assert [row[0] for row in rows] == ends
        assert [row[1] for row in rows] == [0] * month + [10 * USD]
    with sessions.begin() as session:
        until = memberships.subscribed_until(session, [ALICE, BOB])
    assert until == {ALICE: NOON + 3 * MONTH_SECONDS}
    assert_books_close(sessions)


def test_a_month_keeps_the_terms_by_which_it_was_paid_for(
    sessions: Sessions, purchases: GrantPurchases, clock: ShiftClock
) -> None:
    terms = SetMembershipTerms(sessions)
    terms.set(1, TERMS)
    chain = ScriptedChain()
    chain.mine(subscribes(2, bought_at=NOON))
    follow(chain, sessions)
    purchases.sweep()
    terms.set(1, Terms(NanoUsd(USD), NanoUsd(0)))
    clock.jump_to(NOON + MONTH_SECONDS)
    purchases.sweep()
    assert granted(sessions, source=Source.MEMBERSHIP) == 20 * USD


def test_a_month_that_was_over_before_anybody_looked_gives_nothing(
    sessions: Sessions, purchases: GrantPurchases, clock: ShiftClock
) -> None:
    SetMembershipTerms(sessions).set(1, TERMS)
    chain = ScriptedChain()
    chain.mine(subscribes(2, bought_at=NOON))
    follow(chain, sessions)
    clock.jump_to(NOON + MONTH_SECONDS)
    assert purchases.sweep() == 3
    assert granted(sessions, source=Source.MEMBERSHIP) == 10 * USD


def test_credit_on_upgrade_comes_once_for_an_account_whatever_it_buys(
    sessions: Sessions, purchases: GrantPurchases, clock: ShiftClock
) -> None:
    terms = SetMembershipTerms(sessions)
    for tier in (1, 2):
        terms.set(tier, Terms(NanoUsd(0), NanoUsd(tier * USD)))
    chain = ScriptedChain()
    chain.mine(subscribes(2, bought_at=NOON), subscribes(1, bought_at=NOON, tier=2))
    follow(chain, sessions)
    for moment in (None, NOON + MONTH_SECONDS):
        if moment is not None:
            clock.jump_to(moment)
        purchases.sweep()
        assert granted(sessions) == USD
    with sessions.begin() as session:
        (made,) = session.scalars(select(AdjustmentRow)).all()
    assert (made.kind, made.amount, made.made_by) == ("upgrade", USD, "membership terms")
    assert_books_close(sessions)


# --- anything ----------------------------------------------------------------------------------------------

TOP_UP, SUBSCRIBE = 11, 12
small = st.integers(min_value=0, max_value=40)
acts = st.builds(Act, kind=st.sampled_from([0, 5, TOP_UP, SUBSCRIBE]), who=small, whom=small, number=small)
seconds = st.sampled_from([12, 86_400, MONTH_SECONDS - 3_600, MONTH_SECONDS * 3])
happenings = st.lists(
    st.one_of(
        st.tuples(
            st.just("mine"), acts, st.sampled_from([12, 86_400, MONTH_SECONDS - 3_600, MONTH_SECONDS * 3])
        ),
        st.tuples(st.just("drop"), st.integers(1, 4)),
        st.just(("sweep",)),
    ),
    min_size=4,
    max_size=20,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings, st.integers(0, 3))
def test_whatever_is_bought_and_undone_credit_is_what_was_paid_for(
    new_database: Callable[[], object], history: list[tuple[object, ...]], finality_depth: int
) -> None:
    with new_database() as sessions:  # type: ignore[attr-defined]
        clock = ShiftClock(sessions, network="tests", is_devnet=True)
        SetMembershipTerms(sessions).set(1, TERMS)
        SetMembershipTerms(sessions).set(2, Terms(NanoUsd(75 * USD), NanoUsd(0)))
        chain = LivingChain(finality_depth=finality_depth)
        purchases = GrantPurchases(sessions)
        bundled: dict[Wallet, int] = {}
        settled: set[tuple[Wallet, int, int, int]] = set()
        for happening in [*history, ("sweep",)]:
            match happening:
                case ("mine", Act() as act, int(seconds)):
                    chain.live(act, seconds=seconds)
                case ("drop", int(depth)):
                    depth = min(depth, finality_depth, len(chain.headers_) - 1)
                    chain.drop(depth)
                    for _ in range(depth):
                        chain.live()
                case _:
                    follow(chain, sessions)
                    reach(clock, max(chain.headers_[-1].timestamp, GENESIS_TIME))
                    now = clock.now()
                    purchases.sweep()
                    final = chain.state(max(0, len(chain.headers_) - 1 - finality_depth))
                    for wallet, tier, starts_at, ends_at in set(final.months) - settled:
                        if starts_at <= now:
                            settled.add((wallet, tier, starts_at, ends_at))
                            credit = (10 if tier == 1 else 75) * USD if now < ends_at else 0
                            bundled[wallet] = bundled.get(wallet, 0) + credit
                    for wallet in map(person, range(PEOPLE)):
                        assert granted(sessions, wallet) == final.paid[wallet] * 1_000
                        assert granted(sessions, wallet, Source.MEMBERSHIP) == bundled.get(wallet, 0)
                    assert months(sessions) == sorted(final.months)
        assert_books_close(sessions)


def months(sessions: Sessions) -> list[tuple[str, int, int, int]]:
    query = select(AccountRow.wallet, MembershipRow.tier, MembershipRow.starts_at, MembershipRow.ends_at)
    with sessions.begin() as session:
        rows = session.execute(query.join(AccountRow, AccountRow.id == MembershipRow.account_id))
        return sorted((row[0], row[1], row[2], row[3]) for row in rows)
