"""`entitlement admin`: what may ever change, proposed, tried, signed and executed through the timelock.

propose --9 days--> execute            each is tried on a copy of the chain, and its effect shown, before
'----cancel                         anything is signed
'--prepare FILE--> sign FILE --> send FILE      where the key is on a machine without a network
"""

from pathlib import Path
from typing import Annotated

import typer
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from entitlement.chain.deployment.record import DEPLOYMENTS
from entitlement.chain.networks import NETWORKS
from entitlement.chain.timelock.operation import NO_PREDECESSOR, Operation, State
from entitlement.chain.timelock.operation_file import read_file, write_file
from entitlement.chain.timelock.proposal import is_reason_of
from entitlement.chain.timelock.queue import find, read_queue
from entitlement.chain.timelock.rehearsal import AFTER, Rehearsal, rehearse
from entitlement.cli.acts import By, because
from entitlement.cli.proposals import KINDS
from entitlement.cli.proposals import propose as proposal_of
from entitlement.cli.reasons import keep_reason, known_reasons
from entitlement.cli.show import console, moment, tokens
from entitlement.cli.signing import Keystore, PasswordFile, RemoteUrl, find_signer
from entitlement.cli.timelock_sending import (
    KEY_VARIABLE,
    Place,
    Signing,
    deliver_signed,
    leave,
    nobody_signs,
    place_of,
)
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.errors import InvalidRequest, SetupError, WrongChain

_WEI = " (wei)"

admin = typer.Typer(
    help="Propose, try, sign and execute what the [bold]timelock[/] may do.", no_args_is_help=True
)

NetworkName = Annotated[str, typer.Option(help="A file in networks/, without its ending.")]
RpcUrl = Annotated[str | None, typer.Option(envvar="RPC_URL", help="The node. [default: the network's]")]
NetworksFolder = Annotated[Path, typer.Option(help="Folder of the networks' files.")]
DeploymentsFolder = Annotated[Path, typer.Option(help="Folder that the deployment is kept in.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and stop.")]
Sender = Annotated[
    str | None, typer.Option("--from", help="Who sends it: for --prepare, --dry-run and a remote signer.")
]
Prepare = Annotated[
    Path | None,
    typer.Option("--prepare", help="Write the unsigned transaction to this file instead of sending it."),
]
OperationName = Annotated[
    str, typer.Argument(help="The operation's name, or how it begins.", metavar="OPERATION")
]


@admin.command("queue")
def queue(
    network: NetworkName,
    rpc_url: RpcUrl = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
    ended: Annotated[bool, typer.Option("--ended", help="Show also what was done or cancelled.")] = False,
) -> None:
    """Show what waits in the timelock, what it says, and from when it may be executed."""
    place = place_of(network, rpc_url, networks, deployments)
    head = place.head()
    operations = read_queue(place.contracts, place.deployment, head)
    known = known_reasons()
    shown = [each for each in operations if ended or each.state in (State.WAITING, State.READY)]
    for each in shown:
        console.print(f"0x{each.id.hex()}  [bold]{each.state}[/]", soft_wrap=True)
        for call in each.calls:
            console.print(f"  {place.contracts.describe_call(call.to, call.data)}", soft_wrap=True)
        why = known.get(f"0x{each.id.hex()}")
        if why is not None and is_reason_of(each.id, each.calls, why.reason):
            console.print(f"  because: {why.reason} ({why.made_by})", soft_wrap=True, markup=False)
        console.print(
            f"  executable from {moment(each.ready_at)}; scheduled in {each.scheduled_in}", soft_wrap=True
        )
        if each.ended_in is not None:
            console.print(f"  {each.state} in {each.ended_in}", soft_wrap=True)
    console.print(f"{len(shown)} of {len(operations)} operations, at block {head.number}")


@admin.command("propose", epilog="; ".join(f"{name}: {kind.usage}" for name, kind in KINDS.items()))
def propose(
    what: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.", metavar="WHAT")],
    network: NetworkName,
    reason: Annotated[
        str, typer.Option(help="Why; its keccak is the salt on the chain, and the words are kept as an act.")
    ],
    values: Annotated[list[str] | None, typer.Argument(help="As listed below.", metavar="VALUES")] = None,
    rpc_url: RpcUrl = None,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    sender: Sender = None,
    prepare_file: Prepare = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
    by: By = "",
    dry_run: DryRun = False,
) -> None:
    """Schedule a change: it can be executed after the delay, and everybody can see it until then.

    The key is read from OPERATOR_PRIVATE_KEY, from a keystore, or stays with a remote signer.
    """
    because(reason.strip(), by).check()
    place = place_of(network, rpc_url, networks, deployments)
    proposal = proposal_of(place.contracts, what, values or [], reason)
    known = [each for each in place.queue() if each.id == proposal.id and each.state is not State.CANCELLED]
    if known:
        raise InvalidRequest(
            f"this was proposed for the same reason and is {known[0].state}: say in the reason what is new"
        )
    call = proposal.call
    told = place.contracts.describe_call(call.to, call.data)
    console.print(
        f"operation 0x{proposal.id.hex()}\n  {told}\n  because: {proposal.reason}",
        soft_wrap=True,
        markup=False,
    )
    _show(rehearse(place.url, place.deployment, place.artifacts, proposal))
    delay = place.contracts.view("Timelock", "getMinDelay")
    arguments = (call.to, call.value, call.data, NO_PREDECESSOR, proposal.salt, delay)
    signing = Signing(keystore, password_file, signer, sender, prepare_file, dry_run)
    leave(
        place,
        signing,
        "proposers",
        "schedule",
        arguments,
        told,
        before=lambda: keep_reason(proposal.id, proposal.reason, by),
    )


