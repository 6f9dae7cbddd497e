"""How long a command waits for the chain, and how often it looks."""

import time
from collections.abc import Callable

POLL_SECONDS = 2.0


def waiting(patience: int) -> Callable[[], bool]:
    """Return what pauses before the next look, and is false once `patience` seconds are over."""
    end = time.monotonic() + patience

    def wait() -> bool:
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_SECONDS)
        return True

    return wait
