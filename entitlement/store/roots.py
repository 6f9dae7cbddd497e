"""Rows of what is committed to for each epoch: its leaves, its root, and how far the publication has come."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, case, func, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from entitlement.core.commitment import HASH_BYTES, proof_places
from entitlement.core.epoch_file import BlockName, JournalHead, Sharing
from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store.bulk import copy_rows
from entitlement.store.raw import cursor_of
from entitlement.store.session import fresh
from entitlement.store.tables import AccountRow, BucketRow, EpochLeafRow, EpochRootRow

DAILY = (Source.DIEM, Source.PRO_RATA)
"""What the chain gives for a day: what a root is about."""
_HASH_DIGITS = 2 * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Honoured:
    """What an account was granted and spent in an epoch."""

    wallet: Wallet
    diem: NanoUsd
    pro_rata: NanoUsd
    spent: NanoUsd

    @property
    def granted(self) -> NanoUsd:
        """From both sources."""
        return NanoUsd(self.diem + self.pro_rata)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An account's leaf, with what opens it."""

    honoured: Honoured
    salt: bytes
    place: int
    """Among the tree's nodes."""


@dataclass(frozen=True, slots=True)
class Closed:
    """An epoch that can change no more, and how far its publication has come."""

    epoch: Epoch
    root: bytes
    accounts: int
    diem: NanoUsd
    pro_rata: NanoUsd
    spent: NanoUsd
    block: BlockName
    sharing: Sharing | None
    journal_heads: tuple[JournalHead, ...]
    file_hash: str | None = None
    raw_transaction: bytes | None = None
    transaction_hash: str | None = None
    replaced_at: int | None = None
    """When it was signed again for a higher fee."""
    published_block: int | None = None
    published_transaction: str | None = None

    @property
    def granted(self) -> NanoUsd:
        """To all accounts, from both sources."""
        return NanoUsd(self.diem + self.pro_rata)


# --- closing -------------------------------------------------------------------------------------------


def wait_for_bookings(session: Session, *, milliseconds: int) -> None:
    """Wait until every transaction that moves credit has ended, and let none begin before this one does.

    Who books holds the lock of an account's row and has read the clock after taking it. Raises the
    database's error where one takes longer than that.
    """
    session.execute(text(f"SET LOCAL lock_timeout = {int(milliseconds)}"))
    session.execute(text("LOCK TABLE accounts IN EXCLUSIVE MODE"))


def first_granted(session: Session) -> Epoch | None:
    """Return the first epoch of which this ledger has a grant by the chain."""
    found = session.scalars(select(func.min(BucketRow.epoch)).where(_is_daily())).one()
    return None if found is None else Epoch(found)


def is_anything_held(session: Session, epoch: Epoch) -> bool:
    """Tell whether a request still holds credit of the epoch."""
    query = select(BucketRow.id).where(BucketRow.epoch == epoch, _is_daily(), BucketRow.held > 0)
    return session.scalars(query.limit(1)).first() is not None


def honoured_in(session: Session, epoch: Epoch) -> list[Honoured]:
    """Return what every account with a grant of the epoch was granted and has spent of it, by wallet."""
    rows = session.execute(
        select(
            AccountRow.wallet,
            _sum_of(BucketRow.granted, Source.DIEM),
            _sum_of(BucketRow.granted, Source.PRO_RATA),
            func.sum(BucketRow.consumed),
        )
        .join(AccountRow, AccountRow.id == BucketRow.account_id)
        .where(BucketRow.epoch == epoch, _is_daily())
        .group_by(AccountRow.wallet)
        .order_by(AccountRow.wallet.collate("C"))
    )
    return [
        Honoured(Wallet(name), NanoUsd(int(diem)), NanoUsd(int(pro_rata)), NanoUsd(int(spent)))
        for name, diem, pro_rata, spent in rows
    ]


def _is_daily() -> ColumnElement[bool]:
    return BucketRow.source.in_([source.value for source in DAILY])


def _sum_of(amount: InstrumentedAttribute[int], source: Source) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((BucketRow.source == source.value, amount), else_=0)), 0)


