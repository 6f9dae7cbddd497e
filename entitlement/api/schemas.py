"""What goes over the wire: credit in nano-USD integers, tokens in wei as decimal text, times in Unix seconds.

JSON numbers carry integers up to 2**53 - 1 everywhere; wei do not fit, so they are text.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from entitlement.api.hot_answers import balance_out
from entitlement.chain.contract_wallets import LONGEST_SIGNATURE
from entitlement.core.balance import Balance
from entitlement.core.keys import ApiKey, KeyChange, KeyKind, ModelPrivacy, NewKey
from entitlement.core.ledger import Source
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.positions import Position, Ticket
from entitlement.core.tiers import Tier
from entitlement.core.units import NANO_USD_MAX, NanoUsd
from entitlement.flows.read_account import AccountView, ProRataShare
from entitlement.flows.take_card_payment import Effect
from entitlement.store.standing import UNUSED, KeyUse

LONGEST_SIGNATURE_HEX = 2 + 2 * LONGEST_SIGNATURE
Amount = Annotated[int, Field(strict=True, ge=0, le=NANO_USD_MAX)]


class Wire(BaseModel):
    """Read strictly: a field nobody knows is an error, so that a typo never goes unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemOut(BaseModel):
    """Why something was refused: `code` is stable, and the figures behind it are further members."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    title: str
    status: int
    detail: str
    code: str
    error: str | None = None
    """`detail` again, under /api/v1 alone."""


# --- credit -------------------------------------------------------------------------------------------


class FundingOut(Wire):
    """A source's part of a hold."""

    source: str
    amount: int


class BalanceOut(Wire):
    """Credit of the account, as of this answer."""

    available: int
    held: int
    diem: int
    """The part of `available` that is the day's DIEM credit."""
    usd: int
    """The rest of `available`."""
    pro_rata: int
    """The part of `usd` that is the day's share of a pro-rata capacity, and ends at `resets_at`."""
    epoch: int
    resets_at: int
    granted: int
    """DIEM credit granted in this epoch."""
    spent: int
    """What was captured from it."""

    @classmethod
    def of(cls, balance: Balance) -> "BalanceOut":
        """Return it as it goes over the wire."""
        return cls.model_validate(balance_out(balance))


# --- keys ----------------------------------------------------------------------------------------------


class LimitsWire(Wire):
    """What a key may spend in a period; null for no limit of its own."""

    diem: Amount | None = None
    usd: Amount | None = None
    period: LimitPeriod = LimitPeriod.EPOCH


class KeyIn(Wire):
    """A key to make."""

    description: str
    type: KeyKind = KeyKind.INFERENCE
    limits: LimitsWire = LimitsWire()
    model_privacy: ModelPrivacy = ModelPrivacy.ALL
    expires_at: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)] | None = None

    def to_core(self) -> NewKey:
        """Return it as the flows take it."""
        limits = KeyLimits(
            diem=_nano_usd(self.limits.diem),
            usd=_nano_usd(self.limits.usd),
            period=self.limits.period,
        )
        return NewKey(self.description, self.type, limits, self.model_privacy, self.expires_at)


class IntrospectedKeyOut(Wire):
    """A usable key as a gateway is told of it; its secret is nowhere."""

    id: str
    description: str
    type: KeyKind
    last_six: str
    limits: LimitsWire
    model_privacy: ModelPrivacy
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    suspended_at: int | None
    """By the operator; null again once it is restored."""

    @classmethod
    def of(cls, key: ApiKey) -> "IntrospectedKeyOut":
        """Return it as it goes over the wire."""
        return cls(**_key_fields(key))


class SpentWire(Wire):
    """Nano-USD that a key has spent, without what is held."""

    diem: int
    usd: int


