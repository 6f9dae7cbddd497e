"""Tables of buybacks: what is to be bought, what was announced, and every run from before it is signed.

Units: USDC and VVV are NUMERIC(78, 0) of their smallest units, times are BIGINT Unix seconds by the service's
clock, but for `deadline` and `sent_at`, which are the chain's.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from entitlement.store.tables import Base, Uint256


class BuybackPolicyRow(Base):
    """What share of what was taken in is to buy VVV, from a day on; the last row of a day counts."""

    __tablename__ = "buyback_policies"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    from_epoch: Mapped[int] = mapped_column(Integer)
    schedule: Mapped[str] = mapped_column(Text)
    revenue_share: Mapped[int] = mapped_column(Integer)
    per_subscription: Mapped[int] = mapped_column(Uint256)
    purchase_share: Mapped[int] = mapped_column(Integer)
    minimum: Mapped[int] = mapped_column(Uint256)
    impact: Mapped[int] = mapped_column(Integer)
    slippage: Mapped[int] = mapped_column(Integer)
    spacing: Mapped[int] = mapped_column(BigInteger)
    jitter: Mapped[int] = mapped_column(BigInteger)
    veto: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    made_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint(
            "schedule IN ('off', 'monthly', 'weekly', 'threshold')", name="buyback_policies_schedule"
        ),
        CheckConstraint(
            "revenue_share BETWEEN 0 AND 10000 AND purchase_share BETWEEN 0 AND 10000",
            name="buyback_policies_shares",
        ),
        CheckConstraint("char_length(made_by) <= 64", name="buyback_policies_made_by"),
        CheckConstraint("char_length(reason) <= 200", name="buyback_policies_reason"),
        Index("buyback_policies_of_day", "from_epoch", "id"),
    )


class BuybackVetoRow(Base):
    """That a person stopped all buybacks, or let them go on; the last row counts."""

    __tablename__ = "buyback_vetoes"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    until: Mapped[int | None] = mapped_column(BigInteger)
    """Null: until another row says otherwise. In the past: nothing is stopped."""
    made_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    made_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("char_length(made_by) <= 64", name="buyback_vetoes_made_by"),
        CheckConstraint("char_length(reason) <= 200", name="buyback_vetoes_reason"),
    )


class BuybackPlanRow(Base):
    """A plan that was announced: nothing of it is bought before its time, nor more than its amount."""

    __tablename__ = "buyback_plans"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer)
    """The day on which it was made."""
    through_epoch: Mapped[int] = mapped_column(Integer)
    """The last day that counts in it."""
    amount: Mapped[int] = mapped_column(Uint256)
    lots: Mapped[int] = mapped_column(Integer)
    """When it was made. How many it takes depends on the pool of each moment."""
    seed: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    planned_at: Mapped[int] = mapped_column(BigInteger)
    not_before: Mapped[int] = mapped_column(BigInteger)
    next_lot_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it ended, or why its last lot waits."""
    __table_args__ = (
        CheckConstraint("state IN ('announced', 'done', 'vetoed')", name="buyback_plans_state"),
        CheckConstraint("(state = 'announced') = (ended_at IS NULL)", name="buyback_plans_end"),
        CheckConstraint("lots > 0", name="buyback_plans_lots"),
        CheckConstraint("char_length(reason) <= 500", name="buyback_plans_reason"),
        # One at a time.
        Index("buyback_plans_open", text("(true)"), unique=True, postgresql_where="state = 'announced'"),
    )


