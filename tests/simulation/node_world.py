"""Days behind a node that lies: real reader, real follower, real PostgreSQL; all else comes from a seed.

    a day    blocks and turns, several times; after each a poll of some steps, in some weather, dying at times
    evening  the weather clears, and one poll must bring the follower to the node's head; at times, grants

What must always hold is checked by `check` after each day; a seed that fails fails again with the same seed.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts, load_artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.networks import Network, load_network
from entitlement.chain.rpc import RpcLimits
from entitlement.core.allowance import credit_of
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.errors import EntitlementError, FinalBlockChanged
from entitlement.core.units import Wallet, Wei
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.follow_chain import FollowChain, FollowLimits, FollowStep
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.shift_clock import ShiftClock
from tests.crashes import Deaths, Died
from tests.simulation.lies import KEPT_BACK, KINDS, Liar, Weather
from tests.simulation.living_chain import PEOPLE, Act, LivingChain
from tests.simulation.replay import Replay
from tests.simulation.scripted_node import URL, Honest, ScriptedNode, served
from tests.simulation.truth import assert_agrees_with_the_contracts
from tests.simulation.turns import Turns
from tests.simulation.wire_form import ADDRESSES, WireForm
from tests.support import CHAIN_ID, GENESIS_TIME, assert_books_close, known, reach

Sessions = sessionmaker[Session]

STEPS_MAX = 400
"""In clear weather a poll is over by then, or it never is."""
STEPS_IN_BAD_WEATHER = 3
POINTS = 40
"""A step dies, if it is to die, at one of its first so many points."""
QUICK_BLOCKS_MAX = 13
"""Before credit is granted, so many blocks at most come quickly, for what was mined by day to be final."""
GRANTING = 0.2
"""On how many evenings credit is granted: it takes as long as all the rest of a day."""
AT_ONCE = RpcLimits(tries=3, first_wait_seconds=0)
GRANTED = """
SELECT a.wallet, b.granted FROM buckets b JOIN accounts a ON a.id = b.account_id
WHERE b.source = 'diem' AND b.epoch = :day
"""

TRY_AGAIN = FollowStep(
    head=0,
    head_timestamp=0,
    final=0,
    final_timestamp=0,
    node_head=1,
    node_head_timestamp=0,
    events=0,
    undone=0,
)
"""What a step that was refused looks like to who only asks whether it is done."""


@cache
def artifacts() -> Artifacts:
    return load_artifacts()


def network_of(finality_depth: int) -> Network:
    """Return a network whose blocks are final so many below the head."""
    return replace(load_network("anvil"), finality=Finality(FinalityRule.DEPTH, finality_depth))


def deployment_on(first: str) -> Deployment:
    """Return the contracts of the simulation, on a chain whose block 1 has the hash `first`."""
    return Deployment(
        network="anvil",
        chain_id=CHAIN_ID,
        deployer="",
        start_block=1,
        start_block_hash=first,
        addresses=ADDRESSES,
        market=cast("Any", None),
        transactions={},
        parameters=cast("Any", None),
        roots_start_epoch=0,
        compiler="",
        compiler_settings={},
    )


class SeedFailed(AssertionError):
    """What must always hold does not, after this seed's so many-th day."""


