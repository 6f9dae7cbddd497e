"""A real PostgreSQL for all tests: one server a worker, one database a test, made by the migrations."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from hypothesis import settings
from sqlalchemy import URL, Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store.session import session_factory
from tests.databases import empty_database, fast_server
from tests.web import available

# No deadline: a machine that does something else besides is no failure. More examples: EXAMPLES=1000.
settings.register_profile("tests", deadline=None, max_examples=int(os.environ.get("EXAMPLES", "50")))
settings.load_profile("tests")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line why the tests in a browser did not run, and how to get them."""
    skipped = terminalreporter.stats.get("skipped", [])
    reason = available.missing()
    if reason is not None and any(report.nodeid.startswith("tests/web/") for report in skipped):
        terminalreporter.write_line(reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    with fast_server() as url:
        yield url


@pytest.fixture
def database(postgres: URL) -> Iterator[Engine]:
    """An empty database at the newest revision."""
    with empty_database(postgres) as made:
        yield made


@pytest.fixture(scope="session")
def new_database(postgres: URL) -> Callable[[], AbstractContextManager[sessionmaker[Session]]]:
    """A maker of such databases, for tests that need one for each example or seed."""

    @contextmanager
    def make() -> Iterator[sessionmaker[Session]]:
        with empty_database(postgres) as made:
            yield session_factory(made)

    return make


@pytest.fixture
def sessions(database: Engine) -> sessionmaker[Session]:
    return session_factory(database)
