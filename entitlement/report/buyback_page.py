"""The report of buybacks as a page in one file: plots, tables, every transaction's hash."""

from entitlement.core.buyback_lines import BuybackLine
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN
from entitlement.report.buybacks import BuybackReport, MonthOfBuybacks, introduction
from entitlement.report.document import NUMBER, code, document, figure_of, table, tile
from entitlement.report.markup import Child, Markup, element
from entitlement.report.svg import (
    Axes,
    Bar,
    Labelled,
    Tick,
    bar_plot,
    line_plot,
    nice_ticks,
    ticks_between,
)
from entitlement.report.words import day, dollars, moment, percent, tokens, usdc

TENTH_OF_PERCENT = 1_000
"""Of everything: what the plot of the share counts in."""
TIMES_SHOWN = 4


def as_html(report: BuybackReport) -> str:
    """Return the page."""
    title = f"Buybacks on {report.network}"
    return document(
        title,
        element(
            "header",
            element("h1", title),
            element("p", f"{day(report.first_time)} to {day(report.last_time)}"),
            element("p", introduction(report), class_="stamp"),
            _tiles(report),
        ),
        element("main", _burned(report), _prices(report), _shares(report), _runs(report), _sums(report)),
        is_file=True,
    )


def burned_by_month(months: list[tuple[str, int]], title: str) -> Markup:
    """Return bars of wei of VVV."""
    bars = [Bar(name, (burned,), f"{name}: {tokens(burned)} VVV") for name, burned in months]
    most = max((burned for _, burned in months), default=0)
    return bar_plot(bars, title=title, y_ticks=nice_ticks(most, Labelled(WEI_PER_TOKEN)))


def _tiles(report: BuybackReport) -> Markup:
    paid = sum(line.usdc * line.reference_price for line in report.lines)
    at_mean = sum(line.bought for line in report.lines) * USDC_PER_DOLLAR
    over = percent((paid - at_mean) * 10**6 // at_mean) if at_mean else "0.00 %"
    return element(
        "div",
        tile("VVV burned", tokens(report.burned), f"in {len(report.lines)} runs"),
        tile("Spent", usdc(report.spent), "USDC"),
        tile("Over the mean price", over, "the pool's fee included"),
        tile("Difference", str(report.difference), "wei, between runs and supply"),
        class_="tiles",
    )


def _burned(report: BuybackReport) -> Markup:
    months = report.months()
    plot = burned_by_month([(each.month, each.burned) for each in months], "VVV burned a month by buybacks")
    return element(
        "section",
        element("h2", "VVV burned a month"),
        figure_of(plot, ("k1", "VVV burned")) if months else _nothing(),
        table(
            "By month",
            [("month", None), ("runs", NUMBER), ("spent", NUMBER), ("VVV burned", NUMBER)],
            [(each.month, each.runs, usdc(each.usdc), tokens(each.burned, 4)) for each in months],
        ),
    )


def _prices(report: BuybackReport) -> Markup:
    lines = report.lines
    plot: Child = _nothing()
    if lines:
        paid = [(line.at.time, int(line.price_paid)) for line in lines]
        mean = [(line.at.time, int(line.price_mean)) for line in lines]
        prices = [price for _, price in paid + mean]
        plot = figure_of(
            line_plot(
                paid,
                title="What a VVV cost in each run, and at the mean price of the moment",
                axes=Axes(
                    _times(lines),
                    ticks_between(min(prices), max(prices), Labelled(USDC_PER_DOLLAR, before="$")),
                ),
                against=mean,
            ),
            ("k1", "paid, the pool's fee included"),
            ("k2", "mean price of the contract's window"),
        )
    return element(
        "section",
        element("h2", "Price paid against the mean"),
        element("p", "The contract refuses a run that buys less than its floor allows at the mean price."),
        plot,
    )


def _times(lines: tuple[BuybackLine, ...]) -> list[Tick]:
    start, end = lines[0].at.time, lines[-1].at.time
    at = sorted({start + (end - start) * part // TIMES_SHOWN for part in range(TIMES_SHOWN + 1)})
    return [Tick(time, day(time)) for time in at]


def _shares(report: BuybackReport) -> Markup | None:
    if report.revenue is None:
        return None
    months = report.months()
    bars = [
        Bar(
            each.month,
            (_tenths(each),),
            f"{each.month}: {each.share_of_revenue} of {dollars(each.revenue or 0)}",
        )
        for each in months
    ]
    most = max((_tenths(each) for each in months), default=0)
    plot = bar_plot(
        bars, title="Share of revenue spent on buybacks", y_ticks=nice_ticks(most, Labelled(10, after=" %"))
    )
    return element(
        "section",
        element("h2", "Share of revenue"),
        element("p", "Revenue is credit that somebody paid for and that was spent, by the ledger."),
        figure_of(plot, ("k1", "spent on buybacks, of the month's revenue")) if months else _nothing(),
        table(
            "By month",
            [("month", None), ("revenue", NUMBER), ("spent on buybacks", NUMBER), ("share", NUMBER)],
            [
                (each.month, dollars(each.revenue or 0), usdc(each.usdc), each.share_of_revenue)
                for each in months
            ],
        ),
    )


def _tenths(each: MonthOfBuybacks) -> int:
    """Return the share in tenths of a percent."""
    return each.usdc * 1_000 * TENTH_OF_PERCENT // each.revenue if each.revenue else 0


def _runs(report: BuybackReport) -> Markup:
    rows = [
        (
            line.run,
            moment(line.at.time),
            usdc(line.usdc),
            tokens(line.burned, 4),
            usdc(line.price_paid, 4),
            usdc(line.price_mean, 4),
            percent(line.over_mean),
            code(line.at.transaction),
        )
        for line in report.lines
    ]
    names = ("spent", "VVV burned", "a VVV", "mean", "over")
    columns = [("run", None), ("UTC", None), *((name, NUMBER) for name in names), ("transaction", None)]
    return element("section", element("h2", "Runs"), table("Every run, by its transaction", columns, rows))


def _sums(report: BuybackReport) -> Markup:
    change = report.change
    rows = [
        ("totalSupply before", change.before),
        ("+ genesis", change.genesis),
        ("+ emitted", change.emitted),
        ("- burned by others", change.burned_by_others),
        ("- totalSupply after", change.after),
        ("= fall by BuybackBurner", change.fall),
        ("burned by the runs", report.burned),
        ("difference", report.difference),
    ]
    return element(
        "section",
        element("h2", "Does it add up"),
        table(
            f"VVV in blocks {report.first_block} to {report.last_block}",
            [("", None), ("VVV", NUMBER)],
            [(name, tokens(amount, 18)) for name, amount in rows],
            classes=[None] * 5 + ["sum", "sum", "sum"],
        ),
    )


def _nothing() -> Markup:
    return element("p", "There was no run.", class_="quiet")
