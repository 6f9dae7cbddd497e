"""Progress of long work over the chain: a bar in a terminal, a line now and then anywhere else."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from entitlement.cli.show import console as our_console

SECONDS_BETWEEN_LINES = 5.0


class Meter:
    """Shows how far a work is, how fast, and how long it will still take. Use it in a `with`."""

    def __init__(
        self,
        what: str,
        unit: str = "blocks",
        *,
        console: Console = our_console,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._unit, self._console, self._clock = what, unit, console, clock
        self._began = self._told = clock()
        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit}, {{task.fields[figures]}}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(what, total=None, figures="")

    def __enter__(self) -> Self:
        """Show the bar, where there is a terminal to show it in."""
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, done: int, of: int, events: int) -> None:
        """Tell that so much is `done`, `of` so much, and how many events that were."""
        now = self._clock()
        elapsed = now - self._began
        figures = f"{events:,} events, {round(events / elapsed) if elapsed else 0:,} events/s"
        self._bar.update(self._task, completed=done, total=of, figures=figures)
        if self._console.is_terminal or now - self._told < SECONDS_BETWEEN_LINES:
            return
        self._told = now
        left = f", {round((of - done) * elapsed / done):,} s left" if done else ""
        self._console.print(
            f"{self._what}: {done:,} of {of:,} {self._unit}, {figures}{left}", soft_wrap=True, markup=False
        )
