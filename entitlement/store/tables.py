"""Every table and column. Alembic's migrations make them; `docs/data-inventory.md` says why each is kept.

Units: credit is BIGINT nano-USD, on-chain amounts are NUMERIC(78, 0) wei, times are BIGINT Unix seconds by
the service's clock (`store.clock`), epochs are INTEGER days.

What a caller may write in words is bounded by the database too: no column takes the content of a request.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from entitlement.core import ledger


def uint256(value: int) -> int:
    """Return `value`, which must be one: NUMERIC would round a fraction and take what is below zero."""
    is_one = isinstance(value, int) and 0 <= value < 2**256  # pyright: ignore[reportUnnecessaryIsInstance] - that is the question
    assert is_one, f"{value} is no uint256"
    return value


def assert_all_uint256(values: Sequence[int]) -> None:
    """As `uint256` for each of them; a sum with a fraction in it is none of integers."""
    are_all = isinstance(sum(values), int) and min(values) >= 0 and max(values) < 2**256  # pyright: ignore[reportUnnecessaryIsInstance] - as above
    assert are_all, f"{values} are not all uint256"


class Uint256(TypeDecorator[int]):
    """An on-chain integer. PostgreSQL keeps it as NUMERIC(78, 0), never as a float."""

    impl = Numeric(78, 0)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Refuse what is no uint256, and any database that would round it."""
        assert dialect.name == "postgresql", "other databases would round it"
        return None if value is None else uint256(value)

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy calls it so
        """Return the integer itself, not the Decimal of the driver."""
        return None if value is None else int(value)


class Base(DeclarativeBase):
    """All tables."""


# --- what the chain said -------------------------------------------------------------------------------


class ChainState(Base):
    """One row: which chain this is, and how far it has been followed. The cursor is `head_...`."""

    __tablename__ = "chain_state"
    singleton: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    start_number: Mapped[int] = mapped_column(BigInteger)
    start_hash: Mapped[str] = mapped_column(Text)
    """The block before the first that is followed: tells one local chain from the next with the same id."""
    head_number: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[str] = mapped_column(Text)
    head_timestamp: Mapped[int] = mapped_column(BigInteger)
    final_number: Mapped[int] = mapped_column(BigInteger)
    final_hash: Mapped[str] = mapped_column(Text)
    final_timestamp: Mapped[int] = mapped_column(BigInteger)
    node_number: Mapped[int] = mapped_column(BigInteger)
    """The node's newest block when it was last asked."""
    stepped_at: Mapped[int] = mapped_column(BigInteger)
    """When a step last succeeded."""
    problem: Mapped[str | None] = mapped_column(Text)
    """Why the last step failed; null after one that succeeded."""
    node_timestamp: Mapped[int] = mapped_column(BigInteger)
    """The time of the node's newest block when it was last asked."""
    moved_at: Mapped[int] = mapped_column(BigInteger)
    """When the cursor last moved."""
    granting_stopped: Mapped[str | None] = mapped_column(Text)
    """Why following lets nothing be granted; null while it does, and again after a step that succeeded."""
    check_failed: Mapped[str | None] = mapped_column(Text)
    """What the last verification found wrong, which lets nothing be granted either; null where nothing."""
    __table_args__ = (
        CheckConstraint("singleton", name="chain_state_is_one_row"),
        CheckConstraint(
            "start_number <= final_number AND final_number <= head_number", name="chain_state_in_order"
        ),
        CheckConstraint("char_length(problem) <= 500", name="chain_state_problem"),
        CheckConstraint("char_length(granting_stopped) <= 500", name="chain_state_granting_stopped"),
        CheckConstraint("char_length(check_failed) <= 500", name="chain_state_check_failed"),
    )


class VerificationRow(Base):
    """One row: the last comparison of what is stored with the contracts' own views."""

    __tablename__ = "verification"
    singleton: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger)
    verified_at: Mapped[int] = mapped_column(BigInteger)
    wallets: Mapped[int] = mapped_column(BigInteger)
    """How many were compared."""
    differences: Mapped[int] = mapped_column(BigInteger)
    next_after: Mapped[str | None] = mapped_column(Text)
    """The last wallet of a sample, after which the next one begins; null where it begins from the first."""
    __table_args__ = (
        CheckConstraint("singleton", name="verification_is_one_row"),
        CheckConstraint("wallets >= 0 AND differences >= 0", name="verification_counts"),
    )


