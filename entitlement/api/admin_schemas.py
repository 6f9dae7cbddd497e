"""What the operator's view is told. Sums over all accounts are decimal text: JSON numbers end at 2**53."""

from typing import Annotated

from pydantic import Field

from entitlement.api.public_schemas import FigureOut, OperationOut, ReadOut, RunOut
from entitlement.api.schemas import Wire

NanoUsdSum = Annotated[str, Field(pattern=r"^-?[0-9]+$", description="nano-USD; below zero where taken back")]
UsdcUnits = Annotated[str, Field(pattern=r"^[0-9]+$", description="millionths of a dollar of USDC")]
WeiText = Annotated[str, Field(pattern=r"^[0-9]+$", description="an integer of wei")]


class RolesOut(Wire):
    """What the caller's session may see beside its own account."""

    operator: bool
    """Whether `/v1/admin` answers it."""


# --- health --------------------------------------------------------------------------------------------


class FollowingOut(Wire):
    """How following the chain stands."""

    chain_id: int
    head_block: int
    head_time: int
    final_block: int
    final_time: int
    node_block: int
    """The node's newest when it was last asked."""
    blocks_behind: int
    seconds_behind: int
    """Age of the newest block that was followed."""
    node_seconds_behind: int
    seconds_since_step: int
    seconds_since_move: int
    problem: str | None
    """Why the last step failed."""
    granting_stopped: str | None
    """Why following lets nothing be granted."""
    check_failed: str | None
    """What the last verification found, which lets nothing be granted either."""


class VerifiedOut(Wire):
    """The last comparison of what is stored with the contracts' own views."""

    block: int
    verified_at: int
    wallets: int
    differences: int


class OpenOut(Wire):
    """What is set aside by holds, or by leases."""

    count: int
    amount: NanoUsdSum


class UndeliveredOut(Wire):
    """Webhooks that are neither delivered nor given up."""

    waiting: int
    failing: int
    """Of these, tried in vain at least once."""
    oldest_at: int | None


class RootsOut(Wire):
    """How far the commitments to days have come."""

    last_closed: int | None
    last_published: int | None
    """The newest day whose root stands in a final block."""
    waiting: int
    """Closed, and not there yet."""


class LastRunsOut(Wire):
    """When jobs last left a trace, Unix time; null where they never did. The other jobs leave none."""

    follow: int | None
    verify: int | None
    publish: int | None
    """Closed a day, or signed a root."""
    state: int | None
    """Made a day's statement."""


class OperatorHealthOut(Wire):
    """Whether the service can be relied on, and every figure behind it."""

    now: int
    ready: bool
    reasons: list[str]
    """What stands against it, as `/health/ready` says it."""
    following: FollowingOut | None
    """Null until the chain is followed."""
    verified: VerifiedOut | None
    holds: OpenOut
    leases: OpenOut
    webhooks: UndeliveredOut
    roots: RootsOut
    jobs: LastRunsOut


# --- liabilities ---------------------------------------------------------------------------------------


class FlowOut(Wire):
    """What a day moved of a source."""

    source: str
    granted: NanoUsdSum
    spent: NanoUsdSum
    expired: NanoUsdSum


class OwedOut(Wire):
    """How a source stands since ever: granted = spent + expired + outstanding."""

    source: str
    granted: NanoUsdSum
    spent: NanoUsdSum
    expired: NanoUsdSum
    outstanding: NanoUsdSum
    held: NanoUsdSum
    """The part of `outstanding` that is set aside for requests."""


class HoldingOut(Wire):
    """What an address holds of USDC."""

    what: str
    holder: str
    amount: UsdcUnits


class VaultOut(Wire):
    """USDC at the newest block that was followed."""

    block: int
    block_hash: str
    block_time: int
    age_seconds: int
    is_stale: bool
    """A newer answer was wanted and could not be had: the node is away, or slow."""
    problem: str | None
    holdings: list[HoldingOut]


class StandingOut(Wire):
    """How a source stood when a statement was made."""

    source: str
    granted: NanoUsdSum
    spent: NanoUsdSum
    expired: NanoUsdSum
    outstanding: NanoUsdSum


class DailyStatementOut(Wire):
    """A day as it was signed; the whole document is at `/v1/public/statements/{epoch}`."""

    epoch: int
    made_at: int
    block: int
    diem_staked: WeiText
    day: list[FlowOut]
    standing: list[StandingOut]
    usdc: list[HoldingOut]
    acts: int
    """How much was done by hand on the day."""


