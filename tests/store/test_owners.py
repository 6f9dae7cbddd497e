"""What is remembered of whose names are whose."""

import pytest

from entitlement.store import owners
from entitlement.store.owners import Owners


def test_what_was_asked_about_last_is_remembered_and_no_more_than_twice_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owners, "MOST_REMEMBERED", 10)
    remembered = Owners()
    for number in range(100):
        remembered.remember({f"hold_{number}": (number, "key")})
        remembered.remember({b"used all the time": (0, "key")})
    known = [number for number in range(100) if remembered.of(f"hold_{number}")]
    assert known == list(range(100 - len(known), 100))
    assert 8 <= len(known) <= 20
    assert remembered.of(b"used all the time") == (0, "key")


def test_what_nobody_has_found_has_no_owner() -> None:
    assert Owners().of("hold_1") is None
