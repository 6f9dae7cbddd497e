"""Midnight over HTTP: how soon the new day's credit can be spent, and what everybody waits for meanwhile.

    .venv/bin/python -m scripts.bench_midnight      # 100,000 wallets, 16 connections; a minute

Every wallet has DIEM staked, an account and a key, and nobody's new day is granted before it begins. One
wallet has spent its day: its key is asked for again and again on one connection, refused until 00:00:00, and
the first hold that it is given is the figure. The other connections hold for a thousand wallets, one after
another; each is granted its new day at its first hold after midnight. The clock is the service's own, moved
to some seconds before midnight as on any development network; nothing else is staged.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from entitlement.core.blocks import Header
from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.shift_clock import ShiftClock
from entitlement.store import chain
from entitlement.store.session import session_factory
from scripts.bench_epoch_change import load
from scripts.bench_ledger import database_of
from scripts.bench_size import KEYS, PORT, SECRET, program

WARM_SECONDS = 3
"""Of questions that are not counted, at the beginning."""
BESIDE_SECONDS = 8
"""Before midnight and after it."""
ASKING = 1_000
"""Wallets that go on asking; they are spread over all."""
DAY_OF_CREDIT = 5_000_000_000
"""Nano-USD of a wallet, a day."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question, by the machine's clock."""

    asked: float
    answered: float
    status: int


def main() -> None:
    """Let midnight pass, and print what it cost."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--wallets", type=int, default=100_000)
    asked.add_argument("--connections", type=int, default=16)
    asked.add_argument("--folder", default=None, help="where the database is made, and deleted again")
    given = asked.parse_args()
    console = Console(highlight=False, width=120)
    with (
        tempfile.TemporaryDirectory(prefix="entitlement-bench-", dir=given.folder) as name,
        database_of(Path(name) / "postgres") as database,
    ):
        folder = Path(name)
        # The database runs as another user, and passes through here.
        folder.chmod(0o755)
        load(database, wallets=given.wallets, each=1)
        ids = make_keys(database)
        token = ManageGateways(session_factory(database)).issue_token("bench")
        clock, midnight = stand_before_midnight(database)
        api = program(database, folder)
        api.start()
        try:
            clock.jump_to(midnight - WARM_SECONDS - BESIDE_SECONDS)
            # The service's clock is the machine's, moved by so much.
            at = midnight - (service_clock(database) - time.time())
            spent, others = asyncio.run(ask_over(at, token, ids, given.connections))
        finally:
            api.kill()
    console.print(as_table(at, spent, others))


def make_keys(database: Engine) -> list[int]:
    """Make a key for each account, and return the accounts' ids."""
    with database.begin() as connection:
        connection.execute(text(KEYS), {"now": 0, "secret": SECRET})
        ids = list(connection.execute(text("SELECT id FROM accounts ORDER BY id")).scalars())
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return ids


def stand_before_midnight(database: Engine) -> tuple[ShiftClock, int]:
    """Follow a chain to the evening of a day, and return the clock and the end of that day."""
    sessions = session_factory(database)
    clock = ShiftClock(sessions, network="bench", is_devnet=True)
    midnight = starts_at(Epoch(epoch_at(clock.now()) + 2))
    headers = [
        Header(number, f"0x{number:064x}", f"0x{max(0, number - 1):064x}", moment)
        for number, moment in enumerate((midnight - 43_200, midnight - 60))
    ]
    clock.jump_to(midnight - 60)
    with sessions.begin() as session:
        chain.begin(session, chain_id=1, start=headers[0], now=clock.now())
        chain.add_blocks(session, headers[1:])
        chain.move_cursor(session, head=headers[1], final=headers[1], node_number=1)
    return clock, midnight


def service_clock(database: Engine) -> float:
    """Return the service's time, with its fractions of a second."""
    with database.begin() as connection:
        shifted = connection.execute(text("SELECT shift_seconds FROM clock")).scalar_one()
        return float(
            connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one() + shifted
        )


async def ask_over(
    midnight: float, token: str, ids: list[int], connections: int
) -> tuple[list[Answer], list[Answer]]:
    """Ask until some seconds after midnight; return what the one that has spent is told, and the others."""
    spent: list[Answer] = []
    others: list[Answer] = []
    first, *rest = ids[:: max(1, len(ids) // ASKING)]
    names = itertools.count()
    end = midnight + BESIDE_SECONDS
    await hold(token, itertools.repeat(first), names, [], end=0, amount=DAY_OF_CREDIT)
    wallets = itertools.cycle(rest)
    await asyncio.gather(
        hold(token, itertools.repeat(first), names, spent, end=end),
        *(hold(token, wallets, names, others, end=end) for _ in range(connections - 1)),
    )
    return spent, others


async def hold(
    token: str, ids: Iterator[int], names: Iterator[int], into: list[Answer], *, end: float, amount: int = 10
) -> None:
    """Hold over one connection, once and then until `end`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    head = (
        f"POST /v1/holds HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    for account_id in ids:
        asked = {"key": f"{SECRET}{account_id}", "amount": amount, "request_id": f"r{next(names)}"}
        body = json.dumps(asked).encode()
        begun = time.time()
        writer.write(head + b"%d\r\n\r\n" % len(body) + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in told.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        into.append(Answer(begun, time.time(), int(told.split(b" ", 2)[1])))
        if time.time() > end:
            break
    writer.close()


def as_table(midnight: float, spent: list[Answer], others: list[Answer]) -> Table:
    """Return what was found, in milliseconds."""
    first = next(each for each in spent if each.status == 201)  # noqa: PLR2004 - the hold is made
    if first.answered < midnight or any(each.status != 201 for each in others):  # noqa: PLR2004
        sys.exit("a day's credit was given before the day, or somebody who could pay was refused")
    before = [each for each in others if midnight - BESIDE_SECONDS <= each.asked < midnight]
    after = [each for each in others if each.asked >= midnight]
    rows = {"before midnight": before, "after it": after, "its first second": after_for(after, midnight, 1)}
    table = Table("holds", "a second", "p50 ms", "p99 ms")
    for name, answers in rows.items():
        took = statistics.quantiles([1_000 * (each.answered - each.asked) for each in answers], n=100)
        seconds = max(each.answered for each in answers) - min(each.asked for each in answers)
        table.add_row(name, f"{len(answers) / seconds:,.0f}", f"{took[49]:.1f}", f"{took[98]:.1f}")
    refused = [each for each in spent if each.asked < midnight and each is not first]
    table.add_row("", "", "", "")
    table.add_row(f"refused to the one that has spent: {len(refused)}", "", "", "")
    table.add_row(
        "its first hold of the day, after 00:00:00", f"{1_000 * (first.answered - midnight):.0f} ms", "", ""
    )
    return table


def after_for(answers: list[Answer], midnight: float, seconds: float) -> list[Answer]:
    """Return the answers to what was asked within some seconds of midnight."""
    return [each for each in answers if each.asked < midnight + seconds]


if __name__ == "__main__":
    main()
