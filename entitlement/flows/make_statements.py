"""Make the daily statements: each day's once, when it is over and settled, signed and never rewritten.

the day is over, an hour ago   the final block is behind it   nothing is held for it any more
  |
the final block -> what the addresses hold at it -> the books, as of one moment, if it still is the final
  |
signed -> kept
"""

import json
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.attest import Attester
from entitlement.core.blocks import Header
from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.statements import STATEMENT, Holding, message
from entitlement.store import chain, statements
from entitlement.store.clock import service_time

DAYS_AT_ONCE_MAX = 31
"""Days without a statement that are made up for; whoever was down for longer states the newest."""
Holdings = Callable[[Header], Sequence[Holding]]


class MakeStatements:
    """Makes what is due. `holdings` asks the chain, outside of any transaction."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        attester: Callable[[], Attester],
        holdings: Holdings,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._sessions = sessions
        self._attester = attester
        self._holdings = holdings
        self._is_ready = is_ready

    def sweep(self) -> int:
        """Make the statements that are due, and return how many. Raises SetupError and NodeUnavailable."""
        if not self._is_ready():
            return 0
        made = 0
        for epoch in self._due():
            if not self._make(epoch):
                # Were a later day stated first, nobody would come back to this one.
                break
            made += 1
        return made

    def _due(self) -> list[Epoch]:
        with self._sessions.begin() as session:
            followed = chain.followed(session)
            now = service_time(session)
            if followed is None:
                return []
            # The last day that was over an hour ago, here and at the final block.
            last = Epoch(epoch_at(min(now - LATE_CAPTURE_SECONDS, followed.final.timestamp)) - 1)
            if statements.has_open_holds(session, last):
                return []
            newest = statements.newest(session)
            if newest is None and not statements.has_entries(session, last):
                # Days before the first entry have nothing to be stated.
                return []
        first = last if newest is None else max(newest + 1, last - DAYS_AT_ONCE_MAX + 1)
        return [Epoch(epoch) for epoch in range(first, last + 1)]

    def _make(self, epoch: Epoch) -> bool:
        with self._sessions.begin() as session:
            followed = chain.followed(session)
        assert followed is not None, "it was followed a moment ago"
        final = followed.final
        usdc = self._holdings(final)
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            known = chain.followed(session)
            if known is None or known.final.hash != final.hash:
                # Another block has become final meanwhile: the next sweep makes it as of that one.
                return False
            books = statements.books_of(session, epoch)
        assert ends_at(epoch) <= books.made_at
        said = message(epoch, books, block_number=final.number, block_hash=final.hash, usdc=usdc)
        signed = json.dumps(self._attester().sign(STATEMENT, said))
        with self._sessions.begin() as session:
            return statements.add(session, epoch, books.made_at, signed)
