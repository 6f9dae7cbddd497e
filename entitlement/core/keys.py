"""API keys: what one may do, until when, and how its secret is kept."""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from entitlement.core.errors import (
    InvalidAmount,
    InvalidRequest,
    KeyExpired,
    KeyPaused,
    KeyRevoked,
    KeyRotated,
    KeySuspended,
)
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.record import record
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wallet

SECRET_PREFIX = "ent_"  # noqa: S105 - a prefix, so that a leaked key is recognised by scanners
MOST_KEYS_OF_AN_ACCOUNT = 500
MOST_ROTATIONS_OF_A_KEY = 1_000
"""Each leaves a hash behind, so that the old secret's refusal says why."""
LONGEST_DESCRIPTION = 64
LATEST_EXPIRY = 253_402_300_799
"""The last second of the year 9999: what every calendar can still show."""


class KeyKind(StrEnum):
    """What a key is for, by the live system's names."""

    INFERENCE = "INFERENCE"
    """Spends credit."""
    ADMIN = "ADMIN"
    """Spends credit and manages the account's keys."""


class ModelPrivacy(StrEnum):
    """Which models a key may call, by the live system's names."""

    ALL = "ALL"
    PRIVATE_TEXT = "PRIVATE_TEXT"
    PRIVATE_ONLY = "PRIVATE_ONLY"


@dataclass(frozen=True, slots=True)
class NewKey:
    """What its owner asks of a new key."""

    description: str
    kind: KeyKind = KeyKind.INFERENCE
    limits: KeyLimits = KeyLimits()
    model_privacy: ModelPrivacy = ModelPrivacy.ALL
    expires_at: int | None = None
    """Unix time from which it is refused; None for never."""

    def check(self, now: int) -> None:
        """Raise `InvalidRequest` or `InvalidAmount` where the wish cannot be granted."""
        if not (0 < len(self.description) <= LONGEST_DESCRIPTION and self.description.isprintable()):
            raise InvalidRequest(
                f"description must be 1 to {LONGEST_DESCRIPTION} printable characters", field="description"
            )
        for field, limit in (("limits.diem", self.limits.diem), ("limits.usd", self.limits.usd)):
            if limit is not None and not 0 <= limit <= NANO_USD_MAX:
                raise InvalidAmount(field=field, amount=limit, smallest=0, largest=NANO_USD_MAX)
        if self.expires_at is not None and not now < self.expires_at <= LATEST_EXPIRY:
            raise InvalidRequest(
                f"expires_at {self.expires_at} is not in the future (now {now}), or beyond the year 9999",
                field="expires_at",
            )


@record
class ApiKey:
    """A key as it stands; its secret is nowhere."""

    id: str
    account_id: int
    wallet: Wallet
    last_six: str
    kind: KeyKind
    description: str
    limits: KeyLimits
    model_privacy: ModelPrivacy
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    suspended_at: int | None = None
    """By the operator, until it is restored."""
    paused_at: int | None = None
    """By its owner, until it goes on."""
    rotated_at: int | None = None
    """When it was last given a new secret; the old one is refused from then on."""

    def check_usable(self, now: int) -> None:
        """Raise `KeyRevoked`, `KeySuspended`, `KeyPaused` or `KeyExpired` where it may not be used now."""
        if self.revoked_at is not None:
            raise KeyRevoked(revoked_at=self.revoked_at)
        if self.suspended_at is not None:
            raise KeySuspended(suspended_at=self.suspended_at)
        if self.paused_at is not None:
            raise KeyPaused(paused_at=self.paused_at)
        if self.expires_at is not None and now >= self.expires_at:
            raise KeyExpired(expired_at=self.expires_at)

    def check_goes_on(self, now: int, *, begun_at: int) -> None:
        """Raise as `check_usable` does, or `KeyRotated` where what was begun then was by an older secret.

        Of one second nobody knows which came first: what was begun in that of the rotation goes on no more.
        """
        self.check_usable(now)
        if self.rotated_at is not None and begun_at <= self.rotated_at:
            raise KeyRotated(rotated_at=self.rotated_at)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to be changed of a key: None leaves a thing as it is, a value in a tuple takes its place."""

    description: str | None = None
    period: LimitPeriod | None = None
    diem: tuple[NanoUsd | None] | None = None
    usd: tuple[NanoUsd | None] | None = None
    expires_at: tuple[int | None] | None = None
    model_privacy: ModelPrivacy | None = None
    is_paused: bool | None = None

    def of(self, key: ApiKey, now: int) -> NewKey:
        """Return what `key` becomes. Raises `InvalidRequest` or `InvalidAmount` as for a new one."""
        limits = KeyLimits(
            diem=key.limits.diem if self.diem is None else self.diem[0],
            usd=key.limits.usd if self.usd is None else self.usd[0],
            period=key.limits.period if self.period is None else self.period,
        )
        changed = NewKey(
            description=key.description if self.description is None else self.description,
            kind=key.kind,
            limits=limits,
            model_privacy=key.model_privacy if self.model_privacy is None else self.model_privacy,
            expires_at=None if self.expires_at is None else self.expires_at[0],
        )
        # An expiry that stays may have passed: a key that has expired can still be given another name.
        changed.check(now)
        return changed if self.expires_at is not None else replace(changed, expires_at=key.expires_at)

    def paused_at(self, key: ApiKey, now: int) -> int | None:
        """Return since when `key` is paused after the change: paused again, it has been since the first."""
        if self.is_paused is None:
            return key.paused_at
        return (now if key.paused_at is None else key.paused_at) if self.is_paused else None


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret.

    One round of SHA-256 is enough here: a secret is 256 random bits, which nobody can guess or list, unlike a
    password. Finding the row by its hash also leaks nothing through timing.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