@dataclass
class NodeWorld:
    seed: int
    sessions: Sessions
    days: int = 0
    count: Counter[str] = field(default_factory=Counter)
    """What happened, beside lies and turns, which are counted where they are made."""
    granted: dict[Epoch, dict[Wallet, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        depth = self.random.choice([0, 1, 2, 5, 12, 60, 220])
        self.may_undo_final = depth == 0
        self.chain = LivingChain(finality_depth=depth, salt=f"seed {self.seed} ")
        self.turns = Turns(self.chain, Random(f"turns {self.seed}"), self.may_undo_final)
        self.liar = Liar(self.seed)
        self.node = ScriptedNode(
            self.chain, WireForm(artifacts()), keeps_side_blocks=self.random.random() < 0.5
        )
        rule = self.random.choice(list(FinalityRule) if depth else [FinalityRule.DEPTH])
        self.network = replace(
            load_network("anvil"),
            finality=Finality(rule, depth if rule is FinalityRule.DEPTH else 0),
            blocks_per_request=self.random.choice([5, 50, 2_000]),
        )
        self.blocks_per_step = self.random.choice([7, 40, 2_000])
        self.deaths = Deaths(self.sessions, by_the_server=self.seed % 4 == 0)
        self.clock = ShiftClock(self.sessions, network="simulation", is_devnet=True)
        self.sweeps, self.expiry = GrantAllowances(self.sessions), ExpireCredit(self.sessions)
        self.clock.jump_to(GENESIS_TIME)
        stakes = 5  # the place of this act in `ACTS`
        self.turns.live(*(Act(stakes, number, 0, self.random.randrange(60)) for number in range(PEOPLE)))
        for _ in range(self.random.choice([3, 20, min(depth, 220) + 10])):
            self.turns.live(*[self.turns.act()] * (self.random.random() < 0.2))

    @property
    def now(self) -> int:
        return self.chain.headers_[-1].timestamp

    # --- a day ---------------------------------------------------------------------------------------------

    @property
    def story(self) -> Counter[str]:
        """How often what happened and what was told."""
        return self.count + self.turns.count + self.liar.told

    def live_through_a_day(self) -> None:
        """Go on to an hour before the next midnight, but for an evening that was; check what must hold."""
        try:
            with served(self.node):
                self._day()
                self.days += 1
        except Exception as error:
            raise SeedFailed(
                f"{type(error).__name__}: {error}\n"
                f"replay it with: make simulate SEED={self.seed} DAYS={self.days + 1}"
            ) from error

    def _day(self) -> None:
        # A chain that was taken back by a day has this evening behind it: the clock never goes back.
        latest = max(self.now, self.clock.now())
        evening = starts_at(Epoch(epoch_at(latest) + 1)) - 3_600
        if latest >= evening:
            evening += 86_400
        for _ in range(self.random.randrange(1, 4)):
            for _ in range(self.random.randrange(1, 4)):
                if self.now < evening:
                    seconds = self.random.choice([12, 12, 600, 7_200, 14_400])
                    acts = [self.turns.act() for _ in range(self.random.randrange(4))]
                    self.turns.live(*acts, seconds=min(seconds, evening - self.now))
            if self.random.random() < 0.5:
                self.turns.turn("while the follower was down" if self.random.random() < 0.5 else "live")
            self._poll()
        self._evening(max(evening, self.now + 12))
        told = known(self.sessions).final.number
        turns_deeply = not self.may_undo_final and self.random.random() < 0.05
        if turns_deeply and self.turns.can_turn_below_final(told):
            self._final_turns(told)

    def _poll(self) -> None:
        """A few steps in whatever weather there is."""
        self.liar.begin_poll(self._weather())
        self.liar.stale = self.turns.stale
        self.node.between = self.liar
        if self.random.random() < 0.2:
            at = self.random.randrange(2, 9)
            self.liar.turns[at] = lambda: self.turns.turn("while a step was under way")
        with self._following() as follower:
            for _ in range(STEPS_IN_BAD_WEATHER):
                step = self._step(follower)
                if step is None or step.is_caught_up:
                    return

    def _weather(self) -> Weather:
        chance = self.random.random()
        if chance < 0.3:
            return Weather()
        often = self.random.choice(KINDS) if chance < 0.9 else None
        return Weather(often, 0.4, self.random.choice([0.0, 0.01, 0.05, 0.2]), KEPT_BACK)

    def _step(self, follower: FollowChain) -> FollowStep | None:
        """Step once; None where the process died. What the node did is no reason to fail."""
        dying = self.random.random() < 0.08
        point = self.random.randrange(1, POINTS)
        self.liar.begin_step()
        try:
            with self.deaths.dying_at(point) if dying else nullcontext():
                step = follower.step()
        except (Died, DBAPIError):
            if not dying:
                raise
            self.count["crash"] += 1
            return None
        except EntitlementError as error:
            self.count[f"refused: {type(error).__name__}"] += 1
            # The process may die of it, or only try again.
            return None if self.random.random() < 0.3 else TRY_AGAIN
        self.count["step"] += 1
        return step

    def _evening(self, at: int) -> None:
        self.node.between = Honest()
        self.turns.live(seconds=at - self.now)
        grants = self.random.random() < GRANTING
        if grants and self.chain.finality_depth < QUICK_BLOCKS_MAX:
            for _ in range(self.chain.finality_depth):
                self.turns.live(seconds=12)
        self._converge()
        reach(self.clock, self.now)
        if grants:
            self._grant()
        self.check()

    def _converge(self, *, undoing_final: bool = False) -> None:
        """One poll of an honest node, and the follower is at its head."""
        with self._following(undoing_final=undoing_final) as follower:
            for _ in range(STEPS_MAX):
                if follower.step().is_caught_up:
                    break
        assert known(self.sessions).head.hash == self.chain.headers_[-1].hash, "it has not converged"

    def _final_turns(self, told: int) -> None:
        """A final block is taken back: nothing moves until a person says so, and then all of it."""
        before = self.stored()
        self.turns.turn_below_final(told)
        with self._following() as follower:
            for _ in range(2):
                try:
                    follower.step()
                except FinalBlockChanged:
                    continue
                raise AssertionError("a final block was taken back and nobody noticed")
        assert self.stored() == before, "something moved although a final block was taken back"
        self._converge(undoing_final=True)
        self.check()

    # --- grants ------------------------------------------------------------------------------------------

    def _grant(self) -> None:
        """Give back yesterday's, and grant what the final state gives today, once it is of today."""
        self.expiry.expire_buckets()
        final = known(self.sessions).final
        today = epoch_at(self.clock.now())
        if epoch_at(final.timestamp) != today:
            return
        self.sweeps.sweep()
        state = self.chain.state(final.number)
        due = self.granted.setdefault(today, {})
        for wallet in state.has:
            right = credit_of(Wei(state.right(wallet)))
            if right or wallet in due:
                due[wallet] = max(due.get(wallet, 0), right)
        self.count["grants"] += sum(amount > 0 for amount in due.values())
        with self.sessions.begin() as session:
            found = {row.wallet: row.granted for row in session.execute(text(GRANTED), {"day": today})}
        wanted = {wallet: amount for wallet, amount in due.items() if amount}
        assert found == wanted, f"invariant 1: {found} for {wanted}"
        assert sum(found.values()) * 10**9 <= state.diem_inside, "invariant 1"

    # --- what must always hold ---------------------------------------------------------------------------

    def check(self) -> None:
        assert_books_close(self.sessions)
        assert_agrees_with_the_contracts(self.chain, self.sessions)
        self._a_replay_agrees()

    def _a_replay_agrees(self) -> None:
        with self._replay() as replay:
            with self._following(replay.sessions, all_at_once=True) as follower:
                for _ in range(STEPS_MAX):
                    if follower.step().is_caught_up:
                        break
            live, anew = known(self.sessions), known(replay.sessions)
            assert (live.head, live.start, live.chain_id) == (anew.head, anew.start, anew.chain_id)
            differing = replay.differences()
            if live.final != anew.final:
                # Finality never goes back, even where the node's does: the same positions, cut elsewhere.
                differing.pop("positions", None)
                self.count["replay with another final block"] += 1
            assert not differing, f"a replay differs: {differing}"

    @contextmanager
    def _replay(self) -> Iterator[Replay]:
        if not hasattr(self, "replay"):
            self.replay = Replay(self.sessions)
        self.replay.forget()
        yield self.replay

    def close(self) -> None:
        if hasattr(self, "replay"):
            self.replay.close()

    def stored(self) -> tuple[Any, ...]:
        """Return all that is stored of the chain, or what tells it apart."""
        with self.sessions.begin() as session:
            rows = session.execute(text("SELECT p::text FROM positions p ORDER BY wallet, pending")).all()
            events = session.execute(text("SELECT count(*), max(block_number) FROM events")).one()
        found = known(self.sessions)
        return found.head, found.final, tuple(rows), tuple(events)

    # --- how ---------------------------------------------------------------------------------------------

    @contextmanager
    def _following(
        self, sessions: Sessions | None = None, *, undoing_final: bool = False, all_at_once: bool = False
    ) -> Iterator[FollowChain]:
        """A process that begins: nothing is remembered but what the database holds."""
        deployment = deployment_on(self.chain.headers_[1].hash)
        limits = FollowLimits(
            blocks_per_step=2_000 if all_at_once else self.blocks_per_step,
            may_undo_final=undoing_final or self.may_undo_final,
        )
        with ExitStack() as opened:
            network = replace(self.network, blocks_per_request=2_000) if all_at_once else self.network
            reader = RpcChainReader(URL, network, deployment, artifacts(), AT_ONCE)
            opened.callback(reader.close)
            yield FollowChain(reader, sessions or self.sessions, limits, start_block=1)
