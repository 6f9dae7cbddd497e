"""`entitlement statement`: a day's statement of liabilities, shown, exported or checked offline."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table

from entitlement.cli.receipt import Operator, checked
from entitlement.cli.show import console, dollars, moment
from entitlement.core.attested import check_form
from entitlement.core.epochs import Epoch
from entitlement.core.errors import InvalidRequest
from entitlement.core.statements import STATEMENT
from entitlement.core.units import NanoUsd
from entitlement.settings import read_settings

NANO_USD_PER_USDC_UNIT = 1_000


def statement(
    epoch: Annotated[int | None, typer.Option(help="Of this epoch. [default: the newest]", min=0)] = None,
    check: Annotated[
        Path | None, typer.Option(help="Check and show this file, without any service.", metavar="FILE")
    ] = None,
    operator: Operator = None,
    as_json: Annotated[bool, typer.Option("--json", help="As it was signed.")] = False,
) -> None:
    """Show a day's [bold]statement[/]: credit granted, spent and owed, and the USDC that is held."""
    if check is not None:
        _show(checked(check, STATEMENT, operator))
        return
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service

    with open_service(read_settings()) as service:
        made = service.statements.made()
        if epoch is None and not made:
            raise InvalidRequest("no statement was made yet: the jobs make one when a day is over")
        found = service.statements.of(Epoch(epoch if epoch is not None else made[0][0]))
    if as_json:
        print(json.dumps(found, indent=2))  # noqa: T201 - for programs
    else:
        _show(check_form(found, STATEMENT))


def _show(said: Mapping[str, object]) -> None:
    console.print(
        f"epoch {said['epoch']}, made {moment(int(str(said['made_at'])))}, "
        f"block {said['block_number']} {said['block_hash']}: {said['diem_staked']} wei of DIEM staked",
        soft_wrap=True,
    )
    for name in ("day", "standing"):
        rows = _rows(said, name)
        table = Table(name, *(column for column in rows[0] if column != "source"), box=None)
        for row in rows:
            table.add_row(*(value if column == "source" else _money(value) for column, value in row.items()))
        console.print(table)
    for row in _rows(said, "usdc"):
        held = dollars(NanoUsd(int(row["amount"]) * NANO_USD_PER_USDC_UNIT))
        console.print(f"{row['what']} {row['holder']} holds {held} of USDC", soft_wrap=True)
    console.print(f"{said['acts']} acts by hand, {said['acts_hash']}", soft_wrap=True)
    for row in _rows(said, "journal_heads"):
        console.print(f"lane {row['lane']}: batch {row['number']} is {row['hash']}", soft_wrap=True)


def _money(value: str) -> str:
    amount = int(value)
    return dollars(NanoUsd(amount)) if amount >= 0 else f"-{dollars(NanoUsd(-amount))}"


def _rows(said: Mapping[str, object], name: str) -> list[dict[str, str]]:
    return cast("list[dict[str, str]]", said[name])
