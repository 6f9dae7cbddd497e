"""A few people, two gateways, a chain that turns, a database that is lost now and then, and a seed.

Everything that happens comes from the seed. What the service has answered is remembered, and must stay true.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at, starts_at
from entitlement.core.errors import HoldAlreadyEnded, HoldExpired, InsufficientCredit, KeyLimitReached
from entitlement.core.holds import HoldState, Usage
from entitlement.core.keys import NewKey
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.membership import Terms
from entitlement.core.units import NanoUsd
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.grant_purchases import GrantPurchases
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.set_membership_terms import SetMembershipTerms
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import HoldAnswer, SpendCredit
from entitlement.store.tables import BlockRow, ChainState, EventRow, PositionRow
from tests.crashes import Deaths, Died
from tests.simulation.living_chain import PEOPLE, Act, LivingChain
from tests.support import GENESIS_TIME, USD, Holder, catch_up, follower, holder, reach

Sessions = sessionmaker[Session]
Answer = TypeVar("Answer")
TRIES_MAX = 20
POINTS = 30
"""A flow dies, if it is to die, at one of its first so many points."""


@dataclass
class Request:
    """What a gateway asked for and was answered."""

    payer: Holder
    id: str
    amount: int
    hold_id: str | None
    """None where it was refused."""
    settled: int | None = None
    """The cost that a capture was acknowledged for."""


@dataclass
class World:
    seed: int
    sessions: Sessions
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.chain = LivingChain(finality_depth=self.random.randrange(5))
        self.clock = ShiftClock(self.sessions, network="simulation", is_devnet=True)
        self.spend = SpendCredit(self.sessions)
        self.jobs = ExpireCredit(self.sessions)
        self.sweeps = GrantAllowances(self.sessions)
        self.purchases = GrantPurchases(self.sessions)
        self.clock.jump_to(GENESIS_TIME)
        SetMembershipTerms(self.sessions).set(1, Terms(NanoUsd(USD), NanoUsd(0)))
        self.people = [self._person(number) for number in range(1, PEOPLE + 1)]
        stakes = 5  # the place of this act in `ACTS`
        self.chain.live(*(Act(stakes, number, 0, self.random.randrange(60)) for number in range(PEOPLE)))
        self.deaths = Deaths(self.sessions, by_the_server=self.seed % 2 == 0)

    @property
    def now(self) -> int:
        return self.chain.headers_[-1].timestamp

    @property
    def today(self) -> Epoch:
        return epoch_at(self.now)

    # --- a day ---------------------------------------------------------------------------------------------

    def live_through_a_day(self) -> None:
        """Go on until the next midnight has passed."""
        midnight = starts_at(Epoch(self.today + 1))
        while self.now < midnight:
            remaining = midnight - self.now
            # Mostly hours pass; close to midnight it is seconds, as that is where things go wrong.
            self._pass(self.random.choice([12, 300, 3_600, 10_800, 14_400]) if remaining > 1_000 else 300)
            for _ in range(self.random.randrange(6)):
                self._something_happens()

    def _pass(self, seconds: int) -> None:
        acts = [self._act() for _ in range(self.random.randrange(4))]
        self.chain.live(*acts, seconds=seconds)
        if self.random.random() < 0.25:
            self._turn()
        self.follow()
        reach(self.clock, self.now)

    def _turn(self) -> None:
        """Blocks are taken back and others come, as many and in the same time."""
        # Only of today: a reorganisation over midnight can undo what the first grants of the day rested on,
        # which nothing but waiting for finality could rule out.
        of_today = sum(epoch_at(header.timestamp) == self.today for header in self.chain.headers_)
        depth = self.random.randrange(max(1, min(self.chain.finality_depth + 1, of_today)))
        times = [header.timestamp for header in self.chain.headers_[len(self.chain.headers_) - depth :]]
        self.chain.drop(depth)
        for timestamp in times:
            self.chain.live(self._act(), seconds=timestamp - self.now)

    def _something_happens(self) -> None:
        often = [self._ask, self._ask, self._ask, self._settle, self._settle, self._ask_again]
        happening = self.random.choice([*often, self._look, self._work])
        happening()

    # --- what gateways do ------------------------------------------------------------------------------

    def _ask(self) -> None:
        payer = self.random.choice(self.people)
        amount = self.random.randrange(1, USD)
        asked = Request(payer, f"r{len(self.requests)}", amount, None)
        asked.hold_id = self._answer_to(asked)
        self.requests.append(asked)
        if asked.hold_id is not None and self.random.random() < 0.5:
            self._end(asked)

    def _ask_again(self) -> None:
        """The network repeats itself: the answer is the one that was given."""
        if self.requests:
            asked = self.random.choice(self.requests)
            assert self._answer_to(asked) == asked.hold_id

    def _answer_to(self, asked: Request) -> str | None:
        least = NanoUsd(max(1, asked.amount // 2))
        wanted = asked.payer.request(asked.amount, asked.id, minimum=least, ttl=3_600)
        try:
            return self.surely(lambda: self.spend.hold(asked.payer.gateway_id, wanted)).hold.id
        except (InsufficientCredit, KeyLimitReached):
            return None

    def _settle(self) -> None:
        held = [asked for asked in self.requests if asked.hold_id is not None]
        if held:
            self._end(self.random.choice(held[-8:]))

    def _end(self, asked: Request) -> None:
        cost = NanoUsd(self.random.choice([0, asked.amount // 3, asked.amount // 2, asked.amount * 2]))
        hold_id, gateway_id = str(asked.hold_id), asked.payer.gateway_id
        try:
            if self.random.random() < 0.2:
                self.surely(lambda: self.spend.release(gateway_id, hold_id))
            else:
                usage = Usage("a-model", 1, 2, 3, 200)
                answer: HoldAnswer = self.surely(lambda: self.spend.capture(gateway_id, hold_id, cost, usage))
                assert answer.hold.captured + answer.hold.shortfall == cost
                assert asked.settled in (None, cost)
                asked.settled = cost
        except HoldAlreadyEnded:
            assert self.spend.read(gateway_id, hold_id).hold.state is not HoldState.OPEN
        except HoldExpired:
            assert asked.settled is None

    # --- what the service does by itself ---------------------------------------------------------------

    def follow(self) -> None:
        """Follow to the head, in steps of any size."""
        size = self.random.randrange(1, 6)
        self.surely(lambda: catch_up(follower(self.chain, self.sessions, blocks_per_step=size)))

    def _look(self) -> None:
        payer = self.random.choice(self.people)
        self.surely(lambda: ReadAccount(self.sessions).account(payer.wallet))

    def _work(self) -> None:
        jobs = (self.sweeps.sweep, self.purchases.sweep, self.jobs.expire_holds, self.jobs.expire_buckets)
        self.surely(self.random.choice(jobs))

    def forget_the_chain(self) -> None:
        with self.sessions.begin() as session:
            for table in (ChainState, BlockRow, EventRow, PositionRow):
                session.execute(delete(table))

    def surely(self, work: Callable[[], Answer]) -> Answer:
        """Do `work`, dying on the way once in a while, until it is done."""
        for _ in range(TRIES_MAX):
            if self.random.random() < 0.8:
                return work()
            try:
                with self.deaths.dying_at(self.random.randrange(1, POINTS)):
                    return work()
            except (Died, DBAPIError):
                continue
        raise AssertionError("it never gets through")

    # --- how -------------------------------------------------------------------------------------------

    def _act(self) -> Act:
        return Act(*(self.random.randrange(60) for _ in range(4)))

    def _person(self, number: int) -> Holder:
        limit = NanoUsd(3 * USD) if number % 2 else None
        period = self.random.choice(list(LimitPeriod))
        wish = NewKey("a key", limits=KeyLimits(diem=limit, period=period))
        prepaid = gift(number)
        return holder(self.sessions, number=number, wish=wish, prepaid=prepaid)


def gift(number: int) -> int:
    """What a person has before anything was bought."""
    return USD if number % 3 == 0 else 0


def whole_days(world: World) -> list[Epoch]:
    """The days that are over."""
    return [Epoch(day) for day in range(GENESIS_TIME // SECONDS_PER_EPOCH, world.today)]
