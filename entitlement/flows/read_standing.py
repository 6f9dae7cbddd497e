"""Read an account's standing: what it and one of its keys can still spend, and how fast they may ask."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.balance import Balance
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.keys import ApiKey
from entitlement.core.ledger import Source, draw, spendable
from entitlement.core.limits import NO_LIMIT, Currency, Headroom, headroom, period_epochs
from entitlement.core.rates import MICROS, Rate, remaining
from entitlement.core.tiers import RATES, Tier, TierRates
from entitlement.core.units import NanoUsd, Wallet
from entitlement.flows.grant_allowances import grant_up_to_allowance
from entitlement.flows.read_balance import read_balance
from entitlement.flows.read_tier import read_tier
from entitlement.flows.spend_credit import give_back_due
from entitlement.store import access, ledger, standing
from entitlement.store.clock import service_time
from entitlement.store.standing import RateRefusal


@dataclass(frozen=True, slots=True)
class RateLeft:
    """How many requests are left of a rate, and when all of them are there again (Unix time)."""

    rate: Rate
    remaining: int
    resets_at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An account, and the key that asks where one does, as of one moment."""

    balance: Balance
    paid_from_next: Source | None
    """What the next request is paid from; None where there is nothing left that it could be."""
    headroom: Headroom
    """What the key's own limits leave."""
    tier: Tier
    account_rate: RateLeft
    key_rate: RateLeft | None

    def left(self, currency: Currency) -> NanoUsd:
        """Return what can be spent in a currency: the account's, within the key's own limit."""
        there_is = self.balance.diem if currency is Currency.DIEM else self.balance.usd
        return self.headroom.left(currency, there_is)

    @property
    def can_spend(self) -> bool:
        """Whether anything can be spent at all."""
        return any(self.left(currency) for currency in Currency)

    @property
    def rate(self) -> RateLeft:
        """The rate that is used up first."""
        rates = [self.account_rate] if self.key_rate is None else [self.account_rate, self.key_rate]
        return min(rates, key=lambda each: each.remaining)


class ReadStanding:
    """What goes with every answer to an account's owner or to one of its keys."""

    def __init__(self, sessions: sessionmaker[Session], rates: Mapping[Tier, TierRates] = RATES) -> None:
        self._sessions = sessions
        self._rates = rates

    def standing(self, account_id: int, wallet: Wallet, key: ApiKey | None) -> Standing:
        """Return the standing. The account is touched: its day's credit is granted by being looked at."""
        with self._sessions.begin() as session:
            access.lock_account(session, account_id)
            now = service_time(session)
            give_back_due(session, [account_id])
            grant_up_to_allowance(session, account_id, wallet, now)
            epoch = epoch_at(now)
            tier = read_tier(session, wallet, now).tier
            account_until, key_until = standing.rates_until(session, account_id, key and key.id, epoch)
            live = spendable(ledger.buckets(session, account_id, now=now), now)
            room = NO_LIMIT if key is None else _headroom(session, key, epoch)
            # As a request would be paid: what the key's limits forbid is passed over.
            first = draw(live, room, NanoUsd(1))
            return Standing(
                balance=read_balance(session, account_id, now),
                paid_from_next=first[0].source if first else None,
                headroom=room,
                tier=tier,
                account_rate=_left(self._rates[tier].account, account_until, now),
                key_rate=None if key is None else _left(self._rates[tier].key, key_until, now),
            )

    def refusals(self, account_id: int) -> list[RateRefusal]:
        """Return the account's last refusals by a rate, newest first."""
        with self._sessions.begin() as session:
            return standing.refusals(session, account_id)


def _headroom(session: Session, key: ApiKey, epoch: Epoch) -> Headroom:
    first, after_last = period_epochs(key.limits.period, epoch)
    diem, usd = standing.used_by_key(session, key.id, first, after_last)
    return headroom(key.limits, diem_used=diem, usd_used=usd, epoch=epoch)


def _left(rate: Rate, until: int, now: int) -> RateLeft:
    return RateLeft(rate, remaining(rate, until, now * MICROS), max(now, -(-until // MICROS)))
