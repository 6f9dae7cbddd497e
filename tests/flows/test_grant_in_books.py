"""The credit of a day that comes with its first hold is what the sweep grants, and costs one journey more."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import epoch_at
from entitlement.core.errors import InsufficientCredit
from entitlement.core.holds import HoldKind
from entitlement.core.ledger import Source
from entitlement.core.pro_rata import Policy
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import Question, SpendCredit
from entitlement.store.journey import Journey
from entitlement.store.tables import BucketRow
from tests.flows.test_grant_allowances import says
from tests.flows.test_pro_rata import MIDNIGHT, VVV, stakes
from tests.support import (
    NOON,
    USD,
    Holder,
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
Databases = Callable[[], AbstractContextManager[Sessions]]
Grants = list[tuple[object, ...]]
PEOPLE = 6


@dataclass
class World:
    sessions: Sessions
    people: list[Holder]
    spend: SpendCredit


def sweep(world: World, name: str) -> None:
    assert GrantAllowances(world.sessions).sweep() >= 0, name


def hold_in_one_group(world: World, name: str) -> None:
    """Each asks twice in the one group; those who have nothing are refused."""
    asked = [(each, f"{name}{again}") for again in range(2) for each in world.people]
    world.spend.answer([Question(each.gateway_id, each.request(1, one)) for each, one in asked])


def hold_one_by_one(world: World, name: str) -> None:
    for each in world.people:
        world.spend.answer([Question(each.gateway_id, each.request(1, name))])


def events_of(drawn: Random, day: int) -> list[Unplaced]:
    """Say the rights of some as of a day, and what some stake."""
    said: list[Unplaced] = []
    for number in range(1, PEOPLE + 1):
        if drawn.random() < 0.6:
            said.append(says(wallet_number(number), day, drawn.randrange(4), drawn.randrange(4)))
        if drawn.random() < 0.5:
            said.append(stakes(wallet_number(number), drawn.randrange(1, 9)))
    return said


def lived(sessions: Sessions, seed: int, touch: Callable[[World, str], None]) -> list[Grants]:
    """Live from noon to the next one with a midnight between; return what was granted after each moment."""
    drawn, chain = Random(seed), ScriptedChain()
    clock = ShiftClock(sessions, network="devnet", is_devnet=True)
    clock.jump_to(NOON)
    people = [holder(sessions, number=number) for number in range(1, PEOPLE + 1)]
    world = World(sessions, people, SpendCredit(sessions))
    SetProRata(sessions).set(Policy(NanoUsd(drawn.choice([0, 7 * USD])), Wei(2 * VVV)))
    found: list[Grants] = []
    moments = [(NOON, 0), (NOON + 3_600, 0), (MIDNIGHT, 1), (MIDNIGHT + 3_600, 1)]
    for number, (moment, day) in enumerate(moments):
        chain.mine(*events_of(drawn, day), at=moment)
        catch_up(follower(chain, sessions))
        reach(clock, moment + 60)
        touch(world, f"r{number}")
        found.append(grants_in(sessions))
    assert_books_close(sessions)
    return found


def grants_in(sessions: Sessions) -> Grants:
    """Return the day's buckets as they were granted, and the grants of the journal."""
    queries = (
        "SELECT account_id, source, epoch, expires_at, granted FROM buckets ORDER BY 1, 2, 3",
        "SELECT key, account_id, epoch, amounts FROM entries WHERE kind = 'grant' ORDER BY key",
    )
    with sessions.begin() as session:
        return [tuple(row) for query in queries for row in session.execute(text(query))]


@pytest.mark.parametrize("seed", range(4))
def test_a_group_of_holds_grants_what_the_sweep_does(new_database: Databases, seed: int) -> None:
    stories: list[list[Grants]] = []
    for touch in (sweep, hold_in_one_group, hold_one_by_one):
        with new_database() as sessions:
            stories.append(lived(sessions, seed, touch))
    assert stories[0] == stories[1] == stories[2]
    assert 0 < len(stories[0][0]) < len(stories[0][-1]), "something was granted on both days"


@pytest.fixture
def journeys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statements of each journey that was made."""
    made: list[int] = []
    go = Journey._go  # pyright: ignore[reportPrivateUsage] - what each journey comes to

    def counted(self: Journey, *, commits: bool) -> None:
        made.append(len(self._asked))  # pyright: ignore[reportPrivateUsage]
        go(self, commits=commits)

    monkeypatch.setattr(Journey, "_go", counted)
    return made


def test_the_first_hold_of_a_day_costs_one_journey_more_than_the_second(
    sessions: Sessions, clock: ShiftClock, journeys: list[int]
) -> None:
    chain, alice, spend = ScriptedChain(), holder(sessions), SpendCredit(sessions)
    SetProRata(sessions).set(Policy(NanoUsd(USD), Wei(VVV)))
    chain.mine(says(alice.wallet, 0, 4, 4), stakes(alice.wallet, 1), at=NOON)
    chain.mine(at=MIDNIGHT)
    catch_up(follower(chain, sessions))
    spend.hold(alice.gateway_id, alice.request(1, "yesterday", kind=HoldKind.CHARGE))
    reach(clock, MIDNIGHT + 60)
    costs: list[int] = []
    for name in ("first", "second"):
        journeys.clear()
        spend.hold(alice.gateway_id, alice.request(1, name))
        costs.append(len(journeys))
    assert costs == [3, 2]
    with sessions.begin() as session:
        query = select(BucketRow.source, BucketRow.granted).where(BucketRow.epoch == epoch_at(MIDNIGHT))
        granted = {row[0]: row[1] for row in session.execute(query)}
    assert granted == {Source.DIEM: 4 * USD, Source.PRO_RATA: USD}


def test_a_grant_stays_though_the_hold_that_came_with_it_is_refused(sessions: Sessions) -> None:
    chain, alice, spend = ScriptedChain(), holder(sessions), SpendCredit(sessions)
    chain.mine(says(alice.wallet, 0, 4, 4))
    catch_up(follower(chain, sessions))
    with pytest.raises(InsufficientCredit):
        spend.hold(alice.gateway_id, alice.request(5 * USD, "too much"))
    assert [row[-1] for row in grants_in(sessions)] == [4 * USD, [4 * USD]]
    assert spend.hold(alice.gateway_id, alice.request(4 * USD, "all of it")).balance.available == 0
    assert_books_close(sessions)


def test_what_a_capture_after_midnight_costs_beyond_its_hold_is_paid_by_the_new_day(
    sessions: Sessions, clock: ShiftClock
) -> None:
    chain, spend, alice = ScriptedChain(), SpendCredit(sessions), holder(sessions, number=1)
    chain.mine(says(alice.wallet, 0, 1, 1), at=MIDNIGHT - 600)
    catch_up(follower(chain, sessions))
    reach(clock, MIDNIGHT - 60)
    held, other = (spend.hold(alice.gateway_id, alice.request(USD // 2, name)).hold for name in ("r1", "r2"))
    chain.mine(at=MIDNIGHT)
    catch_up(follower(chain, sessions))
    reach(clock, MIDNIGHT + 60)
    over = spend.capture(alice.gateway_id, held.id, NanoUsd(USD), None)
    assert (over.hold.captured, over.hold.shortfall, over.balance.diem) == (USD, 0, USD // 2)
    assert spend.capture(alice.gateway_id, other.id, NanoUsd(1), None).hold.captured == 1
    assert_books_close(sessions)
