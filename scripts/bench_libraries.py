"""Play snipz and escrowmint, which keep credit as libraries, and our service against each other in one run.

    python -m scripts.bench_libraries                     two turns of each; four minutes, and an installation
    python -m scripts.bench_libraries --python /usr/bin/python3.14

The libraries are the real ones from PyPI, of the versions that scripts/peers/libraries/requirements.txt pins,
in an environment of their own (.venv-libraries). Its Python has to be 3.13 or newer, since snipz asks for it.
escrowmint needs a `redis-server` on the path, ours is asked by wrk. What cannot be had is left out and told.

A library's load is in its own process, without HTTP or a check of who asks, which is in its favour: ours is
asked over HTTP by wrk, and has rates, key limits and the journal's hash chain on. snipz has a database of its
own in the same PostgreSQL as ours, with synchronous_commit on; escrowmint a Redis that flushes every write
and one that keeps nothing. Every reservation has a request id. `plain`, the floor of scripts/bench_ledger.py,
is measured before each of them anew.
"""

import argparse
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

sys.path.insert(0, str(Path(__file__).parents[1]))

from entitlement.core.units import NANO_USD_PER_USD, NanoUsd
from entitlement.store.session import session_factory
from scripts.bench_ledger import WRK, Serving, ask, make_account, plain_transactions, served, syncs_per_second
from scripts.peers.environments import environment
from scripts.peers.processes import redis

FOLDER = Path(__file__).parent / "peers" / "libraries"
ENVIRONMENT = Path(__file__).parents[1] / ".venv-libraries"
NEWEST_FIRST = ("python3.14", "python3.13")
IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 13))"
PORT = 9_340
NANO_USD_PER_CENT = NANO_USD_PER_USD // 100
BUDGET, CALL = 95, 10
"""Cents."""
DELIVERIES = 3
HOLD_SECONDS = 2
PLAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Paired:
    """Of one turn: pairs of a reservation and its commit."""

    per_second: float
    p50: float
    """Milliseconds of a call, be it the one or the other; as is p99."""
    p99: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What a peer makes of a budget."""

    admitted: int
    """Of calls at once."""
    charged: int
    """For how many calls one was charged that was delivered several times."""
    is_taken_for_another_amount: bool
    is_taken_for_another_account: bool
    after_a_kill: str


class Peer(Protocol):
    """Who keeps credit."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...

    def pairs(self, accounts: int, at_once: int, seconds: int) -> Paired:
        """Reserve and commit for some seconds, over so many accounts."""
        ...

    def rules(self, at_once: int) -> Rules:
        """Play the attacks."""
        ...


