"""A history of the market: as the first machine plays one, with the market's own checks."""

from tests.machine.names import Answer
from tests.machine.play import Disagreement, Play
from tests.machine.sight import Act, Sight
from tests.machine.steps import Step
from tests.machine_market.invariants import CHECKS
from tests.machine_market.model.world import Market

USED = "done, though the permit was used"


class MarketPlay(Play):
    """Its model is a `Market`."""

    world: Market

    def take(self, step: Step) -> Act:
        """Take a step; raises `Disagreement`."""
        nonce = self.world.usdc.nonces[step.who]
        try:
            act = super().take(step)
        except Disagreement as found:
            found.args = (str(found).replace("tests/machine/replays", "tests/machine_market/replays"),)
            raise
        if act.is_done and step.function.endswith("WithPermit") and step.arguments[-1] < nonce:
            self.tally[step.do, USED] += 1
        return act

    def _compare(self, act: Act) -> Act:
        facts = self.world.facts()
        then, self.sight = self.sight, Sight(self.now, self.chain.look(facts, self.now))
        differing: list[str] = [
            f"\n  {question}: the rules say {_shown(facts[question])}, the chain {_shown(answer)}"
            for question, answer in self.sight.answers.items()
            if answer != facts[question]
        ]
        assert not differing, "".join(differing)
        for check in CHECKS:
            check(then, self.sight, act)
        return act


def _shown(answer: Answer) -> str:
    return ", ".join(map(str, answer))
