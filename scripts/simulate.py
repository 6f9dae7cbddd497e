"""Live through seeded days behind a node that lies: `make simulate [SEED=1000] [DAYS=20]`.

Each seed lives twenty days on a chain that turns, behind a node that tells every lie that is in
tests/simulation/lies.py, in processes that die; after each day what must always hold is checked. A seed that
fails is printed with the command that plays it again. Ctrl-C ends with the count of all that happened.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import islice

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store.session import session_factory
from tests.databases import empty_database, fast_server
from tests.simulation.lies import KINDS
from tests.simulation.lives import EVERYTHING, lives
from tests.simulation.node_world import SeedFailed

SEEDS_BEGIN_AT = 1_000
"""Where `make test` does not come."""
COLUMNS = 2


def main() -> None:
    """Go on until a seed fails, so many days are over, or somebody ends it."""
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("--seed", type=int, default=SEEDS_BEGIN_AT, help="the first seed")
    wanted.add_argument("--days", type=int, default=None, help="days in all; without it, until Ctrl-C")
    given = wanted.parse_args()
    console, story, days, began = Console(), Counter[str](), 0, time.monotonic()
    failure: SeedFailed | None = None
    bar = Progress(
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days, seed {task.fields[seed]}, {task.fields[lies]} lies, {task.fields[turns]} turns"),
        TimeElapsedColumn(),
        console=console,
    )
    with fast_server() as url, bar:

        @contextmanager
        def new_database() -> Generator[sessionmaker[Session]]:
            with empty_database(url) as made:
                yield session_factory(made)

        task = bar.add_task("", total=given.days, seed=given.seed, lies=0, turns=0)
        try:
            with closing(lives(new_database, given.seed)) as lived:
                for world, story in islice(lived, given.days):
                    days += 1
                    lies = sum(story[kind] for kind in KINDS)
                    turns = sum(count for kind, count in story.items() if kind.startswith("depth"))
                    bar.update(task, completed=days, seed=world.seed, lies=f"{lies:,}", turns=f"{turns:,}")
        except SeedFailed as error:
            failure = error
        except KeyboardInterrupt:
            pass
    console.print(_table(story))
    console.print(f"{days:,} days in {time.monotonic() - began:,.0f} s")
    if failure is not None:
        console.print(str(failure), style="red", markup=False, highlight=False)
        sys.exit(1)


def _table(story: Counter[str]) -> Table:
    """Return how often what happened, also what never did."""
    table = Table(*["what", "times"] * COLUMNS)
    rows = [(kind, f"{story[kind]:,}") for kind in sorted({*story, *EVERYTHING})]
    for first in range(0, len(rows), COLUMNS):
        table.add_row(*(text for row in rows[first : first + COLUMNS] for text in row))
    return table


if __name__ == "__main__":
    main()
