"""Account books: read under their locks and written, many at once, in a few statements.

Statements go to the server in one pipeline: it works while the answers are awaited together, so that a group
of requests costs three journeys to it, however many they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sqlalchemy.orm import Session

from entitlement.core.account_book import AccountBook
from entitlement.core.epochs import Epoch
from entitlement.core.holds import Hold, HoldKind, HoldState
from entitlement.core.key_book import KeyBook
from entitlement.core.keys import ApiKey, KeyKind, ModelPrivacy
from entitlement.core.ledger import Bucket, Part, Source
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.tiers import Tier, TierRates, tier_of
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store.ledger import move, write_entries
from entitlement.store.raw import Connection, Cursor, array, driver_of, hashes, words
from entitlement.store.weeks import make_weeks

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


@dataclass(frozen=True, slots=True)
class Books:
    """The books of all accounts that were asked about, and where to find what in them."""

    now: int
    accounts: dict[int, AccountBook]
    keys: dict[bytes, tuple[int, str]]
    """The account and the key of each secret's hash that there is."""
    gateways: dict[bytes, int]
    """The gateway of each token that is one."""
    holders: dict[str, int]
    """The account of each hold that is asked about and that there is."""
    seen: dict[RequestName, Hold]
    """The requests that came before."""
    chain: tuple[Any, ...]
    """What grants depend on besides the wallet; equal means that nothing is due that was not before."""


