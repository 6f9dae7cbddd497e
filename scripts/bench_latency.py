"""How long a new block takes to become credit: from its being made to a right that a request can spend.

    python scripts/bench_latency.py          100 blocks of one stake, then 10 of 1,000 events; a minute

The real contracts on Anvil, whose blocks are final at once; `entitlement jobs` as a process of its own, woken
by the node's WebSocket or by polling alone; PostgreSQL with its commits flushed. Looked for a thousand times
a second in the row that a grant is made from. All on the cores of this machine.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from bench_chain import CrowdedChain, crowded_chain
from bench_follow import Scratch, environment, plain
from rich.console import Console
from rich.table import Table
from sqlalchemy import URL

from entitlement.store.server import EmbeddedPostgres

console = Console()
BLOCKS, FULL_BLOCKS = 100, 10
ROUNDS_OF_A_FULL_BLOCK = 100
POLL_SECONDS = 0.25
LOOK_SECONDS = 0.001
PATIENCE_SECONDS = 60.0
FIRST_WALLET = 0xFEE1 << 140
GOLDEN = 0.618
"""Of an interval: waited before each block, blocks come at all times between two looks of who polls."""
SPENDABLE = "SELECT 1 FROM positions WHERE wallet = %s AND NOT pending AND slot_current > 0"


def main() -> None:
    """Measure each way and print one table."""
    table = Table("woken by", "block", "p50 ms", "p99 ms", title="from a new block to credit")
    with tempfile.TemporaryDirectory(prefix="entitlement-bench-") as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "postgres")
        try:
            with crowded_chain(folder, blocks=10, events=100) as chain:
                for way, socket in (("WebSocket", True), ("polling", False)):
                    with Scratch(postgres.url).database() as url, following(chain, url, by_socket=socket):
                        first = 10**6 * socket
                        small = [latency(chain, url, first + each, rounds=0) for each in range(BLOCKS)]
                        table.add_row(way, "one stake", *figures(small))
                        first += BLOCKS
                        full = [
                            latency(chain, url, first + each, rounds=ROUNDS_OF_A_FULL_BLOCK)
                            for each in range(FULL_BLOCKS)
                        ]
                        table.add_row(way, "1,000 events and a stake", *figures(full))
        finally:
            postgres.stop()
    console.print(table)
    console.print(f"polling looks every {POLL_SECONDS:g} s")


def latency(chain: CrowdedChain, url: URL, number: int, *, rounds: int) -> float:
    """Return the seconds from a block with a stake for a new wallet to a right of that wallet."""
    wallet = f"0x{FIRST_WALLET + number:040x}"
    with psycopg.connect(plain(url), autocommit=True) as connection:
        chain.crowd.stake_for(wallet)
        time.sleep(number * GOLDEN % 1 * POLL_SECONDS)
        if rounds:
            chain.crowd.block(rounds)
        else:
            chain.rpc.call("anvil_mine", "0x1")
        began = time.perf_counter()
        while connection.execute(SPENDABLE, [wallet]).fetchone() is None:
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise SystemExit(f"the stake of {wallet} was not followed in {PATIENCE_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)
        return time.perf_counter() - began


def figures(seconds: Sequence[float]) -> tuple[str, str]:
    """Return the median and the 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    return f"{1_000 * ordered[len(ordered) // 2]:.1f}", f"{1_000 * ordered[len(ordered) * 99 // 100]:.1f}"


@contextmanager
def following(chain: CrowdedChain, url: URL, *, by_socket: bool) -> Generator[None]:
    """Run the jobs until they have followed what is there."""
    told = {"ENTITLEMENT_POLL_SECONDS": str(POLL_SECONDS)}
    if by_socket:
        told["ENTITLEMENT_NODE_WS_URL"] = chain.url.replace("http://", "ws://")
    with subprocess.Popen(
        [sys.executable, "-m", "entitlement", "jobs"],
        env=environment(chain, url) | told,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as jobs:
        try:
            latency(chain, url, 10**7 + by_socket, rounds=0)
            yield
        finally:
            jobs.terminate()


if __name__ == "__main__":
    main()
