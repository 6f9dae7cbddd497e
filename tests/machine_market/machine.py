"""Everybody does anything at the market, in any order, at the seconds that matter.

After each step, on the model and on the chain: invariants 25 and 26 (invariants.py), and every figure of the
pool, the burner, the sales, the roots and both tokens, to the last digit. What the first machine drives is
left alone here; of its contracts only the guardian, who closes the burner and the sales too.
"""

from collections.abc import Callable
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.machine.play import Play
from tests.machine_market.doings import TIMELY, WEIGHTS, Doing, Doings
from tests.machine_market.play import MarketPlay

AT_ONCE = 3
"""Hypothesis chooses among few shapes, and this one stands for most calls."""

seeds = st.binary(min_size=4, max_size=4)


class MarketMachine(RuleBasedStateMachine):
    """A history of the market; `ended` is told of a play that has come to a good end."""

    def __init__(self, play: MarketPlay, ended: Callable[[Play], None]) -> None:
        super().__init__()
        self._play, self._ended = play, ended
        self._doings = Doings(play)
        self._seeds = b"market"
        self._is_well = True

    def teardown(self) -> None:
        if self._is_well:
            self._ended(self._play)

    @rule(seed=seeds)
    def anything(self, seed: bytes) -> None:
        random = self._begin(seed)
        for doing in random.choices([*WEIGHTS], [*WEIGHTS.values()], k=AT_ONCE):
            self._do(doing)

    @rule(seed=seeds)
    def at_a_moment_that_matters(self, seed: bytes) -> None:
        random = self._begin(seed)
        self._do(Doings.wait_for_a_moment_that_matters)
        self._do(random.choice(TIMELY))

    @rule(seed=seeds)
    def a_trade_and_a_run(self, seed: bytes) -> None:
        random = self._begin(seed)
        self._do(Doings.wait_until_a_run_is_allowed)
        if random.randrange(2):
            self._do(Doings.set_money_aside)
        if random.randrange(2):
            self._do(random.choice((Doings.trade, Doings.move_the_price, Doings.give)))
        self._do(Doings.execute)

    def _begin(self, seed: bytes) -> Random:
        # All seeds up to here decide: Hypothesis likes to draw the same again, and equal calls tell little.
        self._seeds += seed
        self._doings.random = Random(self._seeds)
        return self._doings.random

    def _do(self, doing: Doing) -> None:
        self._is_well = False
        doing(self._doings)
        self._is_well = True