class BlockRow(Base):
    """A followed block: every one near the head, a few below."""

    __tablename__ = "blocks"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(Text)
    parent_hash: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[int] = mapped_column(BigInteger)


class EventRow(Base):
    """The journal of events: positions are a fold of it."""

    __tablename__ = "events"
    block_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    log_index: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """With the number it says where the log stands: of each height only one block is followed at a time. New
    rows come at the end of this order, so the key costs next to nothing to keep."""
    block_hash: Mapped[str] = mapped_column(Text)
    transaction_hash: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    wallet: Mapped[str] = mapped_column(Text)
    receiver: Mapped[str | None] = mapped_column(Text)
    """The second wallet that a delegation changes."""
    data: Mapped[dict[str, int]] = mapped_column(JSONB)
    """The event's other fields, all integers, under their names in core.events."""
    __table_args__ = (
        CheckConstraint(
            "jsonb_typeof(data) = 'object' "
            """AND NOT jsonb_path_exists(data, '$.* ? (@.type() != "number")')""",
            name="events_data_are_numbers",
        ),
        # With the place, though the wallet alone would be a third as large: anybody may ask for any wallet's
        # newest events, anybody may stake dust for it, and what is asked for free must not read them all.
        Index("events_wallet", "wallet", "block_number", "log_index"),
        Index(
            "events_receiver",
            "receiver",
            "block_number",
            "log_index",
            postgresql_where="receiver IS NOT NULL",
        ),
        # What opens and ends exits and delegations, apart from the stakes that others can make for a wallet.
        Index(
            "events_openings",
            "wallet",
            "block_number",
            "log_index",
            postgresql_where="kind IN ('VvvExitRequested', 'VvvExitCancelled', 'VvvExitClaimed', "
            "'DiemExitRequested', 'DiemExitCancelled', 'DiemExitClaimed', 'Delegated', 'DelegationEnded')",
        ),
        # What was bought is looked for by its kind, among everybody's stakes.
        Index(
            "events_purchases",
            "block_number",
            postgresql_where="kind IN ('CreditBought', 'MembershipBought')",
        ),
        Index(
            "events_purchase_hashes",
            "transaction_hash",
            postgresql_where="kind IN ('CreditBought', 'MembershipBought')",
        ),
    )


class PositionRow(Base):
    """A wallet's position at the final block, and at the head where that differs."""

    __tablename__ = "positions"
    wallet: Mapped[str] = mapped_column(Text, primary_key=True)
    pending: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    """False: at the final block. True: at the head, only for wallets with events above the final block."""
    vvv_unlocked: Mapped[int] = mapped_column(Uint256)
    vvv_locked: Mapped[int] = mapped_column(Uint256)
    vvv_cooling: Mapped[int] = mapped_column(Uint256)
    rewards_claimed: Mapped[int] = mapped_column(Uint256)
    diem_minted: Mapped[int] = mapped_column(Uint256)
    diem_staked: Mapped[int] = mapped_column(Uint256)
    diem_cooling: Mapped[int] = mapped_column(Uint256)
    diem_given: Mapped[int] = mapped_column(Uint256)
    diem_received: Mapped[int] = mapped_column(Uint256)
    slot_epoch: Mapped[int] = mapped_column(Integer)
    slot_current: Mapped[int] = mapped_column(Uint256)
    slot_next: Mapped[int] = mapped_column(Uint256)
    __table_args__ = (
        # The sweep looks for wallets that have a right at all.
        Index(
            "positions_with_right",
            "wallet",
            postgresql_where="NOT pending AND (slot_current > 0 OR slot_next > 0)",
        ),
    )


