"""Everybody does anything, in any order, at the seconds that matter.

`Doings` makes calls of choices, `Play` lets the model and the contracts do them and compares. The rules are
the shapes of a history, not its calls: Hypothesis leaves rules out at random, and a history without staking
or without waiting gets nowhere.

After each step, on the model and on the chain: invariants 1 to 12, 14 to 24 and 26 (invariants.py,
ghosts.py); at the end of a history 13 (leaving.py). Not here: of 12, the gas that others can cost; of 26, the
permit that somebody used up (both are forge's); 25, the buyback's, which stands apart.
"""

from collections.abc import Callable
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.machine.amounts import PARTS
from tests.machine.doings import TIMELY, WEIGHTS, Choice, Doing, Doings
from tests.machine.leaving import leave_all
from tests.machine.names import PEOPLE, STATIONS
from tests.machine.play import Play

LEAVE_IN = 3
"""Everybody leaves at the end of every so many histories: it takes as long as the history itself."""

seeds = st.binary(min_size=4, max_size=4)


class Machine(RuleBasedStateMachine):
    """A history on a stage; `ended` is told of a play that has come to a good end."""

    def __init__(self, play: Play, ended: Callable[[Play], None]) -> None:
        super().__init__()
        self._play, self._ended = play, ended
        self._doings = Doings(play)
        self._seeds = play.script.stage.encode()
        self._is_well = True

    def teardown(self) -> None:
        if not self._is_well:
            return
        if sum(self._seeds) % LEAVE_IN == 0:
            leave_all(self._play)
        self._ended(self._play)

    @rule(seed=seeds)
    def anything(self, seed: bytes) -> None:
        random = self._random(seed)
        self._do(some_choice(random), random.choices([*WEIGHTS], [*WEIGHTS.values()])[0])

    @rule(seed=seeds)
    def at_a_moment_that_matters(self, seed: bytes) -> None:
        random = self._random(seed)
        choice = some_choice(random)
        self._do(choice, Doings.wait_for_a_moment_that_matters)
        self._do(choice, random.choice(TIMELY))

    @rule(seed=seeds)
    def twice_in_a_second(self, seed: bytes) -> None:
        """The same one does two things: mints and burns, stakes and requests, requests and cancels."""
        random = self._random(seed)
        choice = some_choice(random)
        for _ in range(2):
            choice = some_choice(random)._replace(who=choice.who, station=choice.station)
            self._do(choice, random.choice([*TIMELY, Doings.burn]))

    def _random(self, seed: bytes) -> Random:
        # All seeds up to here decide: Hypothesis likes to draw the same again, and equal calls tell little.
        self._seeds += seed
        return Random(self._seeds)

    def _do(self, choice: Choice, doing: Doing) -> None:
        self._is_well = False
        doing(self._doings, choice)
        self._is_well = True


def some_choice(random: Random) -> Choice:
    place = random.randrange(len(PEOPLE))
    return Choice(
        who=PEOPLE[place],
        other=PEOPLE[place - random.randrange(1, len(PEOPLE))],
        station=random.choice(STATIONS),
        part=random.choice(PARTS),
        pick=random.randrange(10_000),
    )
