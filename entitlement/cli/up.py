"""`entitlement up`: the whole service on this machine, until Ctrl-C."""

import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from entitlement.chain.devnet import development_account
from entitlement.cli.actor import Actor
from entitlement.cli.children import interrupt
from entitlement.cli.genesis import DEPLOYER, PEOPLE
from entitlement.cli.running import write_private
from entitlement.cli.service_client import ServiceClient
from entitlement.cli.show import console, dollars, step, tokens
from entitlement.cli.stack import LocalStack, Ports, throw_away
from entitlement.core.units import WEI_PER_TOKEN, Wei

DEFAULTS = Ports()
WATCH_SECONDS = 0.5
TABLE_WIDTH = 110
"""Also in a narrower terminal: an address that is cut is of no use."""

ALICE_STAKE = Wei(5_000 * WEI_PER_TOKEN)
ALICE_DIEM = Wei(3 * WEI_PER_TOKEN)


def up(
    folder: Annotated[Path, typer.Option(help="Where all state is kept.")] = Path(".entitlement"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Throw the stored state away and begin anew.")
    ] = False,
    chain_port: Annotated[int, typer.Option(help="Port of Anvil.")] = DEFAULTS.chain,
    api_port: Annotated[int, typer.Option(help="Port of the API.")] = DEFAULTS.api,
    gateway_port: Annotated[int, typer.Option(help="Port of the gateway.")] = DEFAULTS.gateway,
    echo_port: Annotated[int, typer.Option(help="Port of the echo model.")] = DEFAULTS.echo,
) -> None:
    """Start the [bold]local stack[/]: database, chain, contracts, follower, API and gateway.

    Ctrl-C ends everything it started. Starting it again goes on from the stored state.
    """
    # Also Ctrl-C: whoever is started in the background of a shell inherits it as ignored.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    if fresh:
        throw_away(folder)
    try:
        with LocalStack(folder, Ports(chain_port, api_port, gateway_port, echo_port)) as stack:
            stack.start(step)
            secret = _key_of_alice(stack)
            _tell(stack, secret)
            _watch(stack)
    except KeyboardInterrupt:
        console.print("\nstopped; `entitlement up` goes on from here")


def _watch(stack: LocalStack) -> None:
    """Wait for Ctrl-C; a part that ends by itself ends the whole, with its last words."""
    while True:
        stack.check_alive("by itself")
        time.sleep(WATCH_SECONDS)


def _key_of_alice(stack: LocalStack) -> str:
    """Return the secret of a key that has credit; on the first start alice stakes and makes it."""
    kept = stack.folder / "alice-key"
    if kept.exists():
        return kept.read_text()
    account = development_account(PEOPLE["alice"])
    alice = Actor(stack.contracts, account)
    with step("alice stakes VVV, mints 3 DIEM and stakes them"):
        before = alice.view(stack.devnet.head())
        if before.diem_staked < ALICE_DIEM:
            alice.stake_vvv(ALICE_STAKE)
            alice.mint_diem(ALICE_DIEM, ALICE_STAKE)
            alice.stake_diem(ALICE_DIEM)
        stack.wait_for_block(stack.devnet.head().number)
        with ServiceClient.sign_in(stack.api_url, account) as client:
            secret = str(client.post("/v1/keys", {"description": "alice's first key"})["secret"])
    write_private(kept, secret)
    return secret


def _tell(stack: LocalStack, secret: str) -> None:
    where = Table(title="where things are", title_justify="left", show_header=False, box=None)
    where.add_row("dashboard", stack.api_url)
    where.add_row("API", f"{stack.api_url}  (its reference: {stack.api_url}/docs)")
    where.add_row("public figures", f"{stack.api_url}/public")
    operator = development_account(DEPLOYER).address
    where.add_row("operator's view", f"{stack.api_url}/v1/admin  (for a session of {operator})")
    where.add_row("gateway", f"{stack.gateway_url}/api/v1  (OpenAI-compatible)")
    where.add_row("chain", f"{stack.chain_url}  (chain id {stack.network.chain_id})")
    where.add_row("state, logs", str(stack.folder))
    for name, address in stack.deployment.addresses.items():
        where.add_row(name, address)

    head = stack.devnet.head()
    people = Table(
        "wallet", "address", "VVV", "VVV staked", "DIEM staked", "credit a day",
        title="funded wallets (development keys: --dev-account)", title_justify="left", box=None,
    )  # fmt: skip
    for name, number in PEOPLE.items():
        actor = Actor(stack.contracts, development_account(number))
        view = actor.view(head)
        people.add_row(
            f"{name} ({number})",
            actor.account.address,
            tokens(view.vvv_balance, 2),
            tokens(view.vvv_unlocked + view.vvv_locked, 2),
            tokens(view.diem_staked, 2),
            dollars(stack.service.accounts.account(actor.wallet).allowance_now),
        )
    console.print()
    console.print(where, width=TABLE_WIDTH, crop=False)
    console.print()
    console.print(people, width=TABLE_WIDTH, crop=False)
    console.print("\n[bold]try next[/] (in another terminal)\n")
    console.print(_to_try(stack, secret), markup=False, soft_wrap=True)
    console.print("\nCtrl-C ends everything.")


def _to_try(stack: LocalStack, secret: str) -> str:
    alice = development_account(PEOPLE["alice"]).address
    body = '{"model": "echo", "messages": [{"role": "user", "content": "Good morning"}]}'
    dev = f"--dev-account {PEOPLE['bob']}"
    return f"""\
# alice spends her daily credit
curl -s {stack.gateway_url}/api/v1/chat/completions \\
  -H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json' \\
  -d '{body}'

# what she has, what it gives her, what she has spent
curl -s {stack.api_url}/v1/accounts/{alice} -H 'Authorization: Bearer {secret}'

# models and their prices: an image model and one for embeddings too
curl -s '{stack.gateway_url}/api/v1/models?type=all'

# bob signs in and makes a key of his own (it has no credit until he stakes DIEM)
.venv/bin/entitlement keys create --url {stack.api_url} {dev} "my key"

# tomorrow, now; with --settled an hour later, when the root of the day that ended is on the chain
.venv/bin/entitlement clock jump --folder {stack.folder}"""
