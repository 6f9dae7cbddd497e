"""Answers that are given again to a client that asked for it, in this process's memory alone.

    begin -> in work --whole--> kept --its time is over, or room is needed--> forgotten
                  `---not whole, or too large--------------------------------^

What is forgotten here is still known to the service as charged (funding.py), without its text. An answer is
kept for no longer than was said, also when nobody asks; answers in work count as room too.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from entitlement.gateway.failures import key_in_progress, key_reused
from entitlement.gateway.idempotency import Delivery

ENTRY_BYTES = 1024
"""What an answer takes besides its body, at the most."""


@dataclass(slots=True)
class Recording:
    """An answer while it is given, and afterwards. Only `KeptAnswers` makes one."""

    delivery: Delivery
    answers: "KeptAnswers" = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytearray = field(default_factory=bytearray, repr=False)
    is_whole: bool = False
    """Whether all of it is here; nothing else is given again."""
    is_dropped: bool = False
    """Whether there was no room for it, or its time is over."""
    taken: int = 0
    """Bytes of the room."""
    end: asyncio.TimerHandle | None = field(default=None, repr=False)

    def add(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self.answers.take(self, len(piece)):
            self.body += piece


class KeptAnswers:
    """All of a process; for one event loop."""

    def __init__(self, *, seconds: float, bytes_max: int) -> None:
        """Keep an answer for so many seconds after its end, and all of them within so many bytes."""
        self._seconds = seconds
        self._bytes_max = bytes_max
        self._in_work: dict[bytes, Recording] = {}
        self._kept: dict[bytes, Recording] = {}
        """The oldest first."""
        self._bytes = 0

    @property
    def bytes_kept(self) -> int:
        """How much room is taken."""
        return self._bytes

    def begin(self, delivery: Delivery) -> Recording:
        """Return the whole answer that is kept, or else a new one to be recorded, which `finish` ends.

        Raises `GatewayError` 409 where the first delivery is still in work, or had another body.
        """
        known = self._in_work.get(delivery.name) or self._kept.get(delivery.name)
        if known is None:
            made = Recording(delivery, self)
            self._in_work[delivery.name] = made
            self.take(made, ENTRY_BYTES)
            return made
        if known.delivery.fingerprint != delivery.fingerprint:
            raise key_reused()
        if delivery.name in self._in_work:
            raise key_in_progress()
        return known

    def take(self, recording: Recording, size: int) -> bool:
        """Make room for more of an answer, for which older ones go; if there is none, drop it: False."""
        if recording.is_dropped:
            return False
        if recording.taken + size > self._bytes_max:
            # It would not fit alone: no other has to go for it.
            self._drop(recording)
            return False
        while self._bytes + size > self._bytes_max and self._kept:
            self._forget(next(iter(self._kept.values())))
        if self._bytes + size > self._bytes_max:
            self._drop(recording)
            return False
        recording.taken += size
        self._bytes += size
        return True

    def finish(self, recording: Recording) -> None:
        """End the recording: keep it if it is whole and there was room for all of it."""
        name = recording.delivery.name
        del self._in_work[name]
        if not recording.is_whole or recording.is_dropped:
            self._drop(recording)
            return
        self._kept[name] = recording
        recording.end = asyncio.get_running_loop().call_later(self._seconds, self._forget, recording)

    def _forget(self, recording: Recording) -> None:
        if recording.end is not None:
            recording.end.cancel()
        del self._kept[recording.delivery.name]
        self._drop(recording)

    def _drop(self, recording: Recording) -> None:
        self._bytes -= recording.taken
        recording.taken, recording.is_dropped = 0, True
        recording.body.clear()