class KeyOut(Wire):
    """A key as it stands, for its owner; its secret is nowhere."""

    id: str
    description: str
    type: KeyKind
    last_six: str
    limits: LimitsWire
    model_privacy: ModelPrivacy
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    suspended_at: int | None
    """By the operator; null again once it is restored."""
    paused_at: int | None
    """By its owner; null again once it goes on."""
    rotated_at: int | None
    """When it was last given a new secret."""
    last_used_at: int | None
    """When it last asked for credit; null if it never did."""
    spent: SpentWire
    """In the running period of its limits: the day, the month, or since it was made."""

    @classmethod
    def of(cls, key: ApiKey, use: KeyUse = UNUSED) -> "KeyOut":
        """Return it as it goes over the wire."""
        return cls(
            **_key_fields(key),
            paused_at=key.paused_at,
            rotated_at=key.rotated_at,
            last_used_at=use.last_used_at,
            spent=SpentWire(diem=use.period_diem, usd=use.period_usd),
        )


def _key_fields(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "description": key.description,
        "type": key.kind,
        "last_six": key.last_six,
        "limits": LimitsWire(diem=key.limits.diem, usd=key.limits.usd, period=key.limits.period),
        "model_privacy": key.model_privacy,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "suspended_at": key.suspended_at,
    }


class LimitsChange(Wire):
    """What is to be changed of a key's limits: what is left out stays, null takes a limit away."""

    diem: Amount | None = None
    usd: Amount | None = None
    period: LimitPeriod | None = None


class KeyChangeIn(Wire):
    """What is to be changed of a key; what is left out stays."""

    description: str | None = None
    limits: LimitsChange | None = None
    model_privacy: ModelPrivacy | None = None
    expires_at: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)] | None = None
    """Null for never."""
    paused: Annotated[bool, Field(strict=True)] | None = None
    """True refuses the key until it is false again."""

    @model_validator(mode="after")
    def _refuse_null(self) -> "KeyChangeIn":
        for name in ("description", "limits", "model_privacy", "paused"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} may be left out, and then stays as it is, but not be null")
        if self.limits is not None and "period" in self.limits.model_fields_set and not self.limits.period:
            raise ValueError("limits.period may be left out, and then stays as it is, but not be null")
        return self

    def to_core(self) -> KeyChange:
        """Return it as the flows take it."""
        limits = self.limits or LimitsChange()
        named = limits.model_fields_set
        return KeyChange(
            description=self.description,
            period=limits.period,
            diem=(_nano_usd(limits.diem),) if "diem" in named else None,
            usd=(_nano_usd(limits.usd),) if "usd" in named else None,
            expires_at=(self.expires_at,) if "expires_at" in self.model_fields_set else None,
            model_privacy=self.model_privacy,
            is_paused=self.paused,
        )


def _nano_usd(amount: int | None) -> NanoUsd | None:
    return None if amount is None else NanoUsd(amount)


class MadeKeyOut(Wire):
    """A new key."""

    key: KeyOut
    secret: str
    """Shown this once."""


class KeysOut(Wire):
    """The account's keys that are not revoked."""

    keys: list[KeyOut]


class IntrospectionOut(Wire):
    """A usable key, and what its account has."""

    key: IntrospectedKeyOut
    balance: BalanceOut


# --- wallets -------------------------------------------------------------------------------------------


class NonceOut(Wire):
    """A number for one sign-in message."""

    nonce: str
    expires_at: int
    domains: list[str]
    """The message's domain must be one of these."""
    chain_id: int


class SignInIn(Wire):
    """An EIP-4361 message and what the wallet's personal_sign made of it."""

    message: str
    signature: Annotated[str, StringConstraints(max_length=LONGEST_SIGNATURE_HEX)]
    """Hex: 65 bytes by the wallet's key, or what a wallet that is a contract takes (ERC-1271, ERC-6492)."""


class SessionOut(Wire):
    """A session; send its token as `Authorization: Bearer`."""

    token: str
    wallet: str
    expires_at: int


class EndedSessionsOut(Wire):
    """All sessions of a wallet were ended."""

    ended: int
    """How many."""


Wei = Annotated[str, Field(pattern=r"^[0-9]+$", description="an integer of wei")]


class PositionOut(Wire):
    """What a wallet has in the contracts, in wei."""

    vvv_unlocked: Wei
    vvv_locked: Wei
    vvv_cooling: Wei
    rewards_claimed: Wei
    diem_minted: Wei
    diem_staked: Wei
    diem_cooling: Wei
    diem_given: Wei
    diem_received: Wei

    @classmethod
    def of(cls, position: Position) -> "PositionOut":
        """Return it as it goes over the wire."""
        return cls(**{name: str(getattr(position, name)) for name in cls.model_fields})


