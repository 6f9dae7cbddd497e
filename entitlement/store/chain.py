"""Rows of the followed chain: state and cursor, blocks, the journal of events, positions."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    TextClause,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from entitlement.core.blocks import Header
from entitlement.core.events import DELEGATIONS, EVENT_KINDS, ChainEvent, LogPlace
from entitlement.core.positions import Position, Slot
from entitlement.core.units import Wallet
from entitlement.store.bulk import any_number, any_word, copy_rows, copying_rows, upsert_rows
from entitlement.store.journey import Answer, Journey
from entitlement.store.raw import array, cursor_of
from entitlement.store.session import fresh
from entitlement.store.tables import BlockRow, ChainState, EventRow, PositionRow, assert_all_uint256

LONGEST_PROBLEM = 500


@dataclass(frozen=True, slots=True)
class Followed:
    """How far the chain has been followed, as stored."""

    chain_id: int
    start: Header
    """The block before the first that is followed; its parent and time are not kept."""
    head: Header
    final: Header
    node_number: int
    stepped_at: int
    problem: str | None
    node_timestamp: int
    moved_at: int
    granting_stopped: str | None
    check_failed: str | None

    @property
    def no_grants_because(self) -> str | None:
        """Why nothing more may be granted now; None where grants go on."""
        return self.granting_stopped or self.check_failed


def followed(session: Session, *, for_update: bool = False) -> Followed | None:
    """Return the cursor and what goes with it, or None before the first step; locked if asked."""
    query = fresh(select(ChainState))
    row = session.scalars(query.with_for_update() if for_update else query).one_or_none()
    return None if row is None else _followed(row)


def _followed(row: ChainState) -> Followed:
    return Followed(
        chain_id=row.chain_id,
        start=Header(row.start_number, row.start_hash, "", 0),
        head=Header(row.head_number, row.head_hash, "", row.head_timestamp),
        final=Header(row.final_number, row.final_hash, "", row.final_timestamp),
        node_number=row.node_number,
        stepped_at=row.stepped_at,
        problem=row.problem,
        node_timestamp=row.node_timestamp,
        moved_at=row.moved_at,
        granting_stopped=row.granting_stopped,
        check_failed=row.check_failed,
    )


def ask_may_grant(journey: Journey) -> Answer:
    """Ask whether anything may be granted: what `Followed.no_grants_because` says, in one word."""
    return journey.ask("SELECT granting_stopped IS NULL AND check_failed IS NULL FROM chain_state")


def may_grant_of(asked: Answer) -> bool:
    """Return it, once the journey is made; no before the first step."""
    return any(row[0] for row in asked.rows)


def begin(session: Session, *, chain_id: int, start: Header, now: int) -> None:
    """Set the cursor on the block before the first one to follow; of two that begin at once, one does."""
    begun = session.scalars(
        insert(ChainState)
        .values(
            singleton=True,
            chain_id=chain_id,
            start_number=start.number,
            start_hash=start.hash,
            node_number=start.number,
            stepped_at=now,
            node_timestamp=start.timestamp,
            moved_at=now,
            **_place("head", start),
            **_place("final", start),
        )
        .on_conflict_do_nothing()
        .returning(ChainState.chain_id)
    ).all()
    if begun:
        add_blocks(session, [start])


def move_cursor(
    session: Session, *, head: Header, final: Header, node_number: int, node_timestamp: int | None = None
) -> Followed:
    """Set how far the chain is followed, and return it; the caller holds the row's lock and has compared.

    Grants that following had stopped go on, if the node was high enough to have our final block.
    """
    confirmed = {"granting_stopped": None} if node_number >= final.number else {}
    now = func.service_time()
    statement = (
        update(ChainState)
        .values(
            node_number=node_number,
            node_timestamp=ChainState.node_timestamp if node_timestamp is None else node_timestamp,
            stepped_at=now,
            moved_at=case(
                (ChainState.head_hash == head.hash, ChainState.moved_at), else_=func.service_time()
            ),
            problem=None,
            **confirmed,
            **_place("head", head),
            **_place("final", final),
        )
        .returning(ChainState)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return _followed(session.scalars(statement).one())


def note_problem(session: Session, problem: str, *, stops_granting: bool = False) -> None:
    """Keep why a step failed, for health to say; no more of it than the column takes.

    One that stops granting does so until a step succeeds, whatever fails in between.
    """
    kept = {"problem": bounded(problem)}
    if stops_granting:
        kept["granting_stopped"] = kept["problem"]
    session.execute(update(ChainState).values(kept))


def bounded(reason: str) -> str:
    """Return as much of a reason as a column takes."""
    return reason[:LONGEST_PROBLEM].replace("\0", "")


def _place(prefix: str, header: Header) -> dict[str, int | str]:
    return {
        f"{prefix}_number": header.number,
        f"{prefix}_hash": header.hash,
        f"{prefix}_timestamp": header.timestamp,
    }


# --- blocks --------------------------------------------------------------------------------------------


def add_blocks(session: Session, headers: Iterable[Header]) -> None:
    """Keep `headers`."""
    columns = ("number", "hash", "parent_hash", "timestamp")
    rows = [f"{each.number}\t{each.hash}\t{each.parent_hash}\t{each.timestamp}\n" for each in headers]
    copy_rows(session, BlockRow.__tablename__, columns, rows)


def kept_blocks(session: Session) -> list[Header]:
    """Return every kept block, oldest first."""
    rows = session.scalars(fresh(select(BlockRow)).order_by(BlockRow.number))
    return [Header(row.number, row.hash, row.parent_hash, row.timestamp) for row in rows]


def kept_block(session: Session, number: int) -> Header | None:
    """Return the kept block at a height, if it is kept."""
    row = session.scalars(fresh(select(BlockRow)).where(BlockRow.number == number)).one_or_none()
    return None if row is None else Header(row.number, row.hash, row.parent_hash, row.timestamp)


def forget_blocks_above(session: Session, number: int) -> None:
    """Drop the blocks above `number`: the chain took them back."""
    session.execute(delete(BlockRow).where(BlockRow.number > number))


def thin_blocks_below(session: Session, number: int, *, keep_every: int) -> None:
    """Drop all but each `keep_every`-th block, and the first, below `number`."""
    first = select(ChainState.start_number).scalar_subquery()
    session.execute(
        delete(BlockRow).where(
            BlockRow.number < number, BlockRow.number % keep_every != 0, BlockRow.number > first
        )
    )


# --- events --------------------------------------------------------------------------------------------


def adding_events(session: Session, events: Sequence[ChainEvent]) -> AbstractContextManager[None]:
    """Append to the journal of events; a log that is there already is an error.

    PostgreSQL stores them while the caller does something else, without the session.
    """
    return copying_rows(session, EventRow.__tablename__, EVENT_COLUMNS, map(_event_line, events))


def events_between(
    session: Session, *, above: int, to: int, wallets: Iterable[Wallet] | None = None
) -> list[ChainEvent]:
    """Return the events of blocks `above + 1 .. to`, of all wallets or of some, in chain order."""
    query = select(*_EVENT_COLUMNS).where(EventRow.block_number > above, EventRow.block_number <= to)
    if wallets is not None:
        names = list(wallets)
        query = query.where(or_(EventRow.wallet == any_word(names), EventRow.receiver == any_word(names)))
    rows = session.execute(query.order_by(EventRow.block_number, EventRow.log_index))
    return [_event(row) for row in rows]


def newest_events(session: Session, wallet: Wallet, *, limit: int) -> list[ChainEvent]:
    """Return up to `limit` events of a wallet, those in which it is given something too, newest first."""
    own = _newest(session, EventRow.wallet, wallet, limit)
    received = _newest(session, EventRow.receiver, wallet, limit, EventRow.wallet != wallet)
    return sorted([*own, *received], key=lambda event: event.at, reverse=True)[:limit]


def newest_openings(session: Session, wallet: Wallet, *, limit: int) -> list[ChainEvent]:
    """Return up to `limit` events that open or end its exits and what it gives away, newest first."""
    return _newest(session, EventRow.wallet, wallet, limit, text(OPENINGS))


def newest_received(session: Session, wallet: Wallet, *, limit: int) -> list[ChainEvent]:
    """Return up to `limit` delegations to a wallet, their beginnings and ends, newest first."""
    return _newest(session, EventRow.receiver, wallet, limit)


def block_times(session: Session, numbers: Iterable[int]) -> dict[int, int]:
    """Return the Unix times of those of these blocks that are kept."""
    rows = session.execute(
        select(BlockRow.number, BlockRow.timestamp).where(BlockRow.number == any_number(numbers))
    )
    return {row[0]: row[1] for row in rows}


def _newest(
    session: Session,
    column: InstrumentedAttribute[Any],
    wallet: Wallet,
    limit: int,
    *more: ColumnElement[bool] | TextClause,
) -> list[ChainEvent]:
    # A range of one: by `=` the planner may walk back through everybody's events instead, which is quick for
    # a wallet that is spoken of all the time, and has no end for one of which that was true long ago.
    query = (
        select(*_EVENT_COLUMNS)
        .where(column >= wallet, column <= wallet, *more)
        .order_by(column.desc(), EventRow.block_number.desc(), EventRow.log_index.desc())
    )
    return [_event(row) for row in session.execute(query.limit(limit))]


def forget_events_above(session: Session, number: int) -> set[Wallet]:
    """Drop the events above block `number` and return the wallets they were about."""
    rows = session.execute(
        delete(EventRow).where(EventRow.block_number > number).returning(EventRow.wallet, EventRow.receiver)
    )
    return {Wallet(name) for row in rows for name in row if name is not None}


OPENINGS = (
    "kind IN ('VvvExitRequested', 'VvvExitCancelled', 'VvvExitClaimed', 'DiemExitRequested', "
    "'DiemExitCancelled', 'DiemExitClaimed', 'Delegated', 'DelegationEnded')"
)
"""As the index on them says it, word for word."""
EVENT_COLUMNS = (
    "block_number",
    "log_index",
    "block_hash",
    "transaction_hash",
    "kind",
    "wallet",
    "receiver",
    "data",
)
_EVENT_COLUMNS = [getattr(EventRow, name) for name in EVENT_COLUMNS]
_DATA_FIELDS = {
    kind: tuple(field.name for field in fields(kind) if field.name not in ("at", "wallet", "receiver"))
    for kind in EVENT_KINDS.values()
}
# `:d` takes nothing but integers.
_DATA_JSON = {
    kind: "{{" + ",".join(f'"{name}":{{0.{name}:d}}' for name in names) + "}}"
    for kind, names in _DATA_FIELDS.items()
}


def _event_line(event: ChainEvent) -> str:
    at, kind = event.at, type(event)
    receiver = event.receiver if isinstance(event, DELEGATIONS) else r"\N"
    return (
        f"{at.block_number}\t{at.log_index}\t{at.block_hash}\t{at.transaction_hash}\t"
        f"{kind.__name__}\t{event.wallet}\t{receiver}\t{_DATA_JSON[kind].format(event)}\n"
    )


def _event(row: Sequence[Any]) -> ChainEvent:
    number, index, block_hash, transaction_hash, kind, wallet, receiver, data = row
    at = LogPlace(number, index, block_hash, transaction_hash)
    extra = {} if receiver is None else {"receiver": receiver}
    return EVENT_KINDS[kind](at=at, wallet=wallet, **extra, **data)  # pyright: ignore[reportArgumentType] - the row was written from this class


# --- positions -----------------------------------------------------------------------------------------


def positions(session: Session, wallets: Iterable[Wallet], *, pending: bool) -> dict[Wallet, Position]:
    """Return stored positions: at the final block or, `pending`, at the head where that differs."""
    # By the driver itself: a step reads thousands, and SQLAlchemy takes each number in a call of its own.
    with cursor_of(session) as cursor:
        found = cursor.execute(_SELECT_POSITIONS, (array(wallets), pending)).fetchall()
    return {wallet: _position(wallet, pending, *map(int, values)) for wallet, *values in found}


def position_pair(session: Session, wallet: Wallet) -> tuple[Position, Position]:
    """Return a wallet's position at the final block and at the newest one."""
    rows = session.execute(select(*_POSITION_COLUMNS).where(PositionRow.wallet == wallet))
    found = {row[1]: _position(*row) for row in rows}
    final = found.get(False) or Position(wallet)
    return final, found.get(True) or final


