"""Old weeks are taken out whole or not at all, and nothing that is asked of the journal misses them."""

from dataclasses import replace

import pytest
from alembic import command
from eth_account import Account
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from entitlement.audit.journal import audit
from entitlement.chain.attest import Attester
from entitlement.core.attested import Domain
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, ends_at
from entitlement.core.holds import HoldKind, LeaseReport, LeaseRequest, Usage
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd
from entitlement.core.usage_walk import BEGINNING, SMALLEST_PAGE, HistoryQuery, Order, View
from entitlement.flows.archive_weeks import ArchiveWeeks, Keeping
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.explain_request import ExplainRequest
from entitlement.flows.own_data import OwnData
from entitlement.flows.read_usage import ReadUsage
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.sign_receipts import SignReceipts
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import archive, schema, usage
from entitlement.store.clock import service_time
from entitlement.store.weeks import week_of
from tests.audit.support import address
from tests.flows.test_read_usage import now, walk_records, walk_rows
from tests.proofs import TODAY, Days, Sessions
from tests.support import USD, assert_books_close, grant

KEPT_DAYS = 42
WEEK = week_of(TODAY)


@pytest.fixture
def days(sessions: Sessions, clock: ShiftClock) -> Days:
    """A week in which two wallets spent on its first day, all of it closed and final on the chain."""
    lived = Days(sessions, clock)
    lived.grant({1: 2, 2: 3})
    lived.spend(1, USD // 2)
    lived.spend(2, USD, "r2")
    end_of_week(lived)
    return lived


def end_of_week(lived: Days) -> None:
    for epoch in range(TODAY, archive.last_epoch(WEEK) + 1):
        lived.end(Epoch(epoch))
    lived.end(Epoch(archive.last_epoch(WEEK) + 1))
    ExpireCredit(lived.sessions).expire_buckets()
    lived.close()
    publish(lived.sessions)


def publish(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(
            text(
                "UPDATE epoch_roots SET file_hash = repeat('0', 64), published_block = 1, "
                "published_transaction = '0x' WHERE published_block IS NULL"
            )
        )


def much_later(days: Days) -> None:
    days.clock.jump_to(ends_at(archive.last_epoch(WEEK)) + KEPT_DAYS * SECONDS_PER_EPOCH)


def archived(sessions: Sessions, journal_days: int | None = KEPT_DAYS) -> list[int]:
    # Those of our own day were made by the migrations, and nothing is in them.
    return [week for week in ArchiveWeeks(sessions, Keeping(journal_days)).run() if week >= WEEK]


def parts(sessions: Sessions, schema: str) -> set[str]:
    with sessions.begin() as session:
        return set(
            session.scalars(
                text(
                    "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(:schema) "
                    "AND relkind = 'r' AND relname ~ '^(entries|usage)_[0-9]+$'"
                ),
                {"schema": schema},
            )
        )


ENTRIES, USAGE = f"archive.entries_{WEEK}", f"archive.usage_{WEEK}"
OF_WEEK = {f"entries_{WEEK}", f"usage_{WEEK}"}


def test_a_week_is_taken_out_when_it_was_kept_long_enough_and_not_before(days: Days) -> None:
    late = ends_at(archive.last_epoch(WEEK)) + KEPT_DAYS * SECONDS_PER_EPOCH
    days.clock.jump_to(late - 60)
    assert archived(days.sessions) == []
    days.clock.jump_to(late)
    assert archived(days.sessions, None) == []
    assert archived(days.sessions) == [WEEK]
    assert archived(days.sessions) == []
    assert parts(days.sessions, "archive") >= OF_WEEK
    assert not parts(days.sessions, "public") & OF_WEEK


UNSETTLED = {
    "a root is not final on the chain": "UPDATE epoch_roots SET published_block = NULL, "
    "published_transaction = NULL WHERE epoch = (SELECT max(epoch) - 3 FROM epoch_roots)",
    "a hold is open": "UPDATE holds SET state = 'open' WHERE id = (SELECT min(id) FROM holds)",
    "credit is left to expire": "UPDATE buckets SET closed = false WHERE id = (SELECT min(id) FROM buckets)",
    "its last day is not closed": "ALTER TABLE epoch_roots DISABLE TRIGGER ALL; "
    "ALTER TABLE epoch_leaves DISABLE TRIGGER ALL; "
    "DELETE FROM epoch_roots WHERE epoch >= (SELECT max(epoch) - 1 FROM epoch_roots)",
}


@pytest.mark.parametrize("change", UNSETTLED.values(), ids=UNSETTLED.keys())
def test_a_week_stays_while_anything_in_it_may_change(days: Days, change: str) -> None:
    much_later(days)
    with days.sessions.begin() as session:
        for statement in change.split("; "):
            session.execute(text(statement))
    assert archived(days.sessions) == []
    assert not parts(days.sessions, "archive") & OF_WEEK


def test_the_chain_and_the_books_are_whole_with_what_was_taken_out(days: Days) -> None:
    much_later(days)
    before = audit(address(days.sessions))
    assert before.entries > 0
    archived(days.sessions)
    after = audit(address(days.sessions), heads=before.heads)
    assert (after.findings, after.entries, after.heads) == ([], before.entries, before.heads)
    assert_books_close(days.sessions)


def test_the_audit_names_what_is_missing_of_a_week_that_was_taken_out(days: Days) -> None:
    much_later(days)
    archived(days.sessions)
    with days.sessions.begin() as session:
        session.execute(text(f"ALTER TABLE {ENTRIES} DISABLE TRIGGER ALL"))
        session.execute(text(f"DELETE FROM {ENTRIES} WHERE key LIKE 'end:%'"))  # noqa: S608 - our own name
    assert audit(address(days.sessions)).findings


def test_what_was_taken_out_cannot_be_changed(days: Days) -> None:
    much_later(days)
    archived(days.sessions)
    with pytest.raises(DBAPIError, match="append-only"), days.sessions.begin() as session:
        session.execute(text(f"UPDATE {ENTRIES} SET epoch = 0"))  # noqa: S608 - likewise


@pytest.mark.parametrize("earlier", [0, 1])
def test_nothing_can_be_booked_in_a_week_that_was_taken_out_or_before_it(days: Days, earlier: int) -> None:
    much_later(days)
    archived(days.sessions)
    with pytest.raises(DBAPIError, match="was taken out"), days.sessions.begin() as session:
        session.execute(text(f"SELECT make_week({WEEK - earlier})"))
    # A process that still believes that the part is there finds none.
    with pytest.raises(IntegrityError, match="no partition"), days.sessions.begin() as session:
        session.execute(
            text("INSERT INTO entries SELECT * FROM all_entries WHERE epoch = :epoch ORDER BY id LIMIT 1"),
            {"epoch": TODAY},
        )


def test_a_crash_before_the_commit_leaves_the_week_where_it_was(days: Days) -> None:
    much_later(days)
    was = parts(days.sessions, "public")
    with days.sessions() as session:
        session.begin()
        archive.take_out(session, WEEK, 0, patience_ms=1_000)
        session.rollback()
    assert parts(days.sessions, "public") == was
    assert audit(address(days.sessions)).findings == []
    assert archived(days.sessions) == [WEEK]


def test_while_somebody_reads_the_journal_it_is_left_for_the_next_run(days: Days) -> None:
    much_later(days)
    with days.sessions.begin() as reading:
        reading.execute(text("SELECT count(*) FROM entries"))
        assert archived(days.sessions) == []
    assert archived(days.sessions) == [WEEK]


def test_an_owner_is_explained_and_given_a_request_of_a_week_that_was_taken_out(days: Days) -> None:
    much_later(days)
    mine = days.holders[1]

    def told() -> tuple[object, bytes]:
        export = b"".join(OwnData(days.sessions).export(mine.account_id))
        return ExplainRequest(days.sessions).explain(mine.account_id, "r1"), export.partition(b'"account":')[
            2
        ]

    before = told()
    assert b"end:" in before[1]
    archived(days.sessions)
    assert told()[0] == before[0]
    assert told()[1] == before[1]


def test_an_owners_history_and_sums_are_the_same_with_what_was_taken_out(days: Days) -> None:
    mine = days.holders[1]
    grant(days.sessions, mine.account_id, Source.PREPAID, USD)
    much_later(days)
    spend = SpendCredit(days.sessions)
    for number in range(SMALLEST_PAGE + 2):
        held = spend.hold(mine.gateway_id, mine.request(100, f"later {number}")).hold
        spend.capture(mine.gateway_id, held.id, NanoUsd(number % 3), Usage(model="m", output_tokens=number))
    days.clock.jump_to(now(days.sessions) + 1)
    reading = ReadUsage(days.sessions)

    def told() -> tuple[object, ...]:
        asked = HistoryQuery(mine.account_id, View.ROWS, None, None, 0, 10**11, SMALLEST_PAGE)
        by_records = replace(asked, view=View.RECORDS)
        return (
            walk_rows(reading, asked),
            walk_records(reading, by_records),
            walk_records(reading, replace(by_records, order=Order.NEWEST)),
            walk_records(reading, replace(by_records, end=ends_at(TODAY))),
            reading.analytics(mine.account_id, lookback="90d"),
            reading.analytics(mine.account_id, lookback="1d"),
        )

    before = told()
    assert [each.request_id for each in before[3]] == ["r1"]  # type: ignore[attr-defined]
    assert archived(days.sessions) == [WEEK]
    for one, other in zip(told(), before, strict=True):
        assert one == other


def test_receipts_of_holds_and_of_leases_are_the_same_when_their_week_was_taken_out(
    sessions: Sessions, clock: ShiftClock
) -> None:
    lived = Days(sessions, clock)
    lived.grant({1: 2})
    hold_id = lived.hold(1, USD // 2)
    lived.capture(1, hold_id, USD // 2)
    mine = lived.holders[1]
    spend = SpendCredit(sessions)
    lease_id = spend.hold(mine.gateway_id, mine.request(1_000, "lease", kind=HoldKind.LEASE, ttl=60)).hold.id
    told = tuple(LeaseRequest(number, f"q{number}", NanoUsd(40), Usage()) for number in (1, 2))
    spend.renew(
        mine.gateway_id, lease_id, LeaseReport(NanoUsd(80), NanoUsd(0), NanoUsd(0), ttl=60, requests=told)
    )
    end_of_week(lived)
    much_later(lived)
    attester = Attester(Account.from_key("0x" + "42" * 32), Domain(31_337, "0x" + "ab" * 20))
    signing = SignReceipts(sessions, lambda: attester)

    def signed() -> list[object]:
        return [
            signing.of_account(hold_id, mine.account_id),
            signing.of_account(lease_id, mine.account_id, number=2),
        ]

    before = signed()
    assert archived(sessions) == [WEEK]
    assert signed() == before


def test_no_week_is_taken_out_between_a_reading_of_usage_and_the_question_whether_one_was(days: Days) -> None:
    much_later(days)
    mine = days.holders[1]
    asked = HistoryQuery(mine.account_id, View.RECORDS, None, None, 0, 10**11, SMALLEST_PAGE)
    with days.sessions.begin() as session:
        assert len(usage.records(session, asked, BEGINNING, limit=5)) == 1
        assert archived(days.sessions) == []
        assert len(usage.records(session, asked, BEGINNING, limit=5)) == 1
    assert archived(days.sessions) == [WEEK]


def test_deleting_reaches_what_was_taken_out(days: Days) -> None:
    much_later(days)
    archived(days.sessions)
    mine = days.holders[1]
    with days.sessions.begin() as session:
        session.execute(text(f"UPDATE {USAGE} SET model = 'a-model', input_tokens = 7, images = 2"))  # noqa: S608 - likewise
        wallet = session.execute(
            text("SELECT wallet FROM accounts WHERE id = :id"), {"id": mine.account_id}
        ).scalar_one()
    OwnData(days.sessions).delete(mine.account_id, wallet)
    with days.sessions.begin() as session:
        left = session.execute(
            text(
                "SELECT account_id = :id, count(model), count(input_tokens), count(images) "
                "FROM all_usage GROUP BY 1"
            ),
            {"id": mine.account_id},
        ).all()
    assert sorted(map(tuple, left)) == [(False, 1, 1, 1), (True, 0, 0, 0)]


def test_undoing_the_migration_puts_every_week_back(days: Days) -> None:
    much_later(days)
    count = audit(address(days.sessions)).entries
    archived(days.sessions)
    engine = days.sessions.kw["bind"]
    with engine.begin() as connection:
        command.downgrade(schema._config(connection), "0014-1")
        assert connection.execute(text("SELECT count(*) FROM entries")).scalar_one() == count
        command.upgrade(schema._config(connection), "head")
    assert audit(address(days.sessions)).findings == []
    assert archived(days.sessions) == [WEEK]


def test_weeks_from_before_images_were_counted_have_none_and_what_is_booked_then_has_them(
    days: Days,
) -> None:
    engine = days.sessions.kw["bind"]
    with engine.begin() as connection:
        command.downgrade(schema._config(connection), "0015")
    much_later(days)
    archived(days.sessions)
    with engine.begin() as connection:
        command.upgrade(schema._config(connection), "0016")
        assert connection.execute(text(f"SELECT count(*), count(images) FROM {USAGE}")).one() == (2, 0)  # noqa: S608 - likewise
        schema.check(connection)
    assert audit(address(days.sessions)).findings == []
    mine = days.holders[1]
    explain = ExplainRequest(days.sessions)
    ((old,),) = [each.usage for each in explain.explain(mine.account_id, "r1")]
    assert old.images is None
    grant(days.sessions, mine.account_id, Source.DIEM, USD)
    spend = SpendCredit(days.sessions)
    held = spend.hold(mine.gateway_id, mine.request(100, "paint")).hold
    spend.capture(mine.gateway_id, held.id, NanoUsd(60), Usage(images=3))
    ((new,),) = [each.usage for each in explain.explain(mine.account_id, "paint")]
    assert new.images == 3
    with engine.begin() as connection:
        command.downgrade(schema._config(connection), "0015")
        columns = connection.execute(
            text(
                "SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
                "WHERE a.attname = 'images' AND c.relname ~ 'usage'"
            )
        )
        assert columns.scalar_one() == 0
        assert connection.execute(text("SELECT count(*), sum(diem) FROM all_usage")).one() == (
            3,
            USD // 2 + USD + 60,
        )
        command.upgrade(schema._config(connection), "head")
        schema.check(connection)
    assert_books_close(days.sessions)


def test_a_week_that_was_dumped_before_images_were_counted_is_read_when_it_is_put_back(days: Days) -> None:
    much_later(days)
    archived(days.sessions)
    with days.sessions.begin() as session:
        session.execute(text(f"CREATE TABLE elsewhere AS SELECT * FROM {USAGE}"))  # noqa: S608 - likewise
        session.execute(text("ALTER TABLE elsewhere DROP COLUMN images"))
        session.execute(text("SELECT see_archive(except_week => :week)"), {"week": WEEK})
        session.execute(text(f"DROP TABLE {USAGE}"))
        session.execute(text("ALTER TABLE elsewhere SET SCHEMA archive"))
        session.execute(text(f"ALTER TABLE archive.elsewhere RENAME TO usage_{WEEK}"))
        session.execute(text("SELECT see_archive()"))
        assert session.execute(text("SELECT count(*), count(images) FROM all_usage")).one() == (2, 0)
    mine = days.holders[1]
    ((told,),) = [each.usage for each in ExplainRequest(days.sessions).explain(mine.account_id, "r1")]
    assert (told.diem, told.images) == (USD // 2, None)


def test_what_was_told_long_ago_is_deleted_and_what_is_still_to_be_told_is_not(sessions: Sessions) -> None:
    with sessions.begin() as session:
        now = service_time(session)
        old, new = now - 8 * SECONDS_PER_EPOCH, now - 6 * SECONDS_PER_EPOCH
        for number, (at, due) in enumerate([(old, None), (old, now), (new, None)]):
            session.execute(
                text(
                    "INSERT INTO outbox (event_id, account_id, kind, epoch, available, granted, created_at, "
                    "due_at, tries) VALUES (:name, :number, 'credit.low', 1, 0, 0, :at, :due, 0)"
                ),
                {"name": f"evt_{number}", "number": number, "at": at, "due": due},
            )
    ArchiveWeeks(sessions, Keeping()).run()
    ArchiveWeeks(sessions, Keeping(outbox_days=7)).run()
    with sessions.begin() as session:
        assert set(session.scalars(text("SELECT event_id FROM outbox"))) == {"evt_1", "evt_2"}


def test_a_week_can_leave_the_database_and_come_back(days: Days) -> None:
    much_later(days)
    archived(days.sessions)
    with days.sessions.begin() as session:
        session.execute(text(f"CREATE TABLE elsewhere AS SELECT * FROM {ENTRIES}"))  # noqa: S608 - likewise
        session.execute(text("SELECT see_archive(except_week => :week)"), {"week": WEEK})
        session.execute(text(f"DROP TABLE {ENTRIES}, {USAGE}"))
    assert audit(address(days.sessions)).findings
    with days.sessions.begin() as session:
        session.execute(text("ALTER TABLE elsewhere SET SCHEMA archive"))
        session.execute(text(f"ALTER TABLE archive.elsewhere RENAME TO entries_{WEEK}"))
        session.execute(text("SELECT see_archive()"))
    assert audit(address(days.sessions)).findings == []
