"""`entitlement proof`: a wallet's own proof of a day, its check by anybody, and the publication of roots."""

import json
from pathlib import Path
from typing import Annotated

import typer

from entitlement.chain.contracts import Contracts, connect
from entitlement.cli.publisher import publisher_in
from entitlement.cli.service_client import ServiceClient
from entitlement.cli.show import console, dollars
from entitlement.cli.wallet import DEFAULT_URL, DevAccount, Url, signing_account
from entitlement.core.account_proof import AccountProof, read_proof
from entitlement.core.errors import InvalidRequest, TransactionFailed, WrongChain
from entitlement.settings import read_settings

proof = typer.Typer(
    help="Show and check [bold]proofs[/] of what was honoured; publish each day's root.",
    invoke_without_command=True,
)


@proof.callback()
def own(
    context: typer.Context,
    epoch: Annotated[
        int | None, typer.Option(help="The day, as days since 1970. [default: the newest with one]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the proof here. [default: it is printed]")] = None,
    url: Url = DEFAULT_URL,
    dev_account: DevAccount = None,
) -> None:
    """Show a wallet's own proof: what it was granted and spent in a day, as the published root has it."""
    if context.invoked_subcommand is not None:
        return
    signer = signing_account(dev_account)
    with ServiceClient.sign_in(url, signer) as client:
        found = client.get("/v1/wallet/proofs" + ("" if epoch is None else f"?epoch={epoch}"))
    content = json.dumps(found, indent=1) + "\n"
    made, wrong = read_proof(content)
    if out is None:
        print(content, end="")  # noqa: T201 - for scripts, so without colours
    else:
        out.write_text(content)
        console.print(_told(made), soft_wrap=True)
        console.print(f"kept in {out}; it shows what was spent, so keep it private", soft_wrap=True)
    _end(wrong)


@proof.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A proof as `entitlement proof` shows it.")],
    rpc_url: Annotated[
        str | None, typer.Option("--rpc", envvar="RPC_URL", help="A node, to ask the contract too.")
    ] = None,
) -> None:
    """Check a proof: by itself and, with --rpc, against the root on the chain. Exit code 1 where it fails."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}") from error
    made, wrong = read_proof(content)
    console.print(_told(made), soft_wrap=True)
    if rpc_url is not None and not wrong:
        wrong = _ask(made, rpc_url)
    if not wrong:
        by = f"EpochRoots at {made.contract} says so too" if rpc_url else "by itself; --rpc asks the chain"
        console.print(f"the proof holds: {by}", soft_wrap=True)
    _end(wrong)


@proof.command("publish")
def publish(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is due and stop.")] = False,
) -> None:
    """Close the days that can change no more, and publish their roots, as the jobs do by themselves.

    The publisher's key is read from PUBLISHER_PRIVATE_KEY, or from where the settings say.
    """
    from entitlement.store.session import session_factory  # noqa: PLC0415 - loads the whole service
    from entitlement.wiring.database import open_database  # noqa: PLC0415
    from entitlement.wiring.publishing import open_publishing, publication_plan  # noqa: PLC0415

    settings = read_settings()
    with open_database(settings) as engine:
        sessions = session_factory(engine)
        if dry_run:
            shown = publication_plan(settings, sessions)
            for epoch in shown.to_close:
                console.print(f"epoch {epoch} can be closed")
            for each in shown.to_publish:
                root = f"root 0x{each.root.hex()}, {each.accounts} accounts"
                console.print(f"epoch {each.epoch} is to be published: {root}", soft_wrap=True)
            if not shown.to_close and not shown.to_publish:
                console.print("nothing is due")
            return
        with open_publishing(settings, sessions, publisher_in(settings, asks=True)) as publishing:
            done = publishing.run()
    for epoch in done.closed:
        console.print(f"epoch {epoch} closed")
    for epoch in done.waiting:
        console.print(f"epoch {epoch} is on the chain, and not final yet")
    for epoch in done.published:
        console.print(f"epoch {epoch} published")
    if not done.closed and not done.waiting and not done.published:
        console.print("nothing is due")


def _told(made: AccountProof) -> str:
    return (
        f"{made.account} in epoch {made.epoch}: granted {dollars(made.granted)}, spent {dollars(made.spent)}"
    )


def _ask(made: AccountProof, rpc_url: str) -> list[str]:
    from entitlement.chain.artifacts import load_artifacts  # noqa: PLC0415 - loads the contracts
    from entitlement.chain.roots import RootsOnChain  # noqa: PLC0415

    web3 = connect(rpc_url)
    if web3.eth.chain_id != made.chain_id:
        raise WrongChain(expected=made.chain_id, found=web3.eth.chain_id)
    contract = RootsOnChain(Contracts(web3, load_artifacts(), {"EpochRoots": made.contract}))
    try:
        holds = contract.verify(
            made.epoch, (made.account, made.granted, made.spent, made.salt, list(made.proof))
        )
    except TransactionFailed as refusal:
        return [str(refusal)]
    return [] if holds else [f"EpochRoots at {made.contract} has another root of epoch {made.epoch}"]


def _end(wrong: list[str]) -> None:
    for each in wrong:
        console.print(each, style="bold red", soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
