"""Leadership: of all processes that could follow and schedule, one does; by an advisory lock of PostgreSQL.

The lock belongs to a connection and ends with it, so a killed leader is replaced as soon as its connection is
gone: there is no heartbeat to wait out.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from entitlement.core.errors import BuybackBusy

_TRIES, _TRY_SECONDS = 5, 0.1


class Role(IntEnum):
    """What one process at a time does; the numbers are the locks'."""

    JOBS = 7_203_115
    REINDEX = 7_203_116
    BUYBACK = 7_203_120


class Leadership:
    """One role, held by this process or by another."""

    def __init__(self, engine: Engine, role: Role) -> None:
        self._role = role
        self._connection = engine.execution_options(isolation_level="AUTOCOMMIT").connect()

    def is_taken(self) -> bool:
        """Take the role if nobody else has it; tell whether it is ours."""
        query = text("SELECT pg_try_advisory_lock(:role)")
        return bool(self._connection.execute(query, {"role": int(self._role)}).scalar_one())

    def is_held(self) -> bool:
        """Tell whether the role is still ours: the connection that carries it is alive."""
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def give_up(self) -> None:
        """Let another process have the role."""
        self._connection.invalidate()
        self._connection.close()


@contextmanager
def alone_at_buybacks(engine: Engine) -> Generator[None]:
    """Keep other processes away from buybacks; raises `BuybackBusy` where another is at them.

    Tried for a moment: a process that was killed is gone before its connection is.
    """
    role = {"role": int(Role.BUYBACK)}
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for _ in range(_TRIES):
            if connection.execute(text("SELECT pg_try_advisory_lock(:role)"), role).scalar_one():
                break
            time.sleep(_TRY_SECONDS)
        else:
            raise BuybackBusy
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:role)"), role)
