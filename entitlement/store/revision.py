"""The schema's revision, known without loading what makes it: a start that finds it current is quick."""

from pathlib import Path

from sqlalchemy import Connection, text

REPOSITORY = Path(__file__).parents[2]
_VERSIONS = REPOSITORY / "migrations" / "versions"


def newest_revision() -> str:
    """Return the revision that this program was written for: the last of migrations/versions by name."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def is_current(connection: Connection) -> bool:
    """Tell whether the database is at the revision that this program was written for."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return False
    found = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    return list(found) == [newest_revision()]
