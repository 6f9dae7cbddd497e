"""Measure what a question about credit costs: over HTTP, durable, with every feature on.

    python scripts/bench_ledger.py                        1,000 accounts, 64 connections, five runs of each
    python scripts/bench_ledger.py --accounts 100 --runs 1 --seconds 3
    python scripts/bench_ledger.py --only inside          what a group of questions costs, without HTTP

The API is one process, PostgreSQL is the embedded one with synchronous_commit on, and wrk asks; all of them
share the machine. Beside it in the same run: how many times a second the disk makes a write durable, and one
plain transaction a request, the floor of whoever shares no commits.
"""

import argparse
import itertools
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.holds import HoldRequest
from entitlement.core.keys import NewKey, hash_secret
from entitlement.core.ledger import Source, book_grant
from entitlement.core.operations import Capture
from entitlement.core.tiers import rates_of
from entitlement.core.units import NANO_USD_PER_USD, NanoUsd, Wallet
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.spend_credit import HoldAnswer, Outcome, Question, SpendCredit
from entitlement.store import access, ledger
from entitlement.store.clock import service_time
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory

PORT = 18_517
WRK = shutil.which("wrk")
CREDIT = NanoUsd(9_000_000 * NANO_USD_PER_USD)
"""Of each account: what is measured is the path of those who can pay."""
TEN, FIVE = NanoUsd(10), NanoUsd(5)
INSIDE = {1: 400, 64: 100}
"""How many groups of each size are measured."""
SCRIPT = Path(__file__).with_name("bench_ledger.lua")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run of wrk."""

    per_second: float
    p50: float
    """Milliseconds, as is p99."""
    p99: float
    wrong: int
    """Answers with another status than was expected."""


def main() -> None:
    """Measure, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--accounts", type=int, default=1_000)
    asked.add_argument("--connections", type=int, default=64)
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--seconds", type=int, default=8)
    asked.add_argument("--folder", default=None, help="where the database is made, and deleted again")
    asked.add_argument("--only", default="", help="the measurements whose names contain this")
    given = asked.parse_args()
    if WRK is None:
        sys.exit("wrk is not installed: on Debian, `apt install wrk`")
    console = Console(highlight=False, width=130)
    with tempfile.TemporaryDirectory(prefix="entitlement-bench-", dir=given.folder) as folder:
        console.print(f"fdatasync: {syncs_per_second(Path(folder)):,.0f}/s of 8 KiB in {folder}")
        if given.only in "inside":
            with database_of(Path(folder) / "inside") as made:
                console.print(inside(session_factory(made), given.accounts))
        if given.only == "inside":
            return
        with served(Path(folder), given.accounts) as serving:
            url, database, token, keys = serving.url, serving.database, serving.token, serving.keys
            console.print(f"the API answers {serving.start_seconds:.2f} s after its start: {memory(serving)}")
            floor = plain_transactions(database, given.connections)
            console.print(f"one plain transaction a request, {given.connections} at once: {floor:,.0f}/s")
            table = Table("", "per second", "p50 ms", "p99 ms", "of plain", "wrong")
            for name, kind, connections, per_answer in measurements(given.connections):
                if given.only not in name:
                    continue
                runs = [ask(url, token, keys, kind, connections, given.seconds) for _ in range(given.runs)]
                middle = statistics.median(run.per_second for run in runs) * per_answer
                table.add_row(
                    name,
                    f"{middle:,.0f}",
                    f"{statistics.median(run.p50 for run in runs):.1f}",
                    f"{statistics.median(run.p99 for run in runs):.1f}",
                    f"{middle / floor:.1f}",
                    str(sum(run.wrong for run in runs)),
                )
            console.print(table)
            console.print(f"the API then: {memory(serving)}")


def measurements(connections: int) -> Sequence[tuple[str, str, int, int]]:
    """Return (name, what is asked, connections, operations an answer)."""
    return (
        ("hold", "hold", connections, 1),
        ("hold, one connection", "hold", 1, 1),
        ("hold and capture (pairs)", "pair", connections, 1),
        ("hold, one hot account", "hot", connections, 1),
        ("denial", "denial", connections, 1),
        ("charge", "charge", connections, 1),
        ("batch of 100 charges (operations)", "batch", 8, 100),
    )


