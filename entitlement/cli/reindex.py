"""`entitlement reindex`: rebuild what was followed, compare, and put right what differs."""

from typing import Annotated

import typer

from entitlement.cli.acts import NOT_GIVEN, By, Reason, because
from entitlement.cli.interpreter import collect_seldom, loading
from entitlement.cli.progress import Meter
from entitlement.cli.show import console
from entitlement.core.acts import ActKind
from entitlement.settings import read_settings


def reindex(
    from_events: Annotated[
        bool,
        typer.Option(
            "--from-events", help="Derive positions from the stored events alone, without asking a node."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only compare; exit code 1 if anything differs.")
    ] = False,
    reason: Reason = NOT_GIVEN,
    by: By = "",
) -> None:
    """Rebuild blocks, events and positions [bold]from the chain[/], beside the live follower, and mend.

    What is stored changes in one short transaction at the end; grants and the ledger stay as they are. Where
    ENTITLEMENT_QUORUM_RPC_URL names a second node, only what both say of every final block is written.
    """
    with loading():
        from entitlement.flows.record_acts import RecordActs  # noqa: PLC0415
        from entitlement.store.session import session_factory  # noqa: PLC0415
        from entitlement.wiring.database import open_database  # noqa: PLC0415 - loads much
        from entitlement.wiring.rebuilding import open_rederivation, open_reindexing  # noqa: PLC0415

    collect_seldom()
    settings = read_settings()
    with open_database(settings) as engine:
        if not dry_run:
            recorded = RecordActs(session_factory(engine))
            recorded.record(ActKind.REINDEX, because(reason, by), subject=settings.network)
        if from_events:
            with open_rederivation(engine) as rederivation, Meter("deriving", "events") as meter:
                done = rederivation.run(meter.update, dry_run=dry_run)
        else:
            with open_reindexing(settings, engine) as reindexing, Meter("reindexing") as meter:
                done = reindexing.run(meter.update, dry_run=dry_run)
    for difference in done.first:
        console.print(difference, style="red", soft_wrap=True, markup=False)
    console.print(
        f"at block {done.block:,}, final block {done.final:,}, from {done.events:,} events: "
        + (
            f"{done.wallets.count:,} wallets, {done.logs.count:,} events and {done.blocks.count:,} blocks "
            f"differed{', and the cursor' if done.cursor.count else ''}"
            if done.differs
            else "all as it was stored"
        ),
        soft_wrap=True,
    )
    if done.is_mended:
        console.print("what is stored is now as it was rebuilt")
    elif done.differs:
        raise typer.Exit(1)
