"""What an operator did by hand: listed, and kept where nothing else of it is."""

from collections.abc import Mapping

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import Act, ActKind, Because
from entitlement.core.epochs import Epoch, starts_at
from entitlement.store import acts
from entitlement.store.clock import service_time


def reasons_in(session: Session) -> dict[str, Because]:
    """Return who proposed operations and why, by their ids (`0x` and hex); the first that was kept counts."""
    found: dict[str, Because] = {}
    for each in acts.with_kind(session, ActKind.TIMELOCK_PROPOSE):
        found.setdefault(f"0x{each.subject}", each.because)
    return found


class RecordActs:
    """The acts of the operator."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def record(
        self, kind: ActKind, because: Because, *, subject: str, figures: Mapping[str, int] | None = None
    ) -> None:
        """Keep an act whose effect is no row of this database, before it is done. Raises InvalidRequest."""
        because.check()
        with self._sessions.begin() as session:
            now = service_time(session)
            acts.add(session, kind, because, now=now, subject=subject, figures=figures)

    def record_reason(self, operation: str, because: Because) -> None:
        """Keep why an operation of the timelock (its id, `0x` and hex) was proposed, once for each reason.

        Whoever calls has seen that the operation has this reason's keccak. Raises InvalidRequest.
        """
        because.check()
        subject = operation.removeprefix("0x")
        with self._sessions.begin() as session:
            now = service_time(session)
            known = acts.with_kind(session, ActKind.TIMELOCK_PROPOSE)
            if not any((each.subject, each.because.reason) == (subject, because.reason) for each in known):
                acts.add(session, ActKind.TIMELOCK_PROPOSE, because, now=now, subject=subject)

    def reasons(self) -> dict[str, Because]:
        """Return who proposed operations of the timelock and why, by their ids, as far as it was kept."""
        with self._sessions.begin() as session:
            return reasons_in(session)

    def since(self, epoch: Epoch) -> list[Act]:
        """Return all acts from a day on, oldest first."""
        with self._sessions.begin() as session:
            return acts.between(session, starts_at(epoch))
