"""A plan and a run of a buyback, as a table for a person and as JSON for a program."""

from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from entitlement.cli.show import moment, tokens
from entitlement.core.buyback import Lot, Plan, Verdict, runs_within, worst_loss
from entitlement.core.buyback_policy import Policy
from entitlement.core.buyback_run import Run
from entitlement.core.epochs import SECONDS_PER_EPOCH, ends_at, starts_at
from entitlement.core.units import USDC_PER_DOLLAR
from entitlement.flows.plan_buyback import Planned

EXIT_CODES = {Verdict.ACT: 0, Verdict.NOTHING: 2, Verdict.REFUSED: 3, Verdict.PERSON: 4}
_DECIMALS_OF_USDC = 6
LOTS_SHOWN = 12


def usdc(units: int) -> str:
    """Return units of USDC as dollars, exact."""
    whole, rest = divmod(units, USDC_PER_DOLLAR)
    return f"{whole:,}.{rest:0{_DECIMALS_OF_USDC}d} USDC"


def parts(ten_thousandths: int) -> str:
    """Return ten-thousandths as per cent, exact."""
    whole, rest = divmod(ten_thousandths, 100)
    return f"{whole}.{rest:02d} %"


def plan_table(planned: Planned) -> Table:
    """Return a plan for a person to read before it is carried out."""
    plan = planned.plan
    table = Table(show_header=False, box=None)
    _add_owed(table, planned)
    _add_market(table, plan)
    for number, lot in enumerate(plan.lots[:LOTS_SHOWN]):
        table.add_row(f"lot {number + 1} of {len(plan.lots)}", _lot(lot))
    if len(plan.lots) > LOTS_SHOWN:
        table.add_row("  and so on", f"the last from {moment(plan.lots[-1].at)} on")
    if planned.gas_cost is not None and planned.account is not None:
        table.add_row("gas, at most", f"{planned.gas_cost} wei at {planned.account.max_fee} for each")
    colour = "green" if plan.verdict is Verdict.ACT else "bold red"
    table.add_row("verdict", f"[{colour}]{plan.verdict}[/]: {escape(plan.reason)}")
    return table


def plan_json(planned: Planned) -> dict[str, Any]:
    """Return a plan with every figure that it rests on; amounts are text: JSON's numbers end at 2**53."""
    plan, market = planned.plan, planned.plan.market
    owed = plan.owed
    return {
        "verdict": plan.verdict,
        "reason": plan.reason,
        "exit_code": EXIT_CODES[plan.verdict],
        "block": {"number": market.at.number, "hash": market.at.hash, "timestamp": market.at.timestamp},
        "owed": {
            "first_epoch": owed.first,
            "through_epoch": owed.through,
            "of_revenue": str(owed.of_revenue),
            "of_subscriptions": str(owed.of_subscriptions),
            "of_purchases": str(owed.of_purchases),
            "bought": str(owed.bought),
            "wanted": str(owed.wanted),
        },
        "days": [
            {
                "epoch": day.epoch,
                "spent_nano_usd": str(day.spent),
                "subscriptions": day.subscriptions,
                "purchased_nano_usd": str(day.purchased),
            }
            for day in planned.days
        ],
        "policy": _texts(asdict(plan.policy)),
        "market": {
            "held": str(market.held),
            "bounds": _texts(asdict(market.bounds)),
            "next_run": market.next_run,
            "next_run_at": market.next_run_at,
            "reference_price": str(market.reference_price),
            "mean_tick": market.mean_tick,
            "spot_tick": market.spot_tick,
        },
        "lots": [_texts(asdict(lot)) for lot in plan.lots],
        "gas_cost_wei": None if planned.gas_cost is None else str(planned.gas_cost),
    }


def runs_table(runs: list[Run]) -> Table:
    """Return runs of the journal, newest first."""
    table = Table("run", "state", "offered", "spent", "burned", "block", "transaction or reason", box=None)
    for run in runs:
        table.add_row(
            str(run.number),
            run.state,
            usdc(run.usdc),
            "" if run.spent is None else usdc(run.spent),
            "" if run.burned is None else f"{tokens(run.burned)} VVV",
            "" if run.block is None else str(run.block),
            run.reason or run.hash or "",
        )
    return table


def policy_words(policy: Policy) -> str:
    """Return a policy in a line."""
    return (
        f"{policy.schedule}: {parts(policy.revenue_share)} of revenue, {usdc(policy.per_subscription)} "
        f"for a new subscription, {parts(policy.purchase_share)} of purchases; "
        f"from {usdc(policy.minimum)} on, impact {parts(policy.impact)}, slippage {parts(policy.slippage)}, "
        f"every {policy.spacing} s and up to {policy.jitter} s more, {policy.veto} s for a veto"
    )


def _add_owed(table: Table, planned: Planned) -> None:
    owed = planned.plan.owed
    if owed.first is None:
        table.add_row("policy", "none was set: nothing is owed")
        return
    last = moment(ends_at(owed.through))
    table.add_row("owed", f"{usdc(owed.wanted)}, of {moment(starts_at(owed.first))} to {last}")
    table.add_row("  of revenue", usdc(owed.of_revenue))
    table.add_row("  of subscriptions", usdc(owed.of_subscriptions))
    table.add_row("  of purchases", usdc(owed.of_purchases))
    table.add_row("  bought already", usdc(owed.bought))
    table.add_row("policy", policy_words(planned.plan.policy))


def _add_market(table: Table, plan: Plan) -> None:
    market, bounds = plan.market, plan.market.bounds
    table.add_row("at block", f"{market.at.number}, {moment(market.at.timestamp)}, {market.at.hash}")
    table.add_row("held by the burner", usdc(market.held))
    price = tokens(market.reference_price, 9)
    table.add_row("mean price", f"{price} VVV for a USDC, tick {market.mean_tick}; now {market.spot_tick}")
    table.add_row(
        "bounds",
        f"{usdc(bounds.lot)} a lot, {bounds.hop} s apart, mean of {bounds.window} s, "
        f"{bounds.deviation} ticks, floor {parts(bounds.floor)}",
    )
    loss = worst_loss(bounds, runs_within(SECONDS_PER_EPOCH, bounds))
    table.add_row("a stolen key", f"costs at most {usdc(loss)} a day")
    table.add_row("next run", f"{market.next_run}, from {moment(market.next_run_at)} on")


def _lot(lot: Lot) -> str:
    return (
        f"{usdc(lot.usdc)} for about {tokens(lot.quote)} VVV, at least {tokens(lot.minimum)} "
        f"(floor {tokens(lot.floor)}), from {moment(lot.at)} on"
    )


def _texts(figures: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in figures.items()}
