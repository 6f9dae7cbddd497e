"""Public figures as they go over the wire: amounts are decimal text with unit, block and recipe."""

from typing import Literal

from entitlement.api.schemas import Wire
from entitlement.core.membership import Terms

Unit = Literal[
    "VVV wei", "VVV wei a second", "VVV wei for one DIEM", "DIEM wei", "USDC units", "nano-USD", "seconds"
]


class FigureOut(Wire):
    """One amount."""

    amount: str
    unit: Unit
    block: int
    block_hash: str
    block_time: int
    recompute: str
    """A line that anybody with a node of his own can run, or arithmetic over other figures of this answer."""


class ReadOut(Wire):
    """When this was read, and from where."""

    chain_id: int
    block: int
    block_hash: str
    block_time: int
    final_block: int
    """Up to here the chain cannot take back what this rests on."""
    age_seconds: int
    is_stale: bool
    """A newer one was wanted and could not be read: the node is away, or slow."""
    problem: str | None


class CheckOut(Wire):
    """Two figures that must be equal, each found by its own way. Where one fails, nothing is told."""

    name: str
    one: str
    other: str


class SupplyOut(Wire):
    """VVV: one definition of supply with its parts."""

    read: ReadOut
    definition: list[str]
    genesis: FigureOut
    emitted: FigureOut
    minted_ever: FigureOut
    burned: FigureOut
    total_supply: FigureOut
    zero_address: FigureOut
    dead_address: FigureOut
    effective: FigureOut
    staked_unlocked: FigureOut
    locked_for_diem: FigureOut
    cooling: FigureOut
    unclaimed_rewards: FigureOut
    in_contracts: FigureOut
    circulating: FigureOut
    in_pool: FigureOut
    treasury: FigureOut
    wallets: FigureOut
    due_not_minted: FigureOut
    """Emission of the time since the last accrual: no part of any supply yet."""
    checks: list[CheckOut]


class CurvePointOut(Wire):
    """What one whole DIEM locks at the margin at a supply."""

    supply: str
    rate: str


class RampOut(Wire):
    """The target rises on a line between two times."""

    from_target: str
    to_target: str
    starts_at: int
    ends_at: int
    transaction: str
    block: int


class DiemOut(Wire):
    """DIEM: its supply, where it is, and what minting it costs."""

    read: ReadOut
    supply: FigureOut
    staked: FigureOut
    cooling: FigureOut
    in_wallets: FigureOut
    mint_rate: FigureOut
    target: FigureOut
    cap: FigureOut
    opens_at: int
    ramps: list[RampOut]
    curve: list[CurvePointOut]
    """From nothing to the cap."""
    curve_recompute: str


class RateOut(Wire):
    """The emission from a time on."""

    since: int
    rate_per_second: str
    transaction: str
    block: int


class EmissionOut(Wire):
    """How much VVV is made."""

    read: ReadOut
    rate: FigureOut
    a_year: FigureOut
    emitted: FigureOut
    due_not_minted: FigureOut
    history: list[RateOut]
    """The first one is the constructor's."""
    history_recompute: str


class SourceOut(Wire):
    """Credit of one source in a day. Nano-USD."""

    source: str
    granted: str
    spent: str
    expired: str


class CreditDayOut(Wire):
    """A day that is over."""

    epoch: int
    starts_at: int
    sources: list[SourceOut]
    recompute: str


class RootOut(Wire):
    """A published commitment to what was honoured in a day. Nano-USD."""

    epoch: int
    root: str
    granted: str
    spent: str
    accounts: int
    file_hash: str
    transaction: str
    block: int
    block_hash: str
    block_time: int
    recompute: str


class CreditOut(Wire):
    """What all accounts together were granted and spent."""

    ledger_age_seconds: int
    days: list[CreditDayOut]
    read: ReadOut | None
    """Of the roots; null while no node can be read."""
    roots: list[RootOut]


class RunOut(Wire):
    """One buyback."""

    run: int
    usdc: str
    bought: str
    donated: str
    burned: str
    price_paid: str
    """Units of USDC for one whole VVV, fees included."""
    price_mean: str
    over_mean_millionths: int
    keeper: str
    transaction: str
    block: int
    block_hash: str
    block_time: int


class MonthOut(Wire):
    """What was burned in a month, by anybody."""

    month: str
    burned: str


class BoundsOut(Wire):
    """What a keeper cannot pass."""

    lot: str
    hop: int
    window: int
    deviation: int
    floor: int


class TierTermsOut(Wire):
    """What a month of a tier bundles, nano-dollars as decimal text; what it costs, CreditSales says."""

    tier: int
    credit: str
    """Granted when the month begins, and gone with it."""
    upgrade_credit: str
    """Granted once for an account, with its first month; it stays."""

    @classmethod
    def of(cls, tier: int, terms: Terms) -> "TierTermsOut":
        """Return them as they go over the wire."""
        return cls(tier=tier, credit=str(terms.credit), upgrade_credit=str(terms.upgrade_credit))


class MembershipsOut(Wire):
    """The terms of months that are paid for from now on; a tier that is not named bundles nothing."""

    tiers: list[TierTermsOut]


class BuybacksOut(Wire):
    """Every buyback that there was."""

    read: ReadOut
    runs: list[RunOut]
    runs_recompute: str
    usdc_spent: FigureOut
    bought: FigureOut
    burned_by_runs: FigureOut
    burned_by_all: FigureOut
    burned_by_month: list[MonthOut]
    set_aside: FigureOut
    next_run: int
    next_run_at: int
    bounds: BoundsOut


class PowerOut(Wire):
    """Who may do what."""

    contract: str
    power: str
    holders: list[str]
    may: str
    block: int
    recompute: str


class SettingOut(Wire):
    """What a power has set."""

    name: str
    value: str
    unit: str
    block: int
    recompute: str


class ArgumentOut(Wire):
    """An argument of a call."""

    name: str
    value: str


class CallOut(Wire):
    """A call of an operation; without a function where no ABI of ours knows it."""

    target: str
    contract: str | None
    function: str | None
    arguments: list[ArgumentOut]
    value: str
    data: str


class OperationOut(Wire):
    """An operation of the timelock."""

    id: str
    state: Literal["waiting", "ready", "executed", "cancelled"]
    scheduled_at: int
    ready_at: int
    reason: str | None
    """Why, where it was kept: its keccak is the operation's salt. Null where nobody kept it."""
    calls: list[CallOut]
    transaction: str
    block: int
    ended_at: int | None
    ended_by: str | None
    """The transaction that executed or cancelled it."""
    recompute: str


class PowersOut(Wire):
    """Who holds each power, what they have set, and what waits in the timelock."""

    read: ReadOut
    powers: list[PowerOut]
    settings: list[SettingOut]
    delay: FigureOut
    operations: list[OperationOut]
    """The newest first."""


class ContractOut(Wire):
    """Where a contract stands."""

    name: str
    address: str
    transaction: str


class DeploymentOut(Wire):
    """What was deployed, and where."""

    network: str
    chain_id: int
    start_block: int
    start_block_hash: str
    contracts: list[ContractOut]
    usdc: str
    pool: str
    compiler: str
    recompute: str