def write_positions(session: Session, written: Iterable[Position], *, pending: bool) -> None:
    """Insert or replace positions, each wallet once."""
    rows = [_position_values(position, pending=pending) for position in written]
    upsert_rows(session, PositionRow.__tablename__, ("wallet", "pending"), POSITION_COLUMNS, rows)


def forget_positions(session: Session, wallets: Iterable[Wallet], *, pending: bool) -> None:
    """Drop the positions of `wallets`."""
    session.execute(
        delete(PositionRow).where(PositionRow.wallet == any_word(wallets), PositionRow.pending == pending)
    )


def wallets_with_pending(session: Session) -> set[Wallet]:
    """Return the wallets whose position at the newest block differs from that at the final one."""
    return {Wallet(name) for name in session.scalars(select(PositionRow.wallet).where(PositionRow.pending))}


def followed_wallets(session: Session, *, after: str, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets of which anything is stored, in order, from the one after `after`."""
    rows = session.scalars(
        select(PositionRow.wallet)
        .where(PositionRow.wallet > after)
        .distinct()
        .order_by(PositionRow.wallet)
        .limit(limit)
    )
    return [Wallet(name) for name in rows]


def count_followed_wallets(session: Session) -> int:
    """Return how many wallets `followed_wallets` has."""
    return session.scalars(select(func.count(PositionRow.wallet.distinct()))).one()


def wallets_with_right(session: Session, *, after: str, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets whose final slot is not empty, in order, from the one after `after`."""
    rows = session.scalars(
        select(PositionRow.wallet)
        .where(
            PositionRow.pending.is_(False),
            or_(PositionRow.slot_current > 0, PositionRow.slot_next > 0),
            PositionRow.wallet > after,
        )
        .order_by(PositionRow.wallet)
        .limit(limit)
    )
    return [Wallet(name) for name in rows]


_AMOUNTS = tuple(field.name for field in fields(Position) if field.name not in ("wallet", "slot"))
POSITION_COLUMNS = {
    "wallet": "text",
    "pending": "boolean",
    **dict.fromkeys(_AMOUNTS, "numeric"),
    "slot_epoch": "integer",
    "slot_current": "numeric",
    "slot_next": "numeric",
}
_SELECT_POSITIONS = (
    # As text: the driver would make a Decimal of each number first, which takes as long as all the rest.
    f"SELECT wallet, {', '.join(f'{name}::text' for name in [*POSITION_COLUMNS][2:])} "  # noqa: S608  our own names
    f"FROM {PositionRow.__tablename__} WHERE wallet = ANY(%s::text[]) AND pending = %s"
).encode()
_POSITION_COLUMNS = [getattr(PositionRow, name) for name in POSITION_COLUMNS]


_amounts_of = attrgetter(*_AMOUNTS)


def _position_values(position: Position, *, pending: bool) -> list[object]:
    slot = position.slot
    amounts: tuple[int, ...] = (*_amounts_of(position), slot.current, slot.next)
    assert_all_uint256(amounts)
    return [position.wallet, pending, *amounts[:-2], slot.epoch, *amounts[-2:]]


def _position(wallet: Wallet, pending: bool, *values: Any) -> Position:  # noqa: ANN401, ARG001, FBT001  a row
    *amounts, epoch, current, next_ = values
    return Position(wallet, *amounts, slot=Slot(epoch, current, next_))
