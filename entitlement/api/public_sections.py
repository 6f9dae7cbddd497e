"""The sections of the public page: each takes the answer of a public route, and nothing else."""

from entitlement.api.public_schemas import (
    BuybacksOut,
    CallOut,
    CreditOut,
    DeploymentOut,
    DiemOut,
    EmissionOut,
    FigureOut,
    OperationOut,
    PowersOut,
    SupplyOut,
)
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN
from entitlement.report.document import NUMBER, code, figure_of, folded, table
from entitlement.report.explorer import Explorer
from entitlement.report.markup import Child, Markup, element
from entitlement.report.svg import Axes, Bar, Labelled, Mark, Tick, bar_plot, line_plot, nice_ticks, shares
from entitlement.report.words import (
    day,
    dollars,
    duration,
    moment,
    percent,
    share,
    short,
    tokens,
    usdc,
)

YEAR = 365 * SECONDS_PER_EPOCH
RUNS_SHOWN = 24
DAYS_SHOWN = 30
ROOTS_SHOWN = 14
OPERATIONS_SHOWN = 20
MONTHS_SHOWN = 24

_SUMS = ("granted", "spent", "expired")
_STATIC = "/v1/public/"


def section(name: str, title: str, route: str, *inside: Child) -> Markup:
    """Return a section with its heading, and where the same is told to machines."""
    machine = element(
        "p", "As JSON: ", element("a", f"{_STATIC}{route}", href=f"{_STATIC}{route}"), class_="quiet"
    )
    return element("section", element("h2", title), *inside, machine, id=name)


def recipes(named: dict[str, FigureOut]) -> Markup:
    """Return how each figure is found again."""
    lines = [[element("dt", name), element("dd", code(found.recompute))] for name, found in named.items()]
    return folded("How to compute this yourself", element("dl", lines))


def supply_section(found: SupplyOut) -> Markup:
    """Return the supply of VVV: one bar, one table."""
    total = int(found.total_supply.amount)
    contracts = (
        int(found.in_contracts.amount) + int(found.zero_address.amount) + int(found.dead_address.amount)
    )
    colours = (
        ("p1", "staked, unlocked", int(found.staked_unlocked.amount)),
        ("p4", "locked behind DIEM", int(found.locked_for_diem.amount)),
        (
            "p3",
            "cooling, and rewards not claimed",
            int(found.cooling.amount) + int(found.unclaimed_rewards.amount),
        ),
        ("p6", "in contracts, and out of reach", contracts),
        ("p2", "treasury", int(found.treasury.amount)),
        ("p5", "pool and all other wallets", int(found.in_pool.amount) + int(found.wallets.amount)),
    )
    bar = shares(
        [(class_, amount, f"{name}: {tokens(amount)} VVV") for class_, name, amount in colours],
        title="What the total supply of VVV consists of",
    )
    rows: list[tuple[str, str, FigureOut]] = [
        ("Genesis supply", "", found.genesis),
        ("+ emitted since", "", found.emitted),
        ("= minted ever", "sum", found.minted_ever),
        ("- burned", "", found.burned),
        ("= total supply", "sum", found.total_supply),
        ("- at the zero and the dead address", "", _both(found)),
        ("= effective supply", "sum", found.effective),
        ("- staked, unlocked", "", found.staked_unlocked),
        ("- locked behind DIEM", "", found.locked_for_diem),
        ("- cooling, on its way out", "", found.cooling),
        ("- rewards, earned and not claimed", "", found.unclaimed_rewards),
        ("- in the system's other contracts", "", found.in_contracts),
        ("= circulating", "sum", found.circulating),
        ("in the pool", "in", found.in_pool),
        ("in the treasury's wallet", "in", found.treasury),
        ("in all other wallets", "in", found.wallets),
    ]
    return section(
        "supply",
        "Supply of VVV",
        "supply",
        element(
            "p",
            "One definition, whose lines add up. A burn lowers totalSupply() itself: all one takes off "
            "is what somebody sent to an address that nobody has the key of.",
        ),
        figure_of(bar, *((class_.replace("p", "k"), name) for class_, name, _ in colours)),
        table(
            f"VVV at block {found.read.block}",
            [("", None), ("VVV", NUMBER), ("of the total", NUMBER)],
            [(name, tokens(int(each.amount)), share(int(each.amount), total)) for name, _, each in rows],
            classes=[class_ or None for _, class_, _ in rows],
        ),
        _checks(found),
        recipes({name.lstrip("+-= "): each for name, _, each in rows}),
    )


