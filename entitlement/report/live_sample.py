"""What the live system burned, as public records have it: what a report looks like over a longer time."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import orjson

from entitlement.core.units import WEI_PER_TOKEN, Wei
from entitlement.report.buyback_page import burned_by_month
from entitlement.report.buybacks import table_as_csv
from entitlement.report.document import NUMBER, code, document, figure_of, table, tile
from entitlement.report.markup import element
from entitlement.report.words import tokens

RECORDS = Path(__file__).with_name("live_burns.toml")
_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class LiveBurns:
    """Monthly totals, and how well they are known."""

    title: str
    token: str
    chain_id: int
    until: str
    source: str
    grade: str
    months: tuple[tuple[str, Wei], ...]

    @property
    def total(self) -> Wei:
        """Of all months."""
        return Wei(sum(burned for _, burned in self.months))


def read_live_burns(path: Path = RECORDS) -> LiveBurns:
    """Return what is recorded."""
    given = tomllib.loads(path.read_text())
    months = tuple((name, _wei(amount)) for name, amount in given.pop("months").items())
    return LiveBurns(**given, months=months)


def _wei(amount: str) -> Wei:
    """Return whole tokens, written with a point, in wei."""
    whole, _, rest = amount.partition(".")
    return Wei(int(whole) * WEI_PER_TOKEN + int(rest.ljust(_DECIMALS, "0")))


def sample_as_markdown(burns: LiveBurns) -> str:
    """Return it for people."""
    rows = "\n".join(f"| {name} | {tokens(burned)} |" for name, burned in burns.months)
    return (
        f"# {burns.title}\n\nUntil {burns.until}. Source: {burns.source}. Grade {burns.grade}.\n\n"
        f"| month | VVV |\n| --- | --- |\n{rows}\n| sum | {tokens(burns.total)} |\n"
    )


def sample_as_csv(burns: LiveBurns) -> str:
    """Return a line for each month."""
    return table_as_csv(("month", "vvv_burned_wei"), [(name, str(burned)) for name, burned in burns.months])


def sample_as_json(burns: LiveBurns) -> str:
    """Return everything; amounts as text."""
    told = {
        "title": burns.title,
        "token": burns.token,
        "chain_id": burns.chain_id,
        "until": burns.until,
        "source": burns.source,
        "grade": burns.grade,
        "months": [{"month": name, "vvv_burned_wei": str(burned)} for name, burned in burns.months],
        "vvv_burned_wei": str(burns.total),
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n"


def sample_as_html(burns: LiveBurns) -> str:
    """Return a page in one file."""
    most = max(burns.months, key=lambda each: each[1])
    return document(
        burns.title,
        element(
            "header",
            element("h1", burns.title),
            element(
                "p", f"{burns.months[0][0]} to {burns.until}. Source: {burns.source}. Grade {burns.grade}."
            ),
            element("p", f"Chain {burns.chain_id}, ", code(burns.token), class_="stamp"),
            element(
                "div",
                tile("VVV burned", tokens(burns.total), f"in {len(burns.months)} months"),
                tile("Most in a month", tokens(most[1]), most[0]),
                class_="tiles",
            ),
        ),
        element(
            "main",
            element(
                "section",
                element("h2", "VVV burned a month"),
                figure_of(
                    burned_by_month(list(burns.months), burns.title),
                    ("k1", "VVV burned, all channels together"),
                ),
                table(
                    "By month",
                    [("month", None), ("VVV", NUMBER)],
                    [
                        *((name, tokens(burned)) for name, burned in burns.months),
                        ("sum", tokens(burns.total)),
                    ],
                    classes=[*(None for _ in burns.months), "sum"],
                ),
            ),
        ),
        is_file=True,
    )
