"""Other indexers on the work of bench_follow.py: each a project of its own beside this file, with its lock.

Each stores every event of StakedVVV and InferenceStake that our follower follows as a row, and keeps one row
for each wallet: what it has staked of VVV, what of DIEM, and by how many events (followed.mjs). Nothing else
of our follower's work is asked of them. `overrides` in a package.json stand where the version that a package
asks for is not in every registry.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.errors import UndefinedTable
from sqlalchemy import URL

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.decode import FOLLOWED
from entitlement.chain.deployment.record import Deployment

FOLDER = Path(__file__).parent
CONTRACTS = ("StakedVVV", "InferenceStake")
DEADLINE_SECONDS = 600.0
LOOK_SECONDS = 0.2
"""Between two looks at what is stored: often enough for seconds, and too seldom to cost them."""
LAST_LINES = 12
KINDS = [kind.__name__ for (contract, _), (kind, _) in FOLLOWED.items() if contract in CONTRACTS]
OURS = """
SELECT (SELECT count(*) FROM events WHERE kind = ANY(%s)), sum(vvv_unlocked + vvv_locked), sum(diem_staked)
FROM (SELECT DISTINCT ON (wallet) * FROM positions ORDER BY wallet, pending DESC) AS newest
"""


@dataclass(frozen=True, slots=True, order=True)
class Stored:
    """What a follower has stored of a chain."""

    events: int
    vvv: int
    """Wei that all positions together have staked."""
    diem: int
    """Likewise of DIEM."""

    def __str__(self) -> str:
        """Return the figures in words."""
        return f"{self.events:,} events, {self.vvv} wei of VVV and {self.diem} wei of DIEM staked"


@dataclass(frozen=True, slots=True)
class History:
    """What is to be stored, and of which node."""

    node: str
    blocks: int
    deployment: Deployment
    contracts: Contracts
    stored: Stored
    """What ours has made of it."""
    folder: Path
    """Where the peers may put files."""


@dataclass(frozen=True, slots=True, order=True)
class Followed:
    """How a peer did."""

    seconds: float
    """From the start of its process until all was stored."""
    memory: int
    """The most MB at once that its processes had resident, pages they share counted for each."""


class PeerFailed(Exception):
    """A peer did not store what ours did."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An indexer, and the project that has it do our work."""

    folder: str
    package: str
    title: str
    command: str
    """With `{port}` for one that is free."""
    stored: LiteralString
    """SQL for the fields of `Stored`."""
    preparation: str | None = None
    """What has to be done once for each chain and is not measured."""

    @property
    def path(self) -> Path:
        """The project."""
        return FOLDER / self.folder

    @property
    def name(self) -> str:
        """The title with the version that the project pins."""
        project = json.loads((self.path / "package.json").read_text())
        return f"{self.title} {project['dependencies'][self.package]}"

    @property
    def is_installed(self) -> bool:
        """Whether its packages are there."""
        return (self.path / "node_modules" / self.package).is_dir()

    @property
    def installation(self) -> str:
        """The command that brings them, as the lock names them.

        Not `npm ci`: it insists on the binaries of every platform, and registries differ in which they carry.
        """
        return f"npm install --no-save --ignore-scripts --prefix {self.path.relative_to(FOLDER.parents[1])}"


PEERS = (
    Peer(
        folder="ponder",
        package="ponder",
        title="Ponder",
        command="ponder start --schema peer --log-level warn --port {port}",
        stored="SELECT (SELECT count(*) FROM peer.event), sum(vvv), sum(diem) FROM peer.position",
    ),
    Peer(
        folder="envio",
        package="envio",
        title="Envio HyperIndex",
        command="envio start",
        stored='SELECT (SELECT count(*) FROM "Event"), sum(vvv), sum(diem) FROM "Position"',
        # It writes the node's address into the code that it generates.
        preparation="envio codegen",
    ),
    Peer(
        folder="sqd",
        package="@subsquid/evm-processor",
        title="SQD evm-processor",
        command="node lib/main.js",
        stored="SELECT (SELECT count(*) FROM event), sum(vvv), sum(diem) FROM position",
    ),
)


def stored_by_ours(database: URL) -> Stored:
    """Return what our follower has made of the events that the peers store too."""
    with _connect(database) as connection:
        events, vvv, diem = _row(connection, OURS, KINDS)
    return Stored(int(events), int(vvv), int(diem))