class TicketOut(Wire):
    """An exit in progress."""

    station: Literal["vvv", "diem"]
    number: int
    amount: Wei
    claimable_at: int

    @classmethod
    def of(cls, ticket: Ticket) -> "TicketOut":
        """Return it as it goes over the wire."""
        return cls(
            station=ticket.station,  # pyright: ignore[reportArgumentType] - one of the two
            number=ticket.number,
            amount=str(ticket.amount),
            claimable_at=ticket.claimable_at,
        )


class ProRataOut(Wire):
    """The wallet's share of the epoch's capacity: `capacity * staked_vvv // all_staked_vvv`."""

    amount: int
    capacity: int
    minimum_stake: Wei
    """Whoever had less gets nothing."""
    block: int
    """The last one before 00:00 UTC of the epoch: both stakes are as of this block."""
    staked_vvv: Wei
    all_staked_vvv: Wei

    @classmethod
    def of(cls, found: ProRataShare) -> "ProRataOut":
        """Return it as it goes over the wire."""
        return cls(
            amount=found.amount,
            capacity=found.policy.capacity,
            minimum_stake=str(found.policy.minimum_stake),
            block=found.basis.block_number,
            staked_vvv=str(found.basis.stake),
            all_staked_vvv=str(found.basis.total),
        )


class TierOut(Wire):
    """What the account may do, and what that rests on."""

    name: Tier
    vvv_staked: str
    """Wei at the final block, unlocked or locked."""
    subscribed_until: int | None
    """When the membership ends or ended; null where none was ever paid for."""


class CreditPartOut(Wire):
    """Credit of one source that can be spent or is set aside, nano-dollars."""

    source: Source
    available: int
    held: int
    expires_at: int | None
    """When it is gone; null for never."""


class AccountOut(Wire):
    """A wallet's account: on the chain, and in credit."""

    wallet: str
    position: PositionOut
    """At the newest followed block."""
    final_position: PositionOut
    """At the final block: what credit comes from."""
    tickets: list[TicketOut]
    final_block: int
    latest_block: int
    allowance_now: int
    allowance_next: int
    """What the next epoch gives if nothing changes."""
    pro_rata: ProRataOut | None
    """Null where no capacity is shared, or it is not final yet how the epoch began."""
    tier: TierOut
    spent: int
    held: int
    resets_at: int
    balance: BalanceOut
    credit: list[CreditPartOut]
    """What `balance` is made of, in the order of spending."""

    @classmethod
    def of(cls, view: AccountView) -> "AccountOut":
        """Return it as it goes over the wire."""
        return cls(
            wallet=view.wallet,
            position=PositionOut.of(view.latest),
            final_position=PositionOut.of(view.final),
            tickets=[TicketOut.of(ticket) for ticket in view.tickets],
            final_block=view.final_block,
            latest_block=view.latest_block,
            allowance_now=view.allowance_now,
            allowance_next=view.allowance_next,
            pro_rata=None if view.pro_rata is None else ProRataOut.of(view.pro_rata),
            tier=TierOut(
                name=view.tier.tier,
                vvv_staked=str(view.tier.staked),
                subscribed_until=view.tier.subscribed_until,
            ),
            spent=view.balance.spent,
            held=view.balance.held,
            resets_at=view.balance.resets_at,
            balance=BalanceOut.of(view.balance),
            credit=[CreditPartOut.model_validate(asdict(part)) for part in view.credit],
        )


# --- payments ------------------------------------------------------------------------------------------


class WebhookOut(Wire):
    """What an event did."""

    effect: Effect


# --- health --------------------------------------------------------------------------------------------


class LiveOut(Wire):
    """The process answers."""

    status: Literal["live"] = "live"


class ReadyOut(Wire):
    """Whether answers can be relied on, and the figures that say so."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]
    chain_id: int | None
    head_block: int | None
    final_block: int | None
    blocks_behind: int | None
    seconds_behind: int | None
    seconds_since_step: int | None