class EpochStartRow(Base):
    """Where an epoch began: the last block before its 00:00 UTC, and all VVV that was staked after it.

    Written in the transaction in which the first block after it becomes final. Rows of epochs that the final
    block has not reached are what an undone block left: nobody reads them, and they are written again.
    """

    __tablename__ = "epoch_starts"
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(Text)
    vvv_staked: Mapped[int] = mapped_column(Uint256)
    is_disputed: Mapped[bool] = mapped_column(Boolean)
    """Another final block was this one before: shares of both together could exceed the capacity."""


class StakeTotalRow(Base):
    """One row: all VVV that is staked at the final block. It changes only when that does."""

    __tablename__ = "stake_total"
    singleton: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger)
    """The final block when it changed last."""
    vvv_staked: Mapped[int] = mapped_column(Uint256)
    __table_args__ = (CheckConstraint("singleton", name="stake_total_is_one_row"),)


# --- who ------------------------------------------------------------------------------------------------


class AccountRow(Base):
    """Who holds credit. Its row is the lock under which its credit moves."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    wallet: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    rate_until: Mapped[int] = mapped_column(BigInteger)
    """Microseconds: until when the account's requests so far have used up its rate (core.rates)."""


class ApiKeyRow(Base):
    """An API key; the secret itself is nowhere."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    """SHA-256 of a secret of 256 random bits."""
    last_six: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    limit_diem: Mapped[int | None] = mapped_column(BigInteger)
    limit_usd: Mapped[int | None] = mapped_column(BigInteger)
    limit_period: Mapped[str] = mapped_column(Text)
    model_privacy: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    suspended_at: Mapped[int | None] = mapped_column(BigInteger)
    """By the operator; null again once it is restored."""
    paused_at: Mapped[int | None] = mapped_column(BigInteger)
    """By its owner; null again once it goes on."""
    rotated_at: Mapped[int | None] = mapped_column(BigInteger)
    """When it was last given a new secret."""
    __table_args__ = (
        CheckConstraint("kind IN ('INFERENCE', 'ADMIN')", name="api_keys_kind"),
        CheckConstraint("limit_period IN ('epoch', 'month', 'lifetime')", name="api_keys_period"),
        CheckConstraint("limit_diem >= 0 AND limit_usd >= 0", name="api_keys_limits"),
        CheckConstraint("char_length(description) <= 64", name="api_keys_description"),
    )


class RetiredSecretRow(Base):
    """A secret that a key had before it was given another: kept so that its refusal can say so."""

    __tablename__ = "retired_secrets"
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), index=True)
    retired_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("octet_length(secret_hash) = 32", name="retired_secrets_hash"),)


class GatewayRow(Base):
    """A gateway that may ask and charge, by its service token."""

    __tablename__ = "gateways"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("char_length(name) <= 64", name="gateways_name_length"),)


class SessionRow(Base):
    """A wallet's sign-in, until it expires or is ended."""

    __tablename__ = "sessions"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class NonceRow(Base):
    """A number handed out for one sign-in; kept until it expires so that it cannot be used again."""

    __tablename__ = "nonces"
    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    used_at: Mapped[int | None] = mapped_column(BigInteger)


# --- credit ---------------------------------------------------------------------------------------------


MOVES = tuple(f"{source}>{target}" for source, target in ledger.MOVES)
"""Every way that credit can go, as a posting says it."""


