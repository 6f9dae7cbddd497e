"""The database: the one that the settings name or our own, at the newest revision."""

from collections.abc import Generator
from contextlib import contextmanager

from pydantic import SecretStr
from sqlalchemy import URL, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from entitlement.core.errors import SetupError
from entitlement.settings import Settings
from entitlement.store.revision import is_current
from entitlement.store.server import EmbeddedPostgres, database_url, engine


@contextmanager
def open_database(settings: Settings) -> Generator[Engine]:
    """Start the embedded database if no other is named, migrate it, and hand out a pool of connections.

    Raises SetupError where the database is not one, does not answer, or is a later program's.
    """
    if not __debug__:
        raise SetupError(
            "Python was started with -O, which drops the assertions that guard the ledger.",
            remedy="Start it without -O and without PYTHONOPTIMIZE.",
        )
    server = None
    if settings.database_url is None:
        server = EmbeddedPostgres(settings.data_folder / "postgres")
        url: URL = server.url
    else:
        url = _own_database(settings.database_url)
    made = engine(url)
    try:
        _bring_up_to_date(made)
        yield made
    finally:
        made.dispose()
        if server is not None:
            server.stop()


def _own_database(given: SecretStr) -> URL:
    try:
        return database_url(given.get_secret_value())
    except (ArgumentError, ValueError):
        # Not what was wrong with it: the text may hold a password.
        raise SetupError(
            "DATABASE_URL is not the address of a database.",
            remedy="Give postgresql://user:password@host/database, or leave it out for the embedded server.",
        ) from None


def _bring_up_to_date(made: Engine) -> None:
    try:
        with made.connect() as connection:
            current = is_current(connection)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise SetupError(
            f"The database does not answer: {reason}.", remedy="Start it, or mend DATABASE_URL."
        ) from None
    if current:
        return
    from alembic.util import CommandError  # noqa: PLC0415  a third of a second that a start seldom needs

    from entitlement.store.schema import migrate  # noqa: PLC0415

    try:
        migrate(made)
    except CommandError as error:
        raise SetupError(
            f"The database is not of this program's making, or of a later one's: {error}.",
            remedy="Install the version that the database was used with last, or name another database.",
        ) from None
