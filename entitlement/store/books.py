"""Account books are read under their locks, many at once, in a few statements.

Statements travel together (store.journey), so that a group of requests costs two journeys to the server,
however many they are: one for who is meant, their locked books and a lane of the journal; one for what is
written and the commit. Where somebody is not remembered (store.owners), one more comes before the locks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from entitlement.core.account_book import AccountBook
from entitlement.core.epochs import Epoch
from entitlement.core.holds import Hold, HoldKind, HoldState
from entitlement.core.key_book import KeyBook
from entitlement.core.keys import ApiKey, KeyKind, ModelPrivacy
from entitlement.core.ledger import Part, Source
from entitlement.core.limits import KeyLimits, LimitPeriod, period_epochs
from entitlement.core.tiers import Tier, TierRates, tier_of
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store.entry_batches import ask_lane
from entitlement.store.journey import Answer, Journey
from entitlement.store.ledger import BUCKET_COLUMNS, bucket_of
from entitlement.store.owners import Name, Owner, Owners
from entitlement.store.raw import array, driver_of, hashes, words

RequestName = tuple[int, str]
"""A gateway and its own id of a request."""

HOLD_COLUMNS = (
    "id, account_id, key_id, gateway_id, request_id, state, epoch, amount, is_final, captured, shortfall, "
    "created_at, expires_at, charged_at, kind, part_buckets, part_sources, part_amounts, fingerprint, model, "
    "ended_at, refusal, steps, told"
)
H_COLUMNS = ", ".join(f"h.{name}" for name in HOLD_COLUMNS.split(", "))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about, by the names that callers use."""

    key_hashes: Sequence[bytes]
    hold_ids: Sequence[str]
    requests: Sequence[RequestName]
    tokens: Sequence[bytes]
    """The hashes of the gateways' service tokens."""
    accounts: Sequence[int] = ()
    """Those whose holds have run out."""
    entries: int = 0
    """How many entries are likely to be booked: a lane and their ids come with the books."""
    remembered: Owners = field(default_factory=Owners)
    """Who need not be looked for before the locks."""


@dataclass(frozen=True, slots=True)
class Books:
    """The books of all accounts that were asked about, and where to find what in them."""

    now: int
    accounts: dict[int, AccountBook]
    keys: dict[bytes, Owner]
    """Of each secret's hash that there is, or was before the key got another."""
    gateways: dict[bytes, int]
    """The gateway of each token that is one."""
    holders: dict[str, Owner]
    """Of each hold that is asked about and that there is."""
    seen: dict[RequestName, Hold]
    """The requests that came before."""
    chain: tuple[Any, ...]
    """What grants depend on besides the wallet; equal means that nothing is due that was not before."""
    lane: Answer | None = None
    """Of the journal, where one was asked for."""
    entry_ids: Answer | None = None
    """Of further entries than the lane was asked for."""


