"""How a transaction to the timelock leaves: signed and sent, or written to a file for another machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import RPCEndpoint, TxParams

from entitlement.chain import answers
from entitlement.chain.artifacts import Artifacts, load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.powers import holders
from entitlement.chain.deployment.record import Deployment, deployment_path, read_deployment
from entitlement.chain.networks import load_network
from entitlement.chain.rpc import HASHES_ONLY
from entitlement.chain.signers import Signer
from entitlement.chain.timelock.operation import Operation
from entitlement.chain.timelock.operation_file import OperationFile, write_file
from entitlement.chain.timelock.queue import read_queue
from entitlement.chain.transactions import deliver, prepare
from entitlement.cli.show import console, step
from entitlement.cli.signing import find_signer
from entitlement.core.blocks import Header
from entitlement.core.errors import SetupError, WrongChain

KEY_VARIABLE = "OPERATOR_PRIVATE_KEY"
ANYBODY = "0x0000000000000000000000000000000000000000"


@dataclass(frozen=True)
class Place:
    """A chain with our contracts on it."""

    url: str
    deployment: Deployment
    artifacts: Artifacts
    contracts: Contracts

    def head(self) -> Header:
        """Return the newest block."""
        asked = self.contracts.web3.provider.make_request
        answer = asked(RPCEndpoint("eth_getBlockByNumber"), ["latest", HASHES_ONLY])
        return answers.header(answer.get("result"))

    def queue(self) -> list[Operation]:
        """Return every operation there was, as the newest block has it."""
        return read_queue(self.contracts, self.deployment, self.head())


@dataclass(frozen=True)
class Signing:
    """How the transaction leaves: signed and sent, or written down."""

    keystore: Path | None
    password_file: Path | None
    remote: str | None
    sender: str | None
    prepare: Path | None
    dry_run: bool


def place_of(network: str, rpc_url: str | None, networks: Path, deployments: Path) -> Place:
    """Return the chain and what was deployed there; raises `WrongChain` for a node of another."""
    chain = load_network(network, networks)
    deployment = read_deployment(deployment_path(chain.chain_id, deployments))
    url = rpc_url or chain.rpc_url
    web3 = connect(url)
    found = web3.eth.chain_id
    if found != deployment.chain_id:
        raise WrongChain(expected=deployment.chain_id, found=found)
    artifacts = load_artifacts()
    return Place(url, deployment, artifacts, Contracts(web3, artifacts, deployment.addresses))


def leave(
    place: Place,
    signing: Signing,
    role: str,
    function: str,
    arguments: tuple[Any, ...],
    told: str,
    *,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Sign and send a transaction to the timelock, or write it down, by somebody who may send it.

    `before` is what has to be done before anything is signed or written, once it is clear that it can be.
    """
    if signing.dry_run:
        return
    signs = None if signing.prepare is not None else _signer(signing)
    sender = signs.address if signs is not None else signing.sender
    if sender is None:
        raise SetupError("Who sends it is not known.", remedy="With --prepare, name the account by --from.")
    allowed = holders(place.contracts, place.deployment, role)
    if to_checksum_address(sender) not in allowed and ANYBODY not in allowed:
        raise SetupError(
            f"{sender} is none of the timelock's {role}.",
            remedy=f"Sign as one of them: {', '.join(sorted(allowed))}.",
        )
    call: TxParams = {
        "to": to_checksum_address(place.contracts.address("Timelock")),
        "data": place.contracts.call_data("Timelock", function, *arguments),  # pyright: ignore[reportAssignmentType] - hex is a text
    }
    what = f"Timelock.{function}: {told}"
    transaction = prepare(place.contracts.web3, sender, call, what, place.contracts.reverts)
    before()
    if signs is None:
        assert signing.prepare is not None
        written = OperationFile.of(transaction, what)
        write_file(written, signing.prepare)
        console.print(written.explain(), soft_wrap=True, markup=False)
        console.print(
            f"written to {signing.prepare}; sign it by: entitlement admin sign {signing.prepare}",
            soft_wrap=True,
        )
        return
    signed = signs.sign_transaction(dict(transaction))
    deliver_signed(place, HexBytes(signed.raw_transaction), what)


def deliver_signed(place: Place, raw: HexBytes, what: str) -> None:
    """Send a signed transaction, wait until it is mined, and say where."""
    with step("sent, and mined"):
        receipt = deliver(place.contracts.web3, raw, what, place.contracts.reverts)
    console.print(
        f"{receipt['transactionHash'].to_0x_hex()} in block {receipt['blockNumber']}", soft_wrap=True
    )


def _signer(signing: Signing) -> Signer:
    signs = find_signer(
        KEY_VARIABLE,
        keystore=signing.keystore,
        password_file=signing.password_file,
        remote=signing.remote,
        address=signing.sender,
    )
    if signs is None:
        raise nobody_signs()
    return signs


def nobody_signs() -> SetupError:
    """Return the error for a transaction without a key."""
    return SetupError(
        f"Nobody signs: {KEY_VARIABLE} is not set.",
        remedy="Set it, or give --keystore or --signer; or --prepare a file, or look only by --dry-run.",
    )
