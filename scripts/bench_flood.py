"""Measure what honest requests wait for while others try keys that they do not have.

    python -m scripts.bench_flood                      10,000 a second, guessed and revoked; a minute
    python -m scripts.bench_flood --rate 3000 --seconds 5

One API process and the embedded PostgreSQL with every flush. Two programs (wrk) ask at once, both with a
gateway's token: one for 16 connections of honest keys, one for as many guesses as `--rate` a second, or as
are answered. All share the machine's cores, and the flood's own work is a part of what honest requests lose.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

sys.path.insert(0, str(Path(__file__).parents[1]))

from entitlement.store.session import session_factory
from scripts.bench_ledger import WRK, Figures, ask, make_account, served

FLOODERS = 100
"""Connections of the flood."""
HONEST = 16
"""Connections of honest requests."""
REVOKED_KEYS = 1_000
SCRIPT = Path(__file__).with_name("bench_flood.lua")


@dataclass(frozen=True, slots=True)
class Flood:
    """What is tried, by whom and how often."""

    url: str
    token: str
    keys: list[str]
    """Revoked ones; none of them: made up, each once."""
    rate: int
    """A second, at the most."""
    seconds: int

    def start(self) -> "subprocess.Popen[str]":
        """Start it; it ends by itself."""
        assert WRK is not None
        given = {"token": self.token, "keys": self.keys, "wait": max(1, FLOODERS * 1_000 // self.rate)}
        # Read once, when it starts; the folder is the system's to empty.
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(given, file)
        program = [WRK, "-t1", f"-c{FLOODERS}", f"-d{self.seconds}s", "-s", str(SCRIPT), self.url]
        environment = os.environ | {"FLOOD": file.name}
        return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours


def main() -> None:
    """Measure, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--accounts", type=int, default=200)
    asked.add_argument("--rate", type=int, default=10_000, help="guesses a second, at the most")
    asked.add_argument("--seconds", type=int, default=10)
    given = asked.parse_args()
    if WRK is None:
        sys.exit("wrk is not installed: on Debian, `apt install wrk`")
    console = Console(highlight=False, width=110)
    table = Table("honest holds", "a second", "p50 ms", "p99 ms", "wrong", "refused beside them, a second")
    with (
        tempfile.TemporaryDirectory(prefix="entitlement-bench-") as folder,
        served(Path(folder), given.accounts) as serving,
    ):
        url, token, keys = serving.url, serving.token, serving.keys
        revoked = revoked_keys(session_factory(serving.database), given.accounts + 1)
        ask(url, token, keys, "hold", HONEST, 2)
        for name, tried in (("alone", None), ("guessed keys", []), ("revoked keys", revoked)):
            flood = None if tried is None else Flood(url, token, tried, given.rate, given.seconds + 2)
            found, refused = measured(flood, url, token, keys, given.seconds)
            figures = (f"{found.per_second:,.0f}", f"{found.p50:.1f}", f"{found.p99:.1f}", str(found.wrong))
            table.add_row(name, *figures, f"{refused:,.0f}")
    console.print(table)


def measured(
    flood: Flood | None, url: str, token: str, keys: list[str], seconds: int
) -> tuple[Figures, float]:
    """Return the figures of honest requests, and how many of the flood were answered a second."""
    if flood is None:
        return ask(url, token, keys, "hold", HONEST, seconds), 0.0
    with flood.start() as flooding:
        found = ask(url, token, keys, "hold", HONEST, seconds)
        said, _ = flooding.communicate()
    refused = re.search(r"asked: (\d+)", said)
    assert refused is not None, said
    return found, int(refused.group(1)) / flood.seconds


def revoked_keys(sessions: sessionmaker[Session], first: int) -> list[str]:
    """Return keys that were good once."""
    secrets = [make_account(sessions, first + number, -1) for number in range(REVOKED_KEYS)]
    with sessions.begin() as session:
        session.execute(
            text(
                "UPDATE api_keys SET revoked_at = created_at WHERE account_id IN "
                "(SELECT id FROM accounts ORDER BY id DESC LIMIT :many)"
            ),
            {"many": REVOKED_KEYS},
        )
    return secrets


if __name__ == "__main__":
    main()
