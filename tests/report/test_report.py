"""Markup, words and plots: nothing foreign gets in, nothing is rounded up, nothing leaves its frame."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.chain.toolchain import PROJECT
from entitlement.report.markup import Markup, element
from entitlement.report.style import POLICY, STYLE
from entitlement.report.svg import (
    Axes,
    Bar,
    Labelled,
    Mark,
    Tick,
    bar_plot,
    line_plot,
    nice_step,
    nice_ticks,
    shares,
    ticks_between,
)
from entitlement.report.words import decimal, dollars, duration, percent, share, short, tokens

NUMBER = re.compile(r'(?:x|y|x1|x2|y1|y2|cx|cy|width|height)="(-?[0-9.]+)"|points="([^"]*)"')
amounts = st.integers(0, 10**30)


@given(st.text())
def test_text_stays_text_wherever_it_stands(text: str) -> None:
    made = element("p", text, title=text)
    assert made.count("<") == 2
    assert made.count('"') == 2
    assert element("div", made) == f"<div>{made}</div>"


def test_what_is_left_out_is_left_out() -> None:
    assert element("p", None, [None, [1, Markup("<b/>")]], class_=None) == "<p>1<b/></p>"
    assert element("line", stroke_width=2, x1="0") == '<line stroke-width="2" x1="0"/>'


@pytest.mark.parametrize(
    ("amount", "one", "places", "written"),
    [
        (1_999_999, 1_000_000, 2, "1.99"),
        (-1_999_999, 1_000_000, 2, "-1.99"),
        (-9_999, 1_000_000, 2, "0.00"),
        (1_234_567 * 10**18, 10**18, 0, "1,234,567"),
        (5, 1_000, 3, "0.005"),
        (0, 1, 2, "0.00"),
    ],
)
def test_what_does_not_fit_is_cut_off(amount: int, one: int, places: int, written: str) -> None:
    assert decimal(amount, one, places) == written


@given(amounts, st.integers(0, 18))
def test_an_amount_is_never_told_as_more_than_it_is(wei: int, places: int) -> None:
    told = int(tokens(wei, places).replace(",", "").replace(".", ""))
    assert told * 10**18 <= wei * 10**places < (told + 1) * 10**18


def test_words() -> None:
    assert (dollars(1_500_000_000), percent(12_345), percent(-12_345)) == ("$1.50", "+1.23 %", "-1.23 %")
    assert (share(1, 3), share(1, 10_000), share(0, 5), share(5, 0)) == (
        "33.3 %",
        "< 0.1 %",
        "0.0 %",
        "0.0 %",
    )
    assert [duration(each) for each in (1, 60, 90, 3_600, 14_400, 9 * 86_400)] == [
        "1 seconds",
        "1 minute",
        "90 seconds",
        "1 hour",
        "4 hours",
        "9 days",
    ]
    assert short("0x" + "ab" * 20) == "0xababab…ababab"


@given(amounts)
def test_ticks_begin_at_nothing_and_reach_the_largest_in_few_steps(largest: int) -> None:
    ticks = nice_ticks(largest, Labelled(10**18))
    assert ticks[0].value == 0
    assert largest <= ticks[-1].value
    assert 2 <= len(ticks) <= 5
    step = nice_step(largest)
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert len({tick.label for tick in ticks}) == len(ticks)


@given(amounts, amounts)
def test_ticks_hold_both_ends_between_them(one: int, other: int) -> None:
    low, high = sorted((one, other))
    ticks = ticks_between(low, high, Labelled(1))
    assert ticks[0].value <= low <= high <= ticks[-1].value
    assert 2 <= len(ticks) <= 7


points = st.lists(st.tuples(st.integers(0, 10**10), amounts), min_size=1, max_size=30).map(sorted)


@given(points, st.booleans())
def test_no_line_leaves_its_frame(found: list[tuple[int, int]], stepped: bool) -> None:  # noqa: FBT001
    most = max(y for _, y in found)
    plot = line_plot(
        found,
        title="a line",
        axes=Axes(
            [Tick(found[0][0], "first"), Tick(found[-1][0], "last")], nice_ticks(most, Labelled(10**18))
        ),
        marks=[Mark(*found[-1], "now")],
        is_stepped=stepped,
        lines_down=[Tick(found[0][0], "here")],
        against=found,
    )
    assert_inside(plot)


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=60))
def test_no_bar_leaves_its_frame_and_what_is_not_nothing_is_seen(found: list[tuple[int, int]]) -> None:
    most = max(max(each) for each in found)
    bars = [Bar(str(number), values, "told") for number, values in enumerate(found)]
    plot = bar_plot(bars, title="bars", y_ticks=nice_ticks(most, Labelled(10**9, before="$")))
    assert_inside(plot)
    heights = [float(each) for each in re.findall(r'class="bar[^>]* height="([0-9.]+)"', plot)]
    assert [height > 0 for height in heights] == [value > 0 for values in found for value in values]
    assert len(re.findall(r'class="label (?:middle|end)" x="[0-9.]+" y="266"', plot)) <= 12


@given(st.lists(amounts, min_size=1, max_size=6))
def test_shares_fill_their_bar_and_no_more(found: list[int]) -> None:
    assert_inside(shares([("p1", amount, "told") for amount in found], title="shares"))


def assert_inside(plot: str) -> None:
    """Coordinates are of the view box; `float` is a reader's of what is drawn, not of an amount."""
    for one, several in NUMBER.findall(plot):
        for coordinate in (one, *re.split(r"[ ,]", several)):
            assert coordinate == "" or 0 <= float(coordinate) <= 720, plot
    assert "aria-label" in plot
    assert "style=" not in plot


def test_the_policy_knows_the_one_stylesheet_and_the_stylesheet_asks_nobody() -> None:
    assert "'sha256-" in POLICY
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "@font-face" not in STYLE


def colours_of(text: str, names: dict[str, str]) -> list[dict[str, str]]:
    """What each name stands for, by day and by night: the name as the page has it -> its colour."""
    day, night = text.split("@media (prefers-color-scheme: dark)")
    return [
        {ours: found[1] for name, ours in names.items() if (found := re.search(rf"{name}: (#\w+)", part))}
        for part in (day, night.split("* {")[0])
    ]


def test_pages_of_the_server_have_the_colours_of_the_dashboard() -> None:
    tokens_css = (PROJECT / "web" / "src" / "style" / "tokens.css").read_text()
    same = {f"--{name}": name for name in ("ground", "panel", "ink", "quiet", "line", "grid", "warn")}
    theirs = same | {
        "--accent": "one", "--second": "two", "--third": "three", "--fourth": "four", "--bad": "six",
        "--warn-soft": "warn-ground",
    }  # fmt: skip
    found = colours_of(tokens_css, theirs)
    assert [len(each) for each in found] == [len(theirs)] * 2
    assert colours_of(STYLE, {f"--{name}": name for name in found[0]}) == found
