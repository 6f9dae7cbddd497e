"""`entitlement buyback`, which scripts/buyback.py is too: revenue becomes burned VVV, a lot at a time."""

import getpass
import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from entitlement.cli.amounts import usdc_units
from entitlement.cli.buyback_fund import fund
from entitlement.cli.buyback_report import report
from entitlement.cli.keeper_key import NO_KEEPER, find_keeper
from entitlement.cli.show import console, moment
from entitlement.cli.show_buyback import (
    EXIT_CODES,
    plan_json,
    plan_table,
    policy_words,
    runs_table,
    usdc,
)
from entitlement.cli.signing import Keystore, PasswordFile, RemoteUrl
from entitlement.cli.waiting import waiting
from entitlement.core.buyback import Verdict
from entitlement.core.buyback_policy import NOTHING, Policy, Schedule
from entitlement.core.epochs import Epoch
from entitlement.core.errors import TransactionFailed
from entitlement.settings import read_settings

if TYPE_CHECKING:
    from entitlement.chain.signers import Signer
    from entitlement.flows.run_buybacks import Outcome, RunBuybacks
    from entitlement.store.buyback_rules import By
    from entitlement.wiring.buybacks import Buybacks

buyback = typer.Typer(
    help="Buy and burn VVV with a share of revenue, [bold]a lot at a time[/]. "
    "Exit codes: 0 done, 2 nothing to do, 3 a bound refused it, 4 it needs a person.",
    no_args_is_help=True,
)
policy = typer.Typer(help="Which share buys, from which day on.", no_args_is_help=True)
buyback.add_typer(policy, name="policy")
buyback.command("report")(report)
buyback.command("fund")(fund)

Reason = Annotated[str, typer.Option(help="Why: kept with it. Nothing private.")]
MadeBy = Annotated[str, typer.Option("--by", help="Who does it.", show_default="the user of the machine")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]
KeeperAddress = Annotated[
    str | None, typer.Option("--keeper", help="Who signs: for --signer, or to be sure of it.")
]
Patience = Annotated[
    int, typer.Option(help="Seconds to wait for blocks; what is left `resume` goes on with.")
]


@buyback.command("plan")
def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
    through: Annotated[int | None, typer.Option(help="The last day (epoch) that counts.")] = None,
) -> None:
    """Say what is owed, what the market gives, and how many lots over how long. Sends nothing."""
    with _opened() as (found, _):
        planned = found.planner.plan(through=None if through is None else Epoch(through), seed="plan")
    if as_json:
        print(json.dumps(plan_json(planned), indent=2))  # noqa: T201 - for programs, so without colours
    else:
        console.print(plan_table(planned), soft_wrap=True)
    _leave(planned.plan.verdict)


@buyback.command("run")
def run(
    max_lots: Annotated[int, typer.Option(help="Lots to buy now, if that many are due.", min=1, max=100)] = 1,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    keeper: KeeperAddress = None,
    patience: Patience = 600,
    dry_run: DryRun = False,
) -> None:
    """Buy what is due, after going on with what was begun. The plan is printed before anything is sent.

    The key comes from KEEPER_PRIVATE_KEY, an encrypted keystore or a remote signer; never from here.
    """
    with _opened(_key(keystore, password_file, signer, keeper)) as (found, runner):
        if runner is None and not dry_run:
            raise NO_KEEPER
        planned = found.planner.plan(jitter=False)
        console.print(plan_table(planned), soft_wrap=True)
        if dry_run or runner is None:
            _leave(planned.plan.verdict)
            return
        outcome = runner.run(waiting(patience), most_lots=max_lots)
    _tell(outcome)


@buyback.command("resume")
def resume(
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    keeper: KeeperAddress = None,
    patience: Patience = 600,
    dry_run: DryRun = False,
) -> None:
    """Go on with a run that was begun: nothing is lost, and nothing is bought twice."""
    with _opened(_key(keystore, password_file, signer, keeper)) as (_, runner):
        if runner is None:
            raise NO_KEEPER
        if dry_run:
            looked = runner.look()
            if looked is None:
                _say(Verdict.NOTHING, "no run is under way")
                return
            console.print(runs_table([looked[0]]), soft_wrap=True, markup=False)
            _say(Verdict.ACT, f"next: {looked[1].act}, since {looked[1].reason}")
            return
        outcome = runner.resume(waiting(patience), until_final=True)
    _tell(outcome)


@buyback.command("status")
def status() -> None:
    """Show the journal: the plan that waits, the run under way, the last runs, a veto. Asks no node."""
    with _opened() as (found, _):
        standing = found.govern.standing(found.burner)
    veto, announced = standing.veto, standing.announced
    if veto is not None and veto.holds_at(standing.now):
        end = "until it is lifted" if veto.until is None else f"until {moment(veto.until)}"
        console.print(f"[bold red]stopped[/] {end} by {escape(f'{veto.by.made_by}: {veto.by.reason}')}")
    if announced is not None:
        console.print(
            f"announced: {usdc(announced.amount)}, about {announced.lots} lots, not before "
            f"{moment(announced.not_before)}; the next from {moment(announced.next_lot_at)} on"
        )
        if announced.reason:
            console.print(f"  it waits: {announced.reason}", soft_wrap=True, markup=False)
    runs = runs_table(standing.runs) if standing.runs else "no run was ever begun"
    console.print(runs, soft_wrap=True, markup=False)
    if standing.open is not None:
        _say(Verdict.PERSON, f"run {standing.open.number} has not ended: resume goes on with it")