class BucketRow(Base):
    """One grant's balance: a cache of the journal, held to it by the books' check and by this one."""

    __tablename__ = "buckets"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    source: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int | None] = mapped_column(Integer)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    granted: Mapped[int] = mapped_column(BigInteger)
    available: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    consumed: Mapped[int] = mapped_column(BigInteger)
    expired: Mapped[int] = mapped_column(BigInteger)
    closed: Mapped[bool] = mapped_column(Boolean)
    """Its time has passed and nothing is left in it: no request has to look at it any more."""
    __table_args__ = (
        UniqueConstraint(
            "account_id",
            "source",
            "epoch",
            "expires_at",
            name="buckets_of_account",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("source IN ('diem', 'pro_rata', 'membership', 'prepaid')", name="buckets_source"),
        CheckConstraint(
            "available >= 0 AND held >= 0 AND consumed >= 0 AND expired >= 0", name="buckets_never_overspent"
        ),
        CheckConstraint(
            "granted = available + held + consumed + expired", name="buckets_lose_and_invent_nothing"
        ),
        CheckConstraint("NOT closed OR (available = 0 AND held = 0)", name="buckets_closed_are_empty"),
        CheckConstraint(
            "epoch IS NULL OR expires_at = (epoch + 1) * 86400::bigint", name="buckets_end_with_their_day"
        ),
        # Not by what they hold: an index that speaks of it would have to follow every request.
        Index("buckets_to_expire", "expires_at", postgresql_where="NOT closed"),
        Index("buckets_open", "account_id", postgresql_where="NOT closed"),
        # A day's lie together, since they were made together: a few pages, which cost a request nothing.
        Index("buckets_of_epoch", "epoch", postgresql_using="brin"),
    )


class ProRataPolicyRow(Base):
    """The daily capacity that is shared among staked VVV, from an epoch on until the next row's."""

    __tablename__ = "pro_rata_policies"
    from_epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    capacity: Mapped[int] = mapped_column(BigInteger)
    minimum_stake: Mapped[int] = mapped_column(Uint256)
    set_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("capacity >= 0 AND minimum_stake >= 0", name="pro_rata_policies_amounts"),
    )


class EntryRow(Base):
    """The journal: append-only, by weeks; reversal is a new entry. The view `journal` has a line a posting.

    No foreign key: whoever writes an entry holds the account's row.
    """

    __tablename__ = "entries"
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    """What the entry is about; unique in its epoch, so that nothing is booked twice."""
    id: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('entry_numbers')"))
    """Rises in the order in which entries are written."""
    kind: Mapped[str] = mapped_column(Text)
    account_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    buckets: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    """Of each posting; null only where no bucket takes part."""
    moves: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Of each posting, from where to where: what the source loses the target gains."""
    amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    lane: Mapped[int] = mapped_column(Integer)
    """With `batch`: by which batch it was written."""
    batch: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("cardinality(amounts) > 0 AND 0 < ALL (amounts)", name="entries_move_something"),
        CheckConstraint(
            f"moves <@ ARRAY[{', '.join(repr(move) for move in MOVES)}]", name="entries_move_somewhere"
        ),
        CheckConstraint(
            "cardinality(buckets) = cardinality(amounts) AND cardinality(moves) = cardinality(amounts)",
            name="entries_are_whole",
        ),
        CheckConstraint(
            "cardinality(array_positions(buckets, NULL)) "
            "= cardinality(array_positions(moves, 'operator>consumed'))",
            name="entries_have_buckets",
        ),
        Index("entries_of_account", "account_id"),
        # By which a batch's entries are found; it costs a writer next to nothing.
        Index(
            "entries_by_time",
            "created_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
        ),
        {"postgresql_partition_by": "RANGE (epoch)"},
    )


class HoldRow(Base):
    """Credit set aside for a request, or the refusal to, which stays refused."""

    __tablename__ = "holds"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    """Without a foreign key, as are the key and the gateway: their rows are never removed, and each request
    would wait for three look-ups."""
    key_id: Mapped[str] = mapped_column(Text)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    request_id: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of what was asked: the same request id with another content is refused."""
    state: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int] = mapped_column(BigInteger)
    is_final: Mapped[bool] = mapped_column(Boolean)
    captured: Mapped[int] = mapped_column(BigInteger)
    shortfall: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    charged_at: Mapped[int | None] = mapped_column(BigInteger)
    """When a capture was booked: at its end, or after it for one that came late."""
    refusal: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    """For a refused one: the reason's name and figures."""
    kind: Mapped[str] = mapped_column(Text)
    part_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """Which buckets gave to it, in the order of spending."""
    part_sources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    part_amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    steps: Mapped[int] = mapped_column(Integer)
    """How often more was set aside, or a part charged, since it was made."""
    told: Mapped[int] = mapped_column(BigInteger)
    """Of a lease: the highest number of a request that was told of."""
    __table_args__ = (
        UniqueConstraint("gateway_id", "request_id", name="holds_request"),
        CheckConstraint(
            "state IN ('open', 'captured', 'released', 'expired', 'refused')", name="holds_state"
        ),
        CheckConstraint("amount >= 0 AND captured >= 0 AND shortfall >= 0", name="holds_amounts"),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="holds_refusal"),
        CheckConstraint("char_length(request_id) <= 128", name="holds_request_id"),
        CheckConstraint("char_length(model) <= 128", name="holds_model"),
        CheckConstraint("char_length(refusal::text) <= 500", name="holds_refusal_length"),
        Index("holds_to_expire", "expires_at", postgresql_where="state = 'open'"),
        # The others are found by the journal, which has an entry of each; an index of them all would cost
        # every request.
        Index("holds_refused_of_account", "account_id", "id", postgresql_where="state = 'refused'"),
        CheckConstraint("kind IN ('hold', 'charge', 'lease')", name="holds_kind"),
        CheckConstraint("0 < ALL (part_amounts)", name="holds_parts"),
        CheckConstraint(
            "cardinality(part_buckets) = cardinality(part_amounts) "
            "AND cardinality(part_sources) = cardinality(part_amounts)",
            name="holds_parts_are_whole",
        ),
    )


