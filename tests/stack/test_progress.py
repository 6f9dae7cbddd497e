"""Progress is a bar in a terminal, and elsewhere a line now and then that says how long it will take."""

import io
import itertools

from rich.console import Console

from entitlement.cli.progress import SECONDS_BETWEEN_LINES, Meter


def told(*, terminal: bool, seconds_between_updates: float, updates: int) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=200, highlight=False)
    ticks = itertools.count()
    meter = Meter("following", console=console, clock=lambda: next(ticks) * seconds_between_updates)
    with meter:
        for number in range(1, updates + 1):
            meter.update(number * 100, 1_000, number * 5_000)
    return output.getvalue()


def test_without_a_terminal_it_is_a_line_with_all_figures() -> None:
    lines = told(terminal=False, seconds_between_updates=SECONDS_BETWEEN_LINES, updates=2).splitlines()
    assert lines == [
        "following: 100 of 1,000 blocks, 5,000 events, 1,000 events/s, 45 s left",
        "following: 200 of 1,000 blocks, 10,000 events, 1,000 events/s, 40 s left",
    ]


def test_lines_come_only_now_and_then() -> None:
    lines = told(terminal=False, seconds_between_updates=SECONDS_BETWEEN_LINES / 2, updates=8).splitlines()
    assert len(lines) == 4
    assert told(terminal=False, seconds_between_updates=0, updates=8) == ""


def test_in_a_terminal_it_is_a_bar_with_all_figures() -> None:
    shown = told(terminal=True, seconds_between_updates=SECONDS_BETWEEN_LINES, updates=10)
    assert "1000/1000" in shown
    assert "50,000 events, 1,000 events/s" in shown
    assert "following:" not in shown
