"""Statements that go to the server together and whose answers come back together: one journey for all.

    ask A · ask B · ask C      written down here
         go  --> A B C -->     one message; the server works through it
             <-- a b c <--     one wait; each answer has its rows then

The driver's own pipeline mode talks to the server at each statement, which costs a program more than the
statements do. This is libpq's pipeline mode, used directly: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

from entitlement.store.raw import CarryingConnection, Connection
from entitlement.store.waiting import wait_for_socket

Row = tuple[Any, ...]
Value = str | int | bytes | None

_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
_COMMIT = b"COMMIT"
_names = itertools.count()
_prepared: WeakKeyDictionary[Connection, dict[tuple[str, bool], bytes]] = WeakKeyDictionary()
"""The statements that each connection has prepared, with their names there, by how they are planned."""


class Answer:
    """The rows that a statement found; there are none before the journey is over."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def one(self) -> Row:
        """Return the only row."""
        [row] = self.rows
        return row


_Asked = tuple[str, list[bytes | None], Answer]
"""A statement, its values, and where its rows go."""


class Journey:
    """Statements on their way to the server, in the connection's transaction; it begins one where none is.

    After `go` it can be used for another one.
    """

    def __init__(self, connection: Connection, *, by_key: bool = False) -> None:
        """Take the connection; `by_key` if the transaction plans so (store.books).

        A plan is kept with its statement, so that one made otherwise would be taken for these too.
        """
        self.connection, self._by_key = connection, by_key
        self._asked: list[_Asked] = []

    def ask(self, statement: str, given: Sequence[Value] = ()) -> Answer:
        """Take a statement with `%s` for each value; what comes of it is in the answer after `go`.

        Each statement is prepared once on each connection, so its text must not hold values.
        """
        answer = Answer()
        values = [_written(value) for value in given]
        self._asked.append((statement, values, answer))
        return answer

    def go(self) -> None:
        """Carry all out. Raises the driver's error for the first that failed; none has had an effect then."""
        if self._asked:
            self._go(commits=False)

    def leave(self) -> None:
        """Leave all for the commit of the transaction, which then takes one message with it, and one wait.

        Nobody may read in between what is written here; what fails is an error of the commit.
        """
        if self._asked and isinstance(self.connection, CarryingConnection):
            self.connection.leave_for_commit(lambda: self._go(commits=True))
        else:
            self.go()

    def _go(self, *, commits: bool) -> None:
        asked, self._asked = self._asked, []
        server = self.connection.pgconn
        begins = server.transaction_status == pq.TransactionStatus.IDLE
        try:
            server.enter_pipeline_mode()
            new = self._send(asked, begins=begins, commits=commits)
            results = _receive(server)
        except psycopg.Error:
            raise
        except BaseException:
            # What is still on its way would be taken for the answer to something else.
            server.finish()
            raise
        server.exit_pipeline_mode()
        self._take(asked, new, results[1:] if begins else results)

    def _send(self, asked: Sequence[_Asked], *, begins: bool, commits: bool) -> set[str]:
        """Write everything to the server; return the statements that it prepares for it."""
        server = self.connection.pgconn
        known, new = _prepared.setdefault(self.connection, {}), set[str]()
        by_key = self._by_key
        if begins:
            server.send_query_params(_BEGIN, None)
        for statement, values, _ in asked:
            name = known.get((statement, by_key))
            if name is None:
                name = known[statement, by_key] = f"journey_{next(_names)}".encode()
                new.add(statement)
                server.send_prepare(name, _numbered(statement))
            server.send_query_prepared(name, values)
        if commits:
            # After a statement that failed the server skips the rest, and this with it.
            server.send_query_params(_COMMIT, None)
        server.pipeline_sync()
        return new

    def _take(self, asked: Sequence[_Asked], new: set[str], results: Sequence[pq.abc.PGresult]) -> None:
        failed = next((each for each in results if each.status not in _GOOD), None)
        if failed is not None:
            for statement in new:
                del _prepared[self.connection][statement, self._by_key]
            raise error_from_result(failed, self.connection.info.encoding)
        results_left, unread = iter(results), new.copy()
        reader = Transformer(self.connection)
        for statement, _, answer in asked:
            result = next(results_left)
            if statement in unread:
                unread.remove(statement)
                result = next(results_left)
            if result.status == pq.ExecStatus.TUPLES_OK:
                reader.set_pgresult(result)
                answer.rows = reader.load_rows(0, result.ntuples, tuple)


_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


def _receive(server: pq.abc.PGconn) -> list[pq.abc.PGresult]:
    """Return the results up to the end of the pipeline. Raises OperationalError where the server is lost."""
    results: list[pq.abc.PGresult] = []
    while True:  # ends with the pipeline or with the connection, whichever is first
        more = server.flush()
        while server.is_busy():
            wait_for_socket(server.socket, writes=bool(more))
            server.consume_input()
            more = server.flush()
        result = server.get_result()
        if result is None:
            if server.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError(server.get_error_message())
        elif result.status == pq.ExecStatus.PIPELINE_SYNC:
            return results
        else:
            results.append(result)


def _written(value: Value) -> bytes | None:
    """Return a value as the server reads it."""
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    return None if value is None else str(value).encode()


@lru_cache(maxsize=256)
def _numbered(statement: str) -> bytes:
    """Return the statement with $1, $2, ... for its values, as the server counts them."""
    parts = re.split("%s", statement)
    numbered = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], start=1))
    return f"{numbered}{parts[-1]}".encode()
