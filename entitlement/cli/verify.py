"""`entitlement verify`: every stored position against the contracts' own views, or a day's public file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from entitlement.cli.show import console
from entitlement.core.errors import InvalidRequest
from entitlement.settings import read_settings

DIFFERENCES_SHOWN = 20


def verify(
    block: Annotated[int | None, typer.Option(help="At this block. [default: the final one]")] = None,
    epoch: Annotated[
        int | None, typer.Option(help="A day's public file instead, with --file and --rpc: no database.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The public file of --epoch.")] = None,
    rpc_url: Annotated[
        str | None, typer.Option("--rpc", envvar="RPC_URL", help="The node that --epoch is verified with.")
    ] = None,
    deployment: Annotated[
        Path | None, typer.Option(help="The deployment's record. [default: the one kept for the chain]")
    ] = None,
    every_block: Annotated[
        bool | None,
        typer.Option(
            "--every-block/--spoken-blocks",
            help="With --epoch: link all blocks and look into their filters, or those with our logs. "
            "[default: all, up to 100,000]",
        ),
    ] = None,
) -> None:
    """Compare every stored position with the [bold]contracts' own views[/]; exit code 1 if any differs.

    The node must have kept the state of the block: any node has that of the newest ones, an archive node all.
    Where ENTITLEMENT_QUORUM_RPC_URL names a second node, both must say the same of a final block.

    With --epoch, compute again from the chain's logs what everybody was granted in a day, and compare it with
    the day's public file and the root on the chain. Anybody can, with any node and the file.
    """
    if epoch is not None or file is not None:
        if epoch is None or file is None or rpc_url is None or block is not None:
            raise InvalidRequest("--epoch, --file and --rpc go together, and without --block")
        from entitlement.cli.verify_epoch import verify_epoch  # noqa: PLC0415 - each way loads what it needs

        verify_epoch(epoch, file, rpc_url, deployment, every_block=every_block)
        return
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service
    from entitlement.wiring.verification import open_verification  # noqa: PLC0415 - loads the whole service

    settings = read_settings()
    with (
        open_service(settings) as service,
        open_verification(settings, service.sessions) as verification,
        Progress(
            TextColumn("verifying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("wallets"),
            TimeRemainingColumn(),
            console=console,
        ) as progress,
    ):
        task = progress.add_task("verify", total=None)
        done = verification.run(block, lambda wallets, of: progress.update(task, completed=wallets, total=of))
    for difference in done.differences[:DIFFERENCES_SHOWN]:
        console.print(difference, style="red", soft_wrap=True)
    hidden = len(done.differences) - DIFFERENCES_SHOWN
    if hidden > 0:
        console.print(f"and {hidden} more", style="red")
    console.print(
        f"{done.wallets} wallets at block {done.block}: "
        + (f"{len(done.differences)} differences" if done.differences else "all as the contracts say")
    )
    if done.differences:
        raise typer.Exit(1)
