import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.allowance import BLIND_SECONDS_MAX, SMALLEST_RIGHT, allowance, credit_of, right_in
from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.positions import Slot
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN, NanoUsd, Wei
from scripts import make_allowance_vectors

TODAY = Epoch(20_000)
MIDNIGHT = starts_at(TODAY)
wei = st.integers(min_value=0, max_value=10**25)


def slot(epoch: int, current: int, following: int) -> Slot:
    """A slot in whole DIEM, `epoch` counted from today."""
    return Slot(Epoch(TODAY + epoch), Wei(current * WEI_PER_TOKEN), Wei(following * WEI_PER_TOKEN))


@pytest.mark.parametrize(
    ("case", "spoken", "expected"),
    [
        ("never spoken of", Slot(), 0),
        ("spoken yesterday: what was next is now", slot(-1, 3, 5), 5),
        ("spoken long ago", slot(-300, 3, 5), 5),
        ("spoken today: current holds", slot(0, 3, 5), 3),
        ("spoken tomorrow: it no longer says what today was", slot(+1, 3, 5), 0),
    ],
)
def test_a_slot_gives_a_right_in(case: str, spoken: Slot, expected: int) -> None:
    assert right_in(spoken, TODAY) == expected * WEI_PER_TOKEN, case


BEFORE, AT, AFTER = MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 1_000


@pytest.mark.parametrize(
    ("case", "final", "latest", "final_timestamp", "dollars"),
    [
        ("finality has passed midnight: the head does not matter", slot(0, 4, 4), slot(0, 9, 9), AFTER, 4),
        ("the final block is the first of the day", slot(-1, 4, 4), slot(0, 1, 1), AT, 4),
        ("kept its stake over midnight", slot(-9, 4, 4), slot(-9, 4, 4), BEFORE, 4),
        ("an exit in the last minute of the day", slot(-9, 4, 4), slot(-1, 4, 0), BEFORE, 0),
        ("part of it left in the last minute", slot(-9, 4, 4), slot(-1, 4, 1), BEFORE, 1),
        ("an exit after midnight leaves today's", slot(-9, 4, 4), slot(0, 4, 0), BEFORE, 4),
        ("a stake that is not final yet", slot(-9, 4, 4), slot(0, 9, 9), BEFORE, 4),
        ("a new wallet that is not final yet", Slot(), slot(0, 9, 9), BEFORE, 0),
        ("the exit is final, a new stake is not", slot(-1, 4, 0), slot(0, 2, 2), BEFORE, 0),
        ("the head is a day ahead of us", slot(-9, 4, 4), slot(1, 4, 4), BEFORE, 0),
    ],
)
def test_around_midnight_the_allowance_is_what_both_states_give(
    case: str, final: Slot, latest: Slot, final_timestamp: int, dollars: int
) -> None:
    found = allowance(
        final=final, latest=latest, final_timestamp=final_timestamp, latest_timestamp=AFTER, epoch=TODAY
    )
    assert found == dollars * NANO_USD_PER_USD, case


@pytest.mark.parametrize(
    ("seconds_before_midnight", "dollars"),
    [(0, 4), (BLIND_SECONDS_MAX, 4), (BLIND_SECONDS_MAX + 1, 0), (7 * 86_400, 0)],
)
def test_a_chain_that_was_not_seen_to_the_end_of_the_day_gives_nothing(
    seconds_before_midnight: int, dollars: int
) -> None:
    seen = MIDNIGHT - seconds_before_midnight
    kept = slot(-9, 4, 4)
    found = allowance(final=kept, latest=kept, final_timestamp=seen, latest_timestamp=seen, epoch=TODAY)
    assert found == dollars * NANO_USD_PER_USD


@pytest.mark.parametrize(
    ("right", "credit"),
    [
        (0, 0),
        (SMALLEST_RIGHT - 1, 0),
        (SMALLEST_RIGHT, NANO_USD_PER_USD // 10),
        (SMALLEST_RIGHT + 10**9 - 1, NANO_USD_PER_USD // 10),
        (SMALLEST_RIGHT + 10**9, NANO_USD_PER_USD // 10 + 1),
    ],
)
def test_a_tenth_of_a_diem_is_the_least_that_gives_credit(right: int, credit: int) -> None:
    assert credit_of(Wei(right)) == credit


@given(wei, wei)
def test_splitting_a_stake_over_two_wallets_never_earns_more(one: int, other: int) -> None:
    assert credit_of(Wei(one)) + credit_of(Wei(other)) <= credit_of(Wei(one + other))


slots = st.builds(
    lambda epoch, current, following: Slot(Epoch(TODAY + epoch), Wei(current), Wei(following)),
    st.integers(-3, 1),
    wei,
    wei,
)
lags = st.integers(min_value=-2 * 86_400, max_value=86_400)


@given(slots, slots, lags, lags)
def test_the_allowance_is_never_more_than_the_final_state_gives(
    final: Slot, latest: Slot, final_lag: int, latest_lag: int
) -> None:
    found: NanoUsd = allowance(
        final=final,
        latest=latest,
        final_timestamp=MIDNIGHT + min(final_lag, latest_lag),
        latest_timestamp=MIDNIGHT + latest_lag,
        epoch=TODAY,
    )
    assert 0 <= found <= credit_of(right_in(final, TODAY))


def test_the_vectors_that_the_page_is_held_to_are_what_the_rule_answers() -> None:
    assert make_allowance_vectors.VECTORS.read_text() == make_allowance_vectors.vectors(), (
        "the rule of the daily right changed: run `python scripts/make_allowance_vectors.py`, then change "
        "web/src/core/allowance.ts until its tests pass"
    )
