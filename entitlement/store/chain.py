"""Rows of the followed chain: state and cursor, blocks, the journal of events, positions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.blocks import Header
from entitlement.core.epochs import Epoch
from entitlement.core.events import EVENT_KINDS, ChainEvent, Delegated, DelegationEnded, LogPlace, wallets_of
from entitlement.core.positions import Position, Slot
from entitlement.core.units import Wallet, Wei
from entitlement.store.session import fresh
from entitlement.store.tables import BlockRow, ChainState, EventRow, PositionRow

ROWS_PER_INSERT = 1_000
"""One statement's worth; PostgreSQL takes 65,535 parameters at the most."""
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


def followed(session: Session, *, for_update: bool = False) -> Followed | None:
    """Return the cursor and what goes with it, or None before the first step; locked if asked."""
    query = fresh(select(ChainState))
    row = session.scalars(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        return None
    return Followed(
        chain_id=row.chain_id,
        start=Header(row.start_number, row.start_hash, "", 0),
        head=Header(row.head_number, row.head_hash, "", row.head_timestamp),
        final=Header(row.final_number, row.final_hash, "", row.final_timestamp),
        node_number=row.node_number,
        stepped_at=row.stepped_at,
        problem=row.problem,
    )


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
            **_place("head", start),
            **_place("final", start),
        )
        .on_conflict_do_nothing()
        .returning(ChainState.chain_id)
    ).all()
    if begun:
        add_blocks(session, [start])


def move_cursor(session: Session, *, head: Header, final: Header, node_number: int, now: int) -> None:
    """Set how far the chain is followed; the caller holds the row's lock and has compared the old value."""
    session.execute(
        update(ChainState).values(
            node_number=node_number,
            stepped_at=now,
            problem=None,
            **_place("head", head),
            **_place("final", final),
        )
    )


def note_problem(session: Session, problem: str) -> None:
    """Keep why a step failed, for health to say; no more of it than the column takes."""
    session.execute(update(ChainState).values(problem=problem[:LONGEST_PROBLEM].replace("\0", "")))


def _place(prefix: str, header: Header) -> dict[str, int | str]:
    return {
        f"{prefix}_number": header.number,
        f"{prefix}_hash": header.hash,
        f"{prefix}_timestamp": header.timestamp,
    }


# --- blocks --------------------------------------------------------------------------------------------


def add_blocks(session: Session, headers: Sequence[Header]) -> None:
    """Keep `headers`."""
    for part in _slices([_block_values(header) for header in headers]):
        session.execute(insert(BlockRow), part)


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


def _block_values(header: Header) -> dict[str, int | str]:
    return {
        "number": header.number,
        "hash": header.hash,
        "parent_hash": header.parent_hash,
        "timestamp": header.timestamp,
    }


# --- events --------------------------------------------------------------------------------------------


def add_events(session: Session, events: Sequence[ChainEvent]) -> None:
    """Append to the journal of events; a log that is there already is an error."""
    for part in _slices([_event_values(event) for event in events]):
        session.execute(insert(EventRow), part)


def events_between(
    session: Session, *, above: int, to: int, wallets: Iterable[Wallet] | None = None
) -> list[ChainEvent]:
    """Return the events of blocks `above + 1 .. to`, of all wallets or of some, in chain order."""
    query = fresh(select(EventRow)).where(EventRow.block_number > above, EventRow.block_number <= to)
    if wallets is not None:
        names = list(wallets)
        query = query.where(or_(EventRow.wallet.in_(names), EventRow.receiver.in_(names)))
    rows = session.scalars(query.order_by(EventRow.block_number, EventRow.log_index))
    return [_event(row) for row in rows]


def forget_events_above(session: Session, number: int) -> set[Wallet]:
    """Drop the events above block `number` and return the wallets they were about."""
    rows = session.execute(
        delete(EventRow).where(EventRow.block_number > number).returning(EventRow.wallet, EventRow.receiver)
    )
    return {Wallet(name) for row in rows for name in row if name is not None}


_COMMON_FIELDS = {"at", "wallet", "receiver"}


