from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.epochs import Epoch
from entitlement.core.errors import InsufficientCredit, KeyLimitReached
from entitlement.core.ledger import (
    Bucket,
    EntryKind,
    Part,
    Place,
    Posting,
    Source,
    available,
    balances,
    book_end,
    book_grant,
    currency_of,
    draw,
    fund_hold,
    spendable,
    total,
)
from entitlement.core.limits import NO_LIMIT, Currency, Headroom, LimitPeriod
from entitlement.core.units import NanoUsd

NOW = 1_000
TOMORROW = 2_000
TODAY = Epoch(7)
NONE = NanoUsd(0)


def bucket(number: int, source: Source, amount: int, *, expires_at: int | None = TOMORROW) -> Bucket:
    epoch = None if source is Source.PREPAID else TODAY
    ends = None if source is Source.PREPAID else expires_at
    return Bucket(number, source, epoch, ends, NanoUsd(amount), NONE)


def room(diem: int | None = None, usd: int | None = None) -> Headroom:
    left = [None if limit is None else NanoUsd(limit) for limit in (diem, usd)]
    return Headroom(left[0], left[1], LimitPeriod.EPOCH, TOMORROW)


def taken(parts: tuple[Part, ...]) -> dict[int, int]:
    return {part.bucket_id: part.amount for part in parts}


# --- the order of spending -------------------------------------------------------------------------------


def test_what_is_lost_soonest_is_spent_first() -> None:
    in_order = [
        bucket(5, Source.DIEM, 1),
        bucket(4, Source.PRO_RATA, 1),
        bucket(3, Source.MEMBERSHIP, 1, expires_at=5_000),
        bucket(9, Source.MEMBERSHIP, 1, expires_at=5_000),
        bucket(1, Source.MEMBERSHIP, 1, expires_at=6_000),
        bucket(2, Source.PREPAID, 1),
        bucket(8, Source.PREPAID, 1),
    ]
    assert spendable(reversed(in_order), NOW) == in_order
    assert {each.source for each in in_order} == set(Source)


@pytest.mark.parametrize(("now", "live"), [(TOMORROW - 1, True), (TOMORROW, False), (TOMORROW + 1, False)])
def test_a_bucket_cannot_be_spent_from_its_expiry_on(now: int, *, live: bool) -> None:
    buckets = [bucket(1, Source.DIEM, 5), bucket(2, Source.PREPAID, 3)]
    assert available(buckets, now) == (8 if live else 3)
    assert (buckets[0] in spendable(buckets, now)) is live


@pytest.mark.parametrize("source", Source)
def test_only_the_daily_right_of_diem_counts_as_diem(source: Source) -> None:
    assert (currency_of(source) is Currency.DIEM) is (source is Source.DIEM)


@pytest.mark.parametrize(
    ("case", "amount", "headroom", "expected"),
    [
        ("from the first alone", 3, room(), {1: 3}),
        ("over two", 7, room(), {1: 5, 2: 2}),
        ("the DIEM limit leaves it to dollars", 7, room(diem=2), {1: 2, 2: 3, 3: 2}),
        ("the dollar limit counts both dollar buckets", 20, room(usd=4), {1: 5, 2: 3, 3: 1}),
        ("nothing is allowed", 20, room(diem=0, usd=0), {}),
        ("more than there is", 99, room(), {1: 5, 2: 3, 3: 10}),
    ],
)
def test_credit_is_drawn_in_order_within_the_keys_limits(
    case: str, amount: int, headroom: Headroom, expected: dict[int, int]
) -> None:
    buckets = [bucket(1, Source.DIEM, 5), bucket(2, Source.MEMBERSHIP, 3), bucket(3, Source.PREPAID, 10)]
    assert taken(draw(buckets, headroom, NanoUsd(amount))) == expected, case


# --- holding ---------------------------------------------------------------------------------------------

BOTH = (bucket(1, Source.DIEM, 5), bucket(2, Source.PREPAID, 10))


def hold(amount: int, headroom: Headroom = NO_LIMIT, *, minimum: int | None = None, now: int = NOW) -> tuple:
    funding = fund_hold(
        BOTH,
        headroom,
        amount=NanoUsd(amount),
        minimum=NanoUsd(amount if minimum is None else minimum),
        now=now,
        resets_at=TOMORROW,
    )
    return taken(funding.parts), funding.is_final


