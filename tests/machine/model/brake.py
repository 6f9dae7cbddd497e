"""The guardian: entries may be paused for seven days at most, and not again for seven days after."""

from entitlement.core.epochs import SECONDS_PER_EPOCH
from tests.machine.names import NOBODY, ORIGIN, Clock, Facts, Question, Refusal, demand, unless

WEEK = 7 * SECONDS_PER_EPOCH


class Brake:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.holder = "guardian"
        self.until: int | None = None
        """Seconds from the origin; None before any pause."""

    def pause_entries(self, caller: str, duration: int) -> tuple[()]:
        rested = self.until is None or self.clock.now >= self.until + WEEK
        demand(
            self.not_held_by(caller),
            unless(0 < duration <= WEEK, "PauseDurationOutOfBounds", duration, WEEK),
            unless(rested, "PauseTooSoon", self.next_pause_at),
        )
        self.until = self.clock.now + duration
        return ()

    def resume_entries(self, caller: str) -> tuple[()]:
        demand(self.not_held_by(caller), unless(self.is_pulled, "NotPaused"))
        self.until = self.clock.now
        return ()

    def name_guardian(self, caller: str, new: str) -> tuple[()]:
        demand(
            unless(caller == "timelock", "OnlyTimelock", caller),
            unless(new != NOBODY, "ZeroAddress"),
        )
        self.holder = new
        return ()

    @property
    def is_pulled(self) -> bool:
        return self.until is not None and self.clock.now < self.until

    @property
    def paused_until(self) -> int:
        """Unix time, 0 before any pause."""
        return 0 if self.until is None else ORIGIN + self.until

    @property
    def next_pause_at(self) -> int:
        """Unix time."""
        return self.paused_until + WEEK

    def closed(self) -> list[Refusal]:
        """Why no entry is open, if none is."""
        return unless(not self.is_pulled, "EntriesArePaused", self.paused_until)

    def not_held_by(self, caller: str) -> list[Refusal]:
        return unless(caller == self.holder, "OnlyGuardian", caller)

    def facts(self) -> Facts:
        yield Question("Guardian", "guardian"), (self.holder,)
        yield Question("Guardian", "pausedUntil"), (self.paused_until,)
        yield Question("Guardian", "nextPauseAt"), (self.next_pause_at,)
