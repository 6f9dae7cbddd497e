"""`entitlement receipt`: fetched with all that it takes to check it, and checked without any service.

The signature is checked by the code that the service signs with; the place in the journal by the auditor's,
which shares none with what writes it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table

from entitlement.audit.journal import read_heads
from entitlement.audit.receipt import check_head, check_place
from entitlement.cli.service_client import ServiceClient
from entitlement.cli.show import console, dollars
from entitlement.cli.wallet import DEFAULT_URL, DevAccount, Url, signing_account
from entitlement.core.attested import LEASE_AMOUNTS, LEASE_RECEIPT, RECEIPT, SOURCES, Types, check_form
from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NanoUsd, wallet

PAGES_MAX = 10_000
"""Of batches between a receipt and a statement: ten million of them."""

receipt = typer.Typer(help="Fetch and check a signed [bold]receipt[/] of a charge.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The JSON as the service gave it.", metavar="FILE")]
Operator = Annotated[
    str | None, typer.Option(help="Who must have signed: what `/v1/public/operator` says, or once said.")
]


@receipt.command("get")
def get(
    hold: Annotated[str, typer.Argument(help="The hold's id, or the lease's.", metavar="HOLD")],
    out: Annotated[Path, typer.Option(help="Write it here.")],
    number: Annotated[
        int | None, typer.Option(help="Of a lease: which of its requests, as usage numbers them.", min=1)
    ] = None,
    statement: Annotated[
        int | None,
        typer.Option(help="Take along what leads to this day's (epoch's) statement of the journal.", min=0),
    ] = None,
    url: Url = DEFAULT_URL,
    dev_account: DevAccount = None,
) -> None:
    """Fetch a receipt, and with --statement the chain from it to what was published that day."""
    path = f"/v1/wallet/receipts/{hold}" + ("" if number is None else f"/{number}")
    with ServiceClient.sign_in(url, signing_account(dev_account)) as client:
        found = client.get(path)
        if statement is not None:
            heads = client.get(f"/v1/public/statements/{statement}")["message"]["journal_heads"]
            found["journal"]["following"] = _following(client, found["message"], heads, statement)
    out.write_text(json.dumps(found, indent=1) + "\n")
    console.print(f"kept in {out}; check it by: entitlement receipt check {out}", soft_wrap=True)


@receipt.command("check")
def check(
    file: File,
    operator: Operator = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="A published statement or day's file: the journal that it names must have it."),
    ] = None,
) -> None:
    """Show what a receipt says, who signed it, and that the journal has it; exit code 1 where not so."""
    read = _read(file)
    types = LEASE_RECEIPT if read.get("primaryType") == next(iter(LEASE_RECEIPT)) else RECEIPT
    message = checked(file, types, operator)
    table = Table(show_header=False, box=None)
    for name, value in message.items():
        is_money = name in (*SOURCES, *LEASE_AMOUNTS)
        table.add_row(name, dollars(NanoUsd(int(str(value)))) if is_money else str(value))
    console.print(table, markup=False)
    if heads is None and "journal" not in read:
        console.print("it does not say where in the journal it is: fetch it anew", style="yellow")
        return
    _check_journal(message, read.get("journal"), heads, is_lease=types is LEASE_RECEIPT)


def checked(file: Path, types: Types, operator: str | None) -> Mapping[str, object]:
    """Return the message of a signed document, once who signed it is told. Raises InvalidRequest."""
    from entitlement.chain.attest import signer_of  # noqa: PLC0415 - loads much

    signed = _read(file)
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


def _check_journal(
    message: Mapping[str, object], journal: object, heads: Path | None, *, is_lease: bool
) -> None:
    if is_lease:
        keys, amounts = [f"step:{message['lease_id']}:"], ("renewal_cost",)
    else:
        keys = [f"{kind}:{message['hold_id']}" for kind in ("end", "charge", "late")]
        amounts = (*SOURCES, "shortfall")
    cost = sum(int(str(message[name])) for name in amounts)
    try:
        check_place(message, journal, keys=keys, cost=cost)
        head = None if heads is None else check_head(message, journal, read_heads(heads))
    except OSError as error:
        raise InvalidRequest(f"{heads} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidRequest(f"the journal's part does not hold: {error}") from None
    console.print(
        f"the journal has it: entry {message['entry_id']} is in lane {message['lane']}, "
        f"batch {message['batch']}",
        soft_wrap=True,
    )
    if head is None:
        console.print("hold that batch to a published statement with --heads", style="yellow")
    else:
        console.print(f"and the published batch {head.number} 0x{head.hash.hex()} follows it", soft_wrap=True)


def _following(
    client: ServiceClient, message: Mapping[str, Any], heads: list[dict[str, str]], epoch: int
) -> list[dict[str, str]]:
    lane, number = int(message["lane"]), int(message["batch"])
    last = max((int(head["number"]) for head in heads if int(head["lane"]) == lane), default=0)
    if last < number:
        raise InvalidRequest(
            f"the receipt is in batch {number} of lane {lane}, and the statement of {epoch} ends with "
            f"{last}: take that of a later day"
        )
    found: list[dict[str, str]] = []
    for _ in range(PAGES_MAX):
        if number + len(found) >= last:
            return found[: last - number]
        page = client.get(f"/v1/wallet/journal/{lane}?after={number + len(found)}")["batches"]
        if not page:
            raise InvalidRequest(f"the service has no batch {number + len(found) + 1} of lane {lane}")
        found += [
            {
                "root": each["root"],
                "entry_count": str(each["entry_count"]),
                "written_at": str(each["written_at"]),
            }
            for each in page
        ]
    raise InvalidRequest(f"{last - number} batches lead to the statement of {epoch}: take an earlier one")


def _read(file: Path) -> dict[str, object]:
    try:
        read = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"{file} cannot be read: {error}") from None
    if not isinstance(read, dict):
        raise InvalidRequest(f"{file} is no document with a signature")
    return cast("dict[str, object]", read)
