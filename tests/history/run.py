"""A history to be checked: 64 clients, two API processes, and everything that can happen to them.

Processes die by `kill -9`, PostgreSQL is restarted, clients stop waiting or leave, and each may say the same
thing again, also twice at once. What they saw is recorded as they saw it.
"""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy.orm import Session, sessionmaker

from entitlement.audit.journal import audit
from entitlement.core.keys import NewKey
from entitlement.core.limits import KeyLimits
from entitlement.core.units import NanoUsd
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory
from tests.history.check import Verdict, check
from tests.history.record import Seen
from tests.support import Holder, assert_books_close, holder

CLIENTS = 64
PROCESSES = 2
CREDIT = 40_000
LIMIT = 15_000
LOOKS = 2_000
PATIENCE = 1.5
"""Seconds; some clients have less."""


def lived(seed: int, seconds: float, ports: Sequence[int]) -> "tuple[Verdict, Run]":
    """Live through a history and check it. Raises AssertionError where the books do not close."""
    folder = Path(tempfile.mkdtemp(prefix="entitlement-history-"))
    server = EmbeddedPostgres(folder / "postgres")
    made = engine(server.url)
    try:
        migrate(made)
        run = Run(server, session_factory(made), folder, ports, seed)
        run.prepare()
        try:
            asyncio.run(run.live(seconds))
        finally:
            run.stop()
        with run.sessions.begin() as session:
            verdict = check(session, run.seen, run.limits)
        assert_books_close(run.sessions)
        found = audit(made.url.set(drivername="postgresql").render_as_string(hide_password=False)).findings
        assert not found, [str(each) for each in found]
        return verdict, run
    finally:
        made.dispose()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Run:
    """Everything that a run needs and leaves."""

    server: EmbeddedPostgres
    sessions: sessionmaker[Session]
    folder: Path
    ports: Sequence[int]
    seed: int
    accounts: list[Holder] = field(default_factory=list)
    limits: dict[int, int] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    kills: int = 0
    restarts: int = 0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    token: str = ""

    def prepare(self) -> None:
        for number in range(1, 7):
            wish = None
            if number % 3 == 0:
                wish = NewKey("limited", limits=KeyLimits(diem=NanoUsd(LIMIT)))
            self.accounts.append(holder(self.sessions, diem=CREDIT, number=number, wish=wish))
            if wish is not None:
                self.limits[self.accounts[-1].account_id] = LIMIT
        self.token = ManageGateways(self.sessions).issue_token("the one gateway of all")
        self.processes = [self.start(port) for port in self.ports]

    def start(self, port: int) -> subprocess.Popen[bytes]:
        url = self.sessions.kw["bind"].url
        environment = os.environ | {
            "DATABASE_URL": url.set(drivername="postgresql").render_as_string(hide_password=False),
            "ENTITLEMENT_TOKEN_SECRET": "0" * 64,
            "ENTITLEMENT_FREE_REQUESTS_PER_MINUTE": "60000000",
            "ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE": "60000000",
            "ENTITLEMENT_REFUSALS_PER_MINUTE": "60000000",
        }
        with (self.folder / f"api-{port}.log").open("ab") as log:
            program = [sys.executable, "-m", "entitlement", "serve", "--port", str(port)]
            return subprocess.Popen(program, env=environment, stdout=log, stderr=log)

    async def live(self, seconds: float) -> None:
        await self.up()
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for number in range(CLIENTS):
                tasks.create_task(Client(self, random.Random(f"{self.seed}:{number}"), number).live(end))
            tasks.create_task(self.trouble(end))

    async def trouble(self, end: float) -> None:
        rng = random.Random(f"{self.seed}:trouble")
        while time.monotonic() < end - 2:
            await self.up()
            await asyncio.sleep(rng.uniform(0.3, 1.5))
            if rng.random() < 0.2:
                await asyncio.to_thread(self.server.restart)
                self.restarts += 1
                continue
            number = rng.randrange(PROCESSES)
            self.processes[number].send_signal(signal.SIGKILL)
            await asyncio.to_thread(self.processes[number].wait)
            self.kills += 1
            self.processes[number] = self.start(self.ports[number])

    async def up(self) -> None:
        """Wait until every process answers: one that dies before has nothing to lose."""
        async with httpx.AsyncClient(timeout=1) as http:
            for port in self.ports:
                for _ in range(LOOKS):
                    try:
                        await http.get(f"http://127.0.0.1:{port}/health/live")
                        break
                    except httpx.HTTPError:
                        await asyncio.sleep(0.05)
                else:
                    raise AssertionError(f"nobody answers at port {port}")

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@dataclass
class Client:
    """One of those who ask, one thing after the other."""

    run: Run
    rng: random.Random
    number: int
    asked: int = 0

    async def live(self, end: float) -> None:
        patience = PATIENCE if self.number % 4 else 0.05
        headers = {"Authorization": f"Bearer {self.run.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=patience) as http:
            while time.monotonic() < end:
                await self.once(http)

    async def once(self, http: httpx.AsyncClient) -> None:
        self.asked += 1
        account = self.rng.choice(self.run.accounts)
        name = f"c{self.number}-{self.asked}"
        amount = self.rng.choice([50, 100, 400, 2_500])
        kind = "charge" if self.rng.random() < 0.2 else "hold"
        body = {"key": account.secret, "amount": amount, "request_id": name}
        told = await self.until_answered(http, kind, f"/v1/{kind}s", body, account, name, amount)
        if kind == "charge" or told is None or "hold" not in told:
            return
        hold = told["hold"]
        assert isinstance(hold, dict)
        path = f"/v1/holds/{hold['id']}"
        if self.rng.random() < 0.8:
            cost = self.rng.choice([0, amount // 4])
            await self.until_answered(
                http, "capture", f"{path}/capture", {"amount": cost}, account, name, cost
            )
        else:
            await self.until_answered(http, "release", f"{path}/release", {}, account, name, 0)

    async def until_answered(
        self,
        http: httpx.AsyncClient,
        kind: str,
        path: str,
        body: dict[str, object],
        account: Holder,
        name: str,
        amount: int,
    ) -> dict[str, object] | None:
        """Ask, now and then twice at once, and again where no answer came; at last let it be."""
        for _ in range(3):
            deliveries = 2 if self.rng.random() < 0.1 else 1
            answers = await asyncio.gather(
                *(self.deliver(http, kind, path, body, account, name, amount) for _ in range(deliveries))
            )
            told = next((each.told for each in answers if each.status in (200, 201, 402)), None)
            if told is not None:
                return told
            await asyncio.sleep(self.rng.uniform(0.05, 0.3))
        return None

    async def deliver(
        self,
        http: httpx.AsyncClient,
        kind: str,
        path: str,
        body: dict[str, object],
        account: Holder,
        name: str,
        amount: int,
    ) -> Seen:
        port = self.rng.choice(self.run.ports)
        started = time.monotonic()
        status, told = None, {}
        try:
            answer = await http.post(f"http://127.0.0.1:{port}{path}", json=body)
            told = answer.json()
            # 503 says itself that nobody knows.
            status = None if answer.status_code == 503 else answer.status_code
        except httpx.HTTPError:
            pass
        seen = Seen(kind, account.account_id, name, None, amount, started, time.monotonic(), status, told)
        self.run.seen.append(seen)
        return seen
