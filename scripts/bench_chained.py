"""Measure what the journal's hash chain costs whoever writes: holds and captures with and without it.

    python -m scripts.bench_chained                     sixty turns of each, a minute
    python -m scripts.bench_chained --turns 10

One process and one database; a turn of the one follows a turn of the other, so that both meet the same
machine. Without the chain no lane is taken, no batch is written and nothing is hashed; entries are written
all the same. Groups are of 64 holds, then of their captures, with every feature on, and without HTTP: what
the chain costs of a request over HTTP is less.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from entitlement.core.holds import HoldRequest
from entitlement.core.keys import hash_secret
from entitlement.core.operations import Capture
from entitlement.core.tiers import rates_of
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.spend_credit import HoldAnswer, Outcome, Question, SpendCredit
from entitlement.store import books, ledger
from entitlement.store.entry_batches import Lane
from entitlement.store.journey import Answer, Journey
from entitlement.store.session import session_factory
from scripts.bench_ledger import FIVE, TEN, database_of, make_account, measured

ACCOUNTS = 1_000
GROUP = 64
GROUPS_A_TURN = 10
WARM_UP_TURNS = 4
Row = tuple[float, float, float]
"""Microseconds of Python, of PostgreSQL and by the clock."""


def main() -> None:
    """Measure, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--turns", type=int, default=60)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="entitlement-bench-") as folder:
        with_chain, without = turns(Path(folder), given.turns)
    table = Table("microseconds a hold and its capture", "Python", "PostgreSQL", "both", "by the clock")
    middles = [[column(rows, place) for place in (0, 1, None, 2)] for rows in (with_chain, without)]
    for name, middle in zip(("with the chain", "without"), middles, strict=True):
        table.add_row(name, *(f"{each:,.0f}" for each in middle))
    shares = (f"{100 * (chained / plain - 1):+.1f} %" for chained, plain in zip(*middles, strict=True))
    table.add_row("the chain", *shares)
    Console(highlight=False, width=110).print(table)


def column(rows: Iterable[Row], place: int | None) -> float:
    """Return the middle of a column, or of the first two together."""
    return statistics.median(row[0] + row[1] if place is None else row[place] for row in rows)


def turns(folder: Path, many: int) -> tuple[list[Row], list[Row]]:
    """Return the rows of the turns with the chain, and of those without."""
    with database_of(folder / "postgres") as made:
        sessions = session_factory(made)
        keys = [hash_secret(make_account(sessions, number, ACCOUNTS)) for number in range(ACCOUNTS)]
        gateways = ManageGateways(sessions)
        gateway_id = gateways.authenticate(gateways.issue_token("bench"))
        spend, names = SpendCredit(sessions, rates_of(60_000_000, 60_000_000)), itertools.count()

        def pairs() -> list[list[Outcome]]:
            for _ in range(GROUPS_A_TURN):
                numbers = list(itertools.islice(names, GROUP))
                held = spend.answer(
                    [
                        Question(
                            gateway_id, HoldRequest(f"r{number}", keys[number % ACCOUNTS], TEN, TEN, 600, "m")
                        )
                        for number in numbers
                    ]
                )
                ids = [each.hold.id for each in held if isinstance(each, HoldAnswer)]
                assert len(ids) == GROUP
                spend.answer([Question(gateway_id, Capture(each, FIVE)) for each in ids])
            return []

        def turn(work: Callable[[], list[list[Outcome]]]) -> Row:
            _, (python, postgres, clock) = measured(sessions, work)
            share = GROUP * GROUPS_A_TURN
            return python / share, postgres / share, clock / share

        rows: tuple[list[Row], list[Row]] = ([], [])
        for number in range(WARM_UP_TURNS + many):
            # Whoever is first in a round is second in the next.
            for is_without in (number % 2, 1 - number % 2):
                with unchained() if is_without else nullcontext():
                    row = turn(pairs)
                if number >= WARM_UP_TURNS:
                    rows[is_without].append(row)
        return rows


@contextmanager
def unchained() -> Generator[None]:
    """Write entries as if there were no chain: all in one lane and batch that are not there."""
    insert = ledger.WRITE_BATCH[ledger.WRITE_BATCH.index("INSERT INTO journal_batches") :]
    insert = insert[: insert.index("written_at\n") + len("written_at\n")]
    plain = ledger.WRITE_BATCH.replace(
        insert, "SELECT %s::integer AS lane, %s::bigint AS number, %s::bigint AS written_at\n"
    )

    def ids_alone(journey: Journey, entries: int) -> Answer:
        return journey.ask(
            "SELECT 0, 0, ''::bytea, "
            "(SELECT array_agg(nextval('entry_numbers')) FROM generate_series(1, %s::integer))",
            [entries],
        )

    def unbound(_: Lane, __: Iterable[str], now: int) -> tuple[int, ...]:
        return 0, 0, now

    with (
        mock.patch.object(ledger, "WRITE_BATCH", plain),
        mock.patch.object(ledger, "bound", unbound),
        mock.patch.object(books, "ask_lane", ids_alone),
    ):
        yield


if __name__ == "__main__":
    main()