@contextmanager
def database_of(folder: Path) -> Generator[Engine]:
    """Run a database of its own, at the newest revision."""
    server = EmbeddedPostgres(folder)
    made = engine(server.url)
    try:
        migrate(made)
        yield made
    finally:
        made.dispose()
        server.stop()


def inside(sessions: sessionmaker[Session], accounts: int) -> Table:
    """Return what a question costs in groups of some sizes: processor time of Python and of PostgreSQL."""
    keys = [hash_secret(make_account(sessions, number, accounts)) for number in range(accounts)]
    gateways = ManageGateways(sessions)
    gateway_id = gateways.authenticate(gateways.issue_token("inside"))
    spend = SpendCredit(sessions, rates_of(60_000_000, 60_000_000))
    names = itertools.count()
    table = Table("microseconds a question", "Python", "PostgreSQL", "by the clock")

    def holds(size: int) -> list[Question]:
        requests = [(number, keys[number % accounts]) for number in itertools.islice(names, size)]
        return [
            Question(gateway_id, HoldRequest(f"r{number}", key, TEN, TEN, 600, "m"))
            for number, key in requests
        ]

    for size in (1, 64):
        # Each account once: the first look at one today asks what it is due.
        for _ in range(math.ceil(accounts / size)):
            spend.answer(holds(size))
        groups = [holds(size) for _ in range(INSIDE[size])]
        answered, row = measured(sessions, lambda groups=groups: [spend.answer(group) for group in groups])
        table.add_row(f"hold, in groups of {size}", *(f"{each / size / len(groups):,.0f}" for each in row))
        ids = [each.hold.id for outcomes in answered for each in outcomes if isinstance(each, HoldAnswer)]
        ends = [
            [Question(gateway_id, Capture(each, FIVE)) for each in ids[first : first + size]]
            for first in range(0, len(ids), size)
        ]
        _, row = measured(sessions, lambda ends=ends: [spend.answer(group) for group in ends])
        table.add_row(f"capture, in groups of {size}", *(f"{each / size / len(ends):,.0f}" for each in row))
    return table


def measured(
    sessions: sessionmaker[Session], work: Callable[[], list[list[Outcome]]]
) -> tuple[list[list[Outcome]], tuple[float, float, float]]:
    """Return what `work` returns, and its microseconds: of this process, of its backend, by the clock."""
    with sessions.begin() as session:
        # The pool hands out the same connection to one thread.
        backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    before = time.process_time(), processor_seconds(backend), time.perf_counter()
    found = work()
    after = time.process_time(), processor_seconds(backend), time.perf_counter()
    python, postgres, clock = (1e6 * (end - begin) for begin, end in zip(before, after, strict=True))
    return found, (python, postgres, clock)


