"""Networks: what has to be known of a chain before it is spoken to. One file each in networks/."""

from dataclasses import dataclass
from pathlib import Path

from entitlement.chain.fields import Fields, fields_of, known_networks
from entitlement.chain.genesis import Genesis, genesis_in
from entitlement.chain.toolchain import PROJECT
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import SetupError

NETWORKS = PROJECT / "networks"

BLOCKS_PER_REQUEST_MAX = 10_000
"""Nodes that serve the public refuse longer ranges of logs."""


@dataclass(frozen=True, slots=True)
class Network:
    """A chain as its file in networks/ describes it."""

    name: str
    chain_id: int
    rpc_url: str
    """The node to ask where nothing else is said."""
    is_devnet: bool
    """Whether time may be moved and blocks undone on it; such a chain never holds anything of value."""
    finality: Finality
    block_seconds: int
    """Seconds between blocks when nothing happens."""
    blocks_per_request: int
    """Blocks whose logs are asked for at once."""
    genesis: Genesis | None
    """Present where deploying with the repository's parameters is meant."""
    explorer: str | None = None
    """Where people look at blocks and addresses, without a slash at the end."""


def load_network(name: str, folder: Path = NETWORKS) -> Network:
    """Return the network whose file is `<name>.toml`; raises `SetupError` naming the field that is wrong."""
    fields = fields_of(name, folder)
    if fields.has("read_only"):
        raise SetupError(
            problem=f"{folder / name}.toml is a read profile of contracts that are not ours: "
            "nothing is deployed or sent there",
            remedy=f"read it with `entitlement live`, or name a network of our own: {known_networks(folder)}",
        )
    is_devnet = fields.flag("is_devnet")
    network = Network(
        name=name,
        chain_id=fields.number("chain_id", smallest=1),
        rpc_url=fields.text("rpc_url"),
        is_devnet=is_devnet,
        finality=finality_in(fields.table("finality")),
        block_seconds=fields.number("block_seconds", smallest=1),
        blocks_per_request=fields.number("blocks_per_request", smallest=1, largest=BLOCKS_PER_REQUEST_MAX),
        genesis=genesis_in(fields.table("genesis"), is_devnet=is_devnet) if fields.has("genesis") else None,
        explorer=fields.text("explorer").rstrip("/") if fields.has("explorer") else None,
    )
    fields.nothing_else()
    if network.finality == Finality(FinalityRule.DEPTH, 0) and not network.is_devnet:
        fields.refuse("finality.depth", "is 0, but only a development network's newest block is final")
    return network


def finality_in(fields: Fields) -> Finality:
    """Take a table `finality`; raises `SetupError`."""
    rules = [rule.value for rule in FinalityRule]
    rule = fields.text("rule")
    if rule not in rules:
        fields.refuse("rule", f"is {rule!r}, not one of {rules}")
    by_depth = rule == FinalityRule.DEPTH
    finality = Finality(FinalityRule(rule), fields.number("depth", smallest=0) if by_depth else 0)
    fields.nothing_else()
    return finality
