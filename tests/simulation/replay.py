"""A follower that begins at the first block, in tables of its own beside the ones of the live follower."""

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store.session import session_factory

TABLES = ("chain_state", "blocks", "events", "positions")

DIFFERENT = " UNION ALL ".join(
    f"(SELECT '{table}' AS place, count(*) AS rows FROM "  # noqa: S608 - names of ours
    f"((TABLE public.{table} EXCEPT TABLE replay.{table}) UNION ALL "
    f"(TABLE replay.{table} EXCEPT TABLE public.{table})) AS each)"
    for table in ("events", "positions")
)


class Replay:
    """Tables like the live ones, in a schema of their own."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        live: Engine = sessions.kw["bind"]
        # The clock's and the journal's tables are found in `public`, where there is one of each.
        self.url = live.url.update_query_dict({"options": "-csearch_path=replay,public"})
        self._engine = create_engine(self.url, pool_size=1)
        with self._engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA replay"))
            for table in TABLES:
                connection.execute(text(f"CREATE TABLE replay.{table} (LIKE public.{table} INCLUDING ALL)"))
        self.sessions = session_factory(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    def forget(self) -> None:
        """Empty the tables."""
        with self._engine.begin() as connection:
            for table in TABLES:
                connection.execute(text(f"DELETE FROM replay.{table}"))  # noqa: S608 - names of ours

    def differences(self) -> dict[str, int]:
        """Return how many rows of which table are only here or only in the live one."""
        with self._engine.begin() as connection:
            rows = connection.execute(text(DIFFERENT)).all()
        return {row.place: row.rows for row in rows if row.rows}
