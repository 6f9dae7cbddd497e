"""From a history that fails to a short one that fails: steps are left out, many at once, then one by one.

Hypothesis could do it too, but it changes choices, after which every later amount is another one; steps are
plain data, and leaving one out changes nothing else.
"""

from dataclasses import replace

from tests.machine.play import Disagreement
from tests.machine.stages import Theatre
from tests.machine.steps import Script


def play_script(theatre: Theatre, script: Script) -> Disagreement | None:
    """Play a script from its stage and return how it failed, if it did."""
    play = theatre.begin(script.stage)
    try:
        for step in script.steps:
            play.take(step)
    except Disagreement as found:
        return found
    return None


def shortest(theatre: Theatre, found: Disagreement) -> Disagreement:
    """Return a failure from which no step can be left out."""
    length = len(found.script.steps) // 2
    while length:
        found = _without_any(theatre, found, length)
        length //= 2
    return found


def _without_any(theatre: Theatre, found: Disagreement, length: int) -> Disagreement:
    """Leave out each run of `length` steps that the failure does not need."""
    start = 0
    while start < len(found.script.steps):
        steps = found.script.steps
        shorter = tuple(replace(step, outcome=None) for step in steps[:start] + steps[start + length :])
        again = play_script(theatre, Script(found.script.stage, shorter))
        if again is None:
            start += length
        else:
            found = again
    return found