PLANS = """
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
           set_config('enable_seqscan', 'off', true),
           set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true)
"""
"""Plans that always mean the same, a row by its key. To plan anew for the figures would take longer than the
statements do; and a plan that was made while a table was small would read all of it when it is large.

What these do not say, OFFSET 0 does: it has a row looked up for each that it belongs to. Without it all rows
of the other table may be read once, and then compared with each."""
WHO = """
    SELECT secret_hash, account_id, id FROM api_keys WHERE secret_hash = ANY(%s::bytea[])
    UNION ALL
    SELECT r.secret_hash, k.account_id, k.id FROM retired_secrets AS r JOIN api_keys AS k ON k.id = r.key_id
    WHERE r.secret_hash = ANY(%s::bytea[])
"""
TOKENS = "SELECT token_hash, id FROM gateways WHERE token_hash = ANY(%s::bytea[]) AND revoked_at IS NULL"
WHOSE = "SELECT id, account_id, key_id FROM holds WHERE id = ANY(%s::text[]) AND state <> 'refused'"
RAN_OUT = """
    SELECT id, account_id, key_id FROM holds
    WHERE state = 'open' AND expires_at <= (SELECT service_time()) AND account_id = ANY(%s::bigint[])
"""
LOCK = """
    SELECT a.id, a.wallet, a.rate_until, p.vvv_unlocked + p.vvv_locked,
           (SELECT max(m.ends_at) FROM memberships AS m WHERE m.account_id = a.id),
           EXISTS (SELECT FROM webhooks AS w WHERE w.account_id = a.id OFFSET 0)
    FROM accounts AS a
    LEFT JOIN LATERAL (SELECT * FROM positions AS o WHERE o.wallet = a.wallet AND NOT o.pending OFFSET 0) AS p
        ON true
    WHERE a.id = ANY(%s::bigint[]) ORDER BY a.id FOR UPDATE OF a
"""
KEYS = """
    SELECT k.id, k.account_id, k.last_six, k.kind, k.description, k.limit_diem, k.limit_usd, k.limit_period,
           k.model_privacy, k.created_at, k.expires_at, k.revoked_at,
           s.epoch, s.diem_spent + s.diem_held, s.usd_spent + s.usd_held, s.rate_until, k.suspended_at,
           k.paused_at, k.rotated_at, k.secret_hash
    FROM api_keys AS k
    LEFT JOIN LATERAL (
        SELECT * FROM key_spending AS d
        WHERE d.key_id = k.id AND d.epoch >= (SELECT service_time()) / 86400 - 1 OFFSET 0
    ) AS s ON true
    WHERE k.id = ANY(%s::text[])
"""
"""A row for each of the last two days of a key: midnight may fall between NOW and this, and what a key has of
its rate it has over midnight too."""
BUCKETS = f"""
    SELECT {BUCKET_COLUMNS} FROM buckets WHERE account_id = ANY(%s::bigint[]) AND NOT closed
"""  # noqa: S608 - our own names
HOLDS = f"""
    SELECT false, {HOLD_COLUMNS} FROM holds WHERE id = ANY(%s::text[])
    UNION ALL
    SELECT false, {HOLD_COLUMNS} FROM holds
    WHERE state = 'open' AND expires_at <= (SELECT service_time()) AND account_id = ANY(%s::bigint[])
        AND id <> ALL (%s::text[])
    UNION ALL
    SELECT true, {H_COLUMNS} FROM unnest(%s::bigint[], %s::text[]) AS r (gateway_id, request_id)
    CROSS JOIN LATERAL (
        SELECT * FROM holds AS o WHERE o.gateway_id = r.gateway_id AND o.request_id = r.request_id OFFSET 0
    ) AS h
"""  # noqa: S608 - our own names
DAYS = """
    SELECT s.key_id, s.epoch, s.diem_spent + s.diem_held, s.usd_spent + s.usd_held
    FROM unnest(%s::text[], %s::integer[]) AS k (id, first)
    JOIN key_spending AS s ON s.key_id = k.id AND s.epoch >= k.first
"""
NOW = """
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 1000000 * t.shift_seconds,
           c.head_hash, c.final_hash, c.granting_stopped, c.check_failed, service_time() / 86400,
           p.from_epoch, p.capacity, p.minimum_stake
    FROM clock AS t LEFT JOIN chain_state AS c ON true
    LEFT JOIN LATERAL (
        SELECT from_epoch, capacity, minimum_stake FROM pro_rata_policies
        WHERE from_epoch <= (SELECT service_time()) / 86400 ORDER BY from_epoch DESC LIMIT 1
    ) AS p ON true
"""


def read_books(session: Session, asked: Asked, rates: Mapping[Tier, TierRates]) -> Books:
    """Lock every account that is asked about, in one order for all who do, and read its book."""
    journey = Journey(driver_of(session), by_key=True)
    journey.ask(PLANS)
    # A group is often of holds alone, or of captures; each statement is a part of its price.
    found_keys = journey.ask(WHO, [hashes(asked.key_hashes)] * 2) if asked.key_hashes else Answer()
    found_holds = journey.ask(WHOSE, [words(asked.hold_ids)]) if asked.hold_ids else Answer()
    found_tokens = journey.ask(TOKENS, [hashes(asked.tokens)])
    found_due = journey.ask(RAN_OUT, [array(asked.accounts)]) if asked.accounts else Answer()
    owners = _remembered(asked)
    if owners is None:
        journey.go()
        owners = _owners_by_hash(found_keys) | _owners_by_id(found_holds) | _owners_by_id(found_due)
        if not owners and not asked.requests:
            return Books(0, {}, keys={}, gateways=_gateways(found_tokens), holders={}, seen={}, chain=())
    account_ids = array(sorted({account_id for account_id, _ in owners.values()}))
    # In this order: what is read after the lock is how it stays until the end.
    locked = journey.ask(LOCK, [account_ids])
    time = journey.ask(NOW)
    asked_ids = array(name for name in owners if isinstance(name, str))
    found = journey.ask(
        HOLDS,
        [
            asked_ids,
            account_ids,
            asked_ids,
            array(each[0] for each in asked.requests),
            words(each[1] for each in asked.requests),
        ],
    )
    of_keys = journey.ask(KEYS, [array({key_id for _, key_id in owners.values()})])
    buckets = journey.ask(BUCKETS, [account_ids])
    lane = ask_lane(journey, asked.entries) if asked.entries else None
    journey.go()
    micros, *chain = time.one()
    now = micros // 1_000_000
    accounts = {row[0]: _book(row, now, micros, rates) for row in locked.rows}
    for row in buckets.rows:
        accounts[row[0]].buckets[row[1]] = bucket_of(row)
    _put_keys(accounts, of_keys.rows)
    seen: dict[RequestName, Hold] = {}
    for was_seen, *row in found.rows:
        hold = hold_of(row)
        if was_seen:
            seen[hold.gateway_id, hold.request_id] = hold
        else:
            accounts[hold.account_id].holds[hold.id] = hold
    _put_missing_keys(journey, accounts)
    _put_days(journey, accounts)
    for book in accounts.values():
        book.expire_due()
    return Books(
        now=now,
        accounts=accounts,
        keys=_owners_by_hash(found_keys),
        gateways=_gateways(found_tokens),
        holders=_owners_by_id(found_holds) | _owners_by_id(found_due),
        seen=seen,
        chain=tuple(chain),
        lane=lane,
    )