def add_root(session: Session, closed: Closed, leaves: Sequence[Leaf], tree: bytes, now: int) -> None:
    """Keep an epoch's root with its leaves; one that is kept already is an error."""
    sharing = closed.sharing
    start = None if sharing is None else sharing.start
    session.add(
        EpochRootRow(
            epoch=closed.epoch,
            root=hexed(closed.root),
            accounts=closed.accounts,
            diem=closed.diem,
            pro_rata=closed.pro_rata,
            spent=closed.spent,
            block_number=closed.block.number,
            block_hash=closed.block.hash,
            capacity=0 if sharing is None else sharing.capacity,
            minimum_stake=0 if sharing is None else sharing.minimum_stake,
            start_number=None if start is None else start.number,
            start_hash=None if start is None else start.hash,
            vvv_staked=0 if sharing is None else sharing.vvv_staked,
            is_disputed=sharing is not None and sharing.is_disputed,
            journal_heads=[asdict(each) for each in closed.journal_heads],
            tree=tree,
            closed_at=now,
        )
    )
    session.flush()
    lines = [
        f"{closed.epoch}\t{leaf.honoured.wallet}\t{leaf.honoured.diem}\t{leaf.honoured.pro_rata}\t"
        f"{leaf.honoured.spent}\t\\\\x{leaf.salt.hex()}\t{leaf.place}\n"
        for leaf in leaves
    ]
    columns = ("epoch", "wallet", "diem", "pro_rata", "spent", "salt", "place")
    copy_rows(session, EpochLeafRow.__tablename__, columns, lines)


# --- reading -------------------------------------------------------------------------------------------

# Never the tree, which is megabytes.
_COLUMNS = [column for column in EpochRootRow.__table__.columns if column.name != "tree"]


def newest(session: Session) -> Epoch | None:
    """Return the last epoch that was closed."""
    query = select(EpochRootRow.epoch).order_by(EpochRootRow.epoch.desc()).limit(1)
    found = session.scalars(query).one_or_none()
    return None if found is None else Epoch(found)


def closed_epoch(session: Session, epoch: Epoch) -> Closed | None:
    """Return an epoch that was closed."""
    row = session.execute(fresh(select(*_COLUMNS)).where(EpochRootRow.epoch == epoch)).mappings().first()
    return None if row is None else _closed(dict(row))


def unpublished(session: Session, *, limit: int) -> list[Closed]:
    """Return up to `limit` closed epochs whose root is on no final block yet, oldest first."""
    query = select(*_COLUMNS).where(EpochRootRow.published_block.is_(None)).order_by(EpochRootRow.epoch)
    return [_closed(dict(row)) for row in session.execute(query.limit(limit)).mappings()]


def closed_epochs(session: Session, *, below: Epoch | None, limit: int) -> list[Closed]:
    """Return up to `limit` epochs whose public file was made, newest first, from the one under `below`."""
    query = select(*_COLUMNS).where(EpochRootRow.file_hash.is_not(None))
    if below is not None:
        query = query.where(EpochRootRow.epoch < below)
    rows = session.execute(query.order_by(EpochRootRow.epoch.desc()).limit(limit)).mappings()
    return [_closed(dict(row)) for row in rows]


def leaves_in(session: Session, epoch: Epoch) -> Iterator[Leaf]:
    """Yield the leaves of an epoch in the order of their wallets, a few at a time in memory."""
    query = (
        select(EpochLeafRow)
        .where(EpochLeafRow.epoch == epoch)
        .order_by(EpochLeafRow.wallet.collate("C"))
        .execution_options(yield_per=2_000)
    )
    for row in session.scalars(query):
        yield _leaf(row)


def leaf_of(session: Session, epoch: Epoch, wallet: Wallet) -> Leaf | None:
    """Return an account's leaf of an epoch."""
    query = select(EpochLeafRow).where(EpochLeafRow.epoch == epoch, EpochLeafRow.wallet == wallet)
    row = session.scalars(fresh(query)).one_or_none()
    return None if row is None else _leaf(row)


def newest_of(session: Session, wallet: Wallet) -> Epoch | None:
    """Return the last epoch with a public file in which the wallet has a leaf."""
    rows = session.scalars(
        select(EpochRootRow.epoch)
        .join(EpochLeafRow, (EpochLeafRow.epoch == EpochRootRow.epoch) & (EpochLeafRow.wallet == wallet))
        .where(EpochRootRow.file_hash.is_not(None))
        .order_by(EpochRootRow.epoch.desc())
        .limit(1)
    )
    found = rows.first()
    return None if found is None else Epoch(found)