@pytest.mark.parametrize(
    ("case", "amount", "minimum", "headroom", "expected"),
    [
        ("some of it", 4, 4, room(), ({1: 4}, False)),
        ("all of it", 15, 15, room(), ({1: 5, 2: 10}, True)),
        ("less than was wanted, and the last", 20, 1, room(), ({1: 5, 2: 10}, True)),
        ("the last that the key may spend", 20, 1, room(diem=2, usd=1), ({1: 2, 2: 1}, True)),
        ("all that the key may spend, by chance", 3, 3, room(diem=2, usd=1), ({1: 2, 2: 1}, True)),
        ("all the DIEM, dollars are left", 5, 5, room(), ({1: 5}, False)),
    ],
)
def test_a_hold_is_funded_and_says_whether_it_took_the_last(
    case: str, amount: int, minimum: int, headroom: Headroom, expected: tuple
) -> None:
    assert hold(amount, headroom, minimum=minimum) == expected, case


def test_what_the_account_cannot_pay_is_refused_with_the_figures() -> None:
    with pytest.raises(InsufficientCredit) as caught:
        hold(20, minimum=16)
    assert caught.value.facts() == {"wanted": 16, "available": 15, "resets_at": TOMORROW}


def test_an_empty_account_is_not_blamed_on_the_key() -> None:
    with pytest.raises(InsufficientCredit):
        hold(16, room(diem=0, usd=0))


def test_a_minimum_that_the_account_could_pay_is_blamed_on_the_key_although_the_whole_could_not_be() -> None:
    with pytest.raises(KeyLimitReached):
        hold(20, room(diem=0, usd=0), minimum=15)


@pytest.mark.parametrize(
    ("case", "headroom", "limit", "left"),
    [
        ("DIEM binds", room(diem=1), "diem", 11),
        ("dollars bind", room(usd=1), "usd", 6),
        ("both bind: the one that is reached first", room(diem=1, usd=1), "diem", 2),
        ("a DIEM limit above what there is does not bind", room(diem=5, usd=1), "usd", 6),
        ("nothing is allowed", room(diem=0, usd=0), "diem", 0),
    ],
)
def test_a_key_limit_in_the_way_is_named(case: str, headroom: Headroom, limit: str, left: int) -> None:
    with pytest.raises(KeyLimitReached) as caught:
        hold(13, headroom)
    assert caught.value.facts() == {
        "limit": limit,
        "period": "epoch",
        "wanted": 13,
        "available": left,
        "resets_at": TOMORROW,
    }, case


# --- booking ---------------------------------------------------------------------------------------------


def test_raising_a_grant_twice_is_two_entries_and_repeating_it_is_one() -> None:
    first = book_grant(1, TODAY, BOTH[0], granted=NONE, up_to=NanoUsd(5))
    again = book_grant(1, TODAY, replace(BOTH[0], available=NONE), granted=NONE, up_to=NanoUsd(5))
    raised = book_grant(1, TODAY, BOTH[0], granted=NanoUsd(5), up_to=NanoUsd(8))
    assert first.key == again.key == "grant:1:diem:7:5"
    assert raised.key != first.key
    assert raised.postings == (Posting(1, Place.ISSUED, Place.AVAILABLE, NanoUsd(3)),)


def test_all_ways_for_a_hold_to_end_share_one_key() -> None:
    kinds = (EntryKind.CAPTURE, EntryKind.RELEASE, EntryKind.EXPIRE_HOLD)
    assert len({book_end(kind, 1, TODAY, "hold_1", ()).key for kind in kinds}) == 1


amounts = st.integers(min_value=1, max_value=10**15).map(NanoUsd)
postings = st.builds(Posting, st.integers(1, 3), st.sampled_from(Place), st.sampled_from(Place), amounts)


@given(st.lists(postings))
def test_whatever_is_posted_all_places_together_hold_nothing(posted: list[Posting]) -> None:
    assert sum(balances(posted).values()) == 0


buckets = st.lists(
    st.builds(
        lambda source, amount: bucket(0, source, amount), st.sampled_from(Source), st.integers(0, 10**12)
    ),
    max_size=6,
).map(lambda made: [replace(each, id=number) for number, each in enumerate(made)])
limits = st.none() | st.integers(min_value=0, max_value=10**12)


@given(buckets, st.builds(room, limits, limits), amounts)
def test_no_draw_takes_more_than_is_wanted_there_or_allowed(
    there: list[Bucket], headroom: Headroom, wanted: NanoUsd
) -> None:
    parts = draw(spendable(there, NOW), headroom, wanted)
    assert total(parts) <= wanted
    by_id = {each.id: each for each in there}
    assert all(0 < part.amount <= by_id[part.bucket_id].available for part in parts)
    for currency, limit in ((Currency.DIEM, headroom.diem), (Currency.USD, headroom.usd)):
        spent = sum(part.amount for part in parts if currency_of(part.source) is currency)
        assert limit is None or spent <= limit