class KeySpendingRow(Base):
    """What a key has spent and holds in an epoch, by currency: what its limits are measured against."""

    __tablename__ = "key_spending"
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    diem_spent: Mapped[int] = mapped_column(BigInteger)
    diem_held: Mapped[int] = mapped_column(BigInteger)
    usd_spent: Mapped[int] = mapped_column(BigInteger)
    usd_held: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int] = mapped_column(BigInteger)
    rate_until: Mapped[int] = mapped_column(BigInteger)
    """Microseconds: until when the key's requests of the day have used up its rate (core.rates)."""
    __table_args__ = (
        CheckConstraint(
            "diem_spent >= 0 AND diem_held >= 0 AND usd_spent >= 0 AND usd_held >= 0",
            name="key_spending_never_negative",
        ),
    )


class UsageRow(Base):
    """What is kept of a request: counts, times, a status and what it cost. Never content.

    By weeks, as the journal is, and like it without foreign keys.
    """

    __tablename__ = "usage"
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    hold_id: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Of the requests that a lease pays for; a hold pays for one, number 1."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    key_id: Mapped[str] = mapped_column(Text)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    request_id: Mapped[str] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    input_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    latency_ms: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[int | None] = mapped_column(Integer)
    price_version: Mapped[str | None] = mapped_column(Text)
    """By which list of prices the cost was made."""
    diem: Mapped[int] = mapped_column(BigInteger)
    """What DIEM credit paid of the cost."""
    usd: Mapped[int] = mapped_column(BigInteger)
    """What credit counted in dollars paid of it."""
    shortfall: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    images: Mapped[int | None] = mapped_column(BigInteger)
    """How many were made; null also in rows from before they were told."""
    __table_args__ = (
        CheckConstraint("char_length(model) <= 128", name="usage_model"),
        CheckConstraint("char_length(request_id) <= 128", name="usage_request_id"),
        CheckConstraint("char_length(price_version) <= 64", name="usage_price_version"),
        CheckConstraint("diem >= 0 AND usd >= 0 AND shortfall >= 0", name="usage_amounts"),
        Index("usage_of_account", "account_id", "created_at"),
        {"postgresql_partition_by": "RANGE (epoch)"},
    )


# --- what was paid for ---------------------------------------------------------------------------------


class PurchaseRow(Base):
    """A log of CreditSales that has had its effect: whatever is read again, it has it once.

    A log is known by its transaction and its place among those that the transaction wrote for the account:
    an undone block changes the number of a log, but not these.
    """

    __tablename__ = "purchases"
    transaction_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """From 1 on."""
    kind: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    """The credit that came of it; zero for a membership, whose months have theirs."""
    settled_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("kind IN ('credit', 'membership')", name="purchases_kind"),
        CheckConstraint("number > 0 AND amount >= 0", name="purchases_amounts"),
        Index("purchases_of_account", "account_id"),
    )


