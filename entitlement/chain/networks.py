"""Networks: what has to be known of a chain before it is spoken to. One file each in networks/."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from entitlement.chain.toolchain import PROJECT
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import SetupError
from entitlement.core.units import WEI_PER_TOKEN, Wei

NETWORKS = PROJECT / "networks"

USDC_PER_DOLLAR = 10**6
"""Units of USDC, which has six decimals."""

BLOCKS_PER_REQUEST_MAX = 10_000
"""Nodes that serve the public refuse longer ranges of logs."""


@dataclass(frozen=True, slots=True)
class GenesisMarket:
    """What VVV is traded on, and what is paid in."""

    usdc: str | None
    """None on a development chain, which is given a token that stands in for it."""
    uniswap_factory: str | None
    """Version 3. None on a development chain, which is given one."""
    pool_fee: int
    """Of the pool that buybacks trade in, in millionths."""
    first_price: int
    """Of one VVV in that pool if it is new, in units of USDC."""
    observations: int
    """How many prices that pool is to remember; enough for the window of buybacks."""


@dataclass(frozen=True, slots=True)
class GenesisBuyback:
    """The bounds that buybacks begin with; IBuybackBurner.Bounds says what each means."""

    lot: int
    """Units of USDC."""
    hop: int
    window: int
    deviation: int
    floor: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """What a deployment on a network begins with, before it is known who deploys and when."""

    vvv_supply: Wei
    emission_per_second: Wei
    """VVV wei that all stake together earns each second."""
    target: Wei
    """DIEM wei: the T of the mint curve."""
    emission_starts_after: int
    """Seconds from the deployment; long enough for the treasury to stake before anything is paid."""
    minting_opens_after: int
    """Seconds from the deployment."""
    monthly_prices: tuple[int, ...]
    """Of membership tier 1, 2, …, in units of USDC."""
    market: GenesisMarket
    buyback: GenesisBuyback


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


def load_network(name: str, folder: Path = NETWORKS) -> Network:
    """Return the network whose file is `<name>.toml`; raises `SetupError` naming the field that is wrong."""
    fields = fields_of(name, folder)
    if fields.has("read_only"):
        raise SetupError(
            problem=f"{folder / name}.toml is a read profile of contracts that are not ours: "
            "nothing is deployed or sent there",
            remedy=f"read it with `entitlement live`, or name a network of our own: {_known(folder)}",
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
        genesis=_genesis(fields.table("genesis"), is_devnet=is_devnet) if fields.has("genesis") else None,
    )
    fields.nothing_else()
    if network.finality == Finality(FinalityRule.DEPTH, 0) and not network.is_devnet:
        fields.refuse("finality.depth", "is 0, but only a development network's newest block is final")
    return network


def fields_of(name: str, folder: Path) -> "Fields":
    """Return what `<name>.toml` in `folder` says, which must be its own name first; raises `SetupError`."""
    path = folder / f"{name}.toml"
    if not path.is_file():
        raise SetupError(
            problem=f"there is no network {name!r}", remedy=f"known in {folder}: {_known(folder)}"
        )
    try:
        values = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SetupError(problem=f"{path} is not TOML: {error}", remedy="mend the file") from error
    fields = Fields(values, path)
    named = fields.text("name")
    if named != name:
        fields.refuse("name", f"is {named!r}, but the file is {path.name}")
    return fields


def _known(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.toml"))


def finality_in(fields: "Fields") -> Finality:
    """Take a table `finality`; raises `SetupError`."""
    rules = [rule.value for rule in FinalityRule]
    rule = fields.text("rule")
    if rule not in rules:
        fields.refuse("rule", f"is {rule!r}, not one of {rules}")
    by_depth = rule == FinalityRule.DEPTH
    finality = Finality(FinalityRule(rule), fields.number("depth", smallest=0) if by_depth else 0)
    fields.nothing_else()
    return finality


def _genesis(fields: "Fields", *, is_devnet: bool) -> Genesis:
    genesis = Genesis(
        vvv_supply=fields.tokens("vvv_supply"),
        emission_per_second=Wei(fields.number("emission_per_second", smallest=0)),
        target=fields.tokens("target"),
        emission_starts_after=fields.number("emission_starts_after", smallest=0),
        minting_opens_after=fields.number("minting_opens_after", smallest=0),
        monthly_prices=fields.dollars_each("monthly_prices"),
        market=_genesis_market(fields.table("market"), is_devnet=is_devnet),
        buyback=_genesis_buyback(fields.table("buyback")),
    )
    fields.nothing_else()
    return genesis


def _genesis_market(fields: "Fields", *, is_devnet: bool) -> GenesisMarket:
    market = GenesisMarket(
        usdc=None if is_devnet else fields.text("usdc"),
        uniswap_factory=None if is_devnet else fields.text("uniswap_factory"),
        pool_fee=fields.number("pool_fee", smallest=1, largest=999_999),
        first_price=fields.number("first_price", smallest=1),
        observations=fields.number("observations", smallest=1, largest=65_535),
    )
    fields.nothing_else()
    return market


def _genesis_buyback(fields: "Fields") -> GenesisBuyback:
    # The contract has its own limits and refuses what lies outside of them.
    buyback = GenesisBuyback(
        lot=fields.dollars("lot"),
        hop=fields.number("hop", smallest=1),
        window=fields.number("window", smallest=1),
        deviation=fields.number("deviation", smallest=1),
        floor=fields.number("floor", smallest=1),
    )
    fields.nothing_else()
    return buyback


class Fields:
    """A table of TOML that is taken apart field by field, so that a left-over one is noticed."""

    def __init__(self, values: Mapping[str, Any], path: Path, prefix: str = "") -> None:
        self._values, self._path, self._prefix = dict(values), path, prefix

    def has(self, name: str) -> bool:
        """Tell whether a field is there that was not taken yet."""
        return name in self._values

    def text(self, name: str) -> str:
        """Take a text that is not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value:
            self.refuse(name, f"is {value!r}, not a text")
        return value

    def number(self, name: str, *, smallest: int, largest: int = 2**63) -> int:
        """Take a whole number in a range, both ends included."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
            self.refuse(name, f"is {value!r}, not a whole number from {smallest} to {largest}")
        return value

    def tokens(self, name: str) -> Wei:
        """Take whole tokens, written as text, as wei."""
        value = self.text(name)
        if not value.isdecimal() or int(value) == 0:
            self.refuse(name, f"is {value!r}, not a whole number of tokens in quotes")
        return Wei(int(value) * WEI_PER_TOKEN)

    def dollars(self, name: str) -> int:
        """Take whole dollars, written as text, as units of USDC."""
        return self._dollars(name, self._take(name))

    def dollars_each(self, name: str) -> tuple[int, ...]:
        """Take a list of whole dollars."""
        values = self._take(name)
        if not isinstance(values, list) or not values:
            self.refuse(name, f"is {values!r}, not a list of dollars in quotes")
        return tuple(self._dollars(name, value) for value in cast("list[object]", values))

    def _dollars(self, name: str, value: object) -> int:
        if not isinstance(value, str) or not value.isdecimal() or int(value) == 0:
            self.refuse(name, f"is {value!r}, not a whole number of dollars in quotes")
        return int(value) * USDC_PER_DOLLAR

    def flag(self, name: str) -> bool:
        """Take true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            self.refuse(name, f"is {value!r}, not true or false")
        return value

    def table(self, name: str) -> "Fields":
        """Take a table, to be taken apart itself."""
        value = self._take(name)
        if not isinstance(value, dict):
            self.refuse(name, f"is {value!r}, not a table")
        return Fields(cast("dict[str, Any]", value), self._path, f"{self._prefix}{name}.")

    def nothing_else(self) -> None:
        """Refuse what was not taken."""
        if self._values:
            self.refuse(min(self._values), "is not a field that is known here")

    def refuse(self, name: str, complaint: str) -> NoReturn:
        """Raise `SetupError` that names the file and the field."""
        raise SetupError(
            problem=f"{self._path}: {self._prefix}{name} {complaint}", remedy="mend the network's file"
        )

    def _take(self, name: str) -> object:
        if name not in self._values:
            self.refuse(name, "is missing")
        return self._values.pop(name)
