"""What one key has spent and holds, day by day, while its account's lock is held."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from entitlement.core.epochs import Epoch
from entitlement.core.errors import KeyRotated
from entitlement.core.keys import ApiKey
from entitlement.core.ledger import Part, currency_of
from entitlement.core.limits import Currency, Headroom, headroom, period_ends_at, period_epochs
from entitlement.core.units import NanoUsd


@dataclass(slots=True)
class KeyDay:
    """By how much a day's figures of a key have changed, in nano-USD."""

    diem_spent: int = 0
    diem_held: int = 0
    usd_spent: int = 0
    usd_held: int = 0
    last_used_at: int = 0


@dataclass(slots=True)
class KeyBook:
    """A key with what counts towards its limits, and what has changed of that."""

    key: ApiKey
    secret_hash: bytes
    """Of the secret that it has now."""
    rate_until: int = 0
    used: dict[Epoch, tuple[int, int]] = field(default_factory=dict[Epoch, tuple[int, int]])
    """Spent and held by day, as it was read: in DIEM credit, in dollars. Whole for every limit's period."""
    days: dict[Epoch, KeyDay] = field(default_factory=dict[Epoch, KeyDay])
    """What has changed since."""

    def check_secret(self, secret_hash: bytes) -> None:
        """Raise `KeyRotated` where this is the hash of a secret that the key had before."""
        if secret_hash != self.secret_hash:
            assert self.key.rotated_at is not None, f"{self.key.id} was found by what was never its secret"
            raise KeyRotated(rotated_at=self.key.rotated_at)

    @property
    def is_limited(self) -> bool:
        """Whether the key has limits of its own."""
        return self.key.limits.diem is not None or self.key.limits.usd is not None

    def headroom(self, epoch: Epoch) -> Headroom:
        """Return what the key's limits leave in the period of `epoch`."""
        limits = self.key.limits
        if not self.is_limited:
            return Headroom(None, None, limits.period, period_ends_at(limits.period, epoch))
        first, after_last = period_epochs(limits.period, epoch)
        diem = usd = 0
        for day, used in self.used.items():
            if first <= day and (after_last is None or day < after_last):
                diem, usd = diem + used[0], usd + used[1]
        for day, change in self.days.items():
            if first <= day and (after_last is None or day < after_last):
                diem += change.diem_spent + change.diem_held
                usd += change.usd_spent + change.usd_held
        return headroom(limits, diem_used=NanoUsd(diem), usd_used=NanoUsd(usd), epoch=epoch)

    def touch(self, epoch: Epoch, now: int) -> KeyDay:
        """Return the changes of a day, in which the key was used at `now`."""
        day = self.days.get(epoch)
        if day is None:
            day = self.days[epoch] = KeyDay()
        day.last_used_at = max(day.last_used_at, now)
        return day

    def count(
        self,
        epoch: Epoch,
        now: int,
        *,
        spent: Iterable[Part] = (),
        held: Iterable[Part] = (),
        given_back: Iterable[Part] = (),
    ) -> None:
        """Count what was spent, set aside, and taken out of what was set aside."""
        day = self.touch(epoch, now)
        for part in spent:
            if currency_of(part.source) is Currency.DIEM:
                day.diem_spent += part.amount
            else:
                day.usd_spent += part.amount
        for parts, sign in ((held, 1), (given_back, -1)):
            for part in parts:
                if currency_of(part.source) is Currency.DIEM:
                    day.diem_held += sign * part.amount
                else:
                    day.usd_held += sign * part.amount
