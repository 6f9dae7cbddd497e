"""How rows are read: as they are in the database now, not as this session saw them before."""

from typing import TypeVarTuple

from sqlalchemy import Engine, Select
from sqlalchemy.orm import Session, sessionmaker

Columns = TypeVarTuple("Columns")


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Return the maker of sessions. Rows stay readable after the commit, which is when we answer."""
    return sessionmaker(engine, expire_on_commit=False)


def fresh(query: Select[*Columns]) -> Select[*Columns]:
    """Return `query` such that it overwrites what the session remembers of the same rows.

    We write by statements, not by changing objects; without this a second read in one transaction would
    return the objects of the first.
    """
    return query.execution_options(populate_existing=True)