WHO = "SELECT secret_hash, account_id, id FROM api_keys WHERE secret_hash = ANY(%s::bytea[])"
TOKENS = "SELECT token_hash, id FROM gateways WHERE token_hash = ANY(%s::bytea[]) AND revoked_at IS NULL"
WHOSE = "SELECT id, account_id, key_id FROM holds WHERE id = ANY(%s::text[]) AND state <> 'refused'"
RAN_OUT = """
    SELECT id, account_id, key_id FROM holds
    WHERE state = 'open' AND expires_at <= (SELECT service_time()) AND account_id = ANY(%s::bigint[])
"""
LOCK = """
    SELECT a.id, a.wallet, a.rate_until, p.vvv_unlocked + p.vvv_locked,
           (SELECT max(m.ends_at) FROM memberships AS m WHERE m.account_id = a.id),
           EXISTS (SELECT FROM webhooks AS w WHERE w.account_id = a.id)
    FROM accounts AS a LEFT JOIN positions AS p ON p.wallet = a.wallet AND NOT p.pending
    WHERE a.id = ANY(%s::bigint[]) ORDER BY a.id FOR UPDATE OF a
"""
KEYS = """
    SELECT k.id, k.account_id, k.last_six, k.kind, k.description, k.limit_diem, k.limit_usd, k.limit_period,
           k.model_privacy, k.created_at, k.expires_at, k.revoked_at,
           s.epoch, s.diem_spent + s.diem_held, s.usd_spent + s.usd_held, s.rate_until
    FROM api_keys AS k
    LEFT JOIN key_spending AS s ON s.key_id = k.id AND s.epoch = (SELECT service_time()) / 86400
    WHERE k.id = ANY(%s::text[])
"""
BUCKETS = """
    SELECT account_id, id, source, epoch, expires_at, available, held, granted, consumed, expired
    FROM buckets WHERE account_id = ANY(%s::bigint[]) AND NOT closed
"""
HOLDS = f"""
    SELECT false, {HOLD_COLUMNS} FROM holds WHERE id = ANY(%s::text[])
    UNION ALL
    SELECT false, {HOLD_COLUMNS} FROM holds
    WHERE state = 'open' AND expires_at <= (SELECT service_time()) AND account_id = ANY(%s::bigint[])
        AND id <> ALL (%s::text[])
    UNION ALL
    SELECT true, {H_COLUMNS} FROM unnest(%s::bigint[], %s::text[]) AS r (gateway_id, request_id)
    JOIN holds AS h ON h.gateway_id = r.gateway_id AND h.request_id = r.request_id
"""  # noqa: S608 - our own names
ALL_DAYS = """
    SELECT key_id, epoch, diem_spent + diem_held, usd_spent + usd_held FROM key_spending
    WHERE key_id = ANY(%s::text[])
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
    connection = driver_of(session)
    with connection.pipeline():
        # Prepared statements that always mean the same plan, an account's rows by its number: planning them
        # anew for their figures would take longer than they do.
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        found_keys = connection.execute(WHO, [hashes(asked.key_hashes)])
        found_holds = connection.execute(WHOSE, [words(asked.hold_ids)])
        found_tokens = connection.execute(TOKENS, [hashes(asked.tokens)])
        found_due = connection.execute(RAN_OUT, [array(asked.accounts)]) if asked.accounts else None
    keys = {row[0]: (row[1], row[2]) for row in found_keys}
    held = [*found_holds, *(found_due or ())]
    account_ids = sorted({each[0] for each in keys.values()} | {row[1] for row in held})
    key_ids = list({each[1] for each in keys.values()} | {row[2] for row in held})
    if not account_ids and not asked.requests:
        gateways = {row[0]: row[1] for row in found_tokens}
        return Books(0, {}, keys={}, gateways=gateways, holders={}, seen={}, chain=())
    with connection.pipeline():
        # In this order: what is read after the lock is how it stays until the end.
        locked = connection.execute(LOCK, [array(account_ids)])
        time = connection.execute(NOW)
        asked_ids = array(row[0] for row in held)
        found = connection.execute(
            HOLDS,
            [
                asked_ids,
                array(account_ids),
                asked_ids,
                array(each[0] for each in asked.requests),
                words(each[1] for each in asked.requests),
            ],
        )
        of_keys = connection.execute(KEYS, [array(key_ids)])
        buckets = connection.execute(BUCKETS, [array(account_ids)])
    micros, *chain = _one(time)
    now = micros // 1_000_000
    accounts = {row[0]: _book(row, now, micros, rates) for row in locked}
    for row in buckets:
        accounts[row[0]].buckets[row[1]] = _bucket(row)
    _put_keys(connection, accounts, of_keys.fetchall())
    seen: dict[RequestName, Hold] = {}
    for was_seen, *row in found:
        hold = hold_of(row)
        if was_seen:
            seen[hold.gateway_id, hold.request_id] = hold
        else:
            accounts[hold.account_id].holds[hold.id] = hold
    _put_missing_keys(connection, accounts)
    for book in accounts.values():
        book.expire_due()
    return Books(
        now=now,
        accounts=accounts,
        keys=keys,
        gateways={row[0]: row[1] for row in found_tokens},
        holders={row[0]: row[1] for row in held},
        seen=seen,
        chain=tuple(chain),
    )


def read_buckets_again(session: Session, books: Books, account_ids: Sequence[int]) -> None:
    """Put into the books what a grant has changed; nothing else may have been decided about them yet."""
    for row in driver_of(session).execute(BUCKETS, [array(account_ids)]):
        books.accounts[row[0]].buckets[row[1]] = _bucket(row)


def write_books(session: Session, books: Books) -> None:
    """Write all that has changed in the books. What breaks a rule of the database is an error here.

    With the end of it the answers can be told, once the transaction is committed.
    """
    changed = [book for book in books.accounts.values() if book.entries or book.made or book.changed]
    counted = [book for book in books.accounts.values() if book.is_rate_changed or book in changed]
    entries = [entry for book in changed for entry in book.entries]
    make_weeks(session, {entry.epoch for entry in entries})
    connection = driver_of(session)
    with connection.pipeline(), connection.cursor() as cursor:
        _write_holds(cursor, changed)
        if entries:
            write_entries(cursor, entries, books.now)
            move(cursor, (posting for entry in entries for posting in entry.postings))
        _write_keys(cursor, counted)
        _write_usage(cursor, changed, books.now)
        rated = [book for book in counted if book.is_rate_changed]
        if rated:
            cursor.execute(
                "UPDATE accounts AS a SET rate_until = n.rate_until "
                "FROM unnest(%s::bigint[], %s::bigint[]) AS n (id, rate_until) WHERE a.id = n.id",
                (array(book.account_id for book in rated), array(book.rate_until for book in rated)),
            )


# --- reading -------------------------------------------------------------------------------------------


def _one(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def _book(row: tuple[Any, ...], now: int, micros: int, rates: Mapping[Tier, TierRates]) -> AccountBook:
    account_id, wallet, rate_until, staked, subscribed_until, has_webhook = row
    tier = tier_of(Wei(int(staked or 0)), subscribed_until, now)
    return AccountBook(
        account_id, Wallet(wallet), now, micros, rate_until, tier, rates[tier], has_webhook=has_webhook
    )


def _bucket(row: tuple[Any, ...]) -> Bucket:
    return Bucket(row[1], Source(row[2]), *row[3:])


def _put_keys(
    connection: Connection,
    accounts: dict[int, AccountBook],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    books: dict[str, KeyBook] = {}
    for row in rows:
        account = accounts[row[1]]
        book = books[row[0]] = account.keys[row[0]] = KeyBook(_key(row, account.wallet))
        if row[12] is not None:
            book.used[Epoch(row[12])] = (row[13], row[14])
            book.rate_until = row[15]
    # A limit of one day is measured by today's row, unless a hold of another day ends today.
    limited = [
        key_id
        for key_id, book in books.items()
        if (book.key.limits.diem is not None or book.key.limits.usd is not None)
    ]
    if limited:
        for key_id, epoch, diem, usd in connection.execute(ALL_DAYS, [array(limited)]):
            books[key_id].used[Epoch(epoch)] = (diem, usd)


def _put_missing_keys(connection: Connection, accounts: dict[int, AccountBook]) -> None:
    """Read the keys of holds that ran out, which nobody asked about."""
    missing = {
        hold.key_id
        for book in accounts.values()
        for hold in book.holds.values()
        if hold.key_id not in book.keys
    }
    if missing:
        rows = connection.execute(KEYS, [array(missing)]).fetchall()
        _put_keys(connection, accounts, rows)


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


# --- writing -------------------------------------------------------------------------------------------

INSERT_HOLDS = f"""
    INSERT INTO holds ({HOLD_COLUMNS})
    SELECT n.id, n.account_id, n.key_id, n.gateway_id, n.request_id, n.state, n.epoch, n.amount, n.is_final,
           n.captured, n.shortfall, n.created_at, n.expires_at, n.charged_at, n.kind,
           n.part_buckets::bigint[], n.part_sources::text[], n.part_amounts::bigint[], n.fingerprint,
           n.model, n.ended_at, n.refusal::jsonb, n.steps, n.told
    FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::integer[],
                %s::bigint[], %s::boolean[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[],
                %s::bigint[], %s::text[], %s::integer[], %s::bigint[]) AS n ({HOLD_COLUMNS})
