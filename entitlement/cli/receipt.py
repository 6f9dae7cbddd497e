"""`entitlement receipt check`: whose signature is under a receipt, and what it says. Needs no service."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table

from entitlement.cli.show import console, dollars
from entitlement.core.attested import RECEIPT, SOURCES, Types, check_form
from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NanoUsd, wallet

receipt = typer.Typer(help="Check a signed [bold]receipt[/] of a charge, offline.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The JSON as the service gave it.", metavar="FILE")]
Operator = Annotated[
    str | None, typer.Option(help="Who must have signed: what `/v1/public/operator` says, or once said.")
]


@receipt.command("check")
def check(file: File, operator: Operator = None) -> None:
    """Show what a receipt says and who signed it; exit code 1 where that is not the operator."""
    message = checked(file, RECEIPT, operator)
    table = Table(show_header=False, box=None)
    for name, value in message.items():
        is_money = name in (*SOURCES, "shortfall")
        table.add_row(name, dollars(NanoUsd(int(str(value)))) if is_money else str(value))
    console.print(table, markup=False)


def checked(file: Path, types: Types, operator: str | None) -> Mapping[str, object]:
    """Return the message of a signed document, once who signed it is told. Raises InvalidRequest."""
    from entitlement.chain.attest import signer_of  # noqa: PLC0415 - loads much

    try:
        read = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"{file} cannot be read: {error}") from None
    if not isinstance(read, dict):
        raise InvalidRequest(f"{file} is no document with a signature")
    signed = cast("dict[str, object]", read)
    message = check_form(signed, types)
    signer = signer_of(signed)
    if signer.lower() != str(signed.get("operator")).lower():
        raise InvalidRequest(f"it was signed by {signer}, and says {signed.get('operator')}: it was changed")
    if operator is not None and wallet(operator) != signer.lower():
        raise InvalidRequest(f"it was signed by {signer}, not by {operator}")
    domain = cast("dict[str, object]", signed["domain"])
    console.print(f"signed by {signer}, for chain {domain['chainId']}, {domain['verifyingContract']}")
    if operator is None:
        console.print("compare that address with what the operator has made public", style="yellow")
    return message
