"""How the interpreter is set for a process of ours: when it collects garbage, and how threads take turns."""

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager

SWITCH_SECONDS = 0.0005
COLLECT_AFTER = 100_000
"""Objects made since the last look: so many are alive at once in a range."""


@contextmanager
def loading() -> Generator[None]:
    """Hold the garbage collector off while modules are loaded; what they made it leaves alone for good."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def take_turns_often() -> None:
    """Let threads take turns often: one that decides, or folds, would keep one that reads waiting."""
    sys.setswitchinterval(SWITCH_SECONDS)


def keep_what_is_there() -> None:
    """Let the garbage collector leave alone what is there now: it was a fifth of each request's time."""
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """Let the garbage collector look seldom: a range of events is many objects, none of them in a cycle.

    So is a group of requests.
    """
    gc.set_threshold(COLLECT_AFTER, 50, 100)
