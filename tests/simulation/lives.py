"""Many seeds, one after another: each lives so many days, and all of it is counted."""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session, sessionmaker

from tests.simulation.lies import KINDS
from tests.simulation.node_world import NodeWorld
from tests.simulation.turns import WAYS

NewDatabase = Callable[[], AbstractContextManager[sessionmaker[Session]]]

DAYS_OF_A_LIFE = 20
"""Then the next seed begins: a chain that goes on for ever only gets slower."""
EVERYTHING = frozenset((*KINDS, *WAYS, "crash", "step", "grants"))
"""What must have happened before a simulation has shown anything."""


def lives(new_database: NewDatabase, first: int) -> Generator[tuple[NodeWorld, Counter[str]]]:
    """Live through day after day, seed after seed from `first` on; yield the world and all that happened.

    Raises `SeedFailed` where what must always hold does not.
    """
    before: Counter[str] = Counter()
    seed = first
    while True:  # as long as the caller likes
        with new_database() as sessions:
            world = NodeWorld(seed, sessions)
            try:
                for _ in range(DAYS_OF_A_LIFE):
                    world.live_through_a_day()
                    yield world, before + world.story
            finally:
                world.close()
        before += world.story
        seed += 1
