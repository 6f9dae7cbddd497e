"""The shadow: tables of the followed chain a second time, in a schema of their own in the same database.

    public     chain_state  blocks  events  positions  ...    accounts  ...    what the service lives on
    reindex    chain_state  blocks  events  positions  ...                      rebuilt, then compared

A session of the shadow sees these tables under their usual names and no others: whatever writes through it
cannot reach what the service lives on. Only its clock is the service's.
"""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Engine, MetaData, Table, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.schema import CreateSchema, DropSchema

from entitlement.core.errors import SetupError
from entitlement.store.session import session_factory
from entitlement.store.tables import (
    Base,
    BlockRow,
    ChainState,
    EpochStartRow,
    EventRow,
    PositionRow,
    StakeTotalRow,
)

SCHEMA = "reindex"
FOLLOWED = (ChainState, BlockRow, EventRow, PositionRow, EpochStartRow, StakeTotalRow)
"""What following writes. A table that it comes to write is added here, or rebuilding fails."""

_metadata = MetaData()
_SHADOWS = {
    each.__tablename__: Base.metadata.tables[each.__tablename__].to_metadata(_metadata, schema=SCHEMA)
    for each in FOLLOWED
}
_VIEW_OF_THE_CLOCK = "CREATE VIEW {shadow}.clock AS SELECT * FROM {live}.clock"
_TIME = """
CREATE FUNCTION {shadow}.service_time() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT {live}.service_time()
$$
"""


def live_table(of: type[Base]) -> Table:
    """Return a table of the service."""
    return Base.metadata.tables[of.__tablename__]


def shadow_table(of: type[Base]) -> Table:
    """Return a table of the shadow, named with its schema, for a session of the service."""
    return _SHADOWS[of.__tablename__]


@contextmanager
def open_shadow(live: Engine) -> Generator[sessionmaker[Session]]:
    """Make the shadow's tables, empty, and drop them at the end; what a killed process left is dropped first.

    The caller sees to it that there is one at a time. Raises SetupError where the database lets us make no
    schema.
    """
    _make(live)
    # A pool of its own, with nothing but the shadow on its path.
    own = create_engine(
        live.url,
        pool_size=2,
        isolation_level="READ COMMITTED",
        connect_args={"options": f"-c search_path={SCHEMA}"},
    )
    try:
        yield session_factory(own)
    finally:
        own.dispose()
        with live.begin() as connection:
            connection.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))


def _make(live: Engine) -> None:
    try:
        with live.begin() as connection:
            connection.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))
            connection.execute(CreateSchema(SCHEMA))
            _metadata.create_all(connection, checkfirst=False)
            schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
            for statement in (_VIEW_OF_THE_CLOCK, _TIME):
                connection.execute(text(statement.format(shadow=SCHEMA, live=schema)))
    except ProgrammingError as error:
        raise SetupError(
            f"The schema {SCHEMA!r} cannot be made: {str(error.orig).partition(chr(10))[0]}.",
            remedy="Let the service's user make schemas: GRANT CREATE ON DATABASE … TO …",
        ) from None
