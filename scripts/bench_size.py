"""Measure what a hold costs as keys and journal grow: the same questions to a small and to a large database.

    python -m scripts.bench_size                                  10,000 to 10 million entries, a million keys
    python -m scripts.bench_size --entries 10000 100000 --keys 20000 --seconds 3

One API process and the embedded PostgreSQL with every flush; what is there before is made by PostgreSQL
itself, as the service would have written it: each entry with its usage, over the last eight weeks. It grows
from one size to the next; ten million entries take about 8 GB. What midnight costs with many accounts is
asked by bench_epoch_change.py.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

sys.path.insert(0, str(Path(__file__).parents[1]))

from entitlement.core.epochs import Epoch
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.store.clock import service_time
from entitlement.store.session import session_factory
from entitlement.store.weeks import EPOCHS_PER_WEEK, make_weeks
from scripts.bench_ledger import WRK, ask, database_of
from scripts.peers.processes import Program

PORT = 9_340
DAYS = 8 * EPOCHS_PER_WEEK
ASKING = 1_000
"""Keys that ask; they are spread over all."""
SECRET = "ent_size-"  # noqa: S105 - of keys that are made here
ACCOUNTS = """
    INSERT INTO accounts (wallet, created_at, rate_until)
    SELECT '0x' || lpad(to_hex(n), 40, '0'), :now, 0 FROM generate_series(1, :keys) AS n
"""
KEYS = """
    INSERT INTO api_keys (id, account_id, secret_hash, last_six, kind, description, limit_period,
                          model_privacy, created_at)
    SELECT 'key_' || id, id, sha256(convert_to(:secret || id, 'UTF8')), '', 'INFERENCE', 'size', 'epoch',
           'ALL', :now FROM accounts
"""
BUCKETS = """
    INSERT INTO buckets (account_id, source, granted, available, held, consumed, expired, closed)
    SELECT id, 'prepaid', 9000000000000000, 9000000000000000, 0, 0, 0, false FROM accounts
"""
ENTRIES = """
    INSERT INTO entries (epoch, key, kind, account_id, created_at, buckets, moves, amounts, lane, batch)
    SELECT :today - n % :days, 'charge:' || to_char(n, 'FM0000000000'), 'charge', 1 + n % :keys,
           (:today - n % :days) * 86400, ARRAY[1 + n % :keys], ARRAY['available>consumed'], ARRAY[10],
           0, 1 + n / 64
    FROM generate_series(CAST(:first AS bigint), :last) AS n
"""
USAGE = """
    INSERT INTO usage (epoch, hold_id, number, account_id, key_id, gateway_id, request_id, model,
                       input_tokens, output_tokens, latency_ms, status, diem, usd, shortfall, created_at)
    SELECT :today - n % :days, to_char(n, 'FM0000000000'), 1, 1 + n % :keys, 'key_' || 1 + n % :keys, 1,
           'r' || n, 'm', 10, 20, 300, 200, 0, 10, 0, (:today - n % :days) * 86400
    FROM generate_series(CAST(:first AS bigint), :last) AS n
"""


def main() -> None:
    """Load and measure by turns, and print the curve."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--entries", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    asked.add_argument("--keys", type=int, default=1_000_000)
    asked.add_argument("--connections", type=int, default=64)
    asked.add_argument("--seconds", type=int, default=10)
    asked.add_argument("--folder", default=None, help="where the database is made, and deleted again")
    given = asked.parse_args()
    if WRK is None:
        sys.exit("wrk is not installed: on Debian, `apt install wrk`")
    console = Console(highlight=False, width=120)
    table = Table(
        "entries", "keys", "holds a second", "p50 ms", "p99 ms", "one connection: p50 ms", "wrong", "loaded"
    )
    with (
        tempfile.TemporaryDirectory(prefix="entitlement-bench-", dir=given.folder) as name,
        database_of(Path(name) / "postgres") as database,
    ):
        folder = Path(name)
        # The database runs as another user, and passes through here.
        folder.chmod(0o755)
        token = ManageGateways(session_factory(database)).issue_token("bench")
        load_keys(database, given.keys)
        keys = [f"{SECRET}{1 + place * given.keys // ASKING}" for place in range(min(ASKING, given.keys))]
        there = 0
        for size in given.entries:
            began = time.monotonic()
            load_entries(database, there, size, given.keys)
            there, took = size, time.monotonic() - began
            api = program(database, folder)
            api.start()
            try:
                # The last key is left to denials.
                ask(f"http://127.0.0.1:{PORT}", token, [*keys, ""], "hold", given.connections, 2)
                many = ask(
                    f"http://127.0.0.1:{PORT}", token, [*keys, ""], "hold", given.connections, given.seconds
                )
                one = ask(f"http://127.0.0.1:{PORT}", token, [*keys, ""], "hold", 1, given.seconds)
            finally:
                api.kill()
            table.add_row(
                f"{size:,}",
                f"{given.keys:,}",
                f"{many.per_second:,.0f}",
                f"{many.p50:.1f}",
                f"{many.p99:.1f}",
                f"{one.p50:.1f}",
                str(many.wrong + one.wrong),
                f"{took:.0f} s",
            )
    console.print(table)


def load_keys(database: Engine, keys: int) -> None:
    """Make accounts with a key and prepaid credit each."""
    with database.begin() as connection:
        now = connection.execute(text("SELECT service_time()")).scalar_one()
        for statement in (ACCOUNTS, KEYS, BUCKETS):
            connection.execute(text(statement), {"keys": keys, "now": now, "secret": SECRET})
    _analyze(database)


def load_entries(database: Engine, there: int, wanted: int, keys: int) -> None:
    """Make entries, and the usage of each, until there are as many as are wanted."""
    with session_factory(database).begin() as session:
        today = service_time(session) // 86_400
        make_weeks(session, [Epoch(today - day) for day in range(DAYS)])
    given = {"first": there, "last": wanted - 1, "today": today, "days": DAYS, "keys": keys}
    with database.begin() as connection:
        for statement in (ENTRIES, USAGE):
            connection.execute(text(statement), given)
    _analyze(database)


def program(database: Engine, folder: Path) -> Program:
    """Return the API over a database."""
    environment = os.environ | {
        "DATABASE_URL": database.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "ENTITLEMENT_TOKEN_SECRET": "0" * 64,
        "ENTITLEMENT_FREE_REQUESTS_PER_MINUTE": "60000000",
        "ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE": "60000000",
        "ENTITLEMENT_REFUSALS_PER_MINUTE": "60000000",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    command = [sys.executable, "-m", "entitlement", "serve", "--port", str(PORT)]
    return Program(command, environment, f"http://127.0.0.1:{PORT}/health/live", folder / "api.log")


def _analyze(database: Engine) -> None:
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


if __name__ == "__main__":
    main()
