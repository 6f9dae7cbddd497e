"""What an owner reads of usage is what was charged: the same sums as the journal's, each request once."""

import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at
from entitlement.core.errors import EntitlementError, InvalidRequest
from entitlement.core.holds import Usage
from entitlement.core.keys import NewKey, hash_secret
from entitlement.core.ledger import Source
from entitlement.core.limits import Currency
from entitlement.core.units import NanoUsd
from entitlement.core.usage import UsageRecord, UsageRow
from entitlement.core.usage_walk import BEGINNING, SMALLEST_PAGE, HistoryQuery, Order, Position, View
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_usage import ReadUsage
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import clock, usage, weeks
from entitlement.store.clock import service_time
from tests.support import USD, Holder, assert_books_close, grant, holder

Sessions = sessionmaker[Session]
JOURNAL = text("""
    SELECT j.epoch, b.source = 'diem', sum(j.amount) FROM journal AS j JOIN buckets AS b ON b.id = j.bucket_id
    WHERE j.account_id = :account AND j.target = 'consumed' GROUP BY 1, 2
""")


def later(sessions: Sessions, seconds: int) -> None:
    with sessions.begin() as session:
        clock.set_shift(session, clock.shift(session) + seconds)


def now(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return service_time(session)


def query(who: Holder, **changes: object) -> HistoryQuery:
    plain = {
        "account_id": who.account_id,
        "view": View.ROWS,
        "key_id": None,
        "currency": None,
        "start": 0,
        "end": 10**11,
        "page_size": SMALLEST_PAGE,
    }
    return HistoryQuery(**(plain | changes))  # type: ignore[arg-type]


def walk_rows(reading: ReadUsage, asked: HistoryQuery) -> list[UsageRow]:
    told: list[UsageRow] = []
    position = BEGINNING
    for _ in range(10_000):
        page = reading.rows(asked, position)
        told += page.told
        if page.cursor is None:
            return told
        asked, position = reading.follow(
            page.cursor, account_id=asked.account_id, view=asked.view, key_id=asked.key_id
        )
    raise AssertionError("the walk has no end")


def walk_records(reading: ReadUsage, asked: HistoryQuery) -> list[UsageRecord]:
    told: list[UsageRecord] = []
    position = BEGINNING
    for _ in range(10_000):
        page = reading.records(asked, position)
        told += page.told
        if page.cursor is None:
            return told
        asked, position = reading.follow(
            page.cursor, account_id=asked.account_id, view=asked.view, key_id=asked.key_id
        )
    raise AssertionError("the walk has no end")


def charge(sessions: Sessions, who: Holder, request_id: str, amount: int, cost: int, **told: object) -> None:
    spend = SpendCredit(sessions)
    hold = spend.hold(who.gateway_id, who.request(amount, request_id)).hold
    spend.capture(who.gateway_id, hold.id, NanoUsd(cost), Usage(**told))  # type: ignore[arg-type]


def live(sessions: Sessions, who: Holder, other_key: str, seed: int) -> None:
    """Charge at random: two keys, three days, two currencies, with overruns and for nothing."""
    turn = random.Random(seed)
    spend = SpendCredit(sessions)
    for number in range(120):
        if number in (50, 90):
            later(sessions, SECONDS_PER_EPOCH)
            grant(sessions, who.account_id, Source.DIEM, 400)
        elif turn.random() < 0.2:
            later(sessions, turn.randrange(60))
        asked = who.request(turn.randint(1, 30), f"r{number}", minimum=NanoUsd(1))
        if turn.random() < 0.3:
            asked = replace(asked, key_hash=hash_secret(other_key))
        try:
            hold = spend.hold(who.gateway_id, asked).hold
        except EntitlementError:
            continue
        told = Usage(
            model=turn.choice(["a", "b", None]),
            input_tokens=turn.choice([None, 0, 1, 7, 1_000]),
            output_tokens=turn.choice([None, 0, 1, 9, 2_000]),
            images=turn.choice([None, None, 0, 1, 4]),
        )
        if turn.random() < 0.9:
            spend.capture(who.gateway_id, hold.id, NanoUsd(turn.randint(0, 40)), told)


@pytest.mark.parametrize("seed", range(2))
def test_rows_records_days_models_and_keys_all_sum_to_what_the_journal_says(
    seed: int, sessions: Sessions
) -> None:
    who = holder(sessions, diem=600, prepaid=900)
    other = ManageKeys(sessions).create(who.account_id, NewKey("other"))
    live(sessions, who, other.secret, seed)
    later(sessions, 1)
    assert_books_close(sessions)
    reading = ReadUsage(sessions)
    with sessions.begin() as session:
        journal = {
            (row[0], row[1]): int(row[2]) for row in session.execute(JOURNAL, {"account": who.account_id})
        }
    assert len(journal) >= 4
    in_all = {
        currency: sum(
            amount for (_, is_diem), amount in journal.items() if is_diem == (currency is Currency.DIEM)
        )
        for currency in Currency
    }
    told = walk_records(reading, query(who, view=View.RECORDS))
    rows = walk_rows(reading, query(who))
    for currency in Currency:
        assert sum(row.amount for row in rows if row.currency is currency) == in_all[currency]
        assert sum(record.charged(currency) for record in told) == in_all[currency]
        alone = walk_rows(reading, query(who, currency=currency))
        assert alone == [row for row in rows if row.currency is currency]
    of_keys = [walk_rows(reading, query(who, key_id=key)) for key in (who.key_id, other.key.id)]
    assert all(of_keys)
    assert sum(len(each) for each in of_keys) == len(rows)

    found = reading.analytics(who.account_id, lookback="7d")
    by_day = {(day, True): sums.diem for day, sums in found.by_day.items()}
    by_day |= {(day, False): sums.usd for day, sums in found.by_day.items()}
    assert {at: amount for at, amount in by_day.items() if amount} == journal
    for sums in (found.by_model, found.by_key, found.by_model_and_day, found.by_key_and_day):
        assert sum(each.diem for each in sums.values()) == in_all[Currency.DIEM]
        assert sum(each.usd for each in sums.values()) == in_all[Currency.USD]
        assert sum(each.shortfall for each in sums.values()) == sum(record.shortfall for record in told)
        assert sum(each.requests for each in sums.values()) == len(told)
        assert sum(each.input_tokens for each in sums.values()) == sum(
            each.input_tokens or 0 for each in told
        )
        assert sum(each.images for each in sums.values()) == sum(each.images or 0 for each in told) > 0
    today = epoch_at(now(sessions))
    assert reading.analytics(who.account_id, lookback="1d").by_day == {today: found.by_day[today]}
    alone = reading.analytics_of_days(who.account_id, Epoch(today - 1), today, key_id=other.key.id)
    assert alone.by_day.get(Epoch(today - 1)) == found.by_key_and_day.get((other.key.id, Epoch(today - 1)))


def test_requests_that_were_free_do_not_end_a_walk_by_rows_before_its_last_row(sessions: Sessions) -> None:
    who = holder(sessions, diem=100)
    free, charged = 2 * SMALLEST_PAGE, SMALLEST_PAGE + 5
    for number in range(free):
        charge(sessions, who, f"free {number}", 1, 0)
        if number < charged:
            charge(sessions, who, f"charged {number}", 1, 1)
    later(sessions, 1)
    reading = ReadUsage(sessions)
    for currency in (None, Currency.DIEM):
        rows = walk_rows(reading, query(who, currency=currency))
        assert sorted(row.record.request_id for row in rows) == sorted(
            f"charged {number}" for number in range(charged)
        )
    assert len(walk_records(reading, query(who, view=View.RECORDS))) == free + charged


def test_a_window_begins_with_its_start_and_ends_before_its_end(sessions: Sessions) -> None:
    who = holder(sessions, diem=100)
    times: list[int] = []
    for number in range(3):
        times.append(now(sessions))
        charge(sessions, who, f"r{number}", 1, 1)
        later(sessions, 100)
    reading = ReadUsage(sessions)
    ats = [row.record.at for row in walk_rows(reading, query(who))]
    assert len(ats) == 3
    inside = walk_rows(reading, query(who, start=ats[1], end=ats[2]))
    assert [row.record.request_id for row in inside] == ["r1"]
    assert walk_rows(reading, query(who, start=ats[1] + 1, end=ats[2])) == []
    assert walk_rows(reading, query(who, start=ats[2], end=ats[2])) == []


def test_a_charge_of_the_running_second_is_told_from_the_next_second_on(sessions: Sessions) -> None:
    who = holder(sessions, diem=100)
    reading = ReadUsage(sessions)
    for number in range(20):
        charge(sessions, who, f"r{number}", 1, 1)
        told = walk_rows(reading, query(who))
        assert all(row.record.at < now(sessions) for row in told)
        if told == []:
            break
    later(sessions, 1)
    assert walk_rows(reading, query(who))


def test_what_a_walk_has_told_of_a_time_is_all_that_there_ever_is_of_it_though_a_commit_takes_long(
    sessions: Sessions,
) -> None:
    who = holder(sessions, diem=100)
    charge(sessions, who, "before", 1, 1)
    hold = SpendCredit(sessions).hold(who.gateway_id, who.request(1, "slow")).hold
    slow = sessionmaker(sessions.kw["bind"], expire_on_commit=False)
    booked, go_on = threading.Event(), threading.Event()

    @event.listens_for(slow, "before_commit")
    def wait(_: Session) -> None:
        booked.set()
        assert go_on.wait(60)

    reading = ReadUsage(sessions)
    with ThreadPoolExecutor(2) as pool:
        capturing = pool.submit(SpendCredit(slow).capture, who.gateway_id, hold.id, NanoUsd(1), Usage())
        assert booked.wait(60)
        later(sessions, 10)
        end = now(sessions)
        walking = pool.submit(walk_rows, reading, query(who, end=end))
        # Long enough for a reader that does not wait to have come to its end.
        time.sleep(0.5)
        go_on.set()
        capturing.result(60)
        told = walking.result(60)
    assert told == walk_rows(reading, query(who, end=end))
    assert {row.record.request_id for row in told} == {"before", "slow"}


def test_walks_under_way_while_others_charge_tell_each_request_once(sessions: Sessions) -> None:
    who = holder(sessions, diem=USD)
    reading = ReadUsage(sessions)
    done = threading.Event()

    def spend(writer: int) -> None:
        for number in range(40):
            charge(sessions, who, f"w{writer} r{number}", 3, 2, input_tokens=1, output_tokens=1)

    def read() -> int:
        walks = 0
        while True:
            is_last = done.is_set()
            end = now(sessions)
            told = walk_rows(reading, query(who, end=end))
            places = [(row.record.at, row.record.hold_id, row.direction) for row in told]
            assert len(set(places)) == len(places)
            assert [at for at, _, _ in places] == sorted(at for at, _, _ in places)
            kept.append((end, told))
            walks += 1
            if is_last:
                return walks

    kept: list[tuple[int, list[UsageRow]]] = []
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for writer in [pool.submit(spend, writer) for writer in range(2)]:
            writer.result(120)
        later(sessions, 1)
        done.set()
        assert sum(reader.result(60) for reader in readers) >= 2
    in_the_end = walk_rows(reading, query(who))
    assert len(in_the_end) == 2 * 2 * 40
    for end, told in kept:
        assert told == [row for row in in_the_end if row.record.at < end]


def test_a_walk_from_the_newest_is_the_other_one_backwards_and_what_is_charged_meanwhile_is_not_in_it(
    sessions: Sessions,
) -> None:
    who = holder(sessions, diem=40_000)
    other = ManageKeys(sessions).create(who.account_id, NewKey("the other"))
    live(sessions, who, other.secret, seed=7)
    later(sessions, 1)
    reading = ReadUsage(sessions)
    asked = query(who, view=View.RECORDS)
    told = walk_records(reading, asked)
    assert len(told) > 3 * SMALLEST_PAGE
    for changes in ({}, {"key_id": other.key.id}, {"currency": Currency.DIEM}, {"start": told[20].at}):
        there = walk_records(reading, replace(asked, **changes))  # type: ignore[arg-type]
        back = walk_records(reading, replace(asked, order=Order.NEWEST, **changes))  # type: ignore[arg-type]
        assert back == there[::-1] != []
    first = reading.records(replace(asked, order=Order.NEWEST))
    later(sessions, SECONDS_PER_EPOCH)
    grant(sessions, who.account_id, Source.DIEM, 400)
    charge(sessions, who, "meanwhile", 5, 5)
    later(sessions, 1)
    assert first.cursor is not None
    newest, position = reading.follow(first.cursor, account_id=who.account_id, view=View.RECORDS, key_id=None)
    rest = list(first.told)
    for _ in range(10_000):
        page = reading.records(newest, position)
        rest += page.told
        if page.cursor is None:
            break
        newest, position = reading.follow(
            page.cursor, account_id=who.account_id, view=View.RECORDS, key_id=None
        )
    assert rest == told[::-1]
    assert reading.records(replace(asked, order=Order.NEWEST)).told[0].request_id == "meanwhile"


def test_old_weeks_are_not_read_for_the_sums_of_a_month_nor_for_a_page_of_it(sessions: Sessions) -> None:
    who = holder(sessions, diem=100)
    today = epoch_at(now(sessions))
    with sessions.begin() as session:
        weeks.make_weeks(session, [Epoch(today - 7 * back) for back in range(40)])
    wanted = set(range(weeks.week_of(Epoch(today - 40)), weeks.week_of(today) + 2))
    asked = query(who, start=(today - 29) * SECONDS_PER_EPOCH, end=(today + 1) * SECONDS_PER_EPOCH)

    newest = replace(asked, view=View.RECORDS, order=Order.NEWEST)
    within = Position((today - 20) * SECONDS_PER_EPOCH, "hold_1", 1, 1)

    def read_all() -> None:
        with sessions.begin() as session:
            usage.analytics(
                session, who.account_id, key_id=None, first=Epoch(today - 29), after_last=Epoch(today + 1)
            )
            usage.records(session, asked, BEGINNING, limit=10)
            usage.records(session, newest, BEGINNING, limit=10)
            usage.records(session, newest, within, limit=10)

    plans: list[str] = []

    @event.listens_for(sessions.kw["bind"], "before_cursor_execute")
    def explain(connection: Connection, _: object, statement: str, parameters: Any, *__: object) -> None:  # noqa: ANN401 - the driver's
        if "FROM usage" in statement and not statement.startswith("EXPLAIN"):
            plans.append(
                "\n".join(row[0] for row in connection.exec_driver_sql("EXPLAIN " + statement, parameters))
            )

    read_all()
    assert len(plans) == 4
    for plan in plans:
        opened = {int(week) for week in re.findall(r"usage_(\d{4,})", plan)}
        assert opened
        assert opened <= wanted, plan


def test_a_page_that_nobody_may_ask_for_is_refused(sessions: Sessions) -> None:
    who = holder(sessions)
    for wrong in ({"page_size": 9}, {"page_size": 1_001}, {"start": 2, "end": 1}, {"order": Order.NEWEST}):
        with pytest.raises(InvalidRequest):
            ReadUsage(sessions).rows(query(who, **wrong))
    with pytest.raises(InvalidRequest):
        ReadUsage(sessions).analytics(who.account_id, lookback="91d")
    with pytest.raises(InvalidRequest):
        ReadUsage(sessions).analytics_of_days(who.account_id, Epoch(5), Epoch(4))
