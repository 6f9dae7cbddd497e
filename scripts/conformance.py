"""Ask a whole stack for everything that openapi.json allows, and for what it does not.

    python -m scripts.conformance                           all of it, three minutes
    python -m scripts.conformance --seed 7 --seconds 600    other questions, and longer

schemathesis asks: for each field its limits and what is beyond them, requests made up by Hypothesis, and
calls that follow from each other. The stack is a new one with its own chain, so nothing may be answered with
5xx, and nothing by a status, a form or a content that the document does not have. Ends with 1 if one was.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import httpx
from sqlalchemy import create_engine

sys.path.insert(0, str(Path(__file__).parents[1]))

from entitlement.flows.manage_gateways import ManageGateways
from entitlement.store.session import session_factory
from tests.api.conforming import Attacked, attack, known
from tests.api.support import Person, bearer
from tests.stack.local import READY, START_SECONDS, Local, free_ports, options
from tests.stack.processes import running
from tests.support import USD, assert_books_close, holder


def main() -> None:
    """Start a stack, and attack it."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seconds", type=int, default=180, help="how long is asked")
    given = asked.parse_args()
    # Not in a folder that only this user may enter: the database runs as another one.
    with tempfile.TemporaryDirectory(prefix="entitlement-conformance-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        ports = free_ports()
        arguments = options(folder / "stack", ports)
        with running(
            "up", *arguments, log=folder / "up.log", ENTITLEMENT_OPERATORS=Person().address
        ) as process:
            process.says(READY, seconds=START_SECONDS)
            local = Local(folder / "stack", ports, process)
            sys.exit(_attacked(local, folder, f"--seed={given.seed}", f"--max-time={given.seconds}"))


def _attacked(local: Local, folder: Path, *how: str) -> int:
    engine = create_engine(local.settings["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:", 1))
    sessions, person = session_factory(engine), Person()
    with httpx.Client(base_url=local.api, timeout=30) as client:
        gateway, rich = (
            bearer(ManageGateways(sessions).issue_token("conformance")),
            holder(sessions, diem=USD),
        )
        domain = local.api.removeprefix("http://")
        session = person.sign_in(client, domain=domain)
        attacked = Attacked(
            local.api,
            gateway=gateway,
            wallet=session,
            leaving=Person(77).sign_in(client, domain=domain),
            leaving_everywhere=Person(78).sign_in(client, domain=domain),
            key=rich.secret,
            known=known(client, gateway, session, rich, person),
        )
    with attack(attacked, folder, *how) as asking:
        assert asking.stdout is not None
        for line in asking.stdout:
            print(line, end="")
    assert_books_close(sessions)
    engine.dispose()
    return asking.returncode


if __name__ == "__main__":
    main()
