import pytest

from entitlement.core.epochs import Epoch
from entitlement.core.ledger import (
    Bucket,
    Part,
    Place,
    Posting,
    Source,
    release_postings,
    settle_capture,
    settle_late_capture,
    total,
)
from entitlement.core.limits import NO_LIMIT, Headroom, LimitPeriod
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


BOTH = (bucket(1, Source.DIEM, 5), bucket(2, Source.PREPAID, 10))
PARTS = (Part(1, Source.DIEM, NanoUsd(4)), Part(2, Source.PREPAID, NanoUsd(3)))


def move(number: int | None, source: Place, target: Place, amount: int) -> Posting:
    return Posting(number, source, target, NanoUsd(amount))


HELD, FREE, CONSUMED, EXPIRED = Place.HELD, Place.AVAILABLE, Place.CONSUMED, Place.EXPIRED


@pytest.mark.parametrize(
    ("case", "amount", "now", "headroom", "expected", "shortfall"),
    [
        ("nothing", 0, NOW, room(), [(1, HELD, FREE, 4), (2, HELD, FREE, 3)], 0),
        (
            "less: what is spent first is charged first",
            5,
            NOW,
            room(),
            [(1, HELD, CONSUMED, 4), (2, HELD, CONSUMED, 1), (2, HELD, FREE, 2)],
            0,
        ),
        ("all of it", 7, NOW, room(), [(1, HELD, CONSUMED, 4), (2, HELD, CONSUMED, 3)], 0),
        (
            "after midnight the rest of yesterday's expires",
            3,
            TOMORROW,
            room(),
            [(1, HELD, CONSUMED, 3), (1, HELD, EXPIRED, 1), (2, HELD, FREE, 3)],
            0,
        ),
        (
            "an overrun is taken from what is available",
            14,
            NOW,
            room(),
            [(1, HELD, CONSUMED, 4), (2, HELD, CONSUMED, 3), (1, FREE, CONSUMED, 5), (2, FREE, CONSUMED, 2)],
            0,
        ),
        (
            "an overrun keeps to the key's limits",
            14,
            NOW,
            room(diem=2, usd=1),
            [
                (1, HELD, CONSUMED, 4),
                (2, HELD, CONSUMED, 3),
                (1, FREE, CONSUMED, 2),
                (2, FREE, CONSUMED, 1),
                (None, Place.OPERATOR, CONSUMED, 4),
            ],
            4,
        ),
        (
            "after midnight an overrun is not taken from yesterday's",
            30,
            TOMORROW,
            room(),
            [
                (1, HELD, CONSUMED, 4),
                (2, HELD, CONSUMED, 3),
                (2, FREE, CONSUMED, 10),
                (None, Place.OPERATOR, CONSUMED, 13),
            ],
            13,
        ),
    ],
)
def test_a_capture_charges(
    case: str,
    amount: int,
    now: int,
    headroom: Headroom,
    expected: list[tuple[int | None, Place, Place, int]],
    shortfall: int,
) -> None:
    settled = settle_capture(PARTS, BOTH, headroom, amount=NanoUsd(amount), now=now)
    assert list(settled.postings) == [move(*each) for each in expected], case
    assert settled.shortfall == shortfall
    assert total(settled.paid) + settled.shortfall == amount


def test_a_late_capture_charges_what_its_own_buckets_still_have() -> None:
    own = PARTS[:1]
    settled = settle_late_capture(own, BOTH, NO_LIMIT, amount=NanoUsd(9), now=NOW)
    assert settled.postings == (move(1, FREE, CONSUMED, 5), move(None, Place.OPERATOR, CONSUMED, 4))
    assert settled.shortfall == 4


def test_a_late_capture_of_nothing_moves_nothing() -> None:
    assert settle_late_capture(PARTS, BOTH, NO_LIMIT, amount=NONE, now=NOW).postings == ()


def test_a_late_capture_after_midnight_leaves_yesterday_alone() -> None:
    settled = settle_late_capture(PARTS, BOTH, NO_LIMIT, amount=NanoUsd(9), now=TOMORROW)
    assert settled.postings == (move(2, FREE, CONSUMED, 9),)


def test_a_release_gives_back_and_after_midnight_lets_yesterdays_expire() -> None:
    assert release_postings(PARTS, BOTH, NOW) == (move(1, HELD, FREE, 4), move(2, HELD, FREE, 3))
    assert release_postings(PARTS, BOTH, TOMORROW) == (move(1, HELD, EXPIRED, 4), move(2, HELD, FREE, 3))
