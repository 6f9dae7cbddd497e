"""The jobs of one process, on a chain written by hand: arguments are the database and a data folder."""

import signal
import sys
from pathlib import Path

from entitlement.chain.networks import load_network
from entitlement.jobs import Jobs
from entitlement.settings import read_settings
from entitlement.store.leadership import Leadership, Role
from entitlement.store.session import session_factory
from entitlement.telemetry import configure_logs
from entitlement.wiring.database import open_database
from entitlement.wiring.service import build_service
from tests.support import ScriptedChain, follower

if __name__ == "__main__":
    address, folder = sys.argv[1:]
    configure_logs()
    given = read_settings(database_url=address, data_folder=Path(folder), token_secret="0123456789abcdef" * 4)
    with open_database(given) as engine:
        sessions = session_factory(engine)
        chain = ScriptedChain()
        for _ in range(20):
            chain.mine()
        service = build_service(given, load_network("anvil"), sessions)
        jobs = Jobs(service, follower(chain, sessions), Leadership(engine, Role.JOBS), poll_seconds=0.1)
        signal.signal(signal.SIGTERM, lambda *_: jobs.stop())
        sys.exit(0 if jobs.run() else 1)
