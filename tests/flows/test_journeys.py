"""How often a question about credit goes to the server and back, which costs as much as many questions."""

from dataclasses import replace

import pytest
from psycopg.pq.abc import PGconn
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import UnknownHold, UnknownKey
from entitlement.core.units import NanoUsd
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import journey
from entitlement.store.owners import Name, Owner, Owners
from tests.support import assert_books_close, holder

Sessions = sessionmaker[Session]


@pytest.fixture
def journeys(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that gets an item for each journey."""
    made: list[None] = []
    receive = journey._receive  # pyright: ignore[reportPrivateUsage] - the one place that all come back to

    def counted(server: PGconn) -> object:
        made.append(None)
        return receive(server)

    monkeypatch.setattr(journey, "_receive", counted)
    return made


def test_of_a_key_and_a_hold_that_are_known_all_is_read_in_one_journey_and_written_with_the_commit(
    sessions: Sessions, journeys: list[None]
) -> None:
    spend = SpendCredit(sessions)
    alice = holder(sessions, diem=100)
    spend.hold(alice.gateway_id, alice.request(10))
    journeys.clear()
    held = spend.hold(alice.gateway_id, alice.request(10, "r2"))
    assert len(journeys) == 2
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(5), None)
    assert len(journeys) == 4
    assert_books_close(sessions)


def test_whoever_is_not_remembered_is_looked_for_before_any_account_is_locked(
    sessions: Sessions, journeys: list[None]
) -> None:
    spend = SpendCredit(sessions)
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(10))
    other = SpendCredit(sessions)
    journeys.clear()
    assert other.capture(alice.gateway_id, held.hold.id, NanoUsd(5), None).hold.captured == 5
    assert len(journeys) == 3


def test_what_is_remembered_decides_nothing(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    spend = SpendCredit(sessions)
    alice = holder(sessions, diem=100)

    def of(_: Owners, __: Name) -> Owner:
        return alice.account_id, alice.key_id

    monkeypatch.setattr(Owners, "of", of)
    with pytest.raises(UnknownKey):
        spend.hold(alice.gateway_id, replace(alice.request(10), key_hash=b"no key's"))
    with pytest.raises(UnknownHold):
        spend.release(alice.gateway_id, "hold_never")
    assert spend.hold(alice.gateway_id, alice.request(100)).hold.amount == 100


def test_more_entries_than_ids_were_asked_for_get_ids_that_still_rise(
    sessions: Sessions, clock: ShiftClock
) -> None:
    spend = SpendCredit(sessions)
    alice = holder(sessions, diem=100)
    due = [spend.hold(alice.gateway_id, alice.request(10, f"due {number}", ttl=5)) for number in range(4)]
    clock.jump_to(due[-1].hold.expires_at)
    # One question, and five entries: four holds ran out, and one is made.
    answer = spend.hold(alice.gateway_id, alice.request(100))
    assert (answer.balance.available, answer.balance.held) == (0, 100)
    assert_books_close(sessions)
