"""Records are dataclasses but for what refuses to set a field: that is the type checker's."""

from dataclasses import replace

import pytest

from entitlement.core.record import record


@record
class Pebble:
    weight: int
    colour: str = "grey"


def test_records_are_compared_and_hashed_by_their_fields() -> None:
    assert Pebble(1) == Pebble(1, "grey") != Pebble(2)
    assert len({Pebble(1), Pebble(1), replace(Pebble(1), weight=2)}) == 2


def test_a_record_has_its_fields_and_no_others() -> None:
    with pytest.raises(AttributeError):
        setattr(Pebble(1), "height", 2)  # noqa: B010 - the type checker would refuse it
