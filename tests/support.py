"""What tests of several rooms share: a chain that is written by hand, and an account with credit."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.reader import ChainReader
from entitlement.core.blocks import Header
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, ends_at, epoch_at
from entitlement.core.errors import InconsistentNode, InvalidRequest
from entitlement.core.events import ChainEvent, LogPlace, wallets_in
from entitlement.core.holds import DEFAULT_TTL_SECONDS, HoldRequest
from entitlement.core.keys import NewKey, hash_secret
from entitlement.core.ledger import Source, book_grant
from entitlement.core.positions import Position, fold
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN, NanoUsd, Wallet
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.shift_clock import ShiftClock
from entitlement.store import access, ledger
from entitlement.store import chain as chain_rows
from entitlement.store.chain import Followed
from entitlement.store.clock import service_time
from entitlement.store.tables import PositionRow

CHAIN_ID = 31_337
GENESIS_TIME = 2_200_000_000 - 2_200_000_000 % SECONDS_PER_EPOCH
"""A midnight in 2039: the service's clock only goes forward, so the tests' days must lie ahead of ours."""
NOON = GENESIS_TIME + SECONDS_PER_EPOCH // 2
USD = NANO_USD_PER_USD
DIEM = WEI_PER_TOKEN
BLOCK_SECONDS = 12
STEPS_MAX = 10_000

UNHINDERED_ADDRESSES = {"anonymous_requests_per_minute": 60_000_000, "refusals_per_minute": 60_000_000}
"""All tests come from one address; what its rates refuse is tested in test_addresses.py."""

Unplaced = Callable[[LogPlace], ChainEvent]
"""An event that waits for its block."""


def wallet_number(number: int) -> Wallet:
    return Wallet(f"0x{number:040x}")


@dataclass
class ScriptedChain:
    """A chain written by hand, behind the port that a node is read through. Blocks are 12 s apart."""

    finality_depth: int = 0
    salt: str = "a"
    """Other salt, other hashes: what makes a fork a fork."""
    headers_: list[Header] = field(default_factory=list)
    logs: dict[str, list[ChainEvent]] = field(default_factory=dict)
    asked: int = 0
    expected: list[tuple[int, int]] = field(default_factory=list)
    """The ranges that it was told to get ready for."""

    def __post_init__(self) -> None:
        self.mine()

    def mine(self, *events: Unplaced, at: int | None = None) -> Header:
        """Add a block with `events`, `at` a time or 12 s after the last one."""
        number = len(self.headers_)
        parent = self.headers_[-1].hash if self.headers_ else "0x" + "0" * 64
        if at is None:
            at = self.headers_[-1].timestamp + BLOCK_SECONDS if number else GENESIS_TIME
        digest = hashlib.sha256(f"{parent}:{number}:{at}:{self.salt}:{len(events)}".encode())
        header = Header(number, "0x" + digest.hexdigest(), parent, at)
        self.headers_.append(header)
        self.logs[header.hash] = [
            event(LogPlace(number, index, header.hash, header.hash)) for index, event in enumerate(events)
        ]
        return header

    def drop(self, blocks: int) -> None:
        """Take back the newest blocks; what is mined next has other hashes."""
        del self.headers_[len(self.headers_) - blocks :]
        self.salt += "'"

    def all_events(self, to: int | None = None) -> list[ChainEvent]:
        last = len(self.headers_) if to is None else to + 1
        return [event for header in self.headers_[:last] for event in self.logs[header.hash]]

    # --- the port ---------------------------------------------------------------------------------------

    def chain_id(self) -> int:
        return CHAIN_ID

    def head(self) -> Header:
        self.asked += 1
        return self.headers_[-1]

    def final_head(self) -> Header:
        return self.headers_[max(0, len(self.headers_) - 1 - self.finality_depth)]

    def header(self, number: int) -> Header | None:
        return self.headers_[number] if number < len(self.headers_) else None

    def expect(self, first: int, last: int) -> None:
        self.expected.append((first, last))

    def read_piece(self) -> bool:
        return False

    def headers(self, first: int, last: int) -> list[Header]:
        return self.headers_[first : last + 1]

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        if any(header.hash not in self.logs for header in headers):
            raise InconsistentNode("asked for a block that is gone")
        return [event for header in headers for event in self.logs[header.hash]]


@dataclass(frozen=True)
class Holder:
    """An account with a key and a gateway that may charge it."""

    account_id: int
    wallet: Wallet
    key_id: str
    secret: str
    gateway_id: int

    def request(self, amount: int, request_id: str = "r1", **changes: object) -> HoldRequest:
        plain = HoldRequest(
            request_id=request_id,
            key_hash=hash_secret(self.secret),
            amount=NanoUsd(amount),
            minimum=NanoUsd(amount),
            ttl=DEFAULT_TTL_SECONDS,
            model=None,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]


def holder(
    sessions: sessionmaker[Session],
    *,
    diem: int = 0,
    prepaid: int = 0,
    number: int = 1,
    wish: NewKey | None = None,
) -> Holder:
    """Make an account with credit of today (nano-USD), a key and a gateway."""
    name = wallet_number(number)
    with sessions.begin() as session:
        account_id = access.open_account(session, name, service_time(session))
    if diem:
        grant(sessions, account_id, Source.DIEM, diem)
    if prepaid:
        grant(sessions, account_id, Source.PREPAID, prepaid)
    made = ManageKeys(sessions).create(account_id, wish or NewKey("a key"))
    gateways = ManageGateways(sessions)
    gateway_id = gateways.authenticate(gateways.issue_token(f"gateway {number}"))
    return Holder(account_id, name, made.key.id, made.secret, gateway_id)


def grant(
    sessions: sessionmaker[Session],
    account_id: int,
    source: Source,
    up_to: int,
    *,
    epoch: Epoch | None = None,
) -> None:
    """Raise an account's grant of today, or its prepaid credit, to `up_to` nano-USD."""
    with sessions.begin() as session:
        access.lock_account(session, account_id)
        now = service_time(session)
        day = epoch or epoch_at(now)
        is_daily = source is not Source.PREPAID
        found = ledger.open_bucket(
            session,
            account_id,
            source,
            epoch=day if is_daily else None,
            expires_at=ends_at(day) if is_daily else None,
        )
        entry = book_grant(account_id, day, found, granted=found.granted, up_to=NanoUsd(up_to))
        ledger.append(session, entry, now)


