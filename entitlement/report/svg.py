"""Plots as inline SVG: no script, no style of their own. The page's stylesheet colours the classes used here.

All coordinates are integers in tenths of a unit of the view box, so that no amount ever becomes a float.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from entitlement.report.markup import Child, Markup, element

WIDTH, HEIGHT = 7_200, 2_800
LEFT, RIGHT, TOP, BOTTOM = 720, 120, 160, 340
"""Room around the plot, for its labels."""
TICKS = 4
LABELS_MAX = 12
"""Below the bars; of more, every second or third one is told."""

_BAR_ROOM = 100
_BAR_WIDTH_MAX = 480
_LEAST = 6
"""A value that is not nothing is seen."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A value of an axis, as it is written."""

    value: int
    label: str


@dataclass(frozen=True, slots=True)
class Axes:
    """The ticks of both axes; each begins with its first and ends with its last."""

    below: Sequence[Tick]
    beside: Sequence[Tick]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that stands out, with its words."""

    x: int
    y: int
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A place on the axis below, and one value for each series that has a bar there; none is below zero."""

    label: str
    values: tuple[int, ...]
    told: str
    """What a reader hears who points at it."""


def nice_step(largest: int, parts: int = TICKS) -> int:
    """Return 1, 2 or 5 times a power of ten, so that at most `parts` of it reach `largest`; at least 1."""
    wanted = max(1, -(-largest // parts))
    power = 10 ** (len(str(wanted)) - 1)
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)


def nice_ticks(largest: int, label: "Labelled") -> list[Tick]:
    """Return ticks from 0 to the first one that is not below `largest`."""
    step = nice_step(largest)
    count = max(1, -(-largest // step))
    return [Tick(step * number, label(step * number)) for number in range(count + 1)]


def ticks_between(low: int, high: int, label: "Labelled") -> list[Tick]:
    """Return ticks that hold both values between them; not from 0, for what moves little."""
    step = nice_step(max(high - low, 1))
    first, last = low // step, -(-high // step)
    return [Tick(step * number, label(step * number)) for number in range(first, max(last, first + 1) + 1)]


class Labelled:
    """How a value is written: in multiples of `one`, with as few digits as tell its ticks apart."""

    def __init__(self, one: int, before: str = "", after: str = "") -> None:
        self._one, self._before, self._after = one, before, after

    def __call__(self, value: int) -> str:
        """Return the value's label."""
        for scale, suffix in ((10**9, "bn"), (10**6, "M"), (10**3, "k"), (1, "")):
            if abs(value) >= self._one * scale:
                hundredths = value * 100 // (self._one * scale)
                whole, rest = divmod(hundredths, 100)
                text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
                return f"{self._before}{text}{suffix}{self._after}"
        if value == 0:
            return f"{self._before}0{self._after}"
        # Two digits behind the zeros: as many as a tick has.
        places = next(places for places in count(1) if value * 10**places >= 10 * self._one)
        text = f"{value * 10**places // self._one:0{places}d}".rstrip("0")
        return f"{self._before}0.{text}{self._after}"


def line_plot(
    points: Sequence[tuple[int, int]],
    *,
    title: str,
    axes: Axes,
    marks: Sequence[Mark] = (),
    is_stepped: bool = False,
    lines_down: Sequence[Tick] = (),
    against: Sequence[tuple[int, int]] = (),
) -> Markup:
    """Return a line through `points`, in the order of x; stepped where a value holds until the next.

    `lines_down` are values of x with a line of their own, `against` another line to compare with. The ground
    is the first tick beside, and what is between it and the line is filled only where that is nothing.
    """
    (low, high), (ground, top) = _span(axes.below), _span(axes.beside)

    def at(x: int, y: int) -> tuple[int, int]:
        across = LEFT + (x - low) * (WIDTH - LEFT - RIGHT) // (high - low)
        return across, HEIGHT - BOTTOM - (y - ground) * (HEIGHT - TOP - BOTTOM) // (top - ground)

    places = [at(x, y) for x, y in points]
    if is_stepped:
        places = [
            place
            for number, (x, y) in enumerate(places)
            for place in ([(x, places[number - 1][1]), (x, y)] if number else [(x, y)])
        ]
    drawn = _listed(places)
    floor = HEIGHT - BOTTOM
    area = (
        f"{_units(places[0][0])},{_units(floor)} {drawn} {_units(places[-1][0])},{_units(floor)}"
        if places
        else ""
    )
    return _frame(
        title,
        [
            _across(axes.beside),
            [_below(at(tick.value, 0)[0], tick.label) for tick in axes.below],
            [_line_down(at(tick.value, 0)[0], tick.label) for tick in lines_down],
            element("polygon", class_="area", points=area) if area and not ground else None,
            _polyline("against", [at(x, y) for x, y in against]) if against else None,
            _polyline("curve", places),
            [_mark(*at(mark.x, mark.y), mark.label) for mark in marks],
        ],
    )


def bar_plot(bars: Sequence[Bar], *, title: str, y_ticks: Sequence[Tick]) -> Markup:
    """Return bars side by side; of several series, later ones stand in front of the first."""
    top = max(y_ticks[-1].value, 1)
    room = (WIDTH - LEFT - RIGHT) // max(1, len(bars))
    width = min(max(room - _BAR_ROOM, room * 3 // 4), _BAR_WIDTH_MAX)
    every = -(-len(bars) // LABELS_MAX)
    drawn: list[Child] = []
    for number, bar in enumerate(bars):
        middle = LEFT + room * number + room // 2
        inside: list[Child] = [element("title", bar.told)]
        for series, value in enumerate(bar.values):
            height = max(value * (HEIGHT - TOP - BOTTOM) // top, _LEAST if value else 0)
            narrowed = width if series == 0 else width * 3 // 5
            inside.append(
                element(
                    "rect",
                    class_=f"bar series-{series + 1}",
                    x=_units(middle - narrowed // 2),
                    y=_units(HEIGHT - BOTTOM - height),
                    width=_units(narrowed),
                    height=_units(height),
                    rx="1.5",
                )
            )
        if (len(bars) - 1 - number) % every == 0:
            inside.append(_below(middle, bar.label))
        drawn.append(element("g", *inside))
    return _frame(title, [_across(y_ticks), drawn])


def shares(parts: Sequence[tuple[str, int, str]], *, title: str) -> Markup:
    """Return one bar that is divided into parts: the class of each, its amount, and what it says."""
    whole = max(sum(amount for _, amount, _ in parts), 1)
    height, gap, start = 360, 12, 0
    drawn: list[Child] = []
    before = 0
    for class_, amount, told in parts:
        start, end = before * WIDTH // whole, (before + amount) * WIDTH // whole
        before += amount
        if end - start > gap:
            drawn.append(
                element(
                    "g",
                    element("title", told),
                    element(
                        "rect",
                        class_=f"part {class_}",
                        x=_units(start),
                        y="0",
                        width=_units(end - start - gap),
                        height=_units(height),
                        rx="2",
                    ),
                )
            )
    return element(
        "svg",
        element("title", title),
        drawn,
        viewBox=f"0 0 {_units(WIDTH)} {_units(height)}",
        preserveAspectRatio="none",
        class_="shares",
        role="img",
        aria_label=title,
    )


def _frame(title: str, drawn: Child) -> Markup:
    return element(
        "svg",
        element("title", title),
        drawn,
        viewBox=f"0 0 {_units(WIDTH)} {_units(HEIGHT)}",
        class_="plot",
        role="img",
        aria_label=title,
    )


def _span(ticks: Sequence[Tick]) -> tuple[int, int]:
    """Return the ends of an axis, which are never the same."""
    return ticks[0].value, max(ticks[-1].value, ticks[0].value + 1)


def _across(ticks: Sequence[Tick]) -> list[Markup]:
    """Return a line and a label for each value of the axis at the side."""
    ground, top = _span(ticks)
    found: list[Markup] = []
    for tick in ticks:
        y = HEIGHT - BOTTOM - (tick.value - ground) * (HEIGHT - TOP - BOTTOM) // (top - ground)
        kind = "axis" if tick.value == ground else "grid"
        found += [
            element(
                "line", class_=kind, x1=_units(LEFT), x2=_units(WIDTH - RIGHT), y1=_units(y), y2=_units(y)
            ),
            element("text", tick.label, class_="label end", x=_units(LEFT - 100), y=_units(y + 40)),
        ]
    return found


def _below(x: int, label: str) -> Markup:
    # A label in the middle of the last place would be cut off at the edge.
    anchor = "end" if x >= WIDTH - RIGHT else "middle"
    return element("text", label, class_=f"label {anchor}", x=_units(x), y=_units(HEIGHT - BOTTOM + 200))


def _line_down(x: int, label: str) -> Markup:
    return element(
        "g",
        element(
            "line", class_="down", x1=_units(x), x2=_units(x), y1=_units(TOP), y2=_units(HEIGHT - BOTTOM)
        ),
        element("text", label, class_="label middle", x=_units(x), y=_units(TOP - 50)),
    )


def _mark(x: int, y: int, label: str) -> Markup:
    is_right = x > WIDTH * 3 // 5
    return element(
        "g",
        element("circle", class_="mark", cx=_units(x), cy=_units(y), r="5"),
        element(
            "text",
            label,
            class_="label strong " + ("end" if is_right else "start"),
            x=_units(x - 110 if is_right else x + 110),
            y=_units(y - 70),
        ),
    )


def _polyline(class_: str, places: Sequence[tuple[int, int]]) -> Markup:
    return element("polyline", class_=class_, points=_listed(places))


def _listed(places: Sequence[tuple[int, int]]) -> str:
    return " ".join(f"{_units(x)},{_units(y)}" for x, y in places)


def _units(tenths: int) -> str:
    whole, rest = divmod(tenths, 10)
    return f"{whole}.{rest}" if rest else str(whole)
