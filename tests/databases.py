"""A PostgreSQL without its disk flushes, and databases on it, made by the migrations."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, text

from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine

_numbers = itertools.count()


@contextmanager
def fast_server() -> Iterator[URL]:
    """Run a server of its own: what uses it kills processes, never the machine."""
    folder = Path(tempfile.mkdtemp(prefix="entitlement-test-"))
    server = EmbeddedPostgres(folder / "postgres")
    _run(
        server.url,
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET full_page_writes = off",
        "ALTER SYSTEM SET max_connections = 300",
    )
    server.restart()
    _run(server.url, "CREATE DATABASE template_of_tests")
    template = create_engine(server.url.set(database="template_of_tests"))
    migrate(template)
    template.dispose()
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def empty_database(server: URL) -> Iterator[Engine]:
    """Make a database at the newest revision, and drop it in the end."""
    name = f"test_{next(_numbers)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE template_of_tests STRATEGY FILE_COPY")
    made = engine(server.set(database=name))
    try:
        yield made
    finally:
        made.dispose()
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _run(url: URL, *statements: str) -> None:
    made = create_engine(url, isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    made.dispose()
