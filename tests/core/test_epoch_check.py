"""What the chain gives everybody in a day, and which grants are too low or too high for it."""

from dataclasses import dataclass, field

import pytest

from entitlement.core.epoch_check import Bounds, Given, compare, given_in, moments_of
from entitlement.core.epoch_file import BlockName, Row, Sharing
from entitlement.core.epochs import Epoch, ends_at, starts_at
from entitlement.core.errors import InconsistentNode
from entitlement.core.events import (
    AllowanceChanged,
    ChainEvent,
    Delegated,
    DiemExitRequested,
    DiemStaked,
    LogPlace,
    VvvStaked,
)
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN, NanoUsd, Wallet, Wei

TODAY, YESTERDAY = Epoch(20_000), Epoch(19_999)
A, B, C = (Wallet(f"0x{number:040x}") for number in (1, 2, 3))
USD, DIEM = NANO_USD_PER_USD, WEI_PER_TOKEN
BOUNDS = Bounds(blind=10, start=20, late=30, end=40)
LONG_BEFORE, LAST_HOUR_BEFORE, BY_DAY, LAST_HOUR, TOMORROW = 5, 15, 25, 35, 45


@dataclass
class Story:
    """What the contracts said, in order of blocks."""

    events: list[ChainEvent] = field(default_factory=list)

    def at(self, block: int) -> LogPlace:
        return LogPlace(block, len(self.events), f"0x{block:064x}", f"0x{block:064x}")

    def stake(
        self, block: int, wallet: Wallet, diem: int, epoch: Epoch, current: int, following: int
    ) -> None:
        """DIEM comes in: today's dollar at once."""
        self.events.append(DiemStaked(self.at(block), wallet, Wei(diem * DIEM)))
        self.slot(block, wallet, epoch, current, following)

    def leave(
        self, block: int, wallet: Wallet, diem: int, epoch: Epoch, current: int, following: int
    ) -> None:
        """DIEM goes out: today's stays."""
        self.events.append(DiemExitRequested(self.at(block), wallet, 1, Wei(diem * DIEM), 0))
        self.slot(block, wallet, epoch, current, following)

    def slot(self, block: int, wallet: Wallet, epoch: Epoch, current: int, following: int) -> None:
        self.events.append(
            AllowanceChanged(self.at(block), wallet, epoch, Wei(current * DIEM), Wei(following * DIEM))
        )

    def vvv(self, block: int, wallet: Wallet, tokens: int) -> None:
        self.events.append(VvvStaked(self.at(block), wallet, Wei(tokens * DIEM)))

    def given(self, sharing: Sharing | None = None) -> Given:
        def events_in(first: int, last: int) -> list[ChainEvent]:
            return [event for event in self.events if first <= event.at.block_number <= last]

        return given_in(TODAY, events_in, first=1, bounds=BOUNDS, sharing=sharing)


def differences(story: Story, granted: dict[Wallet, int], sharing: Sharing | None = None) -> list[str]:
    rows = [Row(wallet, NanoUsd(amount), NanoUsd(0), bytes(32)) for wallet, amount in granted.items()]
    return compare(rows, story.given(sharing), sharing).differences


def test_the_moments_are_midnights_and_the_hours_before_them() -> None:
    start, end = starts_at(TODAY), ends_at(TODAY)
    assert moments_of(TODAY) == (start - 3_600, start, end - 3_600, end)


def test_a_right_that_stayed_as_it_was_is_granted_exactly() -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    assert differences(story, {A: 3 * USD}) == []
    [too_low] = differences(story, {A: 3 * USD - 1})
    assert A in too_low
    assert "1 too little" in too_low
    [too_high] = differences(story, {A: 3 * USD + 1})
    assert A in too_high
    assert "1 too much" in too_high


def test_a_wallet_that_was_left_out_and_one_that_has_nothing_are_named() -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    missing, invented = differences(story, {B: USD})
    assert f"{A}, which has no row," in missing
    assert f"{3 * USD} too little" in missing
    assert invented.startswith(B)
    assert f"{USD} too much" in invented


def test_what_leaves_in_the_day_was_granted_and_what_comes_in_it_is_granted() -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    story.leave(BY_DAY, A, 3, TODAY, 3, 0)
    story.stake(BY_DAY, B, 2, TODAY, 2, 2)
    assert differences(story, {A: 3 * USD, B: 2 * USD}) == []
    assert len(differences(story, {A: 0, B: 0})) == 2


