"""What is stored against what was rebuilt in the shadow: which rows differ, and putting them right.

Only rows that differ are written. Nobody who reads waits for that, or sees half of it; views, grants and
replicas that hang on the tables stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Subquery,
    Table,
    and_,
    delete,
    distinct,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union,
    update,
)
from sqlalchemy.orm import Session

from entitlement.store.shadow import live_table, shadow_table
from entitlement.store.tables import (
    Base,
    BlockRow,
    ChainState,
    EpochStartRow,
    EventRow,
    PositionRow,
    StakeTotalRow,
)

CURSOR = (
    "chain_id",
    "start_number",
    "start_hash",
    "head_number",
    "head_hash",
    "head_timestamp",
    "final_number",
    "final_hash",
    "final_timestamp",
)
"""Of the state, what follows from the chain; the rest is told of following."""

EPOCH_START = ("epoch", "block_number", "block_hash", "vvv_staked")
"""Of an epoch's start, what follows from the chain; whether it is disputed is told of what was undone."""


@dataclass(frozen=True, slots=True)
class Differences:
    """How many differ of a kind, and the first of them in sentences with both figures."""

    count: int
    first: list[str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table, as they are stored and in the shadow."""

    live: Table
    shadow: Table
    live_ones: ColumnElement[bool]
    shadow_ones: ColumnElement[bool]

    def live_alone(self) -> ColumnElement[bool]:
        """Return that a stored row has no twin in the shadow."""
        return and_(self.live_ones, ~_has_twin(self.live, self.shadow))

    def shadow_alone(self) -> ColumnElement[bool]:
        """Return that a row of the shadow has no twin among those stored."""
        return and_(self.shadow_ones, ~_has_twin(self.shadow, self.live))

    def differing(self, *names: str) -> Subquery:
        """Return these columns of every row that stands on one side alone, each combination once."""
        return union(
            select(*(self.live.c[name] for name in names)).where(self.live_alone()),
            select(*(self.shadow.c[name] for name in names)).where(self.shadow_alone()),
        ).subquery()

    def mend(self, session: Session) -> None:
        """Make what is stored the same as the shadow."""
        session.execute(delete(self.live).where(self.live_alone()))
        columns = [column.name for column in self.live.columns]
        missing = select(*(self.shadow.c[name] for name in columns)).where(self.shadow_alone())
        session.execute(insert(self.live).from_select(columns, missing))


def events_above(number: int, *, to: int | None = None) -> Rows:
    """Return the events of the blocks above `number`."""
    return _numbered(EventRow, "block_number", number, to)


def blocks() -> Rows:
    """Return all kept blocks."""
    return _whole(BlockRow)


def positions() -> Rows:
    """Return all positions, at the final block and at the newest one."""
    return _whole(PositionRow)


def compare_events(session: Session, rows: Rows, *, shown: int) -> Differences:
    """Compare events; one that is in another block than before differs twice where its key has the hash."""
    found = rows.differing("block_number", "log_index")
    count = session.scalars(select(func.count()).select_from(found)).one()
    places = session.execute(select(found).order_by(*found.c).limit(shown)).all()
    return Differences(count, [_event_told(session, rows, number, index) for number, index in places])


def compare_positions(session: Session, rows: Rows, *, shown: int) -> Differences:
    """Compare positions; a wallet counts once."""
    found = rows.differing("wallet", "pending")
    count = session.scalars(select(func.count(distinct(found.c.wallet)))).one()
    keys = session.execute(select(found).order_by(*found.c).limit(shown)).all()
    return Differences(count, [_position_told(session, rows, *key) for key in keys])


def compare_blocks(session: Session, rows: Rows, *, from_number: int, shown: int) -> Differences:
    """Compare blocks where both keep one, and all from `from_number` on, which must all be kept.

    Below that, how many are kept depends on how often the chain was undone.
    """
    live, shadow = rows.live.alias("stored"), rows.shadow.alias("rebuilt")
    query = (
        select(shadow.c.number, live.c.hash, shadow.c.hash)
        .select_from(shadow.outerjoin(live, live.c.number == shadow.c.number))
        .where(
            or_(
                and_(live.c.number.is_not(None), ~_same(rows.live, live, shadow)),
                and_(live.c.number.is_(None), shadow.c.number >= from_number),
            )
        )
    )
    count = session.scalars(select(func.count()).select_from(query.subquery())).one()
    first = session.execute(query.order_by(shadow.c.number).limit(shown)).all()
    return Differences(
        count,
        [f"block {number} is stored as {mine}, the chain has {theirs}" for number, mine, theirs in first],
    )


def compare_cursor(session: Session) -> Differences:
    """Compare how far and on which blocks the chain is followed."""
    live, shadow = live_table(ChainState), shadow_table(ChainState)
    stored = session.execute(select(*(live.c[name] for name in CURSOR))).one()
    rebuilt = session.execute(select(*(shadow.c[name] for name in CURSOR))).one()
    told = _told("the cursor", CURSOR, stored, rebuilt)
    return Differences(len(told), told)


def compare_epoch_starts(session: Session, *, shown: int) -> Differences:
    """Compare where the epochs began that the rebuilt chain has reached, and the running total of stake."""
    live, shadow = live_table(EpochStartRow), shadow_table(EpochStartRow)
    stored = {row[0]: row[1:] for row in session.execute(select(*(live.c[name] for name in EPOCH_START)))}
    rebuilt = {row[0]: row[1:] for row in session.execute(select(*(shadow.c[name] for name in EPOCH_START)))}
    differing = sorted(epoch for epoch, start in rebuilt.items() if stored.get(epoch) != start)
    told = [
        f"epoch {epoch} is stored as beginning at {stored.get(epoch)}, rebuilt it is {rebuilt[epoch]}"
        for epoch in differing[:shown]
    ]
    live, shadow = live_table(StakeTotalRow), shadow_table(StakeTotalRow)
    mine = session.scalars(select(live.c.vvv_staked)).one_or_none()
    theirs = session.scalars(select(shadow.c.vvv_staked)).one_or_none()
    # Without one it is counted anew when it is needed.
    wrong = mine is not None and mine != (theirs or 0)
    told += [f"all VVV staked is stored as {mine}, rebuilt it is {theirs or 0}"] * wrong
    return Differences(len(differing) + wrong, told[:shown])


def mend_epoch_starts(session: Session) -> None:
    """Write the rebuilt starts of epochs that differ, and drop the running total: it is counted anew.

    A start that stood otherwise shares out nothing more.

    What was granted by the old one stays granted, and with shares of the new one could exceed the capacity.
    """
    live, shadow = live_table(EpochStartRow), shadow_table(EpochStartRow).alias("rebuilt")
    same = and_(*(live.c[name].is_not_distinct_from(shadow.c[name]) for name in EPOCH_START))
    session.execute(
        update(live)
        .where(live.c.epoch == shadow.c.epoch, ~same)
        .values({name: shadow.c[name] for name in EPOCH_START} | {"is_disputed": True})
    )
    columns = [column.name for column in live.columns]
    known = exists(select(literal(1)).select_from(live).where(live.c.epoch == shadow.c.epoch))
    missing = select(*(shadow.c[name] for name in columns)).where(~known)
    session.execute(insert(live).from_select(columns, missing))
    session.execute(delete(live_table(StakeTotalRow)))


def mend_cursor(session: Session) -> None:
    """Set the cursor to the shadow's; what is told of following stays."""
    live, shadow = live_table(ChainState), shadow_table(ChainState)
    rebuilt = session.execute(select(*(shadow.c[name] for name in CURSOR))).one()
    session.execute(update(live).values(dict(zip(CURSOR, rebuilt, strict=True))))


def _has_twin(table: Table, other: Table) -> ColumnElement[bool]:
    # Under a name of its own: the two tables differ by their schema alone, which confuses SQLAlchemy.
    twin = other.alias("twin")
    return exists(select(literal(1)).select_from(twin).where(_same(table, table, twin)))


def _same(table: Table, one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return that two rows of the kind of `table` are the same in every column."""
    key = [column.name for column in table.primary_key]
    rest = [column.name for column in table.columns if column.name not in key]
    return and_(
        *(one.c[name] == other.c[name] for name in key),
        *(one.c[name].is_not_distinct_from(other.c[name]) for name in rest),
    )


def _whole(of: type[Base]) -> Rows:
    return Rows(live_table(of), shadow_table(of), true(), true())


def _numbered(of: type[Base], name: str, above: int, to: int | None) -> Rows:
    def within(table: Table) -> ColumnElement[bool]:
        number = table.c[name]
        return number > above if to is None else and_(number > above, number <= to)

    live, shadow = live_table(of), shadow_table(of)
    return Rows(live, shadow, within(live), within(shadow))


def _event_told(session: Session, rows: Rows, number: int, index: int) -> str:
    names = ("block_hash", "transaction_hash", "kind", "wallet", "receiver", "data")
    stored, rebuilt = (
        session.execute(
            select(*(table.c[name] for name in names)).where(
                table.c.block_number == number, table.c.log_index == index
            )
        ).one_or_none()
        for table in (rows.live, rows.shadow)
    )
    what = f"log {index} of block {number}"
    if stored is None:
        return f"{what} is missing: {rebuilt and rebuilt.kind} of {rebuilt and rebuilt.wallet}"
    if rebuilt is None:
        return f"{what} is stored, {stored.kind} of {stored.wallet}, and is not on the chain"
    return "; ".join(_told(what, names, stored, rebuilt))


def _position_told(session: Session, rows: Rows, wallet: str, pending: bool) -> str:  # noqa: FBT001 - a key
    names = [column.name for column in rows.live.columns if column.name not in ("wallet", "pending")]
    stored, rebuilt = (
        session.execute(
            select(*(table.c[name] for name in names)).where(
                table.c.wallet == wallet, table.c.pending == pending
            )
        ).one_or_none()
        for table in (rows.live, rows.shadow)
    )
    what = f"{wallet} at the {'newest' if pending else 'final'} block"
    if stored is None:
        return f"{what} is not stored"
    if rebuilt is None:
        return f"{what} is stored, and its events give it nothing there"
    return "; ".join(_told(what, names, stored, rebuilt))


def _told(what: str, names: Sequence[str], stored: Sequence[object], rebuilt: Sequence[object]) -> list[str]:
    return [
        f"{what}: {name} is stored as {mine}, rebuilt it is {theirs}"
        for name, mine, theirs in zip(names, stored, rebuilt, strict=True)
        if mine != theirs
    ]