def _remembered(asked: Asked) -> dict[Name, Owner] | None:
    """Return the owners of all that is asked about; None where one is to be looked for before the locks.

    All or none: accounts are locked in one order, and so at once.
    """
    names: list[Name] = [*asked.key_hashes, *asked.hold_ids]
    if asked.accounts or not names:
        return None
    owners: dict[Name, Owner] = {}
    for name in names:
        owner = asked.remembered.of(name)
        if owner is None:
            return None
        owners[name] = owner
    return owners


def _owners_by_hash(found: Answer) -> dict[bytes, Owner]:
    return {row[0]: (row[1], row[2]) for row in found.rows}


def _owners_by_id(found: Answer) -> dict[str, Owner]:
    return {row[0]: (row[1], row[2]) for row in found.rows}


def _gateways(found: Answer) -> dict[bytes, int]:
    return {row[0]: row[1] for row in found.rows}


def _book(row: tuple[Any, ...], now: int, micros: int, rates: Mapping[Tier, TierRates]) -> AccountBook:
    account_id, wallet, rate_until, staked, subscribed_until, has_webhook = row
    tier = tier_of(Wei(int(staked or 0)), subscribed_until, now)
    return AccountBook(
        account_id, Wallet(wallet), now, micros, rate_until, tier, rates[tier], has_webhook=has_webhook
    )


def _put_keys(accounts: dict[int, AccountBook], rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        account = accounts[row[1]]
        book = account.keys.get(row[0])
        if book is None:
            book = account.keys[row[0]] = KeyBook(_key(row, account.wallet), row[19])
        if row[12] is not None:
            book.used[Epoch(row[12])] = (row[13], row[14])
            book.rate_until = max(book.rate_until, row[15])


def _put_missing_keys(journey: Journey, accounts: dict[int, AccountBook]) -> None:
    """Read the keys of holds that ran out, which nobody asked about."""
    missing = {
        hold.key_id
        for book in accounts.values()
        for hold in book.holds.values()
        if hold.key_id not in book.keys
    }
    if missing:
        found = journey.ask(KEYS, [array(missing)])
        journey.go()
        _put_keys(accounts, found.rows)


def _put_days(journey: Journey, accounts: dict[int, AccountBook]) -> None:
    """Read what keys with limits have used on the other days that their limits count together with today."""
    keys: dict[str, KeyBook] = {}
    firsts: dict[str, Epoch] = {}
    for book in accounts.values():
        for key_id, key in book.keys.items():
            first = _first_day(book, key)
            if key.is_limited and first < book.epoch:
                keys[key_id], firsts[key_id] = key, first
    if firsts:
        found = journey.ask(DAYS, [array(firsts), array(firsts.values())])
        journey.go()
        for key_id, epoch, diem, usd in found.rows:
            keys[key_id].used[Epoch(epoch)] = (diem, usd)


def _first_day(book: AccountBook, key: KeyBook) -> Epoch:
    """Return the first day that counts for a limit today, or on the day of a hold that may end now."""
    days = [hold.epoch for hold in book.holds.values() if hold.key_id == key.key.id]
    return period_epochs(key.key.limits.period, min([book.epoch, *days]))[0]


def _key(row: tuple[Any, ...], wallet: Wallet) -> ApiKey:
    return ApiKey(
        id=row[0],
        account_id=row[1],
        wallet=wallet,
        last_six=row[2],
        kind=KeyKind(row[3]),
        description=row[4],
        limits=KeyLimits(row[5], row[6], LimitPeriod(row[7])),
        model_privacy=ModelPrivacy(row[8]),
        created_at=row[9],
        expires_at=row[10],
        revoked_at=row[11],
        suspended_at=row[16],
        paused_at=row[17],
        rotated_at=row[18],
    )


def hold_of(row: Sequence[Any]) -> Hold:
    """Return the hold of a row of HOLD_COLUMNS."""
    return Hold(
        id=row[0],
        account_id=row[1],
        key_id=row[2],
        gateway_id=row[3],
        request_id=row[4],
        state=HoldState(row[5]),
        epoch=Epoch(row[6]),
        amount=row[7],
        is_final=row[8],
        captured=row[9],
        shortfall=row[10],
        created_at=row[11],
        expires_at=row[12],
        charged_at=row[13],
        kind=HoldKind(row[14]),
        parts=tuple(
            Part(bucket_id, Source(source), NanoUsd(amount))
            for bucket_id, source, amount in zip(row[15], row[16], row[17], strict=True)
        ),
        fingerprint=row[18],
        model=row[19],
        ended_at=row[20],
        refusal=row[21],
        steps=row[22],
        told=row[23],
    )
