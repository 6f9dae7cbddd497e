"""Let 64 clients ask while everything dies, and check what they saw: `make history [SEED=7] [SECONDS=60]`.

Two API processes are killed and started, PostgreSQL is restarted, answers are lost and questions come twice.
Then every answer is held to the journal: no bucket and no limit past its sum at any point, every answer of
2xx there, and no refusal of what could be paid. Ends with 1 where anything is wrong.
"""

import argparse
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.history.run import PROCESSES, lived


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Live and check."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seconds", type=float, default=60.0)
    given = asked.parse_args()
    verdict, run = lived(given.seed, given.seconds, [free_port() for _ in range(PROCESSES)])
    print(
        f"{verdict.deliveries} deliveries, {verdict.unknown} without an answer, {verdict.refusals} refusals, "
        f"{verdict.entries} entries; {run.kills} processes killed, PostgreSQL restarted {run.restarts} times"
    )
    for each in verdict.wrong:
        print(f"WRONG: {each}")
    sys.exit(1 if verdict.wrong else 0)


if __name__ == "__main__":
    main()
