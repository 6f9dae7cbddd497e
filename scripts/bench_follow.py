"""How fast the follower stores a history: against the same work with nothing checked, and against web3.py.

    python scripts/bench_follow.py                 100,000 events in 10,000 blocks, and in 100
    python scripts/bench_follow.py --events 20000 --blocks 2000 --runs 1
    python scripts/bench_follow.py --peers         the same, and the other indexers that are installed

One Anvil chain with the real contracts, one PostgreSQL with its commits flushed to disk, and all of it on the
cores of this machine. Times are of whole processes, their start included; the fastest of several runs counts.
Memory is the most that was resident at once: of ours as the system counts it, of a peer's processes as they
are looked at five times a second, pages that they share counted for each.

    ours      `entitlement follow`: blocks linked, logs checked against them, events, positions, cursor stored
    floor     the same requests with their answers thrown away, then COPY of the same rows from a file
    web3.py   `get_logs` and `process_log` of a part of the events, kept in a list
    again     `entitlement reindex --from-events`: positions from ten times as many stored events
    Ponder, Envio, SQD  each event as a row and what each wallet has staked; until that agrees with ours
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from bench_chain import CrowdedChain, crowded_chain
from peers.followers import PEERS, Followed, History, Peer, PeerFailed, Stored, run_peer, stored_by_ours
from rich.console import Console
from rich.table import Table
from sqlalchemy import URL, create_engine, text
from web3 import HTTPProvider, Web3

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.decode import FOLLOWED
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres

# The same events of other wallets, behind the others in their blocks.
MORE_EVENTS = """
INSERT INTO events (block_number, log_index, block_hash, transaction_hash, kind, wallet, receiver, data)
SELECT block_number, log_index + 1000000 * %(copy)s, block_hash, transaction_hash, kind,
       '0x' || lpad(to_hex(%(copy)s::integer), 2, '0') || substr(wallet, 5), receiver, data
