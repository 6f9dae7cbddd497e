"""Read an account: what a wallet has on the chain, what that gives it, and what it has spent of it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.allowance import credit_of, right_in
from entitlement.core.balance import Balance, CreditPart, balance_of, credit_parts
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.health import FollowHealth
from entitlement.core.ledger import Source
from entitlement.core.positions import Position, Ticket, open_tickets
from entitlement.core.pro_rata import Basis, Policy, share
from entitlement.core.units import NanoUsd, Wallet
from entitlement.flows.grant_allowances import dues_in, grant_up_to_allowance
from entitlement.flows.read_tier import TierView, read_tier
from entitlement.flows.spend_credit import give_back_due
from entitlement.store import access, chain, ledger, pro_rata, verification
from entitlement.store.clock import service_time
from entitlement.store.verification import Verified


@dataclass(frozen=True, slots=True)
class ProRataShare:
    """A wallet's share of the day's capacity, with all that anyone needs to compute it again."""

    policy: Policy
    basis: Basis
    amount: NanoUsd


@dataclass(frozen=True, slots=True)
class AccountView:
    """A wallet's account as of one moment."""

    wallet: Wallet
    final: Position
    """At the final block: what credit comes from."""
    latest: Position
    """At the newest block; where it differs, finality is still to come."""
    tickets: list[Ticket]
    """Exits in progress at the newest block."""
    final_block: int
    latest_block: int
    allowance_now: NanoUsd
    allowance_next: NanoUsd
    """What the next epoch will give if nothing changes."""
    pro_rata: ProRataShare | None
    """None where nothing is shared, or the start of the epoch is not final yet."""
    tier: TierView
    balance: Balance
    credit: list[CreditPart]
    """What the balance is made of, in the order of spending."""


class ReadAccount:
    """Views for the wallet holder and for health."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def account(self, wallet: Wallet) -> AccountView:
        """Return a wallet's account; its day's allowance is granted by being looked at."""
        with self._sessions.begin() as session:
            account_id = access.open_account(session, wallet, service_time(session))
            access.lock_account(session, account_id)
            now = service_time(session)
            give_back_due(session, [account_id])
            grant_up_to_allowance(session, account_id, wallet, now)
            final, latest = chain.position_pair(session, wallet)
            followed = chain.followed(session)
            final_number = followed.final.number if followed else 0
            head_number = followed.head.number if followed else 0
            epoch = epoch_at(now)
            buckets = ledger.buckets(session, account_id, now=now)
            dues = dues_in(session, epoch, [wallet])
            return AccountView(
                wallet=wallet,
                final=final,
                latest=latest,
                tickets=open_tickets(
                    chain.events_between(session, above=-1, to=head_number, wallets=[wallet])
                ),
                final_block=final_number,
                latest_block=head_number,
                allowance_now=dues.get((wallet, Source.DIEM), NanoUsd(0)),
                pro_rata=_pro_rata(session, wallet, epoch),
                allowance_next=credit_of(right_in(latest.slot, Epoch(epoch + 1))),
                tier=read_tier(session, wallet, now),
                balance=balance_of(buckets, now),
                credit=credit_parts(buckets, now),
            )

    def verified(self) -> Verified | None:
        """Return what the last verification came to, or None before the first."""
        with self._sessions.begin() as session:
            return verification.last(session)

    def health(self) -> FollowHealth | None:
        """Return how following stands, or None before its first step."""
        with self._sessions.begin() as session:
            found = chain.followed(session)
            now = service_time(session)
        if found is None:
            return None
        return FollowHealth(
            chain_id=found.chain_id,
            head_number=found.head.number,
            head_timestamp=found.head.timestamp,
            final_number=found.final.number,
            final_timestamp=found.final.timestamp,
            node_number=found.node_number,
            seconds_since_step=now - found.stepped_at,
            seconds_behind=now - found.head.timestamp,
            seconds_since_move=now - found.moved_at,
            node_seconds_behind=now - found.node_timestamp,
            problem=found.problem,
            granting_stopped=found.granting_stopped,
            check_failed=found.check_failed,
        )


def _pro_rata(session: Session, wallet: Wallet, epoch: Epoch) -> ProRataShare | None:
    policy = pro_rata.policy_in(session, epoch)
    basis = pro_rata.bases(session, [wallet], epoch).get(wallet) if policy.capacity else None
    return None if basis is None else ProRataShare(policy, basis, share(policy, basis))