def diem_section(found: DiemOut) -> Markup:
    """Return DIEM and the curve by which it is minted."""
    supply, target, cap = (int(each.amount) for each in (found.supply, found.target, found.cap))
    points = [(int(point.supply), int(point.rate)) for point in found.curve]
    x_ticks = [tick for tick in nice_ticks(cap, Labelled(WEI_PER_TOKEN)) if tick.value <= cap]
    if x_ticks[-1].value < cap:
        x_ticks.append(Tick(cap, "" if cap - x_ticks[-1].value < cap // 10 else "cap"))
    rate = int(found.mint_rate.amount)
    # At the cap the rate is a hundred times the target's: what is of interest would lie flat on the ground.
    top = max(2 * rate, points[len(points) * 4 // 5][1])
    plot = line_plot(
        [(x, y) for x, y in points if y <= top],
        title="What minting one DIEM locks, at each supply of DIEM",
        axes=Axes(x_ticks, nice_ticks(top, Labelled(WEI_PER_TOKEN))),
        marks=[Mark(supply, rate, f"now {tokens(rate)} VVV")],
        lines_down=[Tick(target, "target")],
    )
    rows: list[tuple[str, FigureOut, str]] = [
        ("Supply", found.supply, tokens(supply)),
        ("staked: dollars of credit a day", found.staked, tokens(int(found.staked.amount))),
        ("cooling, on its way out", found.cooling, tokens(int(found.cooling.amount))),
        ("in wallets, giving no credit", found.in_wallets, tokens(int(found.in_wallets.amount))),
        ("Target supply", found.target, tokens(target)),
        ("Most that can ever be minted at this target", found.cap, tokens(cap)),
        ("Minting one DIEM locks, in VVV", found.mint_rate, tokens(rate)),
    ]
    every = points[:: max(1, len(points) // 12)]
    return section(
        "diem",
        "DIEM, and the price of minting it",
        "diem",
        element(
            "p",
            "One staked DIEM is one dollar of API credit a day. The more DIEM there is, the more one locks.",
        ),
        figure_of(plot, ("k1", "VVV that one DIEM locks, by the supply of DIEM"), ("k2", "now")),
        table(
            f"DIEM at block {found.read.block}",
            [("", None), ("DIEM", NUMBER)],
            [(name, amount) for name, _, amount in rows],
            classes=["sum", "in", "in", "in"],
        ),
        folded(
            "The curve as a table",
            table(
                "What one more DIEM locks",
                [("Supply of DIEM", NUMBER), ("VVV", NUMBER)],
                [(tokens(x, 0), tokens(y)) for x, y in every],
            ),
            element("p", code(found.curve_recompute)),
        ),
        recipes({name: each for name, each, _ in rows}),
    )


def emission_section(found: EmissionOut, explorer: Explorer) -> Markup:
    """Return the emission since the beginning."""
    history = [(each.since, int(each.rate_per_second) * YEAR) for each in found.history]
    end = max(found.read.block_time, history[-1][0])
    points = [*history, (end, history[-1][1])]
    start, span = points[0][0], max(end - points[0][0], 1)
    days = sorted({start + span * part // 3 for part in range(4)})
    labels = (
        [Tick(at, day(at)) for at in days]
        if span > 4 * SECONDS_PER_EPOCH
        else [Tick(start, day(start)), Tick(end, "now")]
    )
    plot = line_plot(
        points,
        title="VVV emitted a year, at the rate of each moment",
        axes=Axes(labels, nice_ticks(max(rate for _, rate in history), Labelled(WEI_PER_TOKEN))),
        is_stepped=True,
    )
    rows = [
        (
            moment(each.since),
            tokens(int(each.rate_per_second) * YEAR),
            code(each.rate_per_second),
            explorer.transaction(each.transaction),
        )
        for each in reversed(found.history)
    ]
    return section(
        "emission",
        "Emission",
        "emission",
        element(
            "p",
            f"{tokens(int(found.a_year.amount), 0)} VVV a year now, {tokens(int(found.emitted.amount))} VVV "
            "since the beginning. The rate can only fall, and only through the timelock.",
        ),
        figure_of(plot, ("k1", "VVV a year")),
        table(
            "Every rate that there was",
            [("since, UTC", None), ("VVV a year", NUMBER), ("wei a second", NUMBER), ("transaction", None)],
            rows,
        ),
        recipes(
            {"rate": found.rate, "emitted": found.emitted, "due and not minted yet": found.due_not_minted}
        ),
    )


def buybacks_section(found: BuybacksOut, explorer: Explorer) -> Markup:
    """Return what was bought and burned."""
    months = found.burned_by_month[-MONTHS_SHOWN:]
    plot: Child = element("p", "Nothing was burned yet.", class_="quiet")
    if months:
        bars = [
            Bar(each.month, (int(each.burned),), f"{each.month}: {tokens(int(each.burned))} VVV")
            for each in months
        ]
        ticks = nice_ticks(max(int(each.burned) for each in months), Labelled(WEI_PER_TOKEN))
        plot = figure_of(
            bar_plot(bars, title="VVV burned a month, by anybody", y_ticks=ticks),
            ("k1", "VVV burned a month"),
        )
    runs = [
        (
            each.run,
            moment(each.block_time),
            usdc(int(each.usdc)),
            tokens(int(each.burned)),
            usdc(int(each.price_paid), 4),
            percent(each.over_mean_millionths),
            explorer.transaction(each.transaction),
        )
        for each in found.runs[::-1][:RUNS_SHOWN]
    ]
    bounds = found.bounds
    return section(
        "buybacks",
        "Buybacks",
        "buybacks",
        element(
            "p",
            f"{usdc(int(found.usdc_spent.amount))} bought {tokens(int(found.bought.amount))} VVV; "
            f"{tokens(int(found.burned_by_all.amount))} VVV were burned by anybody. "
            f"{usdc(int(found.set_aside.amount))} wait to be spent. "
            f"One run spends at most {usdc(int(bounds.lot))}, at least {duration(bounds.hop)} after the one "
            "before, and buys no less than "
            f"{percent(bounds.floor * 100).lstrip('+')} of what it would at the mean price "
            f"of {duration(bounds.window)}.",
        ),
        plot,
        table(
            "The newest runs",
            [
                ("run", None), ("UTC", None), ("spent", NUMBER), ("VVV burned", NUMBER), ("a VVV", NUMBER),
                ("over the mean", NUMBER), ("transaction", None),
            ],
            runs,
        ) if runs else None,
        folded(
            "Burned by month, as a table",
            table(
                "By anybody",
                [("month", None), ("VVV", NUMBER)],
                [(each.month, tokens(int(each.burned))) for each in reversed(found.burned_by_month)],
            ),
        ) if months else None,
        recipes({"spent": found.usdc_spent, "bought": found.bought, "burned by runs": found.burned_by_runs,
                 "burned by anybody": found.burned_by_all, "set aside": found.set_aside}),
        folded("Every run from the chain's logs", element("p", code(found.runs_recompute))),
    )  # fmt: skip


def credit_section(found: CreditOut, explorer: Explorer) -> Markup:
    """Return what all accounts together were granted and spent."""
    sums = {
        each.epoch: (
            sum(int(source.granted) for source in each.sources),
            sum(int(source.spent) for source in each.sources),
        )
        for each in found.days
    }
    plot: Child = element("p", "No day is over yet on which there was credit.", class_="quiet")
    if sums:
        shown = range(max(max(sums) - DAYS_SHOWN + 1, min(sums)), max(sums) + 1)
        bars = [
            Bar(
                day(epoch * SECONDS_PER_EPOCH)[5:],
                sums.get(epoch, (0, 0)),
                f"{day(epoch * SECONDS_PER_EPOCH)}: granted {dollars(sums.get(epoch, (0, 0))[0])}, "
                f"spent {dollars(sums.get(epoch, (0, 0))[1])}",
            )
            for epoch in shown
        ]
        ticks = nice_ticks(max(max(each) for each in sums.values()), Labelled(NANO_USD_PER_USD, before="$"))
        plot = figure_of(
            bar_plot(bars, title="Credit granted and spent by day", y_ticks=ticks),
            ("k1", "granted"),
            ("k2", "spent"),
        )
    days = [
        (
            day(each.starts_at), source.source.replace("_", " "), dollars(int(source.granted)),
            dollars(int(source.spent)), dollars(int(source.expired)),
        )
        for each in reversed(found.days[-DAYS_SHOWN:])
        for source in each.sources
    ]  # fmt: skip
    roots = [
        (
            day(each.epoch * SECONDS_PER_EPOCH), code(short(each.root)), dollars(int(each.granted)),
            dollars(int(each.spent)), each.accounts, explorer.transaction(each.transaction),
        )
        for each in reversed(found.roots[-ROOTS_SHOWN:])
    ]  # fmt: skip
    return section(
        "credit",
        "Credit",
        "credit",
        element("p", "All accounts together, on days that are over. Nobody is named, and today is not told."),
        plot,
        folded(
            "By day and source, as a table",
            table(
                "Credit of all accounts",
                [("day", None), ("source", None), *((each, NUMBER) for each in _SUMS)],
                days,
            ),
        ) if days else None,
        element("h3", "Published roots"),
        table(
            "What the operator is bound to by the chain",
            [
                ("day", None), ("root", None), ("granted", NUMBER), ("spent", NUMBER), ("accounts", NUMBER),
                ("transaction", None),
            ],
            roots,
        ) if roots else element("p", "No root is published yet.", class_="quiet"),
    )  # fmt: skip


def powers_section(found: PowersOut, explorer: Explorer) -> Markup:
    """Return who may do what, and what waits to be done."""
    powers = [
        (
            each.power,
            each.may,
            [[explorer.address(one, "whole"), " "] for one in each.holders] or "nobody",
        )
        for each in found.powers
    ]
    settings = [(each.name, each.value, each.unit) for each in found.settings]
    waiting = found.operations[:OPERATIONS_SHOWN]
    return section(
        "powers",
        "Powers, and what waits in the timelock",
        "powers",
        element(
            "p",
            "All that anybody can change. Every setting and every role goes through the timelock, "
            f"{duration(int(found.delay.amount))} after everybody could see it here.",
        ),
        table("Who holds what", [("power", None), ("may", None), ("held by", None)], powers),
        element("h3", "The timelock's queue"),
        [_operation(each, explorer) for each in waiting]
        if waiting
        else element("p", "Nothing was ever scheduled.", class_="quiet"),
        folded(
            "What the powers have set",
            table("Settings", [("setting", None), ("value", NUMBER), ("unit", None)], settings),
        ),
        folded(
            "How to compute this yourself",
            element(
                "dl",
                [[element("dt", each.power), element("dd", code(each.recompute))] for each in found.powers],
            ),
        ),
    )


def deployment_section(found: DeploymentOut, explorer: Explorer) -> Markup:
    """Return where everything stands."""
    rows = [(each.name, explorer.address(each.address)) for each in found.contracts]
    others: list[tuple[str, Child]] = [
        ("pool of VVV and USDC", explorer.address(found.pool)),
        ("USDC", explorer.address(found.usdc)),
    ]
    return section(
        "deployment",
        "Contracts",
        "deployment",
        table(
            f"On {found.network}, chain {found.chain_id}, since block {found.start_block}",
            [("contract", None), ("address", None)],
            [*rows, *others],
        ),
        element("p", code(found.recompute)),
    )


def _both(found: SupplyOut) -> FigureOut:
    """Return what lies at the two addresses that nobody has the key of."""
    zero, dead = found.zero_address, found.dead_address
    return zero.model_copy(
        update={
            "amount": str(int(zero.amount) + int(dead.amount)),
            "recompute": f"{zero.recompute} ; {dead.recompute}",
        }
    )


def _checks(found: SupplyOut) -> Markup:
    lines = [(each.name, each.one, each.other) for each in found.checks]
    return folded(
        f"{len(lines)} checks of these figures against each other hold",
        table("Found by two ways each", [("", None), ("one", NUMBER), ("the other", NUMBER)], lines),
    )


def _operation(found: OperationOut, explorer: Explorer) -> Markup:
    when = {
        "waiting": f"from {moment(found.ready_at)} UTC on",
        "ready": f"since {moment(found.ready_at)} UTC",
    }.get(found.state) or moment(found.ended_at or found.ready_at) + " UTC"
    return element(
        "div",
        element(
            "p",
            element("span", found.state, class_=f"state {found.state}"),
            f" {when}, scheduled {moment(found.scheduled_at)} by ",
            explorer.transaction(found.transaction),
            _ended(found, explorer),
        ),
        *([] if found.reason is None else [element("p", f"Because: {found.reason}")]),
        element("ul", [element("li", _call(each, explorer)) for each in found.calls]),
        class_="operation",
    )


def _ended(found: OperationOut, explorer: Explorer) -> list[Child]:
    if found.ended_by is None:
        return []
    return [f", {found.state} by ", explorer.transaction(found.ended_by)]


def _call(call: CallOut, explorer: Explorer) -> list[Child]:
    target: Child = call.contract or explorer.address(call.target)
    if call.function is None:
        return [target, ": not a function that is known here, ", code(call.data)]
    arguments = ", ".join(f"{each.name} = {each.value}" for each in call.arguments)
    return [target, ": ", code(f"{call.function.partition('(')[0]}({arguments})")]