def _event_values(event: ChainEvent) -> dict[str, object]:
    return {
        "block_hash": event.at.block_hash,
        "log_index": event.at.log_index,
        "block_number": event.at.block_number,
        "transaction_hash": event.at.transaction_hash,
        "kind": type(event).__name__,
        "wallet": event.wallet,
        "receiver": event.receiver if isinstance(event, Delegated | DelegationEnded) else None,
        "data": {
            field.name: getattr(event, field.name)
            for field in fields(event)
            if field.name not in _COMMON_FIELDS
        },
    }


def _event(row: EventRow) -> ChainEvent:
    kind = EVENT_KINDS[row.kind]
    at = LogPlace(row.block_number, row.log_index, row.block_hash, row.transaction_hash)
    extra = {} if row.receiver is None else {"receiver": Wallet(row.receiver)}
    return kind(at=at, wallet=Wallet(row.wallet), **extra, **row.data)  # pyright: ignore[reportArgumentType] - the row was written from this class


# --- positions -----------------------------------------------------------------------------------------


def positions(session: Session, wallets: Iterable[Wallet], *, pending: bool) -> dict[Wallet, Position]:
    """Return stored positions: at the final block or, `pending`, at the head where that differs."""
    rows = session.scalars(
        fresh(select(PositionRow)).where(
            PositionRow.wallet.in_(list(wallets)), PositionRow.pending == pending
        )
    )
    return {Wallet(row.wallet): _position(row) for row in rows}


def position_pair(session: Session, wallet: Wallet) -> tuple[Position, Position]:
    """Return a wallet's position at the final block and at the newest one."""
    rows = session.scalars(fresh(select(PositionRow)).where(PositionRow.wallet == wallet))
    found = {row.pending: _position(row) for row in rows}
    final = found.get(False) or Position(wallet)
    return final, found.get(True) or final


def write_positions(session: Session, written: Iterable[Position], *, pending: bool) -> None:
    """Insert or replace positions, each wallet once."""
    for part in _slices([_position_values(position, pending=pending) for position in written]):
        statement = insert(PositionRow)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[PositionRow.wallet, PositionRow.pending],
                set_={
                    name: statement.excluded[name] for name in part[0] if name not in ("wallet", "pending")
                },
            ),
            part,
        )


def forget_positions(session: Session, wallets: Iterable[Wallet], *, pending: bool) -> None:
    """Drop the positions of `wallets`."""
    session.execute(
        delete(PositionRow).where(PositionRow.wallet.in_(list(wallets)), PositionRow.pending == pending)
    )


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


def wallets_in(events: Iterable[ChainEvent]) -> set[Wallet]:
    """Return every wallet whose position `events` change."""
    return {wallet for event in events for wallet in wallets_of(event)}


def _position_values(position: Position, *, pending: bool) -> dict[str, object]:
    values = {field.name: getattr(position, field.name) for field in fields(position) if field.name != "slot"}
    slot = position.slot
    values.update(pending=pending, slot_epoch=slot.epoch, slot_current=slot.current, slot_next=slot.next)
    return values


def _position(row: PositionRow) -> Position:
    return Position(
        wallet=Wallet(row.wallet),
        vvv_unlocked=Wei(row.vvv_unlocked),
        vvv_locked=Wei(row.vvv_locked),
        vvv_cooling=Wei(row.vvv_cooling),
        rewards_claimed=Wei(row.rewards_claimed),
        diem_minted=Wei(row.diem_minted),
        diem_staked=Wei(row.diem_staked),
        diem_cooling=Wei(row.diem_cooling),
        diem_given=Wei(row.diem_given),
        diem_received=Wei(row.diem_received),
        slot=Slot(Epoch(row.slot_epoch), Wei(row.slot_current), Wei(row.slot_next)),
    )


def _slices(rows: list[dict[str, object]] | list[dict[str, int | str]]) -> Iterable[list[dict[str, object]]]:
    for first in range(0, len(rows), ROWS_PER_INSERT):
        yield [dict(row) for row in rows[first : first + ROWS_PER_INSERT]]
