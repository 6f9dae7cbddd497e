"""Move the service's clock forward: on a development network only, together with its chain."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import InvalidRequest, NotADevnet
from entitlement.store import clock


class ShiftClock:
    """The clock of a devnet's service."""

    def __init__(self, sessions: sessionmaker[Session], *, network: str, is_devnet: bool) -> None:
        self._sessions = sessions
        self._network = network
        self._is_devnet = is_devnet

    def now(self) -> int:
        """Return the service's Unix time."""
        with self._sessions.begin() as session:
            return clock.service_time(session)

    def jump_to(self, timestamp: int) -> None:
        """Set the clock to a later Unix time; it goes on from there. Raises NotADevnet, InvalidRequest."""
        if not self._is_devnet:
            raise NotADevnet(what="moving the clock", network=self._network)
        with self._sessions.begin() as session:
            now = clock.service_time(session)
            if timestamp < now:
                raise InvalidRequest(f"the clock is at {now} and does not go back to {timestamp}")
            clock.set_shift(session, clock.shift(session) + timestamp - now)

    def check(self) -> None:
        """Raise NotADevnet where a real network's clock was moved: it would give tomorrow's credit today."""
        with self._sessions.begin() as session:
            shift = clock.shift(session)
        if shift and not self._is_devnet:
            raise NotADevnet(what=f"a clock that is {shift} s ahead", network=self._network)
