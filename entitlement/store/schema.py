"""The schema, made by Alembic's migrations and by nothing else; in tests too."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from entitlement.store.revision import REPOSITORY

_LOCK = 7_203_114
"""The advisory lock under which one process migrates while the others wait; any number nobody else uses."""


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision; safe to call from several processes at once."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(_config(connection), "head")


def check(connection: Connection) -> None:
    """Raise Alembic's CommandError if the tables differ from what `store.tables` declares."""
    command.check(_config(connection))


def _config(connection: Connection) -> Config:
    config = Config(REPOSITORY / "alembic.ini")
    config.attributes["connection"] = connection
    return config
