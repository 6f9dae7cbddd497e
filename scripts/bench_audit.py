"""Measure how fast the journal is audited, and what its chain costs whoever writes it.

    python scripts/bench_audit.py                     a million entries, three runs of each
    python scripts/bench_audit.py --entries 200000 --runs 1

Beside it: COPY of the same rows with one SHA-256 a row, by one process, the floor of whoever reads them all.
The writer's share is what Python does for the chain of a group of 64 requests, without the database.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session, sessionmaker

from entitlement.audit.journal import audit
from entitlement.audit.reading import ENTRIES, Part, lines, one_moment
from entitlement.core.epochs import Epoch
from entitlement.core.journal_chain import batch_hash, leaf_hash, merkle_root
from entitlement.core.ledger import Entry, EntryKind, Place, Posting
from entitlement.core.units import NanoUsd
from entitlement.store.journey import Journey
from entitlement.store.ledger import write_entries
from entitlement.store.raw import driver_of
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory
from entitlement.store.weeks import make_weeks

GROUP = 64
GROUPS_A_COMMIT = 100
DAY = Epoch(25_000)


def main() -> None:
    """Fill a journal, audit it, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--entries", type=int, default=1_000_000)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--folder", default=None, help="where the database is made, and deleted again")
    given = asked.parse_args()
    console = Console(highlight=False, width=120)
    with database(given.folder) as (address, sessions):
        started = time.perf_counter()
        fill(sessions, given.entries)
        console.print(f"{given.entries:,} entries written in {time.perf_counter() - started:.0f} s")
        table = Table("", "entries a second", "of the floor")
        floor = middle(given.runs, given.entries, lambda: read_and_hash(address))
        table.add_row("COPY and a SHA-256 a row, one process", f"{floor:,.0f}", "1.00")
        for name, processes, sums in (
            ("audit, one process", 1, False),
            ("audit, two processes", 2, False),
            ("audit, two processes, with the sums of all buckets", 2, True),
        ):
            found = middle(
                given.runs, given.entries, lambda p=processes, s=sums: check(address, processes=p, sums=s)
            )
            table.add_row(name, f"{found:,.0f}", f"{found / floor:.2f}")
        console.print(table)
    console.print(f"the chain of a group of {GROUP} entries: {writers_share():.1f} us of Python an entry")


@contextmanager
def database(folder: str | None) -> Generator[tuple[str, sessionmaker[Session]]]:
    """Run a database of its own, at the newest revision; hand out its address."""
    with tempfile.TemporaryDirectory(prefix="entitlement-bench-", dir=folder) as made_in:
        server = EmbeddedPostgres(Path(made_in) / "postgres")
        made = engine(server.url)
        try:
            migrate(made)
            url = made.url.set(drivername="postgresql").render_as_string(hide_password=False)
            yield url, session_factory(made)
        finally:
            made.dispose()
            server.stop()


def fill(sessions: sessionmaker[Session], entries: int) -> None:
    """Write holds and captures as groups of requests do."""
    numbers = itertools.count()
    with sessions.begin() as session:
        make_weeks(session, {DAY})
    left = entries
    while left > 0:
        with sessions.begin() as session:
            journey = Journey(driver_of(session))
            for _ in range(GROUPS_A_COMMIT):
                group = [entry(next(numbers)) for _ in range(min(GROUP, left))]
                write_entries(journey, group, DAY * 86_400)
                journey.go()
                left -= len(group)


def entry(number: int) -> Entry:
    """Return a hold, or its capture."""
    hold, is_end = divmod(number, 2)
    account = 1 + hold % 1_000
    name = f"hold_{hold:024x}"
    if not is_end:
        moved = (Posting(account, Place.AVAILABLE, Place.HELD, NanoUsd(5_000_000)),)
        return Entry(f"hold:{name}", EntryKind.HOLD, account, DAY, moved)
    paid = Posting(account, Place.HELD, Place.CONSUMED, NanoUsd(1_234_567))
    rest = Posting(account, Place.HELD, Place.AVAILABLE, NanoUsd(3_765_433))
    return Entry(f"end:{name}", EntryKind.CAPTURE, account, DAY, (paid, rest))


def middle(runs: int, entries: int, work: Callable[[], None]) -> float:
    """Return the entries a second of the middle one of some runs."""
    return statistics.median(entries / seconds(work) for _ in range(runs))


def seconds(work: Callable[[], None]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def read_and_hash(address: str) -> None:
    """Read every row, in the same order, and hash it once."""
    with one_moment(address) as (connection, _):
        for line in lines(connection, ENTRIES, Part(), "batch"):
            sha256(line).digest()


def check(address: str, *, processes: int, sums: bool) -> None:
    """Audit; the buckets of these entries are not there, so their sums are wrong, and nothing else."""
    report = audit(address, processes=processes, sums=sums)
    assert all(each.lane is None for each in report.findings), report.findings[0]


def writers_share() -> float:
    """Return the microseconds of Python that an entry's part in the chain takes, without the database."""
    rows = [
        (n, DAY, f"end:hold_{n:024x}", "capture", n, DAY * 86_400, "{1,1}", "{held>consumed}", "{1,2}")
        for n in range(GROUP)
    ]

    def chain() -> None:
        leaves = [leaf_hash("\t".join(map(str, row)) + "\n") for row in rows]
        root = merkle_root(leaves)
        batch_hash(lane=0, number=1, previous=bytes(32), root=root, count=GROUP, written_at=0)

    return min(seconds(chain) for _ in range(1_000)) / GROUP * 1e6


if __name__ == "__main__":
    main()