def run_peer(peer: Peer, history: History, database: URL) -> Followed:
    """Run a peer on an empty database until it has stored what ours has, and stop it.

    Raises `PeerFailed` with both's figures when it ends before, or has not done so within `DEADLINE_SECONDS`.
    """
    port = _free_port()
    environment = _environment(peer, history, database, port)
    log = history.folder / f"{peer.folder}.log"
    if peer.preparation:
        _prepare(peer.preparation, peer.path, environment, log)
    began = time.perf_counter()
    with (
        _running(peer.command.format(port=port).split(), peer.path, environment, log) as process,
        _connect(database) as connection,
    ):
        memory, found = 0, Stored(0, 0, 0)
        while found != history.stored:
            if process.poll() is not None:
                raise PeerFailed(f"ended with {found}, ours has {history.stored}: {_last_lines(log)}")
            if time.perf_counter() - began > DEADLINE_SECONDS:
                raise PeerFailed(f"{found} after {DEADLINE_SECONDS:.0f} s, ours has {history.stored}")
            time.sleep(LOOK_SECONDS)
            memory = max(memory, _resident(process.pid))
            found = _stored(connection, peer)
        return Followed(time.perf_counter() - began, memory)


def _prepare(command: str, folder: Path, environment: dict[str, str], log: Path) -> None:
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603  our own arguments
            command.split(), cwd=folder, env=environment, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        raise PeerFailed(f"`{command}` failed: {_last_lines(log)}")


@contextmanager
def _running(
    command: list[str], folder: Path, environment: dict[str, str], log: Path
) -> Generator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        # In a group of its own: its children have to end with it.
        process = subprocess.Popen(  # noqa: S603  our own arguments
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        # The first may have ended and left others behind.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(peer: Peer, history: History, database: URL, port: int) -> dict[str, str]:
    followed = history.folder / "followed.json"
    followed.write_text(json.dumps(_followed(history)))
    place = _place(database)
    bins = [str(peer.path / "bin"), str(peer.path / "node_modules" / ".bin"), os.environ["PATH"]]
    return {
        **os.environ,
        "PATH": os.pathsep.join(bins),
        "PEER_FOLLOWED": str(followed),
        # Ponder
        "PGHOST": place["host"],
        "PGUSER": place["user"],
        "PGDATABASE": place["dbname"],
        "PONDER_TELEMETRY_DISABLED": "true",
        # Envio, which takes the node and the contracts from here too
        "PEER_NODE": history.node,
        "PEER_FIRST_BLOCK": str(history.deployment.start_block),
        "PEER_STAKED_VVV": history.contracts.address("StakedVVV"),
        "PEER_INFERENCE_STAKE": history.contracts.address("InferenceStake"),
        "ENVIO_PG_HOST": place["host"],
        "ENVIO_PG_PORT": "5432",
        "ENVIO_PG_USER": place["user"],
        "ENVIO_PG_DATABASE": place["dbname"],
        "ENVIO_HASURA": "false",
        "ENVIO_INDEXER_PORT": str(port),
        "TUI_OFF": "true",
        "LOG_LEVEL": "warn",
        # SQD
        "DB_HOST": place["host"],
        "DB_USER": place["user"],
        "DB_NAME": place["dbname"],
        "SQD_LOG_LEVEL": "WARN",
    }


def _followed(history: History) -> dict[str, Any]:
    artifacts = load_artifacts()
    contracts = {
        name: {
            "address": history.contracts.address(name),
            "abi": [
                each
                for each in artifacts[name].abi
                if each["type"] == "event" and (name, each["name"]) in FOLLOWED
            ],
        }
        for name in CONTRACTS
    }
    return {
        "url": history.node,
        "blocks": history.blocks,
        "chainId": history.deployment.chain_id,
        "firstBlock": history.deployment.start_block,
        "contracts": contracts,
    }


def _stored(connection: "psycopg.Connection[Any]", peer: Peer) -> Stored:
    try:
        row = _row(connection, peer.stored)
    except UndefinedTable:
        return Stored(0, 0, 0)
    return Stored(*(int(each or 0) for each in row))


def _row(connection: "psycopg.Connection[Any]", query: LiteralString, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None, "an aggregate has a row"
    return row


def _resident(process: int) -> int:
    """Return how many MB a process and its children have resident."""
    resident = 0
    try:
        first = psutil.Process(process)
        for each in [first, *first.children(recursive=True)]:
            resident += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return resident // 2**20


def _connect(database: URL) -> "psycopg.Connection[Any]":
    return psycopg.connect(make_conninfo(**_place(database)), autocommit=True)


def _place(database: URL) -> dict[str, str]:
    """Return where a database of the embedded server is: the folder of its socket, the user, the name."""
    assert database.username, "the embedded server has a user"
    assert database.database, "a database has a name"
    return {"host": str(database.query["host"]), "user": database.username, "dbname": database.database}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:])
