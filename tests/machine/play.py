"""A history: each step is done by the model and by the contracts, and everything is compared.

    step -> the model says: these values, or one of these errors --+
         -> the chain is asked, and does it if it would -----------+--> equal?
    facts of the model == answers of all views, to the wei; then the invariants

Whatever is not equal is a `Disagreement`, whose text ends in a script that plays the history again.
"""

import copy
from collections import Counter
from traceback import extract_tb
from typing import Any

from tests.machine.chain import Chain
from tests.machine.ghosts import Ghosts
from tests.machine.invariants import CHECKS
from tests.machine.model.world import World
from tests.machine.names import Answer, Refusal, Refused
from tests.machine.sight import Act, Sight
from tests.machine.steps import Script, Step, write_script

DONE = "done"
Tally = Counter[tuple[str, str]]
"""How often (call, `DONE` or the error's name) was met."""


class Disagreement(AssertionError):
    """The contracts do not do what the model says, or an invariant does not hold."""

    def __init__(self, complaint: str, script: Script) -> None:
        super().__init__(
            f"{complaint}\n\nTo play this again, save it as tests/machine/replays/<name>.json:\n"
            f"{write_script(script)}"
        )
        self.complaint, self.script = complaint, script


class Play:
    """A history that goes on, on a chain that stands where it began."""

    def __init__(self, chain: Chain, stage: str, world: World) -> None:
        self.chain, self.world = chain, world
        self.script = Script(stage, ())
        self.tally: Tally = Counter()
        self.ghosts = Ghosts()
        self.sight = Sight(world.now, world.facts())

    def fork(self, stage: str) -> "Play":
        """Return a play that begins where this one is, for a chain that goes back to here."""
        forked = copy.copy(self)
        forked.world, forked.ghosts = copy.deepcopy((self.world, self.ghosts))
        forked.script, forked.tally = Script(stage, ()), Counter()
        return forked

    @property
    def now(self) -> int:
        """Seconds from the origin."""
        return self.world.now

    def wait_until(self, moment: int) -> None:
        """Let time pass; raises `Disagreement`."""
        self.take(Step(moment))

    def do(self, who: str, what: str, *arguments: Any) -> bool:  # noqa: ANN401  as the ABI says
        """Let somebody do something now, and tell whether it was done; raises `Disagreement`."""
        return self.take(Step(self.now, who, what, arguments)).is_done

    def expect(self, holds: bool, complaint: str) -> None:  # noqa: FBT001  it is the sentence's object
        """Raise `Disagreement` if something does not hold."""
        if not holds:
            raise Disagreement(complaint, self.script)

    def take(self, step: Step) -> Act:
        """Take a step; raises `Disagreement`."""
        self.script = self.script.followed_by(step)
        act = Act(step, None)
        try:
            if step.at > self.now or not step.do:
                # Apart from the call, so that nothing between two sights is time and act at once.
                self.world.wait_until(step.at)
                act = self._compare(Act(Step(step.at), None))
            if step.do:
                act = self._compare(self._act(step))
        except AssertionError as error:
            where = extract_tb(error.__traceback__)[-1]
            complaint = f"{_line(step)}: {error}\n  ({where.name}: {where.line})"
            raise Disagreement(complaint, self.script) from error
        self.script = self.script.ending_in(act.step)
        return act

    def _act(self, step: Step) -> Act:
        found = self.chain.attempt(step.who, step.contract, step.function, step.arguments, step.at)
        try:
            expected = self.world.call(step.who, step.contract, step.function, step.arguments)
        except Refused as refused:
            return self._refused(step, refused, found)
        assert found == expected, f"the rules give {expected}, the chain {found}"
        self.chain.send(step.who, step.contract, step.function, step.arguments, step.at)
        self.tally[step.do, DONE] += 1
        return Act(_ended(step, "gives", expected), expected)

    def _refused(self, step: Step, refused: Refused, found: Answer | Refusal) -> Act:
        assert found in refused.refusals, f"the rules say {refused}, the chain {found}"
        assert isinstance(found, Refusal)
        self.tally[step.do, found.name] += 1
        return Act(_ended(step, "refused", found.name), None)

    def _compare(self, act: Act) -> Act:
        facts = self.world.facts()
        then, self.sight = self.sight, Sight(self.now, self.chain.look(facts, self.now))
        differing = [
            f"\n  {question}: the rules say {facts[question]}, the chain {answer}"
            for question, answer in self.sight.answers.items()
            if answer != facts[question]
        ]
        assert not differing, "".join(differing)
        # The model's sight and the chain's are equal by now: what is checked on one is checked on both.
        for check in CHECKS:
            check(then, self.sight, act)
        self.ghosts.watch(then, self.sight, act)
        return act


def _ended(step: Step, key: str, value: object) -> Step:
    """Return the step with its outcome; AssertionError if a script said another."""
    outcome = (key, value)
    assert step.outcome in (None, outcome), f"it ended as {outcome}, and once as {step.outcome}"
    return Step(step.at, step.who, step.do, step.arguments, outcome)


def _line(step: Step) -> str:
    return f"{step.who} {step.do}{step.arguments} at {step.at}" if step.do else f"waiting until {step.at}"
