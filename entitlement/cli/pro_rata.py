"""Commands of the pro-rata policy: a daily capacity that is shared among staked VVV."""

from typing import Annotated

import typer
from rich.table import Table

from entitlement.cli.acts import By, Reason, because
from entitlement.cli.amounts import nano_usd, wei
from entitlement.cli.show import console, dollars, moment, tokens
from entitlement.core.epochs import ends_at
from entitlement.core.pro_rata import Policy
from entitlement.flows.set_pro_rata import Plan
from entitlement.settings import read_settings

pro_rata = typer.Typer(
    help="Share a [bold]daily capacity[/] among all staked VVV, as of 00:00 UTC.", no_args_is_help=True
)


@pro_rata.command("set")
def set_policy(
    capacity: Annotated[str, typer.Argument(help="Dollars a day for all wallets together; 0 is off.")],
    reason: Reason,
    minimum_stake: Annotated[
        str, typer.Option(help="VVV; whoever has less staked gets nothing, and nobody gets it instead.")
    ] = "0",
    by: By = "",
) -> None:
    """Set the capacity. What gives more holds at once, what gives less from the next epoch on."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service

    wished = Policy(nano_usd(capacity), wei(minimum_stake))
    with open_service(read_settings()) as service:
        _show(service.pro_rata.set(wished, because(reason, by)))


@pro_rata.command("show")
def show() -> None:
    """Show what is shared today and from tomorrow on, and by which block's stakes."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(read_settings()) as service:
        _show(service.pro_rata.read())


def _show(plan: Plan) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("shared today", _policy(plan.today))
    table.add_row("  of it granted", dollars(plan.granted))
    if plan.start is None:
        table.add_row("  by the stakes of", "not final yet: nothing is granted until then")
    else:
        table.add_row("  by the stakes of", f"block {plan.start.block_number}, {plan.start.block_hash}")
        table.add_row("  all of them", f"{tokens(plan.start.vvv_staked)} VVV ({plan.start.vvv_staked} wei)")
        if plan.start.is_disputed:
            table.add_row(
                "  [bold red]disputed[/]", "another final block was this one before: no more is shared"
            )
    table.add_row(f"from {moment(ends_at(plan.epoch))} on", _policy(plan.next))
    console.print(table)


def _policy(policy: Policy) -> str:
    if policy.capacity == 0:
        return "nothing"
    return f"{dollars(policy.capacity)} a day, among stakes from {tokens(policy.minimum_stake)} VVV on"
