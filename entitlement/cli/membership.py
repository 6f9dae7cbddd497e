"""Commands of the memberships' terms: what a paid month bundles."""

from typing import Annotated

import typer
from rich.table import Table

from entitlement.cli.acts import By, Reason, because
from entitlement.cli.amounts import nano_usd
from entitlement.cli.show import console, dollars
from entitlement.core.membership import Terms
from entitlement.settings import read_settings

membership = typer.Typer(
    help="Set what the tiers of [bold]membership[/] bundle with a month.", no_args_is_help=True
)


@membership.command("set")
def set_terms(
    tier: Annotated[int, typer.Argument(help="The tier, as CreditSales counts them.")],
    credit: Annotated[str, typer.Argument(help="Dollars of credit with each month, gone with it.")],
    reason: Reason,
    upgrade_credit: Annotated[
        str, typer.Option(help="Dollars of prepaid credit, once for an account, with its first month.")
    ] = "0",
    by: By = "",
) -> None:
    """Set a tier's terms, for months that are paid for from now on."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service

    wished = Terms(nano_usd(credit), nano_usd(upgrade_credit))
    with open_service(read_settings()) as service:
        _show(service.terms.set(tier, wished, because(reason, by)))


@membership.command("show")
def show() -> None:
    """Show the terms of every tier that has any."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(read_settings()) as service:
        _show(service.terms.read())


def _show(terms: dict[int, Terms]) -> None:
    table = Table("tier", "with each month", "once, on upgrade", box=None)
    for tier, each in terms.items():
        table.add_row(str(tier), dollars(each.credit), dollars(each.upgrade_credit))
    console.print(table if terms else "no tier bundles anything")
