"""The report of buybacks: what each run spent and burned, by the chain's logs, and whether it adds up.

It adds up when what the runs say they burned is the fall of `totalSupply` that nothing else explains.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from entitlement.core.buyback_lines import BuybackLine, SupplyChange
from entitlement.core.units import NanoUsd, Usdc, Wei
from entitlement.report.words import day, dollars, moment, month, percent, share, tokens, usdc

NANO_USD_PER_USDC_UNIT = 1_000


@dataclass(frozen=True, slots=True)
class MonthOfBuybacks:
    """The runs of a calendar month (UTC)."""

    month: str
    runs: int
    usdc: Usdc
    burned: Wei
    revenue: NanoUsd | None
    """What was spent of credit that somebody paid for; None where no ledger is at hand."""

    @property
    def share_of_revenue(self) -> str | None:
        """What was spent on buybacks, as a percentage of the revenue."""
        return None if self.revenue is None else share(self.usdc * NANO_USD_PER_USDC_UNIT, self.revenue)


@dataclass(frozen=True, slots=True)
class BuybackReport:
    """The runs in some blocks. Times are Unix seconds."""

    network: str
    chain_id: int
    burner: str
    first_block: int
    first_time: int
    last_block: int
    last_hash: str
    last_time: int
    final_block: int
    """What is above it the chain could still take back."""
    lines: tuple[BuybackLine, ...]
    change: SupplyChange
    revenue: Mapping[str, NanoUsd] | None = None
    """By month."""

    @property
    def spent(self) -> Usdc:
        """By all runs."""
        return Usdc(sum(line.usdc for line in self.lines))

    @property
    def burned(self) -> Wei:
        """By all runs, gifts included."""
        return Wei(sum(line.burned for line in self.lines))

    @property
    def difference(self) -> Wei:
        """What the runs say, less the fall of the supply: 0, or something is wrong."""
        return Wei(self.burned - self.change.fall)

    @property
    def verdict(self) -> str:
        """Return in a sentence whether it adds up."""
        return (
            f"{len(self.lines)} runs burned {self.burned} wei of VVV; "
            f"totalSupply fell by {self.change.fall} wei that nothing else explains: "
            f"a difference of {self.difference}"
        )

    def months(self) -> list[MonthOfBuybacks]:
        """Return the months with runs or revenue in them, oldest first."""
        named = {month(line.at.time) for line in self.lines} | set(self.revenue or ())
        return [self._month(name) for name in sorted(named)]

    def _month(self, name: str) -> MonthOfBuybacks:
        lines = [line for line in self.lines if month(line.at.time) == name]
        return MonthOfBuybacks(
            month=name,
            runs=len(lines),
            usdc=Usdc(sum(line.usdc for line in lines)),
            burned=Wei(sum(line.burned for line in lines)),
            revenue=None if self.revenue is None else NanoUsd(self.revenue.get(name, 0)),
        )


COLUMNS = (
    "run",
    "time_utc",
    "usdc_units",
    "vvv_bought_wei",
    "vvv_given_wei",
    "vvv_burned_wei",
    "price_paid_usdc_units",
    "price_mean_usdc_units",
    "over_mean_millionths",
    "keeper",
    "block",
    "block_hash",
    "transaction",
)


def row_of(line: BuybackLine) -> dict[str, str]:
    """Return a run with every digit, by the names of `COLUMNS`."""
    values = (
        line.run,
        moment(line.at.time),
        line.usdc,
        line.bought,
        line.donated,
        line.burned,
        line.price_paid,
        line.price_mean,
        line.over_mean,
        line.keeper,
        line.at.block,
        line.at.block_hash,
        line.at.transaction,
    )
    return {name: str(value) for name, value in zip(COLUMNS, values, strict=True)}


def as_csv(report: BuybackReport) -> str:
    """Return the runs alone, one a line."""
    return table_as_csv(COLUMNS, [tuple(row_of(line).values()) for line in report.lines])


def table_as_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as RFC 4180 has it."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(columns)
    table.writerows(rows)
    return written.getvalue()


def as_json(report: BuybackReport) -> str:
    """Return everything; amounts as text."""
    change = report.change
    told = {
        "network": report.network,
        "chain_id": report.chain_id,
        "buyback_burner": report.burner,
        "first_block": report.first_block,
        "last_block": report.last_block,
        "last_block_hash": report.last_hash,
        "last_block_time": report.last_time,
        "final_block": report.final_block,
        "runs": [row_of(line) for line in report.lines],
        "months": [
            {
                "month": each.month,
                "runs": each.runs,
                "usdc_units": str(each.usdc),
                "vvv_burned_wei": str(each.burned),
                "revenue_nano_usd": None if each.revenue is None else str(each.revenue),
            }
            for each in report.months()
        ],
        "usdc_units": str(report.spent),
        "vvv_burned_wei": str(report.burned),
        "supply": {
            "before_wei": str(change.before),
            "after_wei": str(change.after),
            "genesis_wei": str(change.genesis),
            "emitted_wei": str(change.emitted),
            "burned_by_others_wei": str(change.burned_by_others),
            "burned_by_burner_wei": str(change.burned_by_burner),
            "fall_by_burner_wei": str(change.fall),
        },
        "difference_wei": str(report.difference),
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n"


def as_markdown(report: BuybackReport) -> str:
    """Return it for people, with every transaction's hash in full."""
    change = report.change
    runs = [
        (
            str(line.run),
            moment(line.at.time),
            usdc(line.usdc),
            tokens(line.burned, 4),
            usdc(line.price_paid, 6),
            usdc(line.price_mean, 6),
            percent(line.over_mean),
            f"`{line.at.transaction}`",
        )
        for line in report.lines
    ]
    months = [
        (each.month, str(each.runs), usdc(each.usdc), tokens(each.burned, 4), *_revenue(each))
        for each in report.months()
    ]
    names = (
        "month",
        "runs",
        "spent",
        "VVV burned",
        *(("revenue", "share") if report.revenue is not None else ()),
    )
    sums = [
        ("totalSupply before", tokens(change.before, 18)),
        ("+ genesis", tokens(change.genesis, 18)),
        ("+ emitted", tokens(change.emitted, 18)),
        ("- burned by others", tokens(change.burned_by_others, 18)),
        ("- totalSupply after", tokens(change.after, 18)),
        ("= fall by BuybackBurner", tokens(change.fall, 18)),
        ("burned by the runs", tokens(report.burned, 18)),
        ("difference", tokens(report.difference, 18)),
    ]
    return "\n\n".join(
        [
            f"# Buybacks on {report.network}, {day(report.first_time)} to {day(report.last_time)}",
            introduction(report),
            "## Runs",
            _table(("run", "UTC", "spent", "VVV burned", "a VVV", "mean", "over", "transaction"), runs),
            "## Months",
            _table(names, months),
            "## Does it add up",
            _table(("", "VVV"), sums),
            f"{report.verdict}.\n",
        ]
    )


def introduction(report: BuybackReport) -> str:
    """Return which blocks this is about, in words."""
    words = (
        f"Blocks {report.first_block} to {report.last_block} ({report.last_hash}) "
        f"of chain {report.chain_id}, from the logs of BuybackBurner {report.burner} alone."
    )
    if report.last_block > report.final_block:
        words += f" What is above block {report.final_block} is not final yet."
    return words


def _revenue(each: MonthOfBuybacks) -> tuple[str, ...]:
    return () if each.revenue is None else (dollars(each.revenue), each.share_of_revenue or "")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "None."
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