"""  # noqa: S608
UPDATE_HOLDS = """
    UPDATE holds AS h
    SET state = n.state, amount = n.amount, is_final = n.is_final, captured = n.captured,
        shortfall = n.shortfall, expires_at = n.expires_at, charged_at = n.charged_at,
        part_buckets = n.part_buckets::bigint[], part_sources = n.part_sources::text[],
        part_amounts = n.part_amounts::bigint[], ended_at = n.ended_at, steps = n.steps, told = n.told
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::boolean[], %s::bigint[], %s::bigint[],
                %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::integer[],
                %s::bigint[])
        AS n (id, state, amount, is_final, captured, shortfall, expires_at, charged_at, part_buckets,
              part_sources, part_amounts, ended_at, steps, told)
    WHERE h.id = n.id
"""


def _columns(rows: Iterable[Sequence[object]], others_words: Sequence[int] = ()) -> list[str]:
    """Return arrays, one for each column; `others_words` says which hold what others have written."""
    return [
        words(cast("Iterable[str | None]", column)) if place in others_words else array(column)
        for place, column in enumerate(zip(*rows, strict=True))
    ]


def _write_holds(cursor: Cursor, books: Sequence[AccountBook]) -> None:
    made = [book.holds[hold_id] for book in books for hold_id in book.made]
    if made:
        # Two groups that have the same request ids, under other keys, then wait for each other in one order.
        made.sort(key=lambda hold: (hold.gateway_id, hold.request_id))
        cursor.execute(INSERT_HOLDS, _columns((_new_row(hold) for hold in made), NEW_HOLDS_WORDS))
    changed = [book.holds[hold_id] for book in books for hold_id in book.changed]
    if changed:
        cursor.execute(UPDATE_HOLDS, _columns((_changed_row(hold) for hold in changed), CHANGED_HOLDS_WORDS))


NEW_HOLDS_WORDS = (4, 15, 16, 17, 18, 19, 21)
"""The request id, the model, the refusal; and arrays in an array, whose commas are not its own."""
CHANGED_HOLDS_WORDS = (8, 9, 10)
USAGE_WORDS = (6, 7, 12)


def _new_row(hold: Hold) -> tuple[object, ...]:
    return (
        hold.id,
        hold.account_id,
        hold.key_id,
        hold.gateway_id,
        hold.request_id,
        hold.state.value,
        hold.epoch,
        hold.amount,
        hold.is_final,
        hold.captured,
        hold.shortfall,
        hold.created_at,
        hold.expires_at,
        hold.charged_at,
        hold.kind.value,
        array(part.bucket_id for part in hold.parts),
        array(part.source.value for part in hold.parts),
        array(part.amount for part in hold.parts),
        f"\\x{hold.fingerprint.hex()}",
        hold.model,
        hold.ended_at,
        None if hold.refusal is None else orjson.dumps(hold.refusal).decode(),
        hold.steps,
        hold.told,
    )


def _changed_row(hold: Hold) -> tuple[object, ...]:
    return (
        hold.id,
        hold.state.value,
        hold.amount,
        hold.is_final,
        hold.captured,
        hold.shortfall,
        hold.expires_at,
        hold.charged_at,
        array(part.bucket_id for part in hold.parts),
        array(part.source.value for part in hold.parts),
        array(part.amount for part in hold.parts),
        hold.ended_at,
        hold.steps,
        hold.told,
    )


def _write_keys(cursor: Cursor, books: Sequence[AccountBook]) -> None:
    days = [
        (key_id, epoch, day, key)
        for book in books
        for key_id, key in book.keys.items()
        for epoch, day in key.days.items()
    ]
    if not days:
        return
    new = [(key_id, epoch) for key_id, epoch, _, key in days if epoch not in key.used]
    if new:
        cursor.execute(
            """INSERT INTO key_spending (key_id, epoch, diem_spent, diem_held, usd_spent, usd_held,
                                         last_used_at, rate_until)
               SELECT n.key_id, n.epoch, 0, 0, 0, 0, 0, 0
               FROM unnest(%s::text[], %s::integer[]) AS n (key_id, epoch) ON CONFLICT DO NOTHING""",
            _columns(new),
        )
    cursor.execute(
        """UPDATE key_spending AS k
           SET diem_spent = k.diem_spent + n.diem_spent, diem_held = k.diem_held + n.diem_held,
               usd_spent = k.usd_spent + n.usd_spent, usd_held = k.usd_held + n.usd_held,
               last_used_at = greatest(k.last_used_at, n.last_used_at),
               rate_until = greatest(k.rate_until, n.rate_until)
           FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                       %s::bigint[], %s::bigint[])
               AS n (key_id, epoch, diem_spent, diem_held, usd_spent, usd_held, last_used_at, rate_until)
           WHERE k.key_id = n.key_id AND k.epoch = n.epoch""",
        _columns(
            (
                key_id,
                epoch,
                day.diem_spent,
                day.diem_held,
                day.usd_spent,
                day.usd_held,
                day.last_used_at,
                key.rate_until,
            )
            for key_id, epoch, day, key in days
        ),
    )


def _write_usage(cursor: Cursor, books: Sequence[AccountBook], now: int) -> None:
    lines = [line for book in books for line in book.usage]
    if not lines:
        return
    cursor.execute(
        """INSERT INTO usage (epoch, hold_id, number, account_id, key_id, gateway_id, request_id, model,
                              input_tokens, output_tokens, latency_ms, status, price_version, diem, usd,
                              shortfall, created_at)
           SELECT n.*, %s::bigint
           FROM unnest(%s::integer[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[],
                       %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[],
                       %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n""",
        [
            now,
            *_columns(
                (
                    (
                        line.hold.epoch,
                        line.hold.id,
                        line.number,
                        line.hold.account_id,
                        line.hold.key_id,
                        line.hold.gateway_id,
                        line.request_id,
                        line.usage.model or line.hold.model,
                        line.usage.input_tokens,
                        line.usage.output_tokens,
                        line.usage.latency_ms,
                        line.usage.status,
                        line.usage.price_version,
                        line.diem,
                        line.usd,
                        line.shortfall,
                    )
                    for line in lines
                ),
                USAGE_WORDS,
            ),
        ],
    )
