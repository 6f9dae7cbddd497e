"""`entitlement buyback report`: every buyback from the chain's logs alone, and whether they add up."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from entitlement.core.buyback_lines import buyback_lines
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd
from entitlement.report.buyback_page import as_html
from entitlement.report.buybacks import BuybackReport, as_csv, as_json, as_markdown
from entitlement.report.live_sample import (
    read_live_burns,
    sample_as_csv,
    sample_as_html,
    sample_as_json,
    sample_as_markdown,
)
from entitlement.report.words import month
from entitlement.settings import Settings, read_settings

PAID_FOR = (Source.PREPAID, Source.MEMBERSHIP)
"""What somebody paid for: spent, it is revenue."""


class Form(StrEnum):
    """How a report is written."""

    MARKDOWN = "md"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


_WRITTEN = {
    Form.MARKDOWN: (as_markdown, sample_as_markdown),
    Form.JSON: (as_json, sample_as_json),
    Form.CSV: (as_csv, sample_as_csv),
    Form.HTML: (as_html, sample_as_html),
}


def report(
    since: Annotated[str | None, typer.Option("--from", help="First day, such as 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Day after the last one. [default: now]")] = None,
    form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.MARKDOWN,
    out: Annotated[Path | None, typer.Option(help="A file to write to. [default: here]")] = None,
    network: Annotated[str | None, typer.Option(help="A file in networks/, without its ending.")] = None,
    rpc_url: Annotated[
        str | None, typer.Option(envvar="RPC_URL", help="The node. [default: the network's]")
    ] = None,
    deployment: Annotated[Path | None, typer.Option(help="The deployment's file.")] = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Take the revenue of each month from the ledger's database.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="What the live system on Base burned, as public records have it.")
    ] = False,
) -> None:
    """Report every buyback from the [bold]chain's logs[/]; exit code 1 if they do not add up.

    They add up when what the runs burned is the fall of totalSupply that nothing else explains. For a time
    that does not begin with the deployment, or that has ended, the node must have kept old state.
    """
    of_chain, of_sample = _WRITTEN[form]
    if sample:
        _write(of_sample(read_live_burns()), out)
        return
    settings = read_settings(network=network, rpc_url=rpc_url, deployment=deployment)
    made = _read(settings, _time(since), _time(until), ledger=ledger)
    _write(of_chain(made), out)
    style = "bold red" if made.difference else None
    # Beside the report, not in it: it may be a table for a machine.
    Console(stderr=True, highlight=False).print(made.verdict, style=style, soft_wrap=True)
    if made.difference:
        raise typer.Exit(1)


def _read(settings: Settings, start: int | None, end: int | None, *, ledger: bool) -> BuybackReport:
    from entitlement.chain.artifacts import load_artifacts  # noqa: PLC0415 - a sample needs none of it
    from entitlement.chain.deployment.record import deployment_path, read_deployment  # noqa: PLC0415
    from entitlement.chain.networks import load_network  # noqa: PLC0415
    from entitlement.chain.public.period import Period, PeriodReader  # noqa: PLC0415

    chain = load_network(settings.network)
    known = read_deployment(settings.deployment or deployment_path(chain.chain_id))
    reader = PeriodReader(settings.rpc_url or chain.rpc_url, chain, known, load_artifacts())
    with Progress(
        TextColumn("reading the chain"),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("read", total=None)
        said = reader.read(
            Period(start, end), lambda block, of: progress.update(task, completed=block, total=of)
        )
    return BuybackReport(
        network=known.network,
        chain_id=known.chain_id,
        burner=known.addresses["BuybackBurner"],
        first_block=said.first.number,
        first_time=said.first.timestamp,
        last_block=said.last.number,
        last_hash=said.last.hash,
        last_time=said.last.timestamp,
        final_block=said.final.number,
        lines=tuple(buyback_lines(said.events)),
        change=said.change,
        revenue=_revenue(settings, said.first.timestamp, said.last.timestamp) if ledger else None,
    )


def _revenue(settings: Settings, start: int, end: int) -> dict[str, NanoUsd]:
    """Return what was spent of credit that somebody paid for, by month, on the days of these times."""
    from entitlement.store.credit_days import credit_by_day  # noqa: PLC0415 - loads the whole service
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(settings) as service, service.sessions.begin() as session:
        days = credit_by_day(session, epoch_at(start), Epoch(epoch_at(end) + 1))
    found: dict[str, NanoUsd] = {}
    for day in days:
        if day.source in PAID_FOR:
            name = month(day.epoch * SECONDS_PER_EPOCH)
            found[name] = NanoUsd(found.get(name, 0) + day.spent)
    return found


def _time(given: str | None) -> int | None:
    """Return the Unix time at which a day (UTC) begins. Raises InvalidRequest."""
    if given is None:
        return None
    try:
        return int(datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise InvalidRequest(f"{given[:40]!r} is not a day: give one such as 2026-01-31") from error


def _write(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