class LiabilitiesOut(Wire):
    """What is owed today, and what was on the last days."""

    epoch: int
    made_at: int
    """As of when; Unix time."""
    age_seconds: int
    is_stale: bool
    problem: str | None
    diem_staked: WeiText
    """At the final block."""
    day: list[FlowOut]
    """The running day so far."""
    owed: list[OwedOut]
    acts: int
    usdc: VaultOut | None
    """Null where it could not be read even once; `usdc_problem` says why."""
    usdc_problem: str | None
    statements: list[DailyStatementOut]
    """The newest first."""


# --- buybacks ------------------------------------------------------------------------------------------


class PolicyOut(Wire):
    """Which share buys; shares, impact and slippage in ten-thousandths, times in seconds."""

    schedule: str
    revenue_share: int
    per_subscription: UsdcUnits
    purchase_share: int
    minimum: UsdcUnits
    impact: int
    slippage: int
    spacing: int
    jitter: int
    veto: int


class SetPolicyOut(Wire):
    """A policy, from which day on, and who set it. Of several for one day the last counts."""

    from_epoch: int
    made_at: int
    made_by: str
    reason: str
    policy: PolicyOut


class VetoOut(Wire):
    """The last veto."""

    holds: bool
    """Whether nothing may be bought now."""
    until: int | None
    """Null: until somebody allows it again."""
    made_at: int
    made_by: str
    reason: str


class AnnouncedOut(Wire):
    """The plan that was announced."""

    plan: int
    epoch: int
    through_epoch: int
    """The last day that it counts."""
    amount: UsdcUnits
    lots: int
    not_before: int
    """Until then a veto ends it before anything was bought."""
    next_lot_at: int
    reason: str | None
    """Why it waits, where it was to have gone on."""


class AttemptOut(Wire):
    """A transaction that was signed for a run; all of a run have one nonce."""

    number: int
    kind: str
    hash: str
    max_fee: WeiText
    """For each gas."""
    tip: WeiText
    sent_at: int | None


class JournalRunOut(Wire):
    """A run as the journal has it."""

    run: int
    plan: int | None
    state: str
    keeper: str
    nonce: int
    offered: UsdcUnits
    minimum: WeiText
    deadline: int
    spent: UsdcUnits | None
    burned: WeiText | None
    block: int | None
    transaction: str | None
    """The one that a block has."""
    reason: str | None
    """Why it ended as it did, where it did not execute."""
    attempts: list[AttemptOut]


class ChainRunsOut(Wire):
    """Runs as the chain's own logs tell of them."""

    read: ReadOut
    next_run: int
    next_run_at: int
    set_aside: FigureOut
    """USDC that waits in the burner."""
    runs: list[RunOut]
    """The newest first."""


class OperatorBuybacksOut(Wire):
    """Buybacks: what holds, what is announced, what was done."""

    now: int
    in_force: PolicyOut
    policies: list[SetPolicyOut]
    """The newest first, those of days to come included."""
    veto: VetoOut | None
    announced: AnnouncedOut | None
    open_run: int | None
    """The number of a run that may still execute."""
    journal: list[JournalRunOut]
    """The newest first."""
    chain: ChainRunsOut | None
    """Null where the chain could not be read even once; `chain_problem` says why."""
    chain_problem: str | None


# --- the timelock --------------------------------------------------------------------------------------


class ChangeOut(Wire):
    """A setting that an operation which has not ended would change."""

    setting: str
    unit: str
    now: str
    then: str


class PendingOut(Wire):
    """An operation of the timelock, and what it would change."""

    operation: OperationOut
    made_by: str | None
    """Who proposed it, as it was kept with the reason."""
    changes: list[ChangeOut]
    """Of an operation that waits or is ready; none for a call that is not known here: see its data."""


class TimelockOut(Wire):
    """The timelock's queue."""

    read: ReadOut
    delay: FigureOut
    operations: list[PendingOut]
    """The newest first."""


# --- acts ----------------------------------------------------------------------------------------------


class ActOut(Wire):
    """Something that was done by hand."""

    id: int
    made_at: int
    kind: str
    subject: str
    """What it was done to."""
    reference: str | None
    figures: dict[str, str]
    """What it was set to: of credit in nano-USD, of tokens in wei."""
    made_by: str
    reason: str


class ActsOut(Wire):
    """A page of acts, newest first."""

    acts: list[ActOut]
    next_cursor: int | None
    """For the page after this one; null on the last."""