def assert_books_close(sessions: sessionmaker[Session]) -> None:
    """The journal sums to zero, and every bucket is the fold of its postings."""
    with sessions.begin() as session:
        assert sum(ledger.totals_by_place(session).values()) == 0
        wrong = session.execute(text(BUCKETS_THAT_DIFFER)).all()
        assert not wrong, f"buckets that are not the fold of their postings: {wrong}"
        wrong = session.execute(text(HELD_THAT_DIFFERS)).all()
        assert not wrong, f"buckets that hold other than their open holds: {wrong}"


BUCKETS_THAT_DIFFER = """
WITH moves AS (
    SELECT bucket_id, target AS place, amount FROM journal WHERE bucket_id IS NOT NULL
    UNION ALL
    SELECT bucket_id, source, -amount FROM journal WHERE bucket_id IS NOT NULL
), fold AS (
    SELECT bucket_id,
           -coalesce(sum(amount) FILTER (WHERE place = 'issued'), 0) AS granted,
           coalesce(sum(amount) FILTER (WHERE place = 'available'), 0) AS available,
           coalesce(sum(amount) FILTER (WHERE place = 'held'), 0) AS held,
           coalesce(sum(amount) FILTER (WHERE place = 'consumed'), 0) AS consumed,
           coalesce(sum(amount) FILTER (WHERE place = 'expired'), 0) AS expired
    FROM moves GROUP BY bucket_id
)
SELECT b.id FROM buckets b LEFT JOIN fold f ON f.bucket_id = b.id
WHERE (b.granted, b.available, b.held, b.consumed, b.expired)
    IS DISTINCT FROM (coalesce(f.granted, 0), coalesce(f.available, 0), coalesce(f.held, 0),
                      coalesce(f.consumed, 0), coalesce(f.expired, 0))
"""

HELD_THAT_DIFFERS = """
SELECT b.id FROM buckets b
LEFT JOIN (SELECT p.bucket_id, sum(p.amount) AS held FROM holds h,
           unnest(h.part_buckets, h.part_amounts) AS p (bucket_id, amount)
           WHERE h.state = 'open' GROUP BY p.bucket_id) o ON o.bucket_id = b.id
WHERE b.held <> coalesce(o.held, 0)
"""


# --- following -----------------------------------------------------------------------------------------


def follower(
    chain: ChainReader,
    sessions: sessionmaker[Session],
    *,
    blocks_per_step: int = 2_000,
    may_undo_final: bool = False,
) -> FollowChain:
    limits = FollowLimits(blocks_per_step=blocks_per_step, may_undo_final=may_undo_final)
    return FollowChain(chain, sessions, limits, start_block=1)


def assert_follows(chain: ScriptedChain, sessions: sessionmaker[Session]) -> None:
    """What is stored, at the final block and at the newest one followed, is the fold of the chain's."""
    with sessions.begin() as session:
        found = chain_rows.followed(session)
        assert found is not None
        assert chain.headers_[found.head.number].hash == found.head.hash
        assert chain.headers_[found.final.number].hash == found.final.hash
        stored = {
            pending: chain_rows.positions(session, everybody(session), pending=pending)
            for pending in (False, True)
        }
        kept = chain_rows.kept_blocks(session)
    assert kept == [chain.headers_[header.number] for header in kept]
    at_final: dict[Wallet, Position] = {}
    fold(at_final, chain.all_events(to=found.final.number))
    assert stored[False] == at_final
    at_head = dict(at_final)
    above = chain.all_events(to=found.head.number)[len(chain.all_events(to=found.final.number)) :]
    fold(at_head, above)
    assert stored[True] == {wallet: at_head[wallet] for wallet in wallets_in(above)}


def known(sessions: sessionmaker[Session]) -> Followed:
    """How far the chain has been followed."""
    with sessions.begin() as session:
        found = chain_rows.followed(session)
    assert found is not None
    return found


def pair(sessions: sessionmaker[Session], wallet: Wallet) -> tuple[Position, Position]:
    """What a wallet has at the final block and at the newest one."""
    with sessions.begin() as session:
        return chain_rows.position_pair(session, wallet)


def everybody(session: Session) -> list[Wallet]:
    return [Wallet(name) for name in session.scalars(select(PositionRow.wallet).distinct())]


def reach(clock: ShiftClock, timestamp: int) -> None:
    """Have the clock at this Unix time or later: where it is later, and it goes on by itself, it stays."""
    with suppress(InvalidRequest):
        clock.jump_to(timestamp)


def catch_up(following: FollowChain) -> int:
    """Step until nothing is left; return how many blocks were undone."""
    undone = 0
    for _ in range(STEPS_MAX):
        step = following.step()
        undone += step.undone
        if step.is_caught_up:
            return undone
    raise AssertionError("it never catches up")
