"""Read profiles: contracts that others deployed, which are read here and never sent to. In networks/.

A profile is a network's file with `read_only = true`, the contracts' addresses, and an ABI beside it that has
views and events only: those that are proven. `load_network` refuses such a file, and so does whoever sends.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson
from eth_utils.address import is_checksum_address

from entitlement.chain.artifacts import Abi, Artifact, Artifacts
from entitlement.chain.fields import Fields, fields_of
from entitlement.chain.networks import BLOCKS_PER_REQUEST_MAX, NETWORKS, Network, finality_in
from entitlement.core.errors import SetupError

VVV, STAKED_VVV, DIEM = LIVE_CONTRACTS = ("VVV", "sVVV", "DIEM")
"""The names of the live contracts, in profiles and in their ABI files."""


@dataclass(frozen=True)
class LiveProfile:
    """A live deployment as its file describes it."""

    network: Network
    """The chain; never a development network, and without a genesis."""
    addresses: dict[str, str]
    """Contract -> address with checksum."""
    artifacts: Artifacts
    """The ABIs alone: there is no code in them."""
    born_block: int
    """No log of the contracts is before it: here the search for their wallets begins."""
    start_block: int
    """From here on the views answer, and every change is followed."""


def load_live(name: str, folder: Path = NETWORKS) -> LiveProfile:
    """Return the read profile `<name>.toml`; raises `SetupError` naming the field that is wrong."""
    fields = fields_of(name, folder)
    if not fields.has("read_only"):
        raise SetupError(
            problem=f"{folder / name}.toml is not a read profile: it has no read_only",
            remedy="name one that has, such as base-live",
        )
    if not fields.flag("read_only"):
        fields.refuse("read_only", "is false: leave it out for a network of our own")
    network = Network(
        name=name,
        chain_id=fields.number("chain_id", smallest=1),
        rpc_url=fields.text("rpc_url"),
        is_devnet=False,
        finality=finality_in(fields.table("finality")),
        block_seconds=fields.number("block_seconds", smallest=1),
        blocks_per_request=fields.number("blocks_per_request", smallest=1, largest=BLOCKS_PER_REQUEST_MAX),
        genesis=None,
    )
    born_block = fields.number("born_block", smallest=1)
    profile = LiveProfile(
        network=network,
        addresses=_addresses(fields.table("contracts")),
        artifacts=_read_abi(folder / fields.text("abi")),
        born_block=born_block,
        start_block=fields.number("start_block", smallest=born_block),
    )
    fields.nothing_else()
    return profile


def _addresses(fields: Fields) -> dict[str, str]:
    addresses = {name: fields.text(name) for name in LIVE_CONTRACTS}
    for name, address in addresses.items():
        if not is_checksum_address(address):
            fields.refuse(name, f"is {address!r}, not an address with a checksum")
    fields.nothing_else()
    return addresses


def _read_abi(path: Path) -> Artifacts:
    try:
        abis = cast("dict[str, Abi]", orjson.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise SetupError(
            problem=f"{path} is not an ABI file: {error}", remedy="restore it from the repository"
        ) from error
    for name in LIVE_CONTRACTS:
        for entry in abis.get(name, [{"type": "nothing"}]):
            if entry["type"] != "event" and entry.get("stateMutability") not in {"view", "pure"}:
                raise SetupError(
                    problem=f"{path}: {name} has an entry {entry} that is neither an event nor a view",
                    remedy="a read profile has nothing that can be sent",
                )
    contracts = {name: Artifact(name, path.name, abis[name], "0x", "0x", {}) for name in LIVE_CONTRACTS}
    return Artifacts(compiler="", build="", settings={}, contracts=contracts)