class BuybackRunRow(Base):
    """A run: written before it is signed, and never begun again. `core.buyback_run` says how it goes on."""

    __tablename__ = "buyback_runs"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("buyback_plans.id"), index=True)
    """Null for one that a person began."""
    burner: Mapped[str] = mapped_column(Text)
    """The contract: another deployment's has numbers of its own."""
    number: Mapped[int] = mapped_column(BigInteger)
    """The contract's."""
    keeper: Mapped[str] = mapped_column(Text)
    nonce: Mapped[int] = mapped_column(BigInteger)
    usdc: Mapped[int] = mapped_column(Uint256)
    minimum: Mapped[int] = mapped_column(Uint256)
    floor: Mapped[int] = mapped_column(Uint256)
    deadline: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[int | None] = mapped_column(BigInteger)
    spent: Mapped[int | None] = mapped_column(Uint256)
    burned: Mapped[int | None] = mapped_column(Uint256)
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    transaction_hash: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    planned_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint(
            "state IN ('planned', 'signed', 'sent', 'mined', 'final', 'refused', 'replaced')",
            name="buyback_runs_state",
        ),
        CheckConstraint(
            "(state IN ('final', 'refused', 'replaced')) = (ended_at IS NOT NULL)", name="buyback_runs_end"
        ),
        CheckConstraint("number >= 0 AND nonce >= 0 AND usdc > 0", name="buyback_runs_amounts"),
        CheckConstraint("minimum >= floor", name="buyback_runs_floor"),
        CheckConstraint(
            "state <> 'final' OR (spent > 0 AND spent <= usdc AND burned >= minimum)",
            name="buyback_runs_executed",
        ),
        CheckConstraint("char_length(reason) <= 500", name="buyback_runs_reason"),
        # What may still execute is one at the most, and what has executed has its number alone.
        Index(
            "buyback_runs_open",
            text("(true)"),
            unique=True,
            postgresql_where="state IN ('planned', 'signed', 'sent', 'mined')",
        ),
        Index("buyback_runs_numbers", "burner", "number", unique=True, postgresql_where="state = 'final'"),
    )


class BuybackTransactionRow(Base):
    """A transaction that was signed for a run, all with the run's nonce: written before it is sent."""

    __tablename__ = "buyback_transactions"
    run_id: Mapped[int] = mapped_column(ForeignKey("buyback_runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    max_fee: Mapped[int] = mapped_column(Uint256)
    tip: Mapped[int] = mapped_column(Uint256)
    signed_at: Mapped[int] = mapped_column(BigInteger)
    sent_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("kind IN ('execute', 'cancel')", name="buyback_transactions_kind"),
        CheckConstraint("number > 0", name="buyback_transactions_number"),
    )


class BuybackExecutionRow(Base):
    """A run as a final block tells of it, whoever began it."""

    __tablename__ = "buyback_executions"
    burner: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(Text)
    transaction_hash: Mapped[str] = mapped_column(Text)
    executed_at: Mapped[int] = mapped_column(BigInteger)
    keeper: Mapped[str] = mapped_column(Text)
    spent: Mapped[int] = mapped_column(Uint256)
    burned: Mapped[int] = mapped_column(Uint256)
    donated: Mapped[int] = mapped_column(Uint256)
    reference_price: Mapped[int] = mapped_column(Uint256)


class BuybackCursorRow(Base):
    """One row: up to which final block runs have been read."""

    __tablename__ = "buyback_cursor"
    burner: Mapped[str] = mapped_column(Text, primary_key=True)
    """Another deployment's runs are not this one's."""
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(Text)


class BuybackFundingRow(Base):
    """USDC that was sent to the burner: written with what was signed, before it is sent."""

    __tablename__ = "buyback_fundings"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    burner: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(Text)
    nonce: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(Uint256)
    state: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    """The final block that has it."""
    made_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("state IN ('signed', 'final', 'failed', 'replaced')", name="buyback_fundings_state"),
        CheckConstraint("(state = 'signed') = (ended_at IS NULL)", name="buyback_fundings_end"),
        CheckConstraint(
            "(state IN ('final', 'failed')) = (block_number IS NOT NULL)", name="buyback_fundings_block"
        ),
        CheckConstraint("nonce >= 0 AND amount > 0", name="buyback_fundings_amounts"),
        # One at a time: what is not decided may still be sent.
        Index("buyback_fundings_open", "burner", unique=True, postgresql_where="state = 'signed'"),
    )
