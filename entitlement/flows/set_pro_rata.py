"""Set the pro-rata policy: how much is shared a day, and from which stake on."""

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import BY_PROGRAM, ActKind, Because
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.ledger import Source
from entitlement.core.pro_rata import EpochStart, Policy, rest_of_the_day
from entitlement.core.units import NanoUsd
from entitlement.store import acts, ledger, pro_rata
from entitlement.store.clock import service_time


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shared in the day that runs, and what from the next one on."""

    epoch: Epoch
    today: Policy
    next: Policy
    granted: NanoUsd
    """Of today's capacity, so far."""
    start: EpochStart | None
    """By whose stakes it is shared; None while that is not final."""


class SetProRata:
    """Reads and changes the policy. It is kept in the database, where all processes see the same one."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def read(self) -> Plan:
        """Return what holds today and from tomorrow on."""
        with self._sessions.begin() as session:
            return _plan(session, epoch_at(service_time(session)))

    def set(self, wished: Policy, because: Because = BY_PROGRAM) -> Plan:
        """Let `wished` hold: at once in what gives more, from the next epoch in what gives less.

        Raises InvalidAmount or InvalidRequest.
        """
        wished.check()
        because.check()
        with self._sessions.begin() as session:
            pro_rata.lock_policies(session)
            # After the lock: no grant of a later day than this has been made by what is planned until now.
            now = service_time(session)
            epoch = epoch_at(now)
            today = pro_rata.policy_in(session, epoch)
            remaining = rest_of_the_day(today, wished)
            if remaining != today:
                pro_rata.put_policy(session, remaining, from_epoch=epoch, now=now)
            pro_rata.put_policy(session, wished, from_epoch=Epoch(epoch + 1), now=now)
            figures = {"capacity": wished.capacity, "minimum_stake": wished.minimum_stake}
            acts.add(session, ActKind.PRO_RATA_SET, because, now=now, subject="every staker", figures=figures)
            return _plan(session, epoch)


def _plan(session: Session, epoch: Epoch) -> Plan:
    return Plan(
        epoch,
        pro_rata.policy_in(session, epoch),
        pro_rata.policy_in(session, Epoch(epoch + 1)),
        ledger.granted_of(session, Source.PRO_RATA, epoch),
        pro_rata.epoch_start(session, epoch),
    )
