"""The credit service and the reference gateway, each a process, over a database that flushes to the disk."""

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.keys import NewKey
from entitlement.core.ledger import Source, book_grant
from entitlement.core.units import NanoUsd, Wallet
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.store import access, ledger
from entitlement.store.clock import service_time
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory
from scripts.peers.processes import Program

PROJECT = Path(__file__).parents[2]
PRICES = """
version = "peers"
[[model]]
id = "bench"
upstream = "bench"
upstream_model = "bench"
input_nano_usd_per_million_tokens = 0
output_nano_usd_per_million_tokens = 1_000_000_000_000
context_length = 8_192
max_output_tokens = 1_000
usual_output_tokens = 100
privacy = "private"
"""


@dataclass
class Ours:
    """The service and its gateway."""

    folder: Path
    upstream: str
    port: int
    database: EmbeddedPostgres

    def __post_init__(self) -> None:
        self.name = "ours"
        self.service = f"http://127.0.0.1:{self.port}"
        self.chat = f"http://127.0.0.1:{self.port + 1}/api/v1/chat/completions"
        self._sessions = session_factory(engine(self.database.url))
        (self.folder / "models.toml").write_text(PRICES)
        self.token = ManageGateways(self._sessions).issue_token("peers")
        common = {
            name: value for name, value in os.environ.items() if not name.startswith("ENTITLEMENT_")
        } | {"PYTHONPATH": str(PROJECT)}
        url = self.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._programs = (
            Program(
                [sys.executable, "-m", "entitlement", "serve", "--port", str(self.port)],
                common
                | {
                    "DATABASE_URL": url,
                    "ENTITLEMENT_TOKEN_SECRET": "0" * 64,
                    "ENTITLEMENT_FREE_REQUESTS_PER_MINUTE": "60000000",
                    "ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE": "60000000",
                    "ENTITLEMENT_REFUSALS_PER_MINUTE": "60000000",
                    "ENTITLEMENT_DATA_FOLDER": str(self.folder),
                },
                f"{self.service}/health/live",
                self.folder / "service.log",
            ),
            Program(
                [sys.executable, "-m", "entitlement", "gateway", "--port", str(self.port + 1)],
                common
                | {
                    "ENTITLEMENT_GATEWAY_SERVICE_URL": self.service,
                    "ENTITLEMENT_GATEWAY_SERVICE_TOKEN": self.token,
                    "ENTITLEMENT_GATEWAY_UPSTREAMS": json.dumps({"bench": {"url": f"{self.upstream}/v1"}}),
                    "ENTITLEMENT_GATEWAY_PRICE_LIST": str(self.folder / "models.toml"),
                },
                f"http://127.0.0.1:{self.port + 1}/api/v1/models",
                self.folder / "gateway.log",
            ),
        )

    def key(self, budget: int) -> str:
        """Return a key of a new account that has so much of the day's credit."""
        with self._sessions.begin() as session:
            now = service_time(session)
            number = session.execute(text("SELECT count(*) + 1 FROM accounts")).scalar_one()
            account_id = access.open_account(session, Wallet(f"0x{number:040x}"), now)
            day = epoch_at(now)
            opened = ledger.open_bucket(session, account_id, Source.DIEM, epoch=day, expires_at=ends_at(day))
            grant = book_grant(account_id, day, opened, granted=opened.granted, up_to=NanoUsd(budget))
            ledger.append(session, grant, now)
        return ManageKeys(self._sessions).create(account_id, NewKey("peers")).secret

    def start(self) -> float:
        """Start both, and return how many seconds it took."""
        return sum(each.start() for each in self._programs)

    def kill(self) -> None:
        """`kill -9` of both, and of PostgreSQL with them."""
        for each in self._programs:
            each.kill()


@contextmanager
def ours(folder: Path, upstream: str, port: int) -> Generator[Ours]:
    """Make a database, and the service over it."""
    server = EmbeddedPostgres(folder / "postgres")
    made = engine(server.url)
    try:
        migrate(made)
        peer = Ours(folder, upstream, port, server)
        yield peer
        peer.kill()
    finally:
        made.dispose()
        server.stop()
