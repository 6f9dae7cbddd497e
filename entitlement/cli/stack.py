"""The local stack: every process of the service on one machine, in one folder, started and ended together.

    PostgreSQL · Anvil · contracts · jobs (follower, scheduler) · API · echo model · gateway

All state is in the folder, so that the next start goes on from it. Nothing outside the folder is touched.
"""

import json
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
from sqlalchemy import URL

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.devnet import Devnet, development_account
from entitlement.chain.networks import Network, load_network
from entitlement.chain.rpc import JsonRpc
from entitlement.chain.toolchain import PROJECT
from entitlement.cli.children import Child, ChildSpec, PostgresKeeper, last_words
from entitlement.cli.genesis import DEPLOYER, ensure_deployed
from entitlement.cli.publisher import KEY_VARIABLE as PUBLISHER_KEY
from entitlement.cli.publisher import development_publisher
from entitlement.cli.running import LOCK, lock_folder, write_running
from entitlement.core.errors import SetupError
from entitlement.settings import Settings, read_settings
from entitlement.wiring.database import open_database
from entitlement.wiring.service import Service, service_on, token_secret

HOST = "127.0.0.1"
READY_SECONDS = 60.0
POLL_SECONDS = 0.1
GATEWAY_NAME = "local"
PUBLISH_SECONDS = 2
"""Whoever jumps over a day's end waits for its root, and asking a node on this machine costs nothing."""
SETTING = {
    "DATABASE_URL": "database_url",
    "ENTITLEMENT_TOKEN_SECRET": "token_secret",
    "ENTITLEMENT_DATA_FOLDER": "data_folder",
    "ENTITLEMENT_PROOFS_FOLDER": "proofs_folder",
    "ENTITLEMENT_NETWORK": "network",
    "ENTITLEMENT_RPC_URL": "rpc_url",
    "ENTITLEMENT_NODE_WS_URL": "node_ws_url",
    "ENTITLEMENT_DEPLOYMENT": "deployment",
    "ENTITLEMENT_POLL_SECONDS": "poll_seconds",
    "ENTITLEMENT_WEB_GATEWAY_URL": "web_gateway_url",
    "ENTITLEMENT_OPERATORS": "operators",
}
"""Each variable that a child is given, and the setting it is."""
ADDRESS_RATES = ("ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE", "ENTITLEMENT_REFUSALS_PER_MINUTE")

Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each process listens."""

    chain: int = 8545
    api: int = 8500
    gateway: int = 8501
    echo: int = 8502

    @classmethod
    def free(cls) -> "Ports":
        """Return four ports that nobody listens on now."""
        sockets = [socket.socket() for _ in range(4)]
        for each in sockets:
            each.bind((HOST, 0))
        chosen = [each.getsockname()[1] for each in sockets]
        for each in sockets:
            each.close()
        return cls(*chosen)

    def check_free(self) -> None:
        """Raise SetupError naming the first port that is taken."""
        named = {"--chain-port": self.chain, "--api-port": self.api}
        named |= {"--gateway-port": self.gateway, "--echo-port": self.echo}
        for option, port in named.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise SetupError(
                        f"Port {port} is in use.",
                        remedy=f"End what listens there, or choose another: {option}.",
                    ) from error


class LocalStack:
    """The stack in one folder. Use it in a `with`; leaving it ends everything that was started."""

    def __init__(self, folder: Path, ports: Ports, network: str = "anvil") -> None:
        self.folder = folder.resolve()
        self.ports = ports
        self.network: Network = load_network(network)
        self.is_new = False
        self._ending = ExitStack()
        self._children: list[Child] = []
        self._anvil: AnvilProcess | None = None
        self.deployment: Deployment
        self.contracts: Contracts
        self.service: Service
        self.devnet: Devnet

    @property
    def chain_url(self) -> str:
        """The node."""
        return f"http://{HOST}:{self.ports.chain}"

    @property
    def api_url(self) -> str:
        """The credit service."""
        return f"http://{HOST}:{self.ports.api}"

    @property
    def gateway_url(self) -> str:
        """The OpenAI-compatible gateway."""
        return f"http://{HOST}:{self.ports.gateway}"

    def __enter__(self) -> Self:
        """Return the stack itself; call `start` inside."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything, newest first."""
        self.stop()

    def start(self, step: Step) -> None:
        """Start everything; each part is told to `step`. Raises SetupError with what to mend."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ending.enter_context(lock_folder(self.folder))
        self.ports.check_free()
        with step("PostgreSQL"):
            keeper = PostgresKeeper(self.folder / "postgres")
            self._ending.callback(keeper.stop)
            made = self._ending.enter_context(open_database(self._settings()))
            keeper.start()
        with step("contracts compiled"):
            artifacts = load_artifacts()
        with step("Anvil"):
            self._start_chain()
        with step("contracts deployed, and a supply of DIEM as on Base"):
            self.deployment, self.contracts, self.is_new = ensure_deployed(
                self.chain_url, self.network, artifacts, self._deployment_path
            )
        self.service = service_on(self._settings(), made)
        self._agree_on_time()
        environment = self._environment(made.url)
        with step("follower, API, gateway"):
            self._start_children(environment)
            self._wait_until_ready()
        running = write_running(self.folder, {SETTING[name]: value for name, value in environment.items()})
        self._ending.callback(running.unlink, missing_ok=True)

    def stop(self) -> None:
        """End what was started, newest first; what fails to end does not keep the rest from ending."""
        self._ending.close()

    def check_alive(self, when: str) -> None:
        """Raise SetupError with the last words of a process that ended by itself, if one did."""
        ended = [child.spec.name for child in self._children if child.exit_code() is not None]
        if self._anvil is not None and not self._anvil.is_running:
            ended.append("anvil")
        if ended:
            log = self._log(ended[0])
            raise SetupError(f"{ended[0]} ended {when}:\n{last_words(log)}", remedy=f"Its log is {log}.")

    def jump_to(self, timestamp: int) -> None:
        """Move chain and clock to a later Unix time, and wait until the follower is there."""
        self.service.clock.jump_to(timestamp)
        block = self.devnet.jump_to(timestamp)
        self.wait_for_block(block.number)

    def wait_for_block(self, number: int) -> None:
        """Wait until the follower has folded a block. Raises SetupError when it does not come."""
        wait_until_followed(self.service, number, folder=self.folder)

    # --- the parts, in order ----------------------------------------------------------------------------

    @property
    def _deployment_path(self) -> Path:
        return self.folder / "deployment.json"

    def _log(self, name: str) -> Path:
        return _log(self.folder, name)

    def _settings(self) -> Settings:
        settings = read_settings(
            data_folder=self.folder,
            # A public file is called by its day: beside a service's own it would take the place of one.
            proofs_folder=self.folder / "proofs",
            network=self.network.name,
            rpc_url=self.chain_url,
            deployment=self._deployment_path,
            api_port=self.ports.api,
        )
        # A database that the environment names is somebody's own; this stack has one in its folder.
        return settings.model_copy(update={"database_url": None})

    def _environment(self, database: URL) -> dict[str, str]:
        settings = self._settings()
        # Who deployed holds every power of a new stack.
        operators = {development_account(DEPLOYER).address, *settings.operators}
        return {
            "DATABASE_URL": database.set(drivername="postgresql").render_as_string(hide_password=False),
            "ENTITLEMENT_TOKEN_SECRET": token_secret(settings).get_secret_value(),
            "ENTITLEMENT_DATA_FOLDER": str(self.folder),
            "ENTITLEMENT_PROOFS_FOLDER": str(settings.proofs_folder),
            "ENTITLEMENT_NETWORK": self.network.name,
            "ENTITLEMENT_RPC_URL": self.chain_url,
            "ENTITLEMENT_NODE_WS_URL": f"ws://{HOST}:{self.ports.chain}",
            "ENTITLEMENT_DEPLOYMENT": str(self._deployment_path),
            "ENTITLEMENT_POLL_SECONDS": "0.25",
            "ENTITLEMENT_WEB_GATEWAY_URL": self.gateway_url,
            "ENTITLEMENT_OPERATORS": ",".join(sorted(operators)),
        }

    def _publishing(self) -> dict[str, str]:
        """Return what lets the jobs alone publish roots.

        In the environment, since everybody on the machine sees command lines. The key is one that is known
        to all the world, and the network is a development network: `Devnet` has refused any other.
        """
        account = development_publisher(self.contracts)
        return {
            # Whoever is named around us publishes on another chain, and two sources of a key are refused.
            "ENTITLEMENT_PUBLISHER_KEYSTORE": "",
            "ENTITLEMENT_PUBLISHER_SIGNER_URL": "",
            PUBLISHER_KEY: "" if account is None else f"0x{bytes(account.key).hex()}",
            "ENTITLEMENT_PUBLISH_SECONDS": str(PUBLISH_SECONDS),
        }

    def _start_chain(self) -> None:
        state = self.folder / "chain.json"
        if not self._deployment_path.exists():
            # What a genesis left that was interrupted: nobody knows how far it came.
            state.unlink(missing_ok=True)
        elif not state.exists():
            raise SetupError(
                f"{self._deployment_path} is there, but the chain's state {state} is not.",
                remedy="Begin anew with --fresh.",
            )
        self._anvil = AnvilProcess(
            AnvilSettings(
                port=self.ports.chain,
                state=state,
                block_seconds=self.network.block_seconds,
                log=self._log("anvil"),
            )
        )
        self._ending.enter_context(self._anvil)
        self.devnet = Devnet(self._ending.enter_context(JsonRpc(self.chain_url)), self.network)

    def _agree_on_time(self) -> None:
        """Bring the later of chain and clock to the other: both stood still while nothing ran."""
        chain = self.devnet.head().timestamp
        now = self.service.clock.now()
        if chain > now:
            self.service.clock.jump_to(chain)
        else:
            self.devnet.jump_to(now)

    def _start_children(self, environment: dict[str, str]) -> None:
        # Without limits by address: everybody on this machine comes from one.
        token = self.service.gateways.issue_token(GATEWAY_NAME)
        upstreams = {"echo": {"url": f"http://{HOST}:{self.ports.echo}/v1"}}
        gateway = {
            "ENTITLEMENT_GATEWAY_SERVICE_URL": self.api_url,
            "ENTITLEMENT_GATEWAY_SERVICE_TOKEN": token,
            "ENTITLEMENT_GATEWAY_UPSTREAMS": json.dumps(upstreams),
            "ENTITLEMENT_GATEWAY_PRICE_LIST": str(PROJECT / "models.toml"),
            "ENTITLEMENT_GATEWAY_REFUSALS_PER_MINUTE": "0",
        }
        self._start_child("jobs", ("jobs",), environment | self._publishing())
        unhindered = dict.fromkeys(ADDRESS_RATES, "0")
        self._start_child("api", ("serve", "--port", str(self.ports.api)), environment | unhindered)
        self._start_child("echo", ("echo", "--port", str(self.ports.echo)), {})
        self._start_child("gateway", ("gateway", "--port", str(self.ports.gateway)), gateway)

    def _start_child(self, name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        child = Child(ChildSpec(name, arguments, environment, self._log(name)))
        self._children.append(child)
        self._ending.callback(child.stop)

    def _wait_until_ready(self) -> None:
        waiting = {"API": f"{self.api_url}/health/ready", "gateway": f"{self.gateway_url}/healthz"}
        deadline = time.monotonic() + READY_SECONDS
        while waiting:
            self.check_alive("while it started")
            waiting = {name: url for name, url in waiting.items() if not _answers(url)}
            if waiting and time.monotonic() > deadline:
                raise SetupError(
                    f"{' and '.join(waiting)} did not become ready in {READY_SECONDS:g} s.",
                    remedy=f"See the logs in {self.folder / 'logs'}.",
                )
            time.sleep(POLL_SECONDS)


def wait_until_followed(service: Service, number: int, *, folder: Path) -> None:
    """Wait until the follower of a stack has folded a block. Raises SetupError when it does not come."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        health = service.accounts.health()
        if health is not None and health.final_number >= number:
            return
        time.sleep(POLL_SECONDS)
    raise SetupError(
        f"The follower did not reach block {number} in {READY_SECONDS:g} s.",
        remedy=f"See {_log(folder, 'jobs')}.",
    )


def throw_away(folder: Path) -> None:
    """Delete a stack's stored state; not one that is in use, and nothing that is not a stack's."""
    if not folder.exists():
        return
    if not (folder / LOCK).exists():
        raise SetupError(
            f"{folder} is not the folder of a local stack.", remedy="Delete it by hand if you mean it."
        )
    with lock_folder(folder):
        shutil.rmtree(folder)


def _log(folder: Path, name: str) -> Path:
    return folder / "logs" / f"{name}.log"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.HTTPError:
        return False
