"""Commands that move credit by hand: a grant, a refund of a top-up, a correction of a charge."""

import getpass
from typing import Annotated

import typer
from rich.table import Table

from entitlement.cli.amounts import nano_usd
from entitlement.cli.show import console, dollars, moment
from entitlement.core.adjustments import Wish
from entitlement.core.units import wallet
from entitlement.flows.adjust_credit import Adjusted
from entitlement.settings import read_settings

credit = typer.Typer(
    help="Grant, refund or correct [bold]credit[/], with a reason that is kept.", no_args_is_help=True
)

Owner = Annotated[str, typer.Argument(help="The account's wallet.", metavar="WALLET")]
Dollars = Annotated[str, typer.Argument(help="Dollars, with at most nine decimals.", metavar="DOLLARS")]
Reason = Annotated[str, typer.Option(help="Why: kept with the adjustment. Nothing private.")]
Reference = Annotated[
    str, typer.Option(help="A name of this adjustment alone: with the same one again nothing happens twice.")
]
By = Annotated[str, typer.Option(help="Who does it.", show_default="the user of the machine")]


@credit.command("grant")
def grant(owner: Owner, amount: Dollars, reason: Reason, reference: Reference, by: By = "") -> None:
    """Give prepaid credit, which does not expire."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service

    wish = _wish(owner, amount, reason, reference, by)
    with open_service(read_settings()) as service:
        _show(service.adjust.grant(wish))


@credit.command("refund")
def refund(
    owner: Owner,
    amount: Dollars,
    reason: Reason,
    reference: Reference,
    top_up: Annotated[str, typer.Option(help="The hash of the transaction that paid for it.")],
    number: Annotated[int, typer.Option(help="Which top-up of that transaction for this wallet.", min=1)] = 1,
    by: By = "",
) -> None:
    """Take back what is left of a top-up, once its price was paid back."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    wish = _wish(owner, amount, reason, reference, by)
    with open_service(read_settings()) as service:
        _show(service.adjust.refund(wish, top_up.lower(), number))


@credit.command("correct")
def correct(owner: Owner, amount: Dollars, reason: Reason, reference: Reference, by: By = "") -> None:
    """Give back what was charged too much, to the credit that it came from."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    wish = _wish(owner, amount, reason, reference, by)
    with open_service(read_settings()) as service:
        _show(service.adjust.correct(wish))


@credit.command("top-ups")
def top_ups(owner: Owner) -> None:
    """Show what was bought for a wallet, and what was refunded of it."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(read_settings()) as service:
        found = service.adjust.top_ups(wallet(owner))
    table = Table("transaction", "number", "credited", "amount", "refunded", box=None)
    for each in found:
        table.add_row(
            each.transaction_hash,
            str(each.number),
            moment(each.settled_at),
            dollars(each.amount),
            dollars(each.refunded),
        )
    console.print(table if found else "nothing was bought")


def _wish(owner: str, amount: str, reason: str, reference: str, by: str) -> Wish:
    return Wish(reference, wallet(owner), nano_usd(amount), reason, by or getpass.getuser())


def _show(done: Adjusted) -> None:
    made, balance = done.adjustment, done.balance
    if done.is_repeated:
        console.print(f"{made.reference} was done before; nothing happened now")
    console.print(
        f"{made.kind} of {dollars(made.amount)} by {made.made_by}: the account has "
        f"{dollars(balance.available)}, and {dollars(balance.held)} held for requests",
        soft_wrap=True,
    )
