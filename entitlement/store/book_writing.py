"""Account books are written: all that has changed in a group's, in a few statements and one journey."""

from collections.abc import Iterable, Sequence
from typing import cast

import orjson
from sqlalchemy.orm import Session

from entitlement.core.account_book import AccountBook
from entitlement.core.holds import Hold
from entitlement.store.books import HOLD_COLUMNS, Books
from entitlement.store.journey import Journey
from entitlement.store.ledger import move, open_daily_buckets, write_entries
from entitlement.store.raw import array, driver_of, words
from entitlement.store.weeks import make_weeks


def write_books(session: Session, books: Books) -> Journey:
    """Return the journey that writes all that has changed in the books, still to be made.

    What breaks a rule of the database is an error of it. Once it is committed the answers can be told.
    """
    changed = [book for book in books.accounts.values() if _has_changed(book)]
    counted = [book for book in books.accounts.values() if book.is_rate_changed or _has_changed(book)]
    entries = [entry for book in changed for entry in book.entries]
    make_weeks(session, {entry.epoch for entry in entries})
    journey = Journey(driver_of(session), by_key=True)
    if entries:
        open_daily_buckets(journey, [(book.account_id, each) for book in changed for each in book.opened])
        write_entries(journey, entries, books.now, books.lane, books.entry_ids)
    _write_holds(journey, changed)
    if entries:
        move(journey, (posting for entry in entries for posting in entry.postings))
    _write_keys(journey, counted)
    _write_usage(journey, changed, books.now)
    rated = [book for book in counted if book.is_rate_changed]
    if rated:
        journey.ask(
            "UPDATE accounts AS a SET rate_until = n.rate_until "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS n (id, rate_until) WHERE a.id = n.id",
            (array(book.account_id for book in rated), array(book.rate_until for book in rated)),
        )
    return journey


def _has_changed(book: AccountBook) -> bool:
    return bool(book.entries or book.made or book.changed)


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


def _write_holds(journey: Journey, books: Sequence[AccountBook]) -> None:
    made = [book.holds[hold_id] for book in books for hold_id in book.made]
    if made:
        # Two groups that have the same request ids, under other keys, then wait for each other in one order.
        made.sort(key=lambda hold: (hold.gateway_id, hold.request_id))
        journey.ask(INSERT_HOLDS, _columns((_new_row(hold) for hold in made), NEW_HOLDS_WORDS))
    changed = [book.holds[hold_id] for book in books for hold_id in book.changed]
    if changed:
        journey.ask(UPDATE_HOLDS, _columns((_changed_row(hold) for hold in changed), CHANGED_HOLDS_WORDS))


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


def _write_keys(journey: Journey, books: Sequence[AccountBook]) -> None:
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
        journey.ask(
            """INSERT INTO key_spending (key_id, epoch, diem_spent, diem_held, usd_spent, usd_held,
                                         last_used_at, rate_until)
               SELECT n.key_id, n.epoch, 0, 0, 0, 0, 0, 0
               FROM unnest(%s::text[], %s::integer[]) AS n (key_id, epoch) ON CONFLICT DO NOTHING""",
            _columns(new),
        )
    journey.ask(
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


def _write_usage(journey: Journey, books: Sequence[AccountBook], now: int) -> None:
    lines = [line for book in books for line in book.usage]
    if not lines:
        return
    journey.ask(
        """INSERT INTO usage (epoch, hold_id, number, account_id, key_id, gateway_id, request_id, model,
                              input_tokens, output_tokens, latency_ms, status, price_version, images, diem,
                              usd, shortfall, created_at)
           SELECT n.*, %s::bigint
           FROM unnest(%s::integer[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[],
                       %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[],
                       %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n""",
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
                        line.usage.images,
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