class MembershipRow(Base):
    """A month of a membership that was paid for; a renewal in advance has rows of months to come."""

    __tablename__ = "memberships"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    tier: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    ends_at: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    starts_at: Mapped[int] = mapped_column(BigInteger)
    credit: Mapped[int] = mapped_column(BigInteger)
    """What is bundled with the month, by the terms when it was paid for."""
    settled_at: Mapped[int | None] = mapped_column(BigInteger)
    """When its credit was granted, or it was over before; null until it begins."""
    __table_args__ = (
        CheckConstraint("provider IN ('chain', 'card')", name="memberships_provider"),
        CheckConstraint("tier > 0 AND credit >= 0", name="memberships_amounts"),
        CheckConstraint("starts_at < ends_at", name="memberships_months"),
        Index("memberships_to_begin", "starts_at", postgresql_where="settled_at IS NULL"),
    )


class MembershipTermsRow(Base):
    """What goes with a tier of membership, for months that are paid for from now on."""

    __tablename__ = "membership_terms"
    tier: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    credit: Mapped[int] = mapped_column(BigInteger)
    """With each month, and gone with it."""
    upgrade_credit: Mapped[int] = mapped_column(BigInteger)
    """Prepaid, once for an account, with its first month."""
    set_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("tier > 0 AND credit >= 0 AND upgrade_credit >= 0", name="membership_terms_amounts"),
    )


class CardEventRow(Base):
    """An event of the card provider that has had its effect."""

    __tablename__ = "card_events"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    received_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("char_length(id) <= 255", name="card_events_id"),)


class AdjustmentRow(Base):
    """Credit that a person moved: who, why and how much. Its entry's key names the reference."""

    __tablename__ = "adjustments"
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[int] = mapped_column(BigInteger)
    purchase_hash: Mapped[str | None] = mapped_column(Text)
    """For a refund: the transaction of the top-up that is taken back."""
    purchase_number: Mapped[int | None] = mapped_column(Integer)
    __table_args__ = (
        CheckConstraint("kind IN ('grant', 'refund', 'correct', 'upgrade')", name="adjustments_kind"),
        CheckConstraint("amount > 0", name="adjustments_amount"),
        CheckConstraint("char_length(reference) <= 64", name="adjustments_reference"),
        CheckConstraint("char_length(reason) <= 200", name="adjustments_reason"),
        CheckConstraint("char_length(made_by) <= 64", name="adjustments_made_by"),
        CheckConstraint(
            "(purchase_hash IS NULL) = (purchase_number IS NULL) "
            "AND (purchase_hash IS NOT NULL) = (kind = 'refund')",
            name="adjustments_purchase",
        ),
        Index("adjustments_of_account", "account_id"),
    )


# --- what an owner is told -----------------------------------------------------------------------------


class RateRefusalRow(Base):
    """A request that came too fast: of each account the newest few, in a ring."""

    __tablename__ = "rate_refusals"
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    """Rises with each of the account's; the slot is this by the ring's length."""
    key_id: Mapped[str] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[str] = mapped_column(Text)
    rate_of: Mapped[str] = mapped_column(Text)
    refused_at: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[int] = mapped_column(BigInteger)
    """For how many requests of a moment it stands."""
    __table_args__ = (
        CheckConstraint("slot >= 0 AND slot < 50", name="rate_refusals_are_few"),
        CheckConstraint("char_length(model) <= 128", name="rate_refusals_model"),
        CheckConstraint("rate_of IN ('account', 'key')", name="rate_refusals_rate_of"),
        CheckConstraint("times > 0", name="rate_refusals_times"),
    )


class WebhookRow(Base):
    """Where an account's owner wants to be told. What signs is derived from the id, and not kept."""

    __tablename__ = "webhooks"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(Text, unique=True)
    url: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("char_length(url) <= 500", name="webhooks_url"),)


