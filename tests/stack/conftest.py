"""The command line in this process: a new one takes a second or two to load."""

import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from entitlement.cli.main import main
from entitlement.cli.show import console


class Done(NamedTuple):
    """How a command line ended, and what it said."""

    code: int
    out: str
    err: str


Typed = Callable[..., Done]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run `entitlement <arguments>` with more environment variables, and return how it ended."""
    # Tables are cut at the width of the terminal, and the tests have none.
    monkeypatch.setattr(console, "width", 200)

    def run_here(*arguments: str, **environment: str) -> Done:
        terminated = signal.getsignal(signal.SIGTERM)
        with monkeypatch.context() as changed:
            changed.setattr(sys, "argv", ["entitlement", *arguments])
            for name, value in environment.items():
                changed.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main()
        signal.signal(signal.SIGTERM, terminated)
        said = capsys.readouterr()
        return Done(int(end.value.code or 0), said.out, said.err)

    return run_here