@admin.command("execute")
def execute(
    operation: OperationName,
    network: NetworkName,
    rpc_url: RpcUrl = None,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    sender: Sender = None,
    prepare_file: Prepare = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
    dry_run: DryRun = False,
) -> None:
    """Execute an operation whose delay is over; with --dry-run, show what one that still waits would do."""
    place = place_of(network, rpc_url, networks, deployments)
    found = find(place.queue(), operation)
    told = _told(place, found)
    console.print(f"operation 0x{found.id.hex()}, {found.state}\n  {told}", soft_wrap=True, markup=False)
    _show(rehearse(place.url, place.deployment, place.artifacts, found))
    if found.state is not State.READY and not dry_run:
        raise InvalidRequest(f"it may be executed from {moment(found.ready_at)} on")
    function, arguments = found.execution()
    signing = Signing(keystore, password_file, signer, sender, prepare_file, dry_run)
    leave(place, signing, "executors", function, arguments, told)


@admin.command("cancel")
def cancel(
    operation: OperationName,
    network: NetworkName,
    rpc_url: RpcUrl = None,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    sender: Sender = None,
    prepare_file: Prepare = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
    dry_run: DryRun = False,
) -> None:
    """Take an operation back that was not executed yet."""
    place = place_of(network, rpc_url, networks, deployments)
    found = find(place.queue(), operation)
    if found.state not in (State.WAITING, State.READY):
        raise InvalidRequest(f"0x{found.id.hex()} is {found.state}: there is nothing to cancel")
    told = _told(place, found)
    console.print(f"cancels 0x{found.id.hex()}, {found.state}\n  {told}", soft_wrap=True, markup=False)
    signing = Signing(keystore, password_file, signer, sender, prepare_file, dry_run)
    leave(place, signing, "cancellers", "cancel", (found.id,), told)


@admin.command("reason")
def keep(
    operation: OperationName,
    network: NetworkName,
    reason: Annotated[str, typer.Option(help="The words with which it was proposed, letter by letter.")],
    rpc_url: RpcUrl = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
    by: By = "",
) -> None:
    """Keep why an operation was proposed, where that was done on another machine; other words are refused."""
    found = find(place_of(network, rpc_url, networks, deployments).queue(), operation)
    if not is_reason_of(found.id, found.calls, reason.strip()):
        raise InvalidRequest(
            f"0x{found.id.hex()} was proposed with another reason: the keccak of this one is "
            f"0x{keccak(text=reason.strip()).hex()}, and its salt is 0x{found.salt.hex()}"
        )
    keep_reason(found.id, reason.strip(), by)


@admin.command("sign")
def sign(
    file: Annotated[Path, typer.Argument(help="What --prepare wrote.")],
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
) -> None:
    """Sign a prepared transaction; nothing is asked of any node, so the machine needs no network."""
    prepared = read_file(file)
    console.print(prepared.explain(), soft_wrap=True, markup=False)
    signs = find_signer(
        KEY_VARIABLE,
        keystore=keystore,
        password_file=password_file,
        remote=signer,
        address=prepared.sender,
    )
    if signs is None:
        raise nobody_signs()
    signed = signs.sign_transaction(prepared.fields())
    write_file(prepared.signed_as(signed.raw_transaction), file)
    console.print(f"signed by {signs.address}; send it by: entitlement admin send {file}", soft_wrap=True)


@admin.command("send")
def send(
    file: Annotated[Path, typer.Argument(help="What `sign` has signed.")],
    network: NetworkName,
    rpc_url: RpcUrl = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
) -> None:
    """Send a signed transaction and wait until it is mined; sent twice, it is the same one."""
    place = place_of(network, rpc_url, networks, deployments)
    prepared = read_file(file)
    if prepared.chain_id != place.deployment.chain_id:
        raise WrongChain(expected=prepared.chain_id, found=place.deployment.chain_id)
    if prepared.signed is None:
        raise SetupError(f"{file} is not signed.", remedy=f"entitlement admin sign {file}")
    deliver_signed(place, HexBytes(prepared.signed), prepared.what)


def _told(place: Place, operation: Operation) -> str:
    return "; ".join(place.contracts.describe_call(call.to, call.data) for call in operation.calls)


def _show(rehearsal: Rehearsal) -> None:
    console.print(f"tried on a copy of the chain, executed at {moment(rehearsal.executed_at)}:")
    days = AFTER // SECONDS_PER_EPOCH
    columns = {
        "now": rehearsal.now,
        "then, without it": rehearsal.without,
        "then, with it": rehearsal.done,
        f"{days} days later, without it": rehearsal.later_without,
        f"{days} days later, with it": rehearsal.later,
    }
    for name in rehearsal.changed:
        console.print(f"  [bold]{name.removesuffix(_WEI)}[/]")
        for when, figures in columns.items():
            found = figures.get(name, "nothing")
            shown = tokens(int(found)) if name.endswith(_WEI) else found
            console.print(f"    {when:<27} {shown}", soft_wrap=True)
    same = len(rehearsal.later) - len(rehearsal.changed)
    console.print(f"{len(rehearsal.changed)} figures differ by it, {same} do not")