FROM events WHERE log_index < 1000000
"""

console = Console()
WEB3_EVENTS = 5_000
COPIES = 10
"""How many times the stored events are there when positions are derived from them again."""
BLOCKS_ABOVE = 64
"""Empty blocks above the history for the peers: more than any holds back as not final."""
FLOOR = Path(__file__).with_name("bench_follow_floor.py")


@dataclass(frozen=True, slots=True)
class Scratch:
    """A PostgreSQL of this benchmark's own."""

    server: URL

    @contextmanager
    def database(self, *, is_ours: bool = True) -> Generator[URL]:
        """Make an empty database, with our tables or for somebody else's."""
        admin = create_engine(self.server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS bench WITH (FORCE)"))
            connection.execute(text("CREATE DATABASE bench"))
        admin.dispose()
        url = self.server.set(database="bench")
        if is_ours:
            made = create_engine(url)
            migrate(made)
            made.dispose()
        yield url


def main() -> None:
    """Measure both layouts and print one table for each."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="entitlement-bench-") as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "postgres")
        try:
            for blocks in (asked.blocks, max(1, asked.blocks // 100)):
                chain_folder = folder / str(blocks)
                chain_folder.mkdir()
                with crowded_chain(chain_folder, blocks=blocks, events=asked.events) as chain:
                    measure(chain, Scratch(postgres.url), asked.runs, PEERS if asked.peers else ())
        finally:
            postgres.stop()


def measure(chain: CrowdedChain, scratch: Scratch, runs: int, peers: Sequence[Peer]) -> None:
    """Print how long each way takes on one chain."""
    rows = chain.folder / "events.copy"
    ours, processor, memory, stored = min(_ours(chain, scratch, rows) for _ in range(runs))
    floor = min(_floor(chain, scratch, rows) for _ in range(runs))
    title = f"{chain.events:,} events, {chain.blocks:,} blocks"
    table = Table("", "seconds", "events/s", "of the floor", "MB", title=title)

    def add(name: str, seconds: float, megabytes: str = "") -> None:
        rate = f"{chain.events / seconds:,.0f}"
        table.add_row(name, f"{seconds:.2f}", rate, f"{floor / seconds:.0%}", megabytes)

    add("ours", ours, str(memory))
    add("floor", floor)
    add("web3.py", _web3(chain))
    if peers:
        chain.rpc.call("anvil_mine", hex(BLOCKS_ABOVE))
    for peer in peers:
        if not peer.is_installed:
            console.print(f"{peer.name}: left out; to install it: {peer.installation}", soft_wrap=True)
            continue
        try:
            done = min(_peer(chain, scratch, peer, stored) for _ in range(runs))
        except PeerFailed as error:
            console.print(f"{peer.name}: {error}")
            table.add_row(peer.name, "wrong")
        else:
            add(peer.name, done.seconds, str(done.memory))
    console.print(table)
    console.print(f"ours: {processor:.1f} s of processor time, at most {memory} MB at once")
    events, again = _again(chain, scratch)
    console.print(f"again: {events:,} stored events in {again:.2f} s, {events / again:,.0f} a second")


def _ours(chain: CrowdedChain, scratch: Scratch, rows: Path) -> tuple[float, float, int, Stored]:
    """Return the seconds by the clock and of processor time, the most MB at once, and what was stored."""
    with scratch.database() as url:
        began = time.perf_counter()
        follow = subprocess.Popen(
            [sys.executable, "-m", "entitlement", "follow"],
            env=environment(chain, url),
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(follow.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit("following failed: see above")
        _assert_whole(chain, url)
        stored = stored_by_ours(url)
        with (
            psycopg.connect(plain(url)) as connection,
            rows.open("wb") as file,
            connection.cursor().copy("COPY events TO STDOUT") as copy,
        ):
            for part in copy:
                file.write(part)
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss // 1_024, stored


def _floor(chain: CrowdedChain, scratch: Scratch, rows: Path) -> float:
    with scratch.database() as url:
        began = time.perf_counter()
        arguments = [chain.url, str(chain.deployment.start_block), plain(url), str(rows)]
        arguments += [chain.contracts.address(name) for name in {contract for contract, _ in FOLLOWED}]
        subprocess.run([sys.executable, "-I", str(FLOOR), *arguments], check=True)  # noqa: S603  our own script
        return time.perf_counter() - began


def _peer(chain: CrowdedChain, scratch: Scratch, peer: Peer, stored: Stored) -> Followed:
    history = History(chain.url, chain.blocks, chain.deployment, chain.contracts, stored, chain.folder)
    with scratch.database(is_ours=False) as url:
        return run_peer(peer, history, url)


def _again(chain: CrowdedChain, scratch: Scratch) -> tuple[int, float]:
    """Return how many events are stored, and in how many seconds positions are derived from them again."""
    with scratch.database() as url:
        follow = [sys.executable, "-m", "entitlement", "follow"]
        subprocess.run(follow, env=environment(chain, url), stdout=subprocess.DEVNULL, check=True)  # noqa: S603  our own
        with psycopg.connect(plain(url)) as connection:
            for copy in range(1, COPIES):
                connection.execute(MORE_EVENTS, {"copy": copy})
            found = connection.execute("SELECT count(*) FROM events").fetchone()
        assert found is not None
        began = time.perf_counter()
        again = [sys.executable, "-m", "entitlement", "reindex", "--from-events", "--reason", "a benchmark"]
        subprocess.run(again, env=environment(chain, url), stdout=subprocess.DEVNULL, check=True)  # noqa: S603  our own
        return found[0], time.perf_counter() - began


def _web3(chain: CrowdedChain) -> float:
    """Return how long all events would take at the rate of some."""
    web3: Any = Web3(HTTPProvider(chain.url))
    artifacts = load_artifacts()
    events: list[Any] = [
        web3.eth.contract(chain.contracts.address(contract), abi=artifacts[contract].abi).events[event]()
        for contract, event in FOLLOWED
    ]
    head = web3.eth.block_number
    blocks = min(chain.blocks, max(1, chain.blocks * WEB3_EVENTS // chain.events))
    began = time.perf_counter()
    found: list[Any] = []
    for each in events:
        asked = {"address": each.address, "fromBlock": head - blocks + 1, "topics": [each.topic]}
        found += [each.process_log(log) for log in web3.eth.get_logs(asked)]
    return (time.perf_counter() - began) * chain.events / len(found)


def _assert_whole(chain: CrowdedChain, url: URL) -> None:
    with psycopg.connect(plain(url)) as connection:
        found = connection.execute("SELECT count(*) FROM events").fetchone()
    if found is None or found[0] < chain.events:
        raise SystemExit(f"{found} events were stored, {chain.events:,} were made")


def environment(chain: CrowdedChain, database: URL) -> dict[str, str]:
    """Return what a process of ours is told to follow this chain into this database."""
    return {
        **os.environ,
        "DATABASE_URL": plain(database),
        "ENTITLEMENT_DATA_FOLDER": str(chain.folder),
        "ENTITLEMENT_NETWORK": "anvil",
        "ENTITLEMENT_RPC_URL": chain.url,
        "ENTITLEMENT_DEPLOYMENT": str(chain.deployment_path),
        "ENTITLEMENT_TOKEN_SECRET": "0" * 64,
    }


def plain(url: URL) -> str:
    """Return an address as it stands in DATABASE_URL."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="measure the other indexers that are installed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