def main() -> None:
    """Measure, and print two tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--python", default=None, help="a Python of 3.13 or newer, for the libraries")
    asked.add_argument("--accounts", type=int, default=1_000)
    asked.add_argument("--at-once", type=int, default=64)
    asked.add_argument("--turns", type=int, default=2)
    asked.add_argument("--seconds", type=int, default=8)
    asked.add_argument("--only", default="", help="the peers whose names contain this")
    given = asked.parse_args()
    console = Console(highlight=False, width=130)
    program = libraries(given.python, console)
    with tempfile.TemporaryDirectory(prefix="entitlement-libraries-") as name:
        folder = Path(name)
        console.print(f"fdatasync: {syncs_per_second(folder):,.0f}/s of 8 KiB in {folder}")
        with (
            served(folder, given.accounts) as serving,
            flushing(folder / "flushed", PORT, flushes=True, console=console) as durable,
            flushing(folder / "nothing", PORT + 1, flushes=False, console=console) as forgetful,
        ):
            peers: list[Peer] = []
            if WRK is None:
                console.print("ours: left out, there is no wrk (Debian: `apt install wrk`)")
            else:
                peers.append(Ours(serving))
            if program is not None:
                peers.append(Library("snipz", "snipz, PostgreSQL", program, database(serving.database)))
                for url, what in ((durable, "flushes every write"), (forgetful, "keeps nothing")):
                    if url is not None:
                        peers.append(Library("escrowmint", f"escrowmint, Redis that {what}", program, url))
            chosen = [peer for peer in peers if given.only in peer.name]
            for peer in chosen:
                if isinstance(peer, Library):
                    peer.prepare(given.accounts)
                # What is loaded, and planned, with the first request is not what is measured.
                peer.pairs(given.accounts, given.at_once, 2)
            with serving.database.begin() as connection:
                connection.execute(text("ANALYZE"))
            console.print(speeds(chosen, serving.database, given))
            console.print(attacked(chosen, given.at_once))


def speeds(peers: Sequence[Peer], floor: Engine, given: argparse.Namespace) -> Table:
    """Measure all by turns, and return the figures of every turn."""
    found: dict[tuple[Peer, int], list[tuple[Paired, float]]] = {}
    for _ in range(given.turns):
        for accounts in (given.accounts, 1):
            for peer in peers:
                plain = plain_transactions(floor, given.at_once, PLAIN_SECONDS)
                turn = peer.pairs(accounts, given.at_once, given.seconds)
                found.setdefault((peer, accounts), []).append((turn, plain))
    table = Table(
        f"pairs, {given.at_once} at once", "accounts", "a second", "plain", "of plain", "p50 ms", "p99 ms"
    )
    for (peer, accounts), turns in found.items():
        table.add_row(
            peer.name,
            f"{accounts:,}",
            figures([turn.per_second for turn, _ in turns]),
            figures([plain for _, plain in turns]),
            figures([turn.per_second / plain for turn, plain in turns], ".2f"),
            figures([turn.p50 for turn, _ in turns], ".1f"),
            figures([turn.p99 for turn, _ in turns], ".1f"),
        )
    return table


def figures(of_turns: Sequence[float], form: str = ",.0f") -> str:
    """Return what every turn gave, in order."""
    return " · ".join(format(figure, form) for figure in of_turns)


def attacked(peers: Sequence[Peer], at_once: int) -> Table:
    """Play the attacks on all."""
    table = Table(
        "",
        f"{at_once} at once",
        f"charged of {DELIVERIES} deliveries",
        "the id with another amount",
        "the id with another account",
        "its holder killed",
    )
    for peer in peers:
        rules = peer.rules(at_once)
        table.add_row(
            peer.name,
            str(rules.admitted),
            str(rules.charged),
            "let through" if rules.is_taken_for_another_amount else "refused",
            "let through" if rules.is_taken_for_another_account else "refused",
            rules.after_a_kill,
        )
    return table


@dataclass(frozen=True, eq=False)
class Library:
    """A library, whose every task is a process of its own."""

    kind: str
    name: str
    python: Path
    url: str

    def prepare(self, accounts: int) -> None:
        """Open accounts that can pay."""
        self._done("prepare", accounts=accounts)

    def pairs(self, accounts: int, at_once: int, seconds: int) -> Paired:
        """Reserve and commit for some seconds."""
        return Paired(**self._done("pairs", accounts=accounts, at_once=at_once, seconds=seconds))

    def rules(self, at_once: int) -> Rules:
        """Play the attacks, the last one on a process that reserves and is killed."""
        reused = self._done("reused", call=CALL)
        return Rules(
            admitted=self._done("admitted", budget=BUDGET, call=CALL, at_once=at_once),
            charged=self._done("charged", budget=BUDGET, call=CALL, deliveries=DELIVERIES),
            is_taken_for_another_amount=reused["amount"],
            is_taken_for_another_account=reused["account"],
            after_a_kill=self._killed(),
        )

    def _killed(self) -> str:
        account = secrets.token_hex(8)
        asked = {"account": account, "budget": BUDGET, "call": CALL, "seconds": HOLD_SECONDS}
        command = self._command("holder")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603 - our own
            assert holder.stdin is not None
            assert holder.stdout is not None
            holder.stdin.write(json.dumps(asked).encode())
            holder.stdin.close()
            assert holder.stdout.readline() == b"reserved\n", "it could not reserve"
            holder.kill()

        def is_free(*, swept: bool) -> bool:
            return self._done("free", account=account, call=CALL, swept=swept)

        return freed(is_free)

    def _command(self, task: str) -> list[str]:
        return [str(self.python), str(FOLDER / "load.py"), self.kind, self.url, task]

    def _done(self, task: str, **asked: float | str) -> Any:  # noqa: ANN401 - JSON
        ran = subprocess.run(  # noqa: S603 - our own arguments
            self._command(task), input=json.dumps(asked), capture_output=True, text=True, check=False
        )
        if ran.returncode:
            sys.exit(f"{self.name}, {task}: {ran.stderr[-2_000:]}")
        return json.loads(ran.stdout)


@dataclass(eq=False)
class Ours:
    """The service, asked over HTTP."""

    serving: Serving
    name: str = "ours, over HTTP"

    def __post_init__(self) -> None:
        self._sessions = session_factory(self.serving.database)
        self._client = httpx.Client(
            base_url=self.serving.url,
            headers={"Authorization": f"Bearer {self.serving.token}"},
            limits=httpx.Limits(max_connections=None),
            timeout=60,
        )

    def pairs(self, accounts: int, at_once: int, seconds: int) -> Paired:
        """Let wrk hold and capture."""
        assert accounts < len(self.serving.keys)
        # The last of the keys is the one without credit, which a pair is never asked of.
        keys = self.serving.keys[: accounts + 1]
        run = ask(self.serving.url, self.serving.token, keys, "pair", at_once, seconds)
        assert run.wrong == 0, f"{run.wrong} answers were others than expected"
        return Paired(run.per_second, run.p50, run.p99)

    def rules(self, at_once: int) -> Rules:
        """Play the attacks."""
        burst = self._key(BUDGET)
        with ThreadPoolExecutor(at_once) as threads:
            asked = [threads.submit(self._hold, burst, CALL, f"burst {n}") for n in range(at_once)]
            admitted = sum(each.result() for each in asked)
        retried = self._key(BUDGET)
        for _ in range(DELIVERIES):
            held = self._asked(retried, CALL, "retried", 600).raise_for_status().json()["hold"]["id"]
            amount = {"amount": CALL * NANO_USD_PER_CENT}
            self._client.post(f"/v1/holds/{held}/capture", json=amount).raise_for_status()
        left = sum(self._hold(retried, CALL, f"left {n}") for n in range(BUDGET // CALL))
        one, other = self._key(100 * CALL), self._key(1)
        assert self._hold(one, CALL, "reused")
        return Rules(
            admitted=admitted,
            charged=BUDGET // CALL - left,
            is_taken_for_another_amount=self._hold(one, 50 * CALL, "reused"),
            is_taken_for_another_account=self._hold(other, CALL, "reused"),
            after_a_kill=self._abandoned(),
        )

    def _abandoned(self) -> str:
        key = self._key(BUDGET)
        # To the service a gateway that is killed is one that says nothing more.
        assert all(self._hold(key, CALL, f"killed {n}", HOLD_SECONDS) for n in range(BUDGET // CALL))

        def is_free(*, swept: bool) -> bool:
            # Nobody sweeps: a service's own jobs are none of its gateways' business.
            return self._hold(key, CALL, f"after {swept} {time.monotonic()}")

        return freed(is_free)

    def _key(self, cents: int) -> str:
        number = secrets.randbelow(2**64) + 2**64
        return make_account(self._sessions, number, credit=NanoUsd(cents * NANO_USD_PER_CENT))

    def _hold(self, key: str, cents: int, request: str, seconds: int = 600) -> bool:
        return self._asked(key, cents, request, seconds).is_success

    def _asked(self, key: str, cents: int, request: str, seconds: int) -> httpx.Response:
        asked = {
            "key": key,
            "amount": cents * NANO_USD_PER_CENT,
            "request_id": request,
            "ttl": seconds,
            "model": "m",
        }
        return self._client.post("/v1/holds", json=asked)


def freed(is_free: Callable[..., bool]) -> str:
    """Say when what was set aside may be spent again; `is_free` is told whether it is to sweep first."""
    if is_free(swept=False):
        return "spent again at once"
    time.sleep(HOLD_SECONDS + 0.5)
    if is_free(swept=False):
        return "back by itself at its end"
    return "back by a sweep after its end" if is_free(swept=True) else "never back"


def libraries(python: str | None, console: Console) -> Path | None:
    """Return the Python of the libraries' environment, or None where there is none to make it with."""
    names = [python] if python is not None else [*NEWEST_FIRST, sys.executable]
    for found in filter(None, map(shutil.which, names)):
        # A name on the path may stand for a Python that is not there, as pyenv's do.
        asked = [found, "-c", IS_NEW_ENOUGH]
        if subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0:  # noqa: S603 - what was named
            return (
                environment(ENVIRONMENT, FOLDER / "requirements.txt", "snipz and escrowmint", found)
                / "python"
            )
    console.print(
        f"the libraries: left out, snipz needs Python 3.13 or newer, and none of {', '.join(names)} is;"
        " name one by --python"
    )
    return None


def database(ours: Engine) -> str:
    """Make a database beside ours, and return its address."""
    with ours.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE snipz"))
    return ours.url.set(drivername="postgresql", database="snipz").render_as_string(hide_password=False)


@contextmanager
def flushing(folder: Path, port: int, *, flushes: bool, console: Console) -> Generator[str | None]:
    """Run a Redis, if there is one, and return its address."""
    folder.mkdir()
    store = redis(port, folder, flushes=flushes)
    if store is None:
        console.print("escrowmint: left out, there is no redis-server (Debian: `apt install redis-server`)")
        yield None
        return
    with store:
        try:
            wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            store.kill()


def wait_for(port: int) -> None:
    """Return once somebody listens."""
    for _ in range(1_000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    sys.exit(f"nobody listens at port {port}")


if __name__ == "__main__":
    main()
