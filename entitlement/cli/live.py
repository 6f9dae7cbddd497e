"""`entitlement live`: what a wallet has in contracts that others deployed. It reads, and cannot send."""

import re
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from entitlement.chain.live.profile import load_live
from entitlement.chain.live.reader import LiveChainReader
from entitlement.chain.live.wallet import LiveWallet, read_live_wallet
from entitlement.chain.networks import NETWORKS
from entitlement.cli.show import console, dollars, moment, tokens
from entitlement.core.allowance import credit_of
from entitlement.core.blocks import Header
from entitlement.core.errors import InvalidRequest
from entitlement.core.live import Exit
from entitlement.core.units import wallet as wallet_of

LATEST = "latest"
_HEIGHT = re.compile(r"[0-9]{1,15}")


def live(
    wallet: Annotated[str, typer.Argument(help="The wallet's address.")],
    rpc_url: Annotated[
        str | None, typer.Option(envvar="RPC_URL", help="The node. [default: the profile's]")
    ] = None,
    block: Annotated[str, typer.Option(help="A block's number, or latest.")] = LATEST,
    network: Annotated[str, typer.Option(help="A read profile in networks/.")] = "base-live",
    networks: Annotated[Path, typer.Option(help="Folder of the networks' files.")] = NETWORKS,
) -> None:
    """Show a wallet's position in the [bold]live[/] contracts: stake, daily right, exits, mint rate.

    Only reads. The live contracts state no right for a day: it is shown by this project's rule.
    """
    address, profile = wallet_of(wallet), load_live(network, networks)
    with closing(LiveChainReader(rpc_url or profile.network.rpc_url, profile)) as reader:
        found = read_live_wallet(reader, address, _block(reader, block, first=profile.start_block))
    console.print(_table(found))


def _block(reader: LiveChainReader, block: str, *, first: int) -> Header:
    if block != LATEST and not _HEIGHT.fullmatch(block):
        raise InvalidRequest(f"{block[:40]!r} is not a block: give its number, or latest", field="block")
    header = reader.head() if block == LATEST else reader.header(int(block))
    if header is None:
        raise InvalidRequest(f"the chain has no block {block} yet", field="block")
    if header.number < first:
        raise InvalidRequest(f"the contracts can be read from block {first} on", field="block")
    return header


def _table(found: LiveWallet) -> Table:
    account, right = found.account, found.right
    table = Table(title=account.wallet, title_justify="left", show_header=False, box=None)
    table.add_row("at block", f"{found.block.number}, {moment(found.block.timestamp)}")
    if right is None:
        table.add_row("right today", "not known: the node has not kept last midnight; name an archive node")
    else:
        table.add_row("right today", f"{dollars(credit_of(right.current))}")
    table.add_row("right tomorrow", f"{dollars(credit_of(account.diem_staked))}")
    table.add_row("DIEM staked", tokens(account.diem_staked))
    table.add_row("DIEM on its way out", _exit(account.diem_exit))
    table.add_row("DIEM minted", tokens(account.diem_minted))
    table.add_row("VVV staked, unlocked", tokens(account.vvv_unlocked))
    table.add_row("VVV locked behind DIEM", tokens(account.vvv_locked))
    table.add_row("VVV on its way out", _exit(account.vvv_exit))
    table.add_row("VVV earned", tokens(found.pending_rewards))
    table.add_row(
        "mint rate", f"{tokens(found.mint_rate)} VVV for a DIEM, at {tokens(found.diem_supply)} DIEM"
    )
    return table


def _exit(pending: Exit) -> str:
    return f"{tokens(pending.amount)} from {moment(pending.due)}" if pending.amount else tokens(0)
