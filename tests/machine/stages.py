"""Where histories begin: a young world, in which nothing has happened yet, and a grown one.

young   everybody has VVV and has approved the stations; emission begins in an hour, minting in two
grown   the fourth day at noon: VVV and DIEM staked, DIEM minted, tickets open, a delegation under way
"""

from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import WEI_PER_TOKEN
from tests.machine.chain import Chain
from tests.machine.model.tokens import UNLIMITED
from tests.machine.model.world import World
from tests.machine.names import OPENS_AT, ORIGIN, PEOPLE, Question
from tests.machine.play import Play

STAGES = ("young", "grown")
MEANS = {"alice": 20_000_000, "bob": 3_000_000, "carol": 50_000}
"""Tokens of VVV; the treasury has the rest."""


class Theatre:
    """A chain that goes back to the beginning of either stage."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        ramp = Question("DiemMint", "ramp")
        deployed_at = int(chain.look([ramp], 0)[ramp][2]) - ORIGIN
        self._young = Play(chain, "young", World(deployed_at))
        _receive_means(self._young)
        chain.mark("young")
        self._grown: Play | None = None

    def begin(self, stage: str) -> Play:
        """Return a play at the beginning of a stage. To grow up takes a moment, once after each `young`."""
        assert stage in STAGES, f"there is no stage {stage}"
        if stage == "grown" and self._grown is not None:
            self._chain.go_back("grown")
            return self._grown.fork("grown")
        self._chain.go_back("young")
        self._grown = None
        play = self._young.fork("young")
        if stage == "grown":
            _grow_up(play)
            self._chain.mark("grown")
            self._grown = play.fork("grown")
        return play.fork(stage)


def _receive_means(play: Play) -> None:
    for person, tokens in MEANS.items():
        play.do("treasury", "VVV.transfer", person, tokens * WEI_PER_TOKEN)
    for person in PEOPLE:
        play.do(person, "VVV.approve", "StakedVVV", UNLIMITED)
        play.do(person, "DIEM.approve", "InferenceStake", UNLIMITED)


def _grow_up(play: Play) -> None:
    play.wait_until(OPENS_AT)
    for person, staked, minted in (
        ("treasury", 1_000_000, 10),
        ("alice", 5_000_000, 400),
        ("bob", 1_000_000, 100),
        ("carol", 20_000, 40),
    ):
        play.do(person, "StakedVVV.stake", person, staked * WEI_PER_TOKEN)
        play.do(person, "DiemMint.mintExactOut", minted * WEI_PER_TOKEN, UNLIMITED)
        play.do(person, "InferenceStake.stake", person, minted * WEI_PER_TOKEN // 2)
    play.do("alice", "InferenceStake.delegate", "bob", 50 * WEI_PER_TOKEN, play.world.clock.epoch + 5)
    play.wait_until(3 * SECONDS_PER_EPOCH + SECONDS_PER_EPOCH // 2)
    play.do("bob", "StakedVVV.requestUnstake", 100_000 * WEI_PER_TOKEN)
    play.do("carol", "InferenceStake.requestUnstake", 5 * WEI_PER_TOKEN)
