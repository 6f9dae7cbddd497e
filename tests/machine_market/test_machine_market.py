import os
from collections import Counter
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.histories import enough
from tests.machine.play import DONE, Disagreement, Play, Tally
from tests.machine.shorter import shortest
from tests.machine_market.machine import MarketMachine
from tests.machine_market.play import USED
from tests.machine_market.stages import STAGE, MarketTheatre

SEEDS = os.environ.get("SEEDS")
"""So many histories, at random; else a few, always the same."""
HISTORIES = 72
LONG_RUN = 100
SHAPES = 26
"""In a history: each is one call or a few, with a wait or without."""

DONE_AT_LEAST = {
    "BuybackBurner.execute": 80,
    "BuybackBurner.setBounds": 20,
    "BuybackBurner.nameKeeper": 5,
    "CreditSales.topUp": 50,
    "CreditSales.subscribe": 30,
    "CreditSales.topUpWithPermit": 25,
    "CreditSales.subscribeWithPermit": 20,
    "CreditSales.setPrice": 20,
    "EpochRoots.publish": 50,
    "EpochRoots.namePublisher": 10,
    "DevTrader.sell": 80,
    "DevTrader.moveTo": 60,
    "VVV.transfer": 15,
    "Guardian.pauseEntries": 5,
}
"""How often each call must have succeeded: a machine that is refused everywhere tests nothing."""

MET = {
    "BuybackBurner.execute": {"OnlyKeeper", "DeadlinePassed", "NotNextRun", "RunTooSoon"}
    | {"LotOutOfBounds", "InsufficientUsdc"},
    "BuybackBurner.setBounds": {"BoundOutOfLimits"},
    "CreditSales.subscribe": {"NoSuchTier", "MonthsOutOfBounds"},
    "CreditSales.setPrice": {"PriceOutOfBounds"},
    "CreditSales.topUpWithPermit": {USED},
    "EpochRoots.publish": {"EpochNotClosed"},
}
"""The errors that each call must have met in the few histories of every day, and that a permit was used."""

MET_IN_LONG_RUNS = {
    "BuybackBurner.execute": {"OnlyKeeper", "EntriesArePaused", "DeadlinePassed", "NotNextRun", "RunTooSoon"}
    | {"LotOutOfBounds", "InsufficientUsdc", "SpotAwayFromMean", "NothingBought", "OutputBelowMinimum"},
    "BuybackBurner.setBounds": {"BoundOutOfLimits", "OnlyTimelock"},
    "BuybackBurner.uniswapV3SwapCallback": {"OnlyPool"},
    "CreditSales.topUp": {"TopUpBelowMinimum", "EntriesArePaused", "PaymentNotReceived", "AccountRefused"},
    "CreditSales.subscribe": {"NoSuchTier", "MonthsOutOfBounds", "CostAboveMaximum", "EntriesArePaused"},
    "CreditSales.setPrice": {"PriceOutOfBounds", "NoSuchTier", "OnlyTimelock"},
    "CreditSales.topUpWithPermit": {USED},
    "CreditSales.subscribeWithPermit": {USED},
    "EpochRoots.publish": {"OnlyPublisher", "NotNextEpoch", "EpochNotClosed", "SpentExceedsGranted"}
    | {"EmptyRootMismatch"},
}
"""Those that it must have met where SEEDS asks for a hundred histories or more."""


@pytest.mark.timeout(36_000)
def test_the_market_does_what_the_model_says_whatever_is_done_in_whatever_order(
    market_theatre: MarketTheatre, capsys: pytest.CaptureFixture[str]
) -> None:
    is_long = SEEDS is not None and int(SEEDS) >= LONG_RUN
    met = (MET_IN_LONG_RUNS if is_long else MET).items()

    def lacking(tally: Tally) -> tuple[dict[str, int], dict[str, set[str]]]:
        least = DONE_AT_LEAST.items()
        too_few = {call: tally[call, DONE] for call, times in least if tally[call, DONE] < times}
        unmet = {call: {error for error in errors if not tally[call, error]} for call, errors in met}
        return too_few, {call: errors for call, errors in unmet.items() if errors}

    tally = enough(
        lambda many: _play(many, market_theatre), int(SEEDS or HISTORIES), lambda t: any(lacking(t))
    )
    with capsys.disabled() if SEEDS else nullcontext():
        print(f"\nat the market\n{_table(tally)}")  # noqa: T201  to a person
    assert lacking(tally) == ({}, {})


def _play(histories: int, market_theatre: MarketTheatre) -> Tally:
    tally: Tally = Counter()

    def ended(play: Play) -> None:
        tally.update(play.tally)
        tally["(histories)", DONE] += 1

    try:
        run_state_machine_as_test(
            lambda: MarketMachine(market_theatre.begin(STAGE), ended), settings=_settings(histories)
        )
    except Disagreement as found:
        raise shortest(market_theatre, found) from None
    return tally


def _settings(histories: int) -> settings:
    return settings(
        max_examples=histories,
        stateful_step_count=SHAPES,
        derandomize=SEEDS is None,
        phases=[Phase.generate],  # shorter.py makes a failure short
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _table(tally: Tally) -> str:
    """A line for each call: how often it was done, and how often it was refused for what."""
    lines: list[str] = []
    for call in sorted({call for call, _ in tally}):
        outcomes = {outcome: times for (each, outcome), times in tally.items() if each == call}
        others = ", ".join(f"{name} {times}" for name, times in sorted(outcomes.items()) if name != DONE)
        lines.append(f"{call:<36}{outcomes.get(DONE, 0):>6}  {others}")
    return "\n".join(lines)