class OutboxRow(Base):
    """Something that an owner is to be told, written with what it is about; delivered by a job."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, unique=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(Integer)
    available: Mapped[int] = mapped_column(BigInteger)
    granted: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[int | None] = mapped_column(BigInteger)
    """When it is tried next; null once it is delivered or given up."""
    tries: Mapped[int] = mapped_column(Integer)
    last_try_at: Mapped[int | None] = mapped_column(BigInteger)
    outcome: Mapped[str | None] = mapped_column(Text)
    """What came of the last try."""
    delivered_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "epoch", name="outbox_once_a_day"),
        CheckConstraint("kind IN ('credit.low', 'credit.exhausted')", name="outbox_kind"),
        CheckConstraint("available >= 0 AND granted >= 0 AND tries >= 0", name="outbox_amounts"),
        CheckConstraint("char_length(outcome) <= 64", name="outbox_outcome"),
        CheckConstraint("delivered_at IS NULL OR due_at IS NULL", name="outbox_delivered_is_not_due"),
        Index("outbox_due", "due_at", postgresql_where="due_at IS NOT NULL"),
    )


class ClockRow(Base):
    """One row: how far a development network's clock was moved; always zero on a real one."""

    __tablename__ = "clock"
    singleton: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    shift_seconds: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("singleton", name="clock_is_one_row"),
        CheckConstraint("shift_seconds >= 0", name="clock_moves_forward_only"),
    )


# --- what is committed to for each epoch ---------------------------------------------------------------


class EpochRootRow(Base):
    """An epoch that can change no more, and how far the publication of its root has come.

    What it says of the epoch is written once, with its leaves; the database refuses to change it. What it
    says of the publication is a journal: what was signed is here before anybody is sent it.
    """

    __tablename__ = "epoch_roots"
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    root: Mapped[str] = mapped_column(Text)
    accounts: Mapped[int] = mapped_column(BigInteger)
    diem: Mapped[int] = mapped_column(BigInteger)
    pro_rata: Mapped[int] = mapped_column(BigInteger)
    spent: Mapped[int] = mapped_column(BigInteger)
    block_number: Mapped[int] = mapped_column(BigInteger)
    """The final block when the epoch was closed."""
    block_hash: Mapped[str] = mapped_column(Text)
    capacity: Mapped[int] = mapped_column(BigInteger)
    """Shared pro rata in the day; zero where nothing was."""
    minimum_stake: Mapped[int] = mapped_column(Uint256)
    start_number: Mapped[int | None] = mapped_column(BigInteger)
    """The block that shares were counted at; null where it was not known."""
    start_hash: Mapped[str | None] = mapped_column(Text)
    vvv_staked: Mapped[int] = mapped_column(Uint256)
    is_disputed: Mapped[bool] = mapped_column(Boolean)
    journal_heads: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """The newest batch of each of the journal's lanes then: lane, number, hash."""
    tree: Mapped[bytes] = mapped_column(LargeBinary)
    """All nodes, 32 bytes each, the root first: a proof is a few of them."""
    closed_at: Mapped[int] = mapped_column(BigInteger)
    file_hash: Mapped[str | None] = mapped_column(Text)
    """SHA-256 of the public file, once it was made."""
    raw_transaction: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The signed publication, before it is sent. Public once it is."""
    transaction_hash: Mapped[str | None] = mapped_column(Text)
    signed_at: Mapped[int | None] = mapped_column(BigInteger)
    replaced_at: Mapped[int | None] = mapped_column(BigInteger)
    """When it was signed again for a higher fee, which is done once for each root."""
    published_block: Mapped[int | None] = mapped_column(BigInteger)
    """The final block that the root stands in on the chain; null until then."""
    published_transaction: Mapped[str | None] = mapped_column(Text)
    """Which brought it there: ours, unless somebody did it by hand."""
    __table_args__ = (
        CheckConstraint("accounts >= 0 AND diem >= 0 AND pro_rata >= 0", name="epoch_roots_counts"),
        CheckConstraint("spent >= 0 AND spent <= diem + pro_rata", name="epoch_roots_spent"),
        CheckConstraint("capacity >= 0", name="epoch_roots_capacity"),
        CheckConstraint("(start_number IS NULL) = (start_hash IS NULL)", name="epoch_roots_start"),
        CheckConstraint("jsonb_typeof(journal_heads) = 'array'", name="epoch_roots_journal"),
        CheckConstraint("octet_length(tree) = 32 * greatest(2 * accounts - 1, 0)", name="epoch_roots_tree"),
        CheckConstraint(
            "(raw_transaction IS NULL) = (transaction_hash IS NULL) "
            "AND (raw_transaction IS NULL) = (signed_at IS NULL) "
            "AND (raw_transaction IS NULL OR file_hash IS NOT NULL)",
            name="epoch_roots_signed",
        ),
        CheckConstraint("replaced_at IS NULL OR raw_transaction IS NOT NULL", name="epoch_roots_replaced"),
        CheckConstraint(
            "(published_block IS NULL) = (published_transaction IS NULL) "
            "AND (published_block IS NULL OR file_hash IS NOT NULL)",
            name="epoch_roots_published",
        ),
    )


class EpochLeafRow(Base):
    """What an account was granted and spent in a closed epoch, and the salt that hides what it spent."""

    __tablename__ = "epoch_leaves"
    epoch: Mapped[int] = mapped_column(ForeignKey("epoch_roots.epoch"), primary_key=True, autoincrement=False)
    wallet: Mapped[str] = mapped_column(Text, primary_key=True)
    diem: Mapped[int] = mapped_column(BigInteger)
    pro_rata: Mapped[int] = mapped_column(BigInteger)
    spent: Mapped[int] = mapped_column(BigInteger)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    """32 random bytes, known to its owner and to us alone."""
    place: Mapped[int] = mapped_column(BigInteger)
    """Of the leaf, among the tree's nodes."""
    __table_args__ = (
        CheckConstraint("diem >= 0 AND pro_rata >= 0", name="epoch_leaves_granted"),
        CheckConstraint("spent >= 0 AND spent <= diem + pro_rata", name="epoch_leaves_spent"),
        CheckConstraint("octet_length(salt) = 32", name="epoch_leaves_salt"),
    )