@buyback.command("veto")
def veto(
    reason: Reason,
    until: Annotated[
        datetime | None, typer.Option(help="UTC. [default: until `allow`]", formats=["%Y-%m-%dT%H:%M:%S"])
    ] = None,
    by: MadeBy = "",
    dry_run: DryRun = False,
) -> None:
    """Stop all buybacks, and end the plan that was announced. What was signed already goes on."""
    end = None if until is None else int(until.replace(tzinfo=UTC).timestamp())
    with _opened() as (found, _):
        announced = found.govern.standing(found.burner).announced
        if not dry_run:
            found.govern.veto(_by(by, reason), until=end)
    told = "none was announced" if announced is None else f"ends the plan of {usdc(announced.amount)}"
    console.print(f"{'would stop' if dry_run else 'stopped'} buybacks; {told}")


@buyback.command("allow")
def allow(reason: Reason, by: MadeBy = "", dry_run: DryRun = False) -> None:
    """End a veto."""
    with _opened() as (found, _):
        if not dry_run:
            found.govern.allow(_by(by, reason))
    console.print(f"buybacks {'would be' if dry_run else 'are'} allowed again")


@policy.command("set")
def set_policy(
    reason: Reason,
    revenue_share: Annotated[int, typer.Option(help="Ten-thousandths of revenue.")] = NOTHING.revenue_share,
    per_subscription: Annotated[str, typer.Option(help="USDC for each new subscription.")] = "0",
    purchase_share: Annotated[
        int, typer.Option(help="Ten-thousandths of credit that is bought.")
    ] = NOTHING.purchase_share,
    schedule: Annotated[Schedule, typer.Option(help="When the jobs make a plan.")] = Schedule.OFF,
    minimum: Annotated[str, typer.Option(help="USDC: nothing is done for less.")] = "100",
    impact: Annotated[int, typer.Option(help="Ten-thousandths a lot may move the price.")] = NOTHING.impact,
    slippage: Annotated[int, typer.Option(help="Ten-thousandths under the quote.")] = NOTHING.slippage,
    spacing: Annotated[int, typer.Option(help="Seconds between lots, at least.")] = NOTHING.spacing,
    jitter: Annotated[int, typer.Option(help="Seconds, up to so many more.")] = NOTHING.jitter,
    veto_hours: Annotated[int, typer.Option(help="Hours from announcement to first lot.")] = 24,
    from_epoch: Annotated[int | None, typer.Option(help="The first day. [default: today]")] = None,
    by: MadeBy = "",
    dry_run: DryRun = False,
) -> None:
    """Set what holds from a day on, whole: what is not named is as the defaults say."""
    wished = Policy(
        schedule=schedule,
        revenue_share=revenue_share,
        per_subscription=usdc_units(per_subscription),
        purchase_share=purchase_share,
        minimum=usdc_units(minimum),
        impact=impact,
        slippage=slippage,
        spacing=spacing,
        jitter=jitter,
        veto=veto_hours * 3_600,
    )
    wished.check()
    console.print(policy_words(wished), soft_wrap=True)
    if dry_run:
        return
    first = None if from_epoch is None else Epoch(from_epoch)
    with _opened() as (found, _):
        since = found.govern.set_policy(wished, _by(by, reason), from_epoch=first)
    console.print(f"holds from epoch {since.epoch} on")


@policy.command("show")
def show_policies() -> None:
    """Show every policy that was ever set, with who and why."""
    with _opened() as (found, _):
        history = found.govern.policies()
    table = Table("from epoch", "set", "by", "reason", "policy", box=None)
    for each in history:
        words = policy_words(each.since.policy)
        who = each.by
        table.add_row(str(each.since.epoch), moment(each.made_at), who.made_by, who.reason, words)
    console.print(table if history else "no policy was ever set: nothing is bought", markup=False)


def _key(
    keystore: Path | None, password_file: Path | None, remote: str | None, address: str | None
) -> "Signer | None":
    return find_keeper(
        read_settings(), keystore=keystore, password_file=password_file, remote=remote, address=address
    )


@contextmanager
def _opened(signer: "Signer | None" = None) -> "Generator[tuple[Buybacks, RunBuybacks | None]]":
    """Open the flows; without a signer nobody is asked for a password, and nothing can be sent."""
    from entitlement.store.session import session_factory  # noqa: PLC0415 - loads the whole service
    from entitlement.wiring.buybacks import open_buybacks  # noqa: PLC0415
    from entitlement.wiring.database import open_database  # noqa: PLC0415

    with (
        open_database(read_settings()) as engine,
        open_buybacks(read_settings(), engine, session_factory(engine), signer) as found,
    ):
        try:
            yield found, found.runner
        except TransactionFailed as failure:
            # A view that reverts: a pool that does not remember its price for as long as the mean takes.
            _say(Verdict.REFUSED, str(failure))


def _by(made_by: str, reason: str) -> "By":
    from entitlement.store.buyback_rules import By  # noqa: PLC0415

    return By(made_by or getpass.getuser(), reason)


def _tell(outcome: "Outcome") -> None:
    if outcome.runs:
        console.print(runs_table(list(outcome.runs)), soft_wrap=True, markup=False)
    _say(outcome.verdict, outcome.reason)


def _say(verdict: Verdict, reason: str) -> None:
    console.print(f"{verdict}: {reason}", soft_wrap=True, markup=False)
    _leave(verdict)


def _leave(verdict: Verdict) -> None:
    code = EXIT_CODES[verdict]
    if code:
        raise typer.Exit(code)
