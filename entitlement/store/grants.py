"""What dues are decided from, for many wallets in one journey; and which wallets there are to look at."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import literal, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.dues import Due, Grounds, Right
from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Source
from entitlement.core.positions import Slot
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store import chain, pro_rata
from entitlement.store.bulk import any_word, rows_of
from entitlement.store.journey import Answer, Journey
from entitlement.store.raw import array
from entitlement.store.tables import AccountRow, BucketRow, EventRow, PositionRow

_RIGHTS = """
    SELECT p.wallet, p.pending, p.slot_epoch, p.slot_current, p.slot_next, c.final_timestamp, c.head_timestamp
    FROM positions AS p CROSS JOIN chain_state AS c
    WHERE p.wallet = ANY(%s::text[]) ORDER BY p.pending
"""


@dataclass(frozen=True, slots=True)
class AskedGrounds:
    """The grounds of dues on their way from the server: see `grounds_of`."""

    followed: Answer
    rights: Answer
    policy: Answer
    bases: Answer


def ask_grounds(journey: Journey, wallets: Collection[Wallet], epoch: Epoch) -> AskedGrounds:
    """Ask for what the dues of `wallets` in `epoch` are decided from."""
    return AskedGrounds(
        followed=chain.ask_may_grant(journey),
        rights=journey.ask(_RIGHTS, [array(wallets)]),
        policy=pro_rata.ask_policy(journey, epoch),
        bases=pro_rata.ask_bases(journey, wallets, epoch),
    )


def grounds_of(asked: AskedGrounds) -> Grounds:
    """Return the grounds, once the journey is made."""
    return Grounds(
        may_grant=chain.may_grant_of(asked.followed),
        rights=_rights_of(asked.rights),
        policy=pro_rata.policy_of(asked.policy),
        bases=pro_rata.bases_of(asked.bases),
    )


def _rights_of(asked: Answer) -> dict[Wallet, Right]:
    found: dict[Wallet, Right] = {}
    for name, pending, epoch, current, following, final_timestamp, latest_timestamp in asked.rows:
        wallet, slot = Wallet(name), Slot(Epoch(epoch), Wei(int(current)), Wei(int(following)))
        known = found.get(wallet)
        # The final row comes first; where there is only a pending one, nothing is final yet.
        final = known.final if known else (Slot() if pending else slot)
        found[wallet] = Right(final, slot, final_timestamp, latest_timestamp)
    return found


def granted(session: Session, wallets: Collection[Wallet], epoch: Epoch) -> dict[Due, NanoUsd]:
    """Return what was granted to `wallets` in `epoch`, by source."""
    rows = session.execute(
        select(AccountRow.wallet, BucketRow.source, BucketRow.granted)
        .join(BucketRow, BucketRow.account_id == AccountRow.id)
        .where(AccountRow.wallet == any_word(wallets), BucketRow.epoch == epoch)
    )
    return {(Wallet(name), Source(source)): NanoUsd(amount) for name, source, amount in rows}


def open_accounts(session: Session, wallets: Collection[Wallet], now: int) -> None:
    """Make accounts for the wallets that have none; in one order, so that no two wait for each other."""
    new = rows_of(words={"wallet": sorted(wallets)})
    session.execute(
        insert(AccountRow)
        .from_select(
            ["wallet", "created_at", "rate_until"],
            select(new.c.wallet, literal(now), literal(0)).order_by(new.c.wallet),
        )
        .on_conflict_do_nothing()
    )


def accounts_of(session: Session, wallets: Collection[Wallet]) -> list[int]:
    """Return the accounts of these wallets."""
    return list(session.scalars(select(AccountRow.id).where(AccountRow.wallet == any_word(wallets))))


# --- whom to look at -----------------------------------------------------------------------------------


def wallets_with_position(session: Session, *, after: str, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets that have or had anything at a final block, from the one after `after`."""
    rows = session.scalars(
        select(PositionRow.wallet)
        .where(PositionRow.pending.is_(False), PositionRow.wallet > after)
        .order_by(PositionRow.wallet)
        .limit(limit)
    )
    return [Wallet(name) for name in rows]


def wallets_in_events(session: Session, *, above: int, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets that the blocks above `above` say anything of, in no order."""
    recent = EventRow.block_number > above
    names = union(
        select(EventRow.wallet).where(recent),
        select(EventRow.receiver).where(recent, EventRow.receiver.is_not(None)),
    )
    return [Wallet(name) for name in session.scalars(names.limit(limit))]