# --- what binds the journal -----------------------------------------------------------------------------


class JournalBatchRow(Base):
    """The entries that a transaction wrote, bound to all that its lane had before (core.journal_chain)."""

    __tablename__ = "journal_batches"
    lane: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From 1 on in its lane, without a gap."""
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the Merkle tree over its entries, by their ids."""
    entry_count: Mapped[int] = mapped_column(Integer)
    written_at: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (
        CheckConstraint("lane >= 0 AND number > 0 AND entry_count > 0", name="journal_batches_numbers"),
        CheckConstraint(
            "octet_length(previous_hash) = 32 AND octet_length(root) = 32 AND octet_length(hash) = 32",
            name="journal_batches_hashes",
        ),
    )


class ArchivedWeekRow(Base):
    """A week of the journal and the usage that was taken out; its parts are in the schema `archive`."""

    __tablename__ = "archived_weeks"
    week: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    archived_at: Mapped[int] = mapped_column(BigInteger)


# --- what the operator did -----------------------------------------------------------------------------


class AdminActRow(Base):
    """Something that an operator did by hand: append-only, written in the transaction that does it."""

    __tablename__ = "admin_acts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    made_at: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    """What it was done to."""
    reference: Mapped[str | None] = mapped_column(Text)
    figures: Mapped[dict[str, int]] = mapped_column(JSONB)
    """What it was set to."""
    __table_args__ = (
        CheckConstraint("char_length(made_by) <= 64", name="admin_acts_made_by"),
        CheckConstraint("char_length(reason) <= 200", name="admin_acts_reason"),
        CheckConstraint("char_length(subject) <= 64", name="admin_acts_subject"),
        CheckConstraint("char_length(reference) <= 64", name="admin_acts_reference"),
        CheckConstraint(
            "jsonb_typeof(figures) = 'object' "
            """AND NOT jsonb_path_exists(figures, '$.* ? (@.type() != "number")')""",
            name="admin_acts_figures_are_numbers",
        ),
        Index("admin_acts_by_time", "made_at"),
    )


class StatementRow(Base):
    """A day's statement of what is owed, as it was signed: append-only, one for a day."""

    __tablename__ = "statements"
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(Text)
    """JSON of core.attested, word for word."""
