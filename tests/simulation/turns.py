"""How a chain turns: by a name, a depth and a seed. Blocks that are taken back are kept for who lags."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.living_chain import Act, LivingChain
from tests.simulation.scripted_node import View

DEPTH_MAX = 200
FIRST_BLOCKS = 2
"""The chain's first block and the deployment's: no chain of ours is without them."""
STALE_KEPT = 4


@dataclass
class Turns:
    """The turns of one chain, and how many of which there were."""

    chain: LivingChain
    random: Random
    may_undo_final: bool
    count: Counter[str] = field(default_factory=Counter)
    stale: list[View] = field(default_factory=list)
    """Chains that were left, newest last; none parts from ours below what is final."""
    final: int = 0
    """The highest block that was ever final."""

    @property
    def depth_allowed(self) -> int:
        """How many blocks can be taken back without taking back a final one."""
        lowest = FIRST_BLOCKS - 1 if self.may_undo_final else max(self.final, FIRST_BLOCKS - 1)
        return min(DEPTH_MAX, len(self.chain.headers_) - 1 - lowest)

    def live(self, *acts: Act, seconds: int = 12) -> None:
        """Add a block."""
        header = self.chain.live(*acts, seconds=seconds)
        self.final = max(self.final, header.number - self.chain.finality_depth)

    def act(self) -> Act:
        return Act(*(self.random.randrange(60) for _ in range(4)))

    def turn(self, how: str = "live") -> None:
        """Turn in one of the ways that leave final blocks alone; does nothing where all blocks are final."""
        self.stale = [view for view in self.stale if self._may_be_believed(view)]
        if self.depth_allowed < 1:
            return
        ways: dict[str, Callable[[], object]] = {
            "same height": lambda: self._replace(self._depth()),
            "same height, empty": lambda: self._replace(1, acts=False),
            "longer": lambda: self._replace(self._depth(), more=self.random.randrange(1, 6)),
            "shorter, then growing": lambda: self._replace(depth := self._depth(), more=-(depth // 2)),
            "snapshot and revert": lambda: self._leave(self._depth()),
            "several at once": self._several,
            "back to the blocks before": self._back,
        }
        way = self.random.choice(list(ways))
        ways[way]()
        self.count[way] += 1
        self.count[how] += 1

    def can_turn_below_final(self, told: int) -> bool:
        """Tell whether a block can be taken back that the follower was told is final: up to block `told`.

        A chain that shrank before it was looked at had final blocks that nobody was told of.
        """
        return min(told, self.final) >= max(FIRST_BLOCKS, len(self.chain.headers_) - DEPTH_MAX)

    def turn_below_final(self, told: int) -> None:
        """Take back at least one final block up to `told`; what comes after it has another hash."""
        height = len(self.chain.headers_)
        last = min(told, self.final)
        fork = self.random.randrange(max(FIRST_BLOCKS, height - DEPTH_MAX), last + 1) - 1
        depth = height - 1 - fork
        self.stale.clear()
        self._replace(depth, more=-(depth // 2) if self.random.random() < 0.5 else 2)
        self.stale.clear()
        # What was final below the fork still is.
        self.final = max(fork, len(self.chain.headers_) - 1 - self.chain.finality_depth)
        self.count["deeper than final"] += 1

    def _depth(self) -> int:
        depth = int(math.exp(self.random.uniform(0, math.log(self.depth_allowed + 1))))
        depth = min(depth, self.depth_allowed)
        self.count[f"depth {next(name for name, most in BANDS if depth <= most)}"] += 1
        return depth

    def _leave(self, depth: int) -> list[int]:
        """Take blocks back and return their times."""
        headers = self.chain.headers_
        times = [header.timestamp for header in headers[len(headers) - depth :]]
        self.stale = [*self.stale, tuple(headers)][-STALE_KEPT:]
        self.chain.drop(depth)
        return times

    def _replace(self, depth: int, *, more: int = 0, acts: bool = True) -> None:
        times = self._leave(depth)
        wanted = (
            times[: len(times) + more]
            if more < 0
            else times + [times[-1] + 12 * n for n in range(1, more + 1)]
        )
        for timestamp in wanted:
            acting = acts and self.random.random() < 0.5
            self.live(*[self.act()] * acting, seconds=timestamp - self.chain.headers_[-1].timestamp)

    def _several(self) -> None:
        for _ in range(self.random.randrange(2, 5)):
            if self.depth_allowed:
                self._replace(self._depth(), more=self.random.randrange(3))

    def _back(self) -> None:
        """There and back: the chain that was left is the chain again."""
        before = list(self.chain.headers_)
        self._replace(self._depth(), more=1)
        self.stale = [*self.stale, tuple(self.chain.headers_)][-STALE_KEPT:]
        if self._may_be_believed(before):
            self.chain.turn_to(before)

    def _may_be_believed(self, view: View) -> bool:
        height = min(self.final, len(view) - 1)
        return height < len(self.chain.headers_) and view[height] == self.chain.headers_[height]


BANDS = (("1", 1), ("2 to 9", 9), ("10 to 49", 49), ("50 to 200", DEPTH_MAX))

WAYS = (
    "same height",
    "same height, empty",
    "longer",
    "shorter, then growing",
    "snapshot and revert",
    "several at once",
    "back to the blocks before",
    "live",
    "while a step was under way",
    "while the follower was down",
    "deeper than final",
    *(f"depth {name}" for name, _ in BANDS),
)
"""Every kind of turn that is counted."""