def processor_seconds(process: int) -> float:
    """Return the processor time that a process has used, as Linux counts it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Serving:
    """An API that runs, over a database of its own."""

    url: str
    database: Engine
    token: str
    keys: list[str]
    """Of the accounts; the last one has no credit."""
    process: int
    start_seconds: float
    """From the start of its process to its first answer."""


def memory(serving: Serving) -> str:
    """Say how much the API has in memory, and had at the most."""
    status = Path(f"/proc/{serving.process}/status").read_text()
    now, most = (int(found(rf"{name}:\s+(\d+) kB", status)) / 1_000 for name in ("VmRSS", "VmHWM"))
    return f"{now:.0f} MB in memory, {most:.0f} at the most"


@contextmanager
def served(folder: Path, accounts: int) -> Generator[Serving]:
    """Run the API over a database of its own, with accounts."""
    with database_of(folder / "postgres") as made:
        sessions = session_factory(made)
        token = ManageGateways(sessions).issue_token("bench")
        keys = [make_account(sessions, number, accounts) for number in range(accounts + 1)]
        with made.begin() as connection:
            connection.execute(text("ANALYZE"))
        environment = os.environ | {
            "DATABASE_URL": made.url.set(drivername="postgresql").render_as_string(hide_password=False),
            "ENTITLEMENT_TOKEN_SECRET": "0" * 64,
            "ENTITLEMENT_FREE_REQUESTS_PER_MINUTE": "60000000",
            "ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE": "60000000",
            "ENTITLEMENT_REFUSALS_PER_MINUTE": "60000000",
        }
        program = [sys.executable, "-m", "entitlement", "serve", "--port", str(PORT)]
        begun = time.perf_counter()
        with subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603
            try:
                url = f"http://127.0.0.1:{PORT}"
                wait_for(url)
                yield Serving(url, made, token, keys, process.pid, time.perf_counter() - begun)
            finally:
                process.terminate()


def make_account(
    sessions: sessionmaker[Session], number: int, poor: int | None = None, credit: NanoUsd = CREDIT
) -> str:
    """Return the key of an account with credit, or without for the one that is refused."""
    with sessions.begin() as session:
        now = service_time(session)
        account_id = access.open_account(session, Wallet(f"0x{number + 1:040x}"), now)
        if number != poor:
            day = epoch_at(now)
            opened = ledger.open_bucket(session, account_id, Source.DIEM, epoch=day, expires_at=ends_at(day))
            ledger.append(
                session, book_grant(account_id, day, opened, granted=opened.granted, up_to=credit), now
            )
    return ManageKeys(sessions).create(account_id, NewKey("bench")).secret


def wait_for(url: str) -> None:
    """Return once the API answers."""
    for _ in range(1_000):
        try:
            if httpx.get(f"{url}/health/live").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    sys.exit("the API did not start")


def ask(url: str, token: str, keys: Sequence[str], kind: str, connections: int, seconds: int) -> Figures:
    """Let wrk ask for some seconds."""
    assert WRK is not None
    chosen = {"hot": keys[:1], "denial": keys[-1:]}.get(kind, keys[:-1])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"token": token, "keys": list(chosen), "kind": kind, "run": time.time_ns()}, file)
        file.flush()
        program = [WRK, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(SCRIPT), url]
        environment = os.environ | {"BENCH": file.name}
        said = subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603
    wrong = re.search(r"wrong: (\d+)", said)
    return Figures(
        per_second=float(found(r"Requests/sec:\s+([\d.]+)", said)) / (2 if kind == "pair" else 1),
        p50=milliseconds(found(r"50%\s+([\d.]+\w+)", said)),
        p99=milliseconds(found(r"99%\s+([\d.]+\w+)", said)),
        wrong=int(wrong.group(1)) if wrong else 0,
    )


def found(pattern: str, said: str) -> str:
    """Return what wrk says at a place."""
    match = re.search(pattern, said)
    assert match is not None, said
    return match.group(1)


def milliseconds(duration: str) -> float:
    """Return wrk's way of writing a time."""
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1_000.0)):
        if duration.endswith(unit):
            return float(duration.removesuffix(unit)) * factor
    raise ValueError(duration)


def syncs_per_second(folder: Path) -> float:
    """Return how often a second the disk makes 8 KiB durable, one write after the other."""
    with (folder / "syncs").open("wb", buffering=0) as file:
        return rate(lambda: (file.write(b"\0" * 8_192), os.fdatasync(file.fileno())))


def rate(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Return how often a second `work` is done."""
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - started)


def plain_transactions(database: Engine, connections: int, seconds: float = 3.0) -> float:
    """Return how many requests a second are served where each has one transaction: lock, change, commit."""
    with database.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS plain"))
        connection.execute(text("CREATE TABLE plain (id int PRIMARY KEY, n bigint)"))
        connection.execute(text("INSERT INTO plain SELECT i, 0 FROM generate_series(0, 63) AS i"))
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    counts = [0] * connections
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        with psycopg.connect(url) as own:
            while time.perf_counter() < end:
                own.execute("SELECT n FROM plain WHERE id = %s FOR UPDATE", (number,))
                own.execute("UPDATE plain SET n = n + 1 WHERE id = %s", (number,))
                own.commit()
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number % 64,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


if __name__ == "__main__":
    main()
