"""A thousand seeded days behind a node that tells every lie there is, on a chain that turns in every way.

Each test lives through the days of a few seeds, and checks after each day what must always hold. More of
them, for as long as you like: `make simulate`.
"""

import os
from collections import Counter
from contextlib import closing
from itertools import islice

import pytest

from tests.simulation.lives import DAYS_OF_A_LIFE, EVERYTHING, NewDatabase, lives
from tests.simulation.node_world import NodeWorld, SeedFailed

SEEDS = int(os.environ.get("SEEDS", "50"))
SEEDS_A_TEST = 5
happened: Counter[str] = Counter()


def told_in(new_database: NewDatabase, first: int, days: int) -> Counter[str]:
    with closing(lives(new_database, first)) as lived:
        return [story for _, story in islice(lived, days)][-1]


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
def test_after_every_day_behind_a_lying_node_what_must_always_hold_holds(
    new_database: NewDatabase, first: int
) -> None:
    happened.update(told_in(new_database, first, SEEDS_A_TEST * DAYS_OF_A_LIFE))


def test_every_lie_was_told_and_the_chain_turned_in_every_way(new_database: NewDatabase) -> None:
    # Alone, without the days of the tests above, it lives through some of its own.
    story = happened or told_in(new_database, 0, SEEDS_A_TEST * DAYS_OF_A_LIFE)
    assert [each for each in sorted(EVERYTHING) if not story[each]] == []


def test_a_seed_tells_the_same_story_again(new_database: NewDatabase) -> None:
    def told() -> tuple[object, ...]:
        with new_database() as sessions:
            world = NodeWorld(3, sessions)
            for _ in range(4):
                world.live_through_a_day()
            stored = world.stored()
            world.close()
        return world.story, world.chain.headers_, stored

    assert told() == told()


def test_a_seed_that_fails_says_how_to_see_it_again(new_database: NewDatabase) -> None:
    with new_database() as sessions:
        world = NodeWorld(5, sessions)
        world.live_through_a_day()
        world.chain.states.clear()
        with pytest.raises(SeedFailed, match="make simulate SEED=5 DAYS=2"):
            world.live_through_a_day()
        world.close()
