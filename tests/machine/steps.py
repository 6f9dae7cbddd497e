"""A step of a history, and the script that histories are kept in.

A script is JSON: the stage on which it begins, and a line for each step. Times are seconds from the origin. A
step without `do` lets time pass. `refused` is the error that was met, `gives` what the call returned; where
both are left away, anything goes that the model says.

    {"at": 86400, "who": "alice", "do": "DiemMint.mintDiem", "with": [1000, 0], "refused": "EntriesArePaused"}
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

OUTCOMES = ("refused", "gives")


@dataclass(frozen=True)
class Step:
    at: int
    who: str = ""
    do: str = ""
    """Contract and function, or nothing."""
    arguments: tuple[Any, ...] = ()
    outcome: tuple[str, Any] | None = None
    """("refused", name of the error) or ("gives", values); None where nothing was said of it."""

    @property
    def contract(self) -> str:
        return self.do.partition(".")[0]

    @property
    def function(self) -> str:
        return self.do.partition(".")[2]


@dataclass(frozen=True)
class Script:
    stage: str
    steps: tuple[Step, ...]

    def followed_by(self, step: Step) -> "Script":
        return replace(self, steps=(*self.steps, step))

    def ending_in(self, step: Step) -> "Script":
        """With this last step instead."""
        return replace(self, steps=(*self.steps[:-1], step))


def write_script(script: Script) -> str:
    """Return the script as the text of a file."""
    lines = ",\n".join(json.dumps(_as_json(step)) for step in script.steps)
    return f'{{"stage": "{script.stage}", "steps": [\n{lines}\n]}}\n'


def read_script(path: Path) -> Script:
    """Return the script in a file; raises KeyError or ValueError for what is none."""
    given = json.loads(path.read_text())
    return Script(given["stage"], tuple(_from_json(each) for each in given["steps"]))


def _as_json(step: Step) -> dict[str, object]:
    written: dict[str, object] = {"at": step.at}
    if step.do:
        written |= {"who": step.who, "do": step.do, "with": step.arguments}
    if step.outcome is not None:
        written[step.outcome[0]] = step.outcome[1]
    return written


def _from_json(written: dict[str, Any]) -> Step:
    outcome = next(((key, _hashable(written[key])) for key in OUTCOMES if key in written), None)
    arguments = tuple(_hashable(each) for each in written.get("with", ()))
    return Step(written["at"], written.get("who", ""), written.get("do", ""), arguments, outcome)


def _hashable(value: object) -> object:
    """JSON knows lists only."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value
