"""`entitlement audit`: whether the journal is as it was written."""

from pathlib import Path
from typing import Annotated

import psycopg
import typer

from entitlement.audit.journal import Head, Report, read_heads
from entitlement.audit.journal import audit as audit_journal
from entitlement.cli.progress import Meter
from entitlement.cli.show import console
from entitlement.core.errors import SetupError
from entitlement.settings import Settings, read_settings

FINDINGS_SHOWN = 200
TAMPERED, USAGE = 1, 2


def audit(
    heads: Annotated[
        Path | None,
        typer.Option(help="A published statement or proof, in JSON: the journal must still have its heads."),
    ] = None,
    since: Annotated[
        int | None, typer.Option(help="Only what was written from this epoch on.", min=0)
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Any database with a journal, as libpq takes it. [default: the service's]"),
    ] = None,
    sums: Annotated[bool, typer.Option(help="Also compare each balance with the sum of its entries.")] = True,
    shown: Annotated[int, typer.Option(help="How many findings are printed.", min=1)] = FINDINGS_SHOWN,
) -> None:
    """Check that no entry of the [bold]journal[/] was changed, taken away or put in since it was written.

    Exit code 0: none was. 1: something was, and each batch is named. 2: it could not be looked at.
    """
    published = [] if heads is None else _published(heads)
    try:
        if database is None:
            report = _of_service(read_settings(), published, since, sums=sums)
        else:
            report = _of_any(database, published, since, sums=sums)
    except (psycopg.Error, SetupError) as error:
        console.print(f"error: {str(error).strip()}", style="bold red", markup=False, soft_wrap=True)
        raise typer.Exit(USAGE) from None
    for finding in report.findings[:shown]:
        console.print(str(finding), style="red", markup=False, soft_wrap=True)
    hidden = len(report.findings) - shown
    if hidden > 0:
        console.print(f"and {hidden:,} more", style="red")
    for head in report.heads:
        console.print(f"lane {head.lane}: batch {head.number:,} is 0x{head.hash.hex()}", soft_wrap=True)
    rate = f"{round(report.entries / report.seconds):,}" if report.seconds else "all"
    console.print(
        f"{report.entries:,} entries in {report.batches:,} batches, {rate} a second: "
        + (f"{len(report.findings):,} things are wrong" if report.findings else "all as they were written"),
        soft_wrap=True,
    )
    if report.findings:
        raise typer.Exit(TAMPERED)


def _published(path: Path) -> list[Head]:
    try:
        found = read_heads(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--heads") from None
    if not found:
        raise typer.BadParameter(f"{path} names no heads of a journal", param_hint="--heads")
    return found


def _of_service(settings: Settings, heads: list[Head], since: int | None, *, sums: bool) -> Report:
    from entitlement.wiring.database import open_database  # noqa: PLC0415 - loads much

    with open_database(settings) as engine:
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return _of_any(url, heads, since, sums=sums)


def _of_any(database: str, heads: list[Head], since: int | None, *, sums: bool) -> Report:
    with Meter("auditing", "entries") as meter:
        return audit_journal(
            database,
            since=since,
            heads=heads,
            sums=sums,
            told=lambda done, of: meter.update(done, of, done),
        )
