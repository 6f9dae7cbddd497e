"""Alembic's entry: runs the migrations on the connection that `entitlement.store.schema` hands over."""

import re

from alembic import context

from entitlement.store import buyback_tables
from entitlement.store.tables import Base

assert buyback_tables.BuybackRunRow.metadata is Base.metadata, "its tables are among those that are declared"

# The parts of the tables that are kept by weeks.
PART = re.compile(r"(entries|usage)_\d+")


def is_declared(name: str | None, kind: str, parents: object) -> bool:
    """Tell whether `name` is something that the declared tables should know of."""
    del parents
    return kind != "table" or name is None or PART.fullmatch(name) is None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, compare_type=True, include_name=is_declared
)
with context.begin_transaction():
    context.run_migrations()