def proof_of(session: Session, epoch: Epoch, place: int) -> list[bytes]:
    """Return what leads from a leaf to the root of its epoch, out of the stored tree."""
    places = proof_places(place)
    if not places:
        return []
    parts = ", ".join(f"substring(tree FROM {HASH_BYTES * at + 1} FOR {HASH_BYTES})" for at in places)
    with cursor_of(session) as cursor:
        cursor.execute(f"SELECT {parts} FROM epoch_roots WHERE epoch = %s".encode(), (epoch,))  # noqa: S608 - numbers of ours
        row = cursor.fetchone()
    assert row is not None, f"epoch {epoch} has a leaf and no root"
    return [bytes(node) for node in row]


# --- publication ---------------------------------------------------------------------------------------


def keep_file_hash(session: Session, epoch: Epoch, file_hash: str) -> None:
    """Keep the digest of the public file; the database refuses another one than it has."""
    session.execute(update(EpochRootRow).where(EpochRootRow.epoch == epoch).values(file_hash=file_hash))


def keep_signed(session: Session, closed: Closed, raw: bytes, transaction_hash: str, *, now: int) -> bool:
    """Keep a signed publication instead of the one that `closed` has; False where it has another by now."""
    row = session.scalars(
        update(EpochRootRow)
        .where(
            EpochRootRow.epoch == closed.epoch,
            EpochRootRow.transaction_hash.is_not_distinct_from(closed.transaction_hash),
            EpochRootRow.published_block.is_(None),
        )
        .values(raw_transaction=raw, transaction_hash=transaction_hash, signed_at=now)
        .returning(EpochRootRow.epoch)
    )
    return row.one_or_none() is not None


def keep_dearer(session: Session, closed: Closed, raw: bytes, transaction_hash: str, *, now: int) -> bool:
    """Keep what was signed again for a higher fee; False where that was done before, or is by another."""
    row = session.scalars(
        update(EpochRootRow)
        .where(
            EpochRootRow.epoch == closed.epoch,
            EpochRootRow.transaction_hash == closed.transaction_hash,
            EpochRootRow.published_block.is_(None),
            EpochRootRow.replaced_at.is_(None),
        )
        .values(raw_transaction=raw, transaction_hash=transaction_hash, signed_at=now, replaced_at=now)
        .returning(EpochRootRow.epoch)
    )
    return row.one_or_none() is not None


def keep_published(session: Session, epoch: Epoch, *, block: int, transaction_hash: str) -> None:
    """Note in which final block the root stands, and which transaction brought it there."""
    session.execute(
        update(EpochRootRow)
        .where(EpochRootRow.epoch == epoch)
        .values(published_block=block, published_transaction=transaction_hash)
    )


def hexed(digest: bytes) -> str:
    """Return a hash as `0x` and hex."""
    return f"0x{digest.hex()}"


def _closed(row: dict[str, object]) -> Closed:
    values = EpochRootRow(**row)
    sharing = None
    if values.capacity:
        start = None
        if values.start_number is not None and values.start_hash is not None:
            start = BlockName(values.start_number, values.start_hash)
        sharing = Sharing(
            NanoUsd(values.capacity),
            Wei(values.minimum_stake),
            start,
            Wei(values.vvv_staked),
            values.is_disputed,
        )
    return Closed(
        epoch=Epoch(values.epoch),
        root=bytes.fromhex(values.root[-_HASH_DIGITS:]),
        accounts=values.accounts,
        diem=NanoUsd(values.diem),
        pro_rata=NanoUsd(values.pro_rata),
        spent=NanoUsd(values.spent),
        block=BlockName(values.block_number, values.block_hash),
        sharing=sharing,
        journal_heads=tuple(JournalHead(**each) for each in values.journal_heads),
        file_hash=values.file_hash,
        raw_transaction=values.raw_transaction,
        transaction_hash=values.transaction_hash,
        replaced_at=values.replaced_at,
        published_block=values.published_block,
        published_transaction=values.published_transaction,
    )


def _leaf(row: EpochLeafRow) -> Leaf:
    honoured = Honoured(Wallet(row.wallet), NanoUsd(row.diem), NanoUsd(row.pro_rata), NanoUsd(row.spent))
    return Leaf(honoured, row.salt, row.place)
