"""Leadership: of all processes that could follow and schedule, one does; by an advisory lock of PostgreSQL.

The lock belongs to a connection and ends with it, so a killed leader is replaced as soon as its connection is
gone: there is no heartbeat to wait out.
"""

from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from entitlement.core.errors import BuybackBusy


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
    """Keep other processes away from buybacks; raises `BuybackBusy` where another is at them."""
    leadership = Leadership(engine, Role.BUYBACK)
    try:
        if not leadership.is_taken():
            raise BuybackBusy
        yield
    finally:
        leadership.give_up()
