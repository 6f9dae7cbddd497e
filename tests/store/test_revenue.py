"""What buybacks are a share of: what was spent of what was paid for, by the day."""

from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.adjustments import Wish
from entitlement.core.epochs import Epoch, ends_at, epoch_at, starts_at
from entitlement.core.holds import Usage
from entitlement.core.ledger import Source
from entitlement.core.membership import Month, Provider
from entitlement.core.units import NanoUsd
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import memberships, revenue
from tests.support import USD, assert_books_close, grant, holder


def clock_of(sessions: sessionmaker[Session]) -> ShiftClock:
    return ShiftClock(sessions, network="anvil", is_devnet=True)


def taken(sessions: sessionmaker[Session], first: Epoch, through: Epoch) -> dict[int, tuple[int, int, int]]:
    with sessions.begin() as session:
        found = revenue.taken(session, first=first, through=through)
    return {day.epoch - first: (day.spent, day.subscriptions, day.purchased) for day in found}


def test_prepaid_and_membership_count_where_they_were_spent_and_nothing_else_does(
    sessions: sessionmaker[Session],
) -> None:
    clock = clock_of(sessions)
    today = epoch_at(clock.now())
    spend = SpendCredit(sessions)
    alice = holder(sessions, diem=5 * USD, prepaid=30 * USD)
    grant(sessions, alice.account_id, Source.MEMBERSHIP, 4 * USD)

    def spent(amount: int, request_id: str, *, held: int | None = None) -> None:
        hold = spend.hold(alice.gateway_id, alice.request((held or amount) * USD, request_id)).hold
        spend.capture(alice.gateway_id, hold.id, NanoUsd(amount * USD), Usage())

    # DIEM is spent first, then membership, then what was prepaid.
    spent(4, "of DIEM alone")
    assert taken(sessions, today, today) == {}
    spent(3, "one of DIEM, two of membership")
    assert taken(sessions, today, today) == {0: (2 * USD, 0, 0)}
    spent(5, "two of membership, three prepaid", held=9)
    assert taken(sessions, today, today) == {0: (7 * USD, 0, 0)}
    # What is held is not spent, and a charge after midnight belongs to the day of its hold.
    clock.jump_to(ends_at(today) - 60)
    late = spend.hold(alice.gateway_id, alice.request(6 * USD, "late")).hold
    assert taken(sessions, today, today) == {0: (7 * USD, 0, 0)}
    clock.jump_to(ends_at(today) + 5)
    spend.capture(alice.gateway_id, late.id, NanoUsd(6 * USD), Usage())
    assert taken(sessions, today, Epoch(today + 1)) == {0: (13 * USD, 0, 0)}
    AdjustCredit(sessions).correct(Wish("c1", alice.wallet, NanoUsd(2 * USD), "too much", "a test"))
    assert taken(sessions, today, Epoch(today + 1)) == {0: (13 * USD, 0, 0), 1: (-2 * USD, 0, 0)}
    assert taken(sessions, Epoch(today + 1), Epoch(today + 9)) == {0: (-2 * USD, 0, 0)}
    assert_books_close(sessions)


def test_what_the_operator_paid_is_no_revenue(sessions: sessionmaker[Session]) -> None:
    today = epoch_at(clock_of(sessions).now())
    spend = SpendCredit(sessions)
    alice = holder(sessions, prepaid=3 * USD)
    hold = spend.hold(alice.gateway_id, alice.request(2 * USD)).hold
    done = spend.capture(alice.gateway_id, hold.id, NanoUsd(10 * USD), Usage())
    assert done.hold.shortfall == 7 * USD
    assert taken(sessions, today, today) == {0: (3 * USD, 0, 0)}


def test_an_accounts_first_month_counts_once_on_the_day_it_begins(sessions: sessionmaker[Session]) -> None:
    today = epoch_at(clock_of(sessions).now())
    month = Month(1, starts_at(Epoch(today + 2)), starts_at(Epoch(today + 32)))
    later = Month(1, month.ends_at, month.ends_at + 30 * 86_400)
    for number, months in ((1, (month, later)), (2, (later, month)), (3, (later,))):
        account_id = holder(sessions, number=number).account_id
        with sessions.begin() as session:
            memberships.add_months(session, account_id, Provider.CHAIN, months, credit=NanoUsd(0))
            memberships.add_months(
                session, account_id, Provider.CARD, [replace(months[0], tier=2)], credit=NanoUsd(0)
            )
    assert taken(sessions, today, Epoch(today + 40)) == {2: (0, 2, 0), 32: (0, 1, 0)}
    assert taken(sessions, Epoch(today + 3), Epoch(today + 31)) == {}


def test_what_was_bought_counts_on_its_day_and_a_refund_takes_it_back_on_its_own(
    sessions: sessionmaker[Session],
) -> None:
    today = epoch_at(clock_of(sessions).now())
    account_id = holder(sessions).account_id
    with sessions.begin() as session:
        for number, (amount, kind, at) in enumerate(
            (
                (20 * USD, "credit", starts_at(today)),
                (5 * USD, "credit", ends_at(today) - 1),
                (9 * USD, "credit", ends_at(today)),
                (0, "membership", starts_at(today)),
            )
        ):
            session.execute(
                text("INSERT INTO purchases VALUES (:hash, :account, :number, :kind, :amount, :at)"),
                {
                    "hash": "0x" + f"{number}" * 64,
                    "account": account_id,
                    "number": number + 1,
                    "kind": kind,
                    "amount": amount,
                    "at": at,
                },
            )
        session.execute(
            text("""
                INSERT INTO adjustments VALUES ('r1', :account, 'refund', :amount, 'asked for', 'a test', :at,
                    :hash, 1)
            """),
            {"account": account_id, "amount": 4 * USD, "at": ends_at(today), "hash": "0x" + "0" * 64},
        )
    assert taken(sessions, today, Epoch(today + 1)) == {0: (0, 0, 25 * USD), 1: (0, 0, 5 * USD)}
