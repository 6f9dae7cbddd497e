"""The real service under the page: a local stack for all tests of a process, and what they may do to it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount

from entitlement.chain.deployment.order import DEV_DOLLAR
from entitlement.chain.devnet import development_account
from entitlement.chain.transactions import transact
from entitlement.cli.actor import Actor
from entitlement.cli.children import Child, ChildSpec
from entitlement.cli.genesis import CROWD, DEPLOYER
from entitlement.cli.service_client import ServiceClient
from entitlement.cli.stack import LocalStack, Ports
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, Wei
from entitlement.flows.read_account import AccountView
from tests.web.available import PATIENCE_SECONDS
from tests.web.node import Node

ETH = Wei(10 * WEI_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Person:
    """A wallet that nobody else uses."""

    account: LocalAccount
    actor: Actor

    @property
    def address(self) -> str:
        return self.account.address


class World:
    """A stack that runs. What tests do to it they do to wallets of their own, so that they can share it."""

    def __init__(self, stack: LocalStack, node: Node) -> None:
        self.stack, self.node = stack, node
        # Blocks come when something is sent or a test mines: none that a test did not mean.
        node.ask("evm_setAutomine", [True])

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.stack.api_url

    @property
    def origins(self) -> frozenset[str]:
        """What the page may speak to."""
        return frozenset({self.stack.api_url, self.stack.chain_url})

    # --- people ---------------------------------------------------------------------------------------

    def person(self, *, vvv: int = 0, diem: int = 0, usdc: int = 0, staked_diem: int = 0) -> Person:
        """Return a new wallet with ETH and so many whole tokens; `staked_diem` gives credit at once."""
        account = Account.create()
        made = Person(account, Actor(self.stack.contracts, account))
        self.stack.devnet.set_balance(made.actor.wallet, ETH)
        self._give(DEPLOYER, "VVV", made, vvv)
        self._give(CROWD, "DIEM", made, diem + staked_diem)
        if usdc:
            treasury = development_account(DEPLOYER)
            transact(self.stack.contracts, treasury, DEV_DOLLAR, "mint", made.address, usdc * USDC_PER_DOLLAR)
        if staked_diem:
            made.actor.stake_diem(Wei(staked_diem * WEI_PER_TOKEN))
        self.settle()
        return made

    def send(self, person: Person, contract: str, function: str, *arguments: object) -> str:
        """Call a contract as this person, without the page; return the transaction's hash."""
        receipt = transact(self.stack.contracts, person.account, contract, function, *arguments)
        return receipt["transactionHash"].to_0x_hex()

    def view(self, contract: str, function: str, *arguments: object) -> Any:  # noqa: ANN401 - as the ABI says
        return self.stack.contracts.view(contract, function, *arguments)

    def ledger(self, person: Person) -> AccountView:
        """Return what the service's books say of a wallet."""
        return self.stack.service.accounts.account(person.actor.wallet)

    def key(self, person: Person, description: str = "a key") -> str:
        """Make an API key without the page, and return its secret."""
        with ServiceClient.sign_in(self.url, person.account) as client:
            return str(client.post("/v1/keys", {"description": description})["secret"])

    def spend(self, secret: str, words: str = "Good morning", model: str = "echo") -> httpx.Response:
        """Ask the gateway for something, which costs credit."""
        return httpx.post(
            f"{self.stack.gateway_url}/api/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": words}]},
            headers={"Authorization": f"Bearer {secret}"},
            timeout=PATIENCE_SECONDS,
        )

    def paint(self, secret: str, images: int) -> httpx.Response:
        """Ask the gateway for some images."""
        return httpx.post(
            f"{self.stack.gateway_url}/api/v1/images/generations",
            json={"model": "echo-image", "prompt": "a cat asleep", "n": images},
            headers={"Authorization": f"Bearer {secret}"},
            timeout=PATIENCE_SECONDS,
        )

    def charge(self, secret: str, amount: int, requests: int = 1) -> None:
        """Take so many nano-dollars for each of some requests, as a gateway does that has served them."""
        token = self.stack.service.gateways.issue_token(f"of a test {uuid4()}")
        asked = {"key": secret, "amount": amount, "model": "m", "usage": {"input_tokens": 1, "status": 200}}
        with httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
        ) as gateway:
            for number in range(requests):
                body = asked | {"request_id": f"{uuid4()}-{number}"}
                gateway.post("/v1/charges", json=body).raise_for_status()

    def _give(self, giver: int, token: str, to: Person, amount: int) -> None:
        if amount:
            account = development_account(giver)
            transact(self.stack.contracts, account, token, "transfer", to.address, amount * WEI_PER_TOKEN)

    # --- blocks and time ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Make what is on the chain final, and wait until the service has seen it."""
        newest = self.stack.devnet.head()
        depth = self.stack.network.finality.depth
        if depth:
            self.stack.devnet.mine(depth)
        self.stack.wait_for_block(newest.number)

    def mine(self, blocks: int = 1) -> None:
        self.stack.devnet.mine(blocks)

    @contextmanager
    def blocks_held(self) -> Iterator[None]:
        """Let what is sent wait in the pool; inside, `mine` makes a block of it."""
        self.node.ask("evm_setAutomine", [False])
        try:
            yield
        finally:
            self.node.ask("evm_setAutomine", [True])
            self.mine()

    def drop(self, transaction: str) -> None:
        """Let the node forget a transaction that waits."""
        assert self.node.ask("anvil_dropTransaction", [transaction]), f"{transaction} did not wait"

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by as many empty ones: what stood in them is gone."""
        self.stack.devnet.reorg(depth)
        # Its clock runs on from before: the service must not be told that time went back.
        now = self.stack.service.clock.now()
        if self.stack.devnet.head().timestamp < now:
            self.stack.devnet.jump_to(now)

    def now(self) -> int:
        """Return the service's time."""
        return self.stack.service.clock.now()

    def jump(self, seconds: int) -> None:
        """Move chain and clock so many seconds on."""
        target = max(self.stack.devnet.head().timestamp, self.now()) + seconds
        self.stack.service.clock.jump_to(target)
        self.stack.devnet.jump_to(target)
        self.settle()

    def next_day(self) -> None:
        """Move to the beginning of the next epoch."""
        self.jump(SECONDS_PER_EPOCH - self.now() % SECONDS_PER_EPOCH)

    # --- the service's parts --------------------------------------------------------------------------

    def stop_api(self) -> None:
        """End the API's process, as a crash or a deployment does."""
        self._api().stop()

    def start_api(self) -> None:
        """Start it anew on the same port, and wait until it answers."""
        children = self.stack._children
        dead = self._api()
        assert dead.exit_code() is not None, "the API runs"
        child = Child(dead.spec)
        children[children.index(dead)] = child
        self.stack._ending.callback(child.stop)
        wait_until(lambda: is_ready(self.url), f"the API, whose log is {dead.spec.log}")

    @contextmanager
    def api_told(self, **environment: str) -> Iterator[None]:
        """Run the API with other settings."""
        before = self._api().spec
        self.stop_api()
        self._api().spec = replace(before, environment=before.environment | environment)
        self.start_api()
        try:
            yield
        finally:
            self.stop_api()
            self._api().spec = before
            self.start_api()

    @contextmanager
    def gateway_told(self, **environment: str) -> Iterator[None]:
        """Run the gateway with other settings."""
        children = self.stack._children
        place = next(at for at, child in enumerate(children) if child.spec.name == "gateway")
        before = children[place].spec
        try:
            self._replace(place, replace(before, environment=before.environment | environment))
            yield
        finally:
            self._replace(place, before)

    def _replace(self, place: int, spec: ChildSpec) -> None:
        children = self.stack._children
        children[place].stop()
        children[place] = Child(spec)
        self.stack._ending.callback(children[place].stop)
        url = f"{self.stack.gateway_url}/healthz"
        wait_until(lambda: answers(url), f"the gateway, whose log is {spec.log}")

    @contextmanager
    def api_away(self) -> Iterator[None]:
        """Do something while nobody answers at the page's own address."""
        self.stop_api()
        try:
            yield
        finally:
            self.start_api()

    def _api(self) -> Child:
        return next(child for child in self.stack._children if child.spec.name == "api")


def wait_until(question: Callable[[], object], what: str) -> None:
    """Ask until the answer is true; never by the page, whose requests wait meanwhile."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}"
        time.sleep(0.05)


def is_ready(url: str) -> bool:
    return answers(f"{url}/health/ready")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def world(network: str = "anvil") -> Iterator[World]:
    """Start a stack on ports that are free, in a folder that is gone afterwards."""
    # Not in pytest's own folder: the database runs as another user, which cannot pass through that.
    with tempfile.TemporaryDirectory(prefix="entitlement-web-") as folder:
        Path(folder).chmod(0o755)
        with LocalStack(Path(folder) / "stack", Ports.free(), network) as stack:
            stack.start(lambda _name: nullcontext())
            node = Node(stack.chain_url)
            try:
                yield World(stack, node)
            finally:
                node.close()
