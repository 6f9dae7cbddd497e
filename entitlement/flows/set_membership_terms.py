"""Set the terms of memberships: what each tier bundles with a month that is paid for from now on."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import BY_PROGRAM, ActKind, Because
from entitlement.core.membership import Terms
from entitlement.store import acts, memberships
from entitlement.store.clock import service_time


class SetMembershipTerms:
    """Reads and changes the terms. They are kept in the database, where all processes see the same ones."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def read(self) -> dict[int, Terms]:
        """Return the terms of every tier that has any, by its number."""
        with self._sessions.begin() as session:
            return memberships.terms(session)

    def set(self, tier: int, wished: Terms, because: Because = BY_PROGRAM) -> dict[int, Terms]:
        """Let `wished` go with months of `tier` that are recorded from now on; others keep theirs.

        Raises InvalidAmount or InvalidRequest.
        """
        wished.check(tier)
        because.check()
        with self._sessions.begin() as session:
            now = service_time(session)
            memberships.put_terms(session, tier, wished, now)
            figures = {"credit": wished.credit, "upgrade_credit": wished.upgrade_credit}
            acts.add(
                session, ActKind.MEMBERSHIP_SET, because, now=now, subject=f"tier {tier}", figures=figures
            )
            return memberships.terms(session)
