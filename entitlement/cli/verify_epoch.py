"""`entitlement verify --epoch`: a day's public file against the chain, by anybody with a node."""

from pathlib import Path

import typer

from entitlement.cli.show import console, dollars
from entitlement.core.epoch_file import read_file
from entitlement.core.errors import InvalidRequest
from entitlement.wiring.epoch_verification import against_record, open_epoch_verification


def verify_epoch(
    epoch: int, file: Path, rpc_url: str, deployment: Path | None, *, every_block: bool | None
) -> None:
    """Print every difference between a file and the chain; exit code 1 where there is one."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}", field="file") from error
    head, rows = read_file(content)
    if head.epoch != epoch:
        raise InvalidRequest(f"{file} is of epoch {head.epoch}, not {epoch}", field="epoch")
    found = against_record(head, deployment)
    if found is None:
        roots = head.contracts["EpochRoots"]
        console.print(
            f"no deployment of chain {head.chain_id} is on record here: that EpochRoots is at {roots} "
            "and the others where the file says is its own word",
            style="yellow",
            soft_wrap=True,
        )
        found = []
    with (
        console.status("verifying") as status,
        open_epoch_verification(rpc_url, head, every_block=every_block) as verification,
    ):
        done = verification.run(content, head, rows, lambda what: status.update(f"verifying: {what}"))
    found += done.differences
    for difference in found:
        console.print(difference, style="red", soft_wrap=True)
    if done.tolerated:
        when = "whose right changed in the hour before a midnight"
        console.print(f"{done.tolerated} wallets {when} were granted by what was final then", soft_wrap=True)
    if not done.every_block:
        console.print(
            "of the blocks those that have our logs were read; --every-block reads and links them all",
            style="yellow",
            soft_wrap=True,
        )
    console.print(
        f"epoch {epoch}, {len(rows)} accounts, {dollars(head.granted)} granted, to block {done.last_block}: "
        + (f"{len(found)} differences" if found else "all as the chain says"),
        soft_wrap=True,
    )
    if found:
        raise typer.Exit(1)
