"""What an operator did by hand: listed, and kept where nothing else of it is."""

from collections.abc import Mapping

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import Act, ActKind, Because
from entitlement.core.epochs import Epoch, starts_at
from entitlement.store import acts
from entitlement.store.clock import service_time


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

    def since(self, epoch: Epoch) -> list[Act]:
        """Return all acts from a day on, oldest first."""
        with self._sessions.begin() as session:
            return acts.between(session, starts_at(epoch))
