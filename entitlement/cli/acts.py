"""What the operator did by hand: `entitlement acts`, and suspending a key."""

import csv
import getpass
import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from entitlement.cli.show import console, moment
from entitlement.core.acts import Act, Because
from entitlement.core.epochs import Epoch
from entitlement.settings import read_settings

NOT_GIVEN = "none given"
KeyId = Annotated[str, typer.Argument(help="The key's id.", metavar="KEY")]
Reason = Annotated[str, typer.Option(help="Why: kept with the act. Nothing private.")]
By = Annotated[str, typer.Option(help="Who does it.", show_default="the user of the machine")]
COLUMNS = ("id", "made_at", "kind", "subject", "reference", "figures", "made_by", "reason")


def because(reason: str, by: str) -> Because:
    """Return what is kept with an act."""
    return Because(by or getpass.getuser(), reason)


def acts(
    since: Annotated[int, typer.Option(help="From this epoch on.", min=0)] = 0,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what was done [bold]by hand[/]: credit moved, keys suspended, policies set, by whom and why."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service

    with open_service(read_settings()) as service:
        found = service.acts.since(Epoch(since))
    if as_json:
        print(json.dumps([_row(each) for each in found], indent=2))  # noqa: T201 - for programs
    elif as_csv:
        written = csv.writer(sys.stdout)
        written.writerow(COLUMNS)
        for each in found:
            row = _row(each) | {"figures": _figures(each)}
            written.writerow(row[name] for name in COLUMNS)
    else:
        table = Table("when", "what", "to", "figures", "by", "why", box=None)
        for each in found:
            who = each.because
            told = (moment(each.made_at), each.kind, each.subject, _figures(each), who.made_by, who.reason)
            table.add_row(*told)
        console.print(table if found else "nothing was done by hand", markup=False)


def suspend_key(key: KeyId, reason: Reason, by: By = "") -> None:
    """Refuse an API key until it is restored."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(read_settings()) as service:
        done = service.suspensions.suspend(key, because(reason, by))
    console.print(f"{done.id} of {done.wallet} is refused until it is restored")


def restore_key(key: KeyId, reason: Reason, by: By = "") -> None:
    """Let an API key that was suspended be used again."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(read_settings()) as service:
        done = service.suspensions.restore(key, because(reason, by))
    console.print(f"{done.id} of {done.wallet} may be used again")


def _row(act: Act) -> dict[str, object]:
    return {
        "id": act.id,
        "made_at": act.made_at,
        "kind": act.kind.value,
        "subject": act.subject,
        "reference": act.reference,
        "figures": act.figures,
        "made_by": act.because.made_by,
        "reason": act.because.reason,
    }


def _figures(act: Act) -> str:
    return ", ".join(f"{name} {value}" for name, value in act.figures.items())
