"""Death at any point between a program and its database: at a statement, at a commit, or right after one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, cast
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store.journey import Answer, Journey, Value

POINTS_MAX = 200


_mortal: WeakKeyDictionary[psycopg.Connection, Callable[[psycopg.Connection], None]] = WeakKeyDictionary()


_ask = Journey.ask


def _ask_or_die(self: Journey, statement: str, given: Sequence[Value] = ()) -> Answer:
    """Every statement of a journey is a point too."""
    point = _mortal.get(self.connection)
    if point is not None:
        point(self.connection)
    return _ask(self, statement, given)


Journey.ask = _ask_or_die


class Died(BaseException):
    """The process ended here; no handler of errors runs any more."""


@dataclass
class Deaths:
    """Counts the points that a session factory's work passes, and ends it at one of them."""

    sessions: sessionmaker[Session]
    by_the_server: bool
    """The server ends the connection, and the program sees an error; otherwise the program just stops."""
    at: int | None = None
    passed: int = 0
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.sessions.kw["bind"]
        point = self._point

        class MortalCursor(psycopg.Cursor[Any]):
            """Every statement is a point, whether SQLAlchemy sends it or the driver does."""

            def execute(self, *given: Any, **named: Any) -> Self:  # noqa: ANN401 - whatever the driver takes
                # The pool asks in autocommit whether a connection lives: one that does not is replaced.
                if not self.connection.autocommit:
                    point(self.connection)
                return super().execute(*given, **named)

        @event.listens_for(self.engine, "checkout")
        def see_statements(connection: psycopg.Connection, *_: object) -> None:
            connection.cursor_factory = MortalCursor
            _mortal[connection] = point

        @event.listens_for(self.engine, "commit")
        def see_commits(connection: Connection) -> None:
            point(cast("psycopg.Connection", connection.connection.driver_connection))

        event.listen(self.sessions, "after_commit", lambda _: self._point(None))

    def _point(self, connection: psycopg.Connection | None) -> None:
        self.passed += 1
        if self.passed != self.at:
            return
        if connection is None or not self.by_the_server:
            raise Died
        backend = connection.info.backend_pid
        killer = create_engine(self.engine.url)
        with killer.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        killer.dispose()

    @contextmanager
    def dying_at(self, point: int) -> Iterator[None]:
        self.at, self.passed = point, 0
        try:
            yield
        finally:
            self.at = None


def at_every_point(deaths: Deaths, prepare: Callable[[int], Callable[[], object]]) -> Iterator[int]:
    """For each point: prepare, die there, and yield so that the caller can look and try again.

    Ends when the work gets through without dying; `prepare` takes the point's number and returns the work.
    """
    for point in range(1, POINTS_MAX):
        work = prepare(point)
        try:
            with deaths.dying_at(point):
                work()
        except (Died, DBAPIError):
            yield point
        else:
            assert deaths.passed < point, "it died and nobody noticed"
            return
    raise AssertionError("the work never ends")
