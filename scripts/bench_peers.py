"""Play the same attacks on LiteLLM's proxy and on the reference gateway, before the same model.

    python -m scripts.bench_peers                     all set-ups; five minutes, and the installation once
    python -m scripts.bench_peers --only ours

LiteLLM is the real one from PyPI, of the version that scripts/peers/requirements.txt pins, in an environment
of its own (.venv-peers); its set-up with two workers that agree needs a `redis-server` on the path. A call
costs $0.10, the budget is $0.95, and the model, which takes half a second, counts what it was made to do.
snipz and escrowmint are libraries without a gateway: scripts/bench_libraries.py plays against those.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.peers import attacks
from scripts.peers.attacks import BUDGET, CALL, Peer
from scripts.peers.litellm import SET_UPS, LiteLlm, SetUp
from scripts.peers.ours import Ours, ours
from scripts.peers.processes import Program, redis

PORT = 9_300
COLUMNS = (
    "64 at once",
    "spent of $0.95",
    "no max_tokens, of 10",
    "kill -9 in between",
    "3 retries",
    "denial p50 / p99",
    "denials a second",
    "start",
)


def main() -> None:
    """Attack, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--only", default="", help="the set-ups whose names contain this")
    given = asked.parse_args()
    console = Console(highlight=False, width=150)
    table = Table("", *COLUMNS)
    with tempfile.TemporaryDirectory(prefix="entitlement-peers-") as name:
        folder = Path(name)
        # Not in a folder that only this user may enter: the database runs as another one.
        folder.chmod(0o755)
        with model(folder) as upstream:
            if given.only in "ours":
                with made(folder / "ours") as own, ours(own, upstream, PORT + 10) as peer:
                    table.add_row(*row(peer, upstream))
                    console.print(f"three retries of one charge at the service: {charged(peer)} charged")
            for number, set_up in enumerate(SET_UPS):
                if given.only in set_up.name:
                    with made(folder / f"litellm-{number}") as own:
                        attack(set_up, own, upstream, table, console)
    console.print(table)


def attack(set_up: SetUp, folder: Path, upstream: str, table: Table, console: Console) -> None:
    """Add a set-up of LiteLLM to the table, if it can be had."""
    peer = LiteLlm(set_up, upstream, PORT + 20, folder)
    store = redis(PORT + 21, folder) if set_up.redis else None
    if set_up.redis and store is None:
        console.print(
            f"{set_up.name}: left out, there is no redis-server (Debian: `apt install redis-server`)"
        )
        return
    try:
        table.add_row(*row(peer, upstream))
    except RuntimeError as error:
        console.print(f"{set_up.name}: left out, {error}")
    finally:
        peer.kill()
        if store is not None:
            store.kill()
            store.wait()


def row(peer: Peer, upstream: str) -> list[str]:
    """Play all attacks on one."""
    print(f"attacking {peer.name}", flush=True)
    started = peer.start()
    # What is loaded with the first request is not what is measured.
    httpx.post(
        peer.chat,
        headers={"Authorization": f"Bearer {peer.key(BUDGET)}"},
        json=attacks.body(1),
        timeout=60,
    ).raise_for_status()
    admitted = attacks.at_once(peer, upstream)
    uncapped = attacks.without_a_cap(peer, upstream)
    delivered = attacks.retries(peer, upstream)
    denied = attacks.denials(peer, shutil.which("wrk"))
    killed = attacks.after_a_kill(peer, upstream)
    found = [
        peer.name,
        str(admitted),
        f"{admitted * CALL / BUDGET:.2f}",
        str(uncapped),
        f"{killed} ({killed * CALL / BUDGET:.2f})",
        str(delivered),
        "goes on" if denied is None else f"{denied.p50:.1f} / {denied.p99:.1f} ms",
        "" if denied is None or denied.per_second is None else f"{denied.per_second:,.0f}",
        f"{started:.0f} s",
    ]
    print(*zip(COLUMNS, found[1:], strict=True), sep="\n", flush=True)
    return found


def charged(peer: Ours) -> int:
    """Return how often a charge was booked that a gateway delivers three times."""
    asked = {"key": peer.key(BUDGET), "amount": CALL, "request_id": "one request"}
    headers = {"Authorization": f"Bearer {peer.token}"}
    answers = [httpx.post(f"{peer.service}/v1/charges", json=asked, headers=headers) for _ in range(3)]
    return int(answers[-1].raise_for_status().json()["balance"]["spent"]) // CALL


@contextmanager
def made(folder: Path) -> Generator[Path]:
    """Make a folder that everybody may enter."""
    folder.mkdir()
    folder.chmod(0o755)
    yield folder


@contextmanager
def model(folder: Path) -> Generator[str]:
    """Run the model."""
    url = f"http://127.0.0.1:{PORT}"
    source = str(Path(__file__).parent / "peers" / "upstream.py")
    program = Program([sys.executable, source, str(PORT)], {}, f"{url}/served", folder / "model.log")
    program.start()
    try:
        yield url
    finally:
        program.kill()


if __name__ == "__main__":
    main()
