"""A real PostgreSQL for all tests: one server a worker, one database a test, made by the migrations."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory

_numbers = itertools.count()

# No deadline: a machine that does something else besides is no failure. More examples: EXAMPLES=1000.
settings.register_profile("tests", deadline=None, max_examples=int(os.environ.get("EXAMPLES", "50")))
settings.load_profile("tests")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A server without its disk flushes: the tests kill processes, never the machine."""
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
    yield server.url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres: URL) -> Iterator[Engine]:
    """An empty database at the newest revision."""
    with _new_database(postgres) as made:
        yield made


@pytest.fixture(scope="session")
def new_database(postgres: URL) -> Callable[[], AbstractContextManager[sessionmaker[Session]]]:
    """A maker of such databases, for tests that need one for each example or seed."""

    @contextmanager
    def make() -> Iterator[sessionmaker[Session]]:
        with _new_database(postgres) as made:
            yield session_factory(made)

    return make


@contextmanager
def _new_database(server: URL) -> Iterator[Engine]:
    name = f"test_{next(_numbers)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE template_of_tests STRATEGY FILE_COPY")
    made = engine(server.set(database=name))
    try:
        yield made
    finally:
        made.dispose()
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sessions(database: Engine) -> sessionmaker[Session]:
    return session_factory(database)


def _run(url: URL, *statements: str) -> None:
    made = create_engine(url, isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    made.dispose()