def test_what_leaves_in_the_hour_before_the_day_may_have_been_paid_for_once_and_before_that_not() -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    story.leave(LAST_HOUR_BEFORE, A, 1, YESTERDAY, 3, 2)
    for granted in (2, 3):
        assert differences(story, {A: granted * USD}) == []
    assert differences(story, {A: 2 * USD - 1})
    assert differences(story, {A: 3 * USD + 1})
    assert compare([Row(A, NanoUsd(3 * USD), NanoUsd(0), bytes(32))], story.given(), None).tolerated == 1
    early = Story()
    early.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    early.leave(LONG_BEFORE, A, 1, YESTERDAY, 3, 2)
    assert differences(early, {A: 3 * USD})


def test_what_comes_in_the_days_last_hour_may_have_come_too_late_and_before_that_not() -> None:
    story = Story()
    story.stake(LAST_HOUR, A, 3, TODAY, 3, 3)
    for granted in (0, 3):
        assert differences(story, {A: granted * USD}) == []
    assert differences(story, {A: 3 * USD + 1})
    early = Story()
    early.stake(BY_DAY, A, 3, TODAY, 3, 3)
    assert differences(early, {A: 0})


def test_what_happens_after_the_day_changes_nothing_of_it() -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    story.stake(TOMORROW, B, 2, Epoch(TODAY + 1), 2, 2)
    assert differences(story, {A: 3 * USD}) == []
    assert differences(story, {A: 3 * USD, B: 2 * USD})


def test_a_right_that_was_delegated_is_granted_to_whom_it_was_given() -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    story.events.append(Delegated(story.at(LONG_BEFORE), A, B, 1, Wei(2 * DIEM), Epoch(TODAY + 5)))
    story.slot(LONG_BEFORE, A, YESTERDAY, 3, 1)
    story.slot(LONG_BEFORE, B, YESTERDAY, 0, 2)
    assert differences(story, {A: USD, B: 2 * USD}) == []
    assert len(differences(story, {A: 3 * USD})) == 2


def test_less_than_the_smallest_right_gives_nothing() -> None:
    story = Story()
    story.events.append(DiemStaked(story.at(LONG_BEFORE), A, Wei(DIEM // 20)))
    story.events.append(
        AllowanceChanged(story.at(LONG_BEFORE), A, YESTERDAY, Wei(DIEM // 20), Wei(DIEM // 20))
    )
    assert differences(story, {}) == []
    assert differences(story, {A: USD // 20})


SHARING = Sharing(NanoUsd(100), Wei(DIEM), BlockName(20, "0x"), Wei(0), is_disputed=False)


def shared(story: Story, shares: dict[Wallet, int], sharing: Sharing = SHARING) -> list[str]:
    rows = [Row(wallet, NanoUsd(0), NanoUsd(amount), bytes(32)) for wallet, amount in shares.items()]
    return compare(rows, story.given(sharing), sharing).differences


def test_shares_are_by_the_stakes_before_the_day_and_exact() -> None:
    story = Story()
    story.vvv(LONG_BEFORE, A, 1)
    story.vvv(LAST_HOUR_BEFORE, B, 2)
    story.vvv(BY_DAY, C, 97)
    assert story.given(SHARING).vvv_staked == 3 * DIEM
    assert shared(story, {A: 33, B: 66}) == []
    assert len(shared(story, {A: 34, B: 65})) == 2
    assert len(shared(story, {A: 33, B: 66, C: 1})) == 1
    assert len(shared(story, {A: 33})) == 1


def test_where_the_days_start_was_disputed_a_share_may_have_ended_early_and_is_never_more() -> None:
    story = Story()
    story.vvv(LONG_BEFORE, A, 1)
    disputed = Sharing(NanoUsd(100), Wei(0), BlockName(20, "0x"), Wei(0), is_disputed=True)
    assert shared(story, {A: 0}, disputed) == []
    assert shared(story, {A: 100}, disputed) == []
    assert shared(story, {A: 101}, disputed)
    unknown = Sharing(NanoUsd(100), Wei(0), None, Wei(0), is_disputed=False)
    assert shared(story, {A: 0}, unknown) == []
    assert shared(story, {A: 1}, unknown)


def test_without_a_policy_nobody_has_a_share() -> None:
    story = Story()
    story.vvv(LONG_BEFORE, A, 1)
    rows = [Row(A, NanoUsd(0), NanoUsd(1), bytes(32))]
    assert compare(rows, story.given(), None).differences


@pytest.mark.parametrize("left_out", [0, 2, 3], ids=["a stake", "an exit", "the newest right"])
def test_a_log_that_a_node_leaves_out_shows_where_the_others_do_not_fit(left_out: int) -> None:
    story = Story()
    story.stake(LONG_BEFORE, A, 3, YESTERDAY, 3, 3)
    story.leave(BY_DAY, A, 1, TODAY, 3, 2)
    del story.events[left_out]
    with pytest.raises(InconsistentNode, match="do not fit together"):
        story.given()
