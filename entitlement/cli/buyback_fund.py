"""`entitlement buyback fund`: what is owed goes from the treasury to the burner, and never twice."""

from typing import Annotated

import typer

from entitlement.cli.acts import By, because
from entitlement.cli.amounts import usdc_units
from entitlement.cli.show import console, moment
from entitlement.cli.show_buyback import EXIT_CODES, usdc
from entitlement.cli.signing import Keystore, PasswordFile, RemoteUrl, find_signer
from entitlement.cli.waiting import waiting
from entitlement.core.buyback import Verdict
from entitlement.core.errors import SetupError
from entitlement.settings import read_settings

KEY_VARIABLE = "TREASURY_PRIVATE_KEY"
NOBODY = SetupError(
    f"Nobody signs: {KEY_VARIABLE} is not set.",
    remedy="Set it, or give --keystore or --signer; or look only by --dry-run.",
)


def fund(
    reason: Annotated[str, typer.Option(help="Why: kept with the act. Nothing private.")] = "",
    most: Annotated[str | None, typer.Option(help="USDC: send no more than this, whatever is owed.")] = None,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="The treasury: for --signer, or to be sure of it.")
    ] = None,
    by: By = "",
    patience: Annotated[int, typer.Option(help="Seconds to wait for a final block.")] = 600,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and stop.")] = False,
) -> None:
    """Send what is owed and not there yet from the treasury to the burner, which gives it to the pool only.

    The plan is printed before anything is signed. What was begun is gone on with: nothing is sent twice.
    """
    from entitlement.store.session import session_factory  # noqa: PLC0415 - loads the whole service
    from entitlement.wiring.buybacks import open_buybacks  # noqa: PLC0415
    from entitlement.wiring.database import open_database  # noqa: PLC0415

    cap = None if most is None else usdc_units(most)
    treasurer = find_signer(
        KEY_VARIABLE, keystore=keystore, password_file=password_file, remote=signer, address=sender
    )
    if treasurer is None and not dry_run:
        raise NOBODY
    settings = read_settings()
    with (
        open_database(settings) as engine,
        open_buybacks(settings, engine, session_factory(engine), None) as found,
    ):
        funding = found.funding(treasurer)
        plan = funding.plan(most=cap)
        console.print(f"owed {usdc(plan.wanted)}, held by the burner {found.burner}: {usdc(plan.held)}")
        for each in funding.transfers():
            told = f"  {moment(each.made_at)} {usdc(each.amount)} {each.state} {each.hash}"
            console.print(told, soft_wrap=True, markup=False)
        if dry_run:
            _leave(plan.verdict, plan.reason)
            return
        done = funding.fund(because(reason, by), waiting(patience), most=cap)
    _leave(done.verdict, done.reason)


def _leave(verdict: Verdict, reason: str) -> None:
    console.print(f"{verdict}: {reason}", soft_wrap=True, markup=False)
    if EXIT_CODES[verdict]:
        raise typer.Exit(EXIT_CODES[verdict])
