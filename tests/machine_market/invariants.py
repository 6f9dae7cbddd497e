"""What must hold between any two sights of the market: 25, and 26 as far as it is about the market.

The numbers are those of contracts/test/invariant.
"""

from tests.machine.names import ORIGIN
from tests.machine.sight import Act, Sight
from tests.machine_market.model.burner import LIMITS
from tests.machine_market.model.sales import PRICE_LIMITS
from tests.machine_market.names import POOL

BURNER = "BuybackBurner"
RUN = "BuybackBurner.execute"
MONEY = ("VVV", "DevDollar")
GIFTS = ("VVV.transfer", "DevDollar.transfer", "DevDollar.mint", "DevDollar.permit", "DevDollar.approve")


def check_25_runs_are_counted_without_a_gap(then: Sight, now: Sight, act: Act) -> None:
    before, after = (each.one(BURNER, "nextRun") for each in (then, now))
    assert after == before + act.does(RUN)
    if act.does(RUN):
        assert act.step.arguments[0] == before


def check_25_a_run_keeps_its_bounds(then: Sight, now: Sight, act: Act) -> None:
    if not act.does(RUN):
        return
    lot, hop, _, _, floor = then.pair(BURNER, "bounds")
    spent, burned = map(int, act.gave or ())
    price = then.pair(BURNER, "market")[0]
    assert 0 < spent <= int(act.step.arguments[1]) <= lot, "spent <= lot"
    assert now.unix >= then.one(BURNER, "nextRunAt"), "interval >= hop"
    assert now.one(BURNER, "nextRunAt") == now.unix + hop
    assert burned * 10**10 >= spent * price * floor, "burned >= floor"
    assert now.unix >= now.one("Guardian", "pausedUntil"), "not while paused"
    assert act.step.who == then.all(BURNER, "keeper")[0]


def check_25_a_run_ends_within_its_distance_of_the_mean(then: Sight, now: Sight, act: Act) -> None:
    if act.does(RUN):
        away = then.pair(BURNER, "bounds")[3]
        mean, spot = now.pair(BURNER, "market")[1:]
        assert abs(spot - mean) <= away


def check_25_what_is_bought_is_burned_with_all_gifts(then: Sight, now: Sight, act: Act) -> None:
    supply = then.one("VVV", "totalSupply") - now.one("VVV", "totalSupply")
    if not act.does(RUN):
        assert supply == 0, "VVV is burned by runs alone"
        assert now.one("VVV", "balanceOf", BURNER) >= then.one("VVV", "balanceOf", BURNER)
        return
    _, burned = map(int, act.gave or ())
    assert supply == burned + then.one("VVV", "balanceOf", BURNER)
    assert now.one("VVV", "balanceOf", BURNER) == 0, "no VVV is left"


def check_25_the_burners_dollars_go_to_the_pool_alone(then: Sight, now: Sight, act: Act) -> None:
    left = then.one("DevDollar", "balanceOf", BURNER) - now.one("DevDollar", "balanceOf", BURNER)
    if act.does(RUN):
        gained = now.one("DevDollar", "balanceOf", POOL) - then.one("DevDollar", "balanceOf", POOL)
        assert left == gained == int((act.gave or (0,))[0])
    else:
        assert left <= 0


def check_25_the_burner_approves_nobody(_: Sight, now: Sight, __: Act) -> None:
    for question, answer in now.answers.items():
        if question.function == "allowance" and question.arguments[0] == BURNER:
            assert answer == (0,), str(question)


def check_26_settings_are_the_timelocks(then: Sight, now: Sight, act: Act) -> None:
    for question, answer in now.answers.items():
        if question.function in ("bounds", "keeper", "priceOf", "publisher", "guardian"):
            assert answer == then.answers[question] or act.step.who == "timelock", str(question)


def check_26_settings_are_inside_their_bounds(_: Sight, now: Sight, __: Act) -> None:
    for (low, high), value in zip(LIMITS.values(), now.pair(BURNER, "bounds"), strict=True):
        assert low <= value <= high
    for tier in range(1, now.one("CreditSales", "tierCount") + 1):
        assert PRICE_LIMITS[0] <= now.one("CreditSales", "priceOf", tier) <= PRICE_LIMITS[1]


def check_26_gifts_and_permits_change_no_figure(then: Sight, now: Sight, act: Act) -> None:
    if act.does(*GIFTS):
        for question, answer in then.answers.items():
            assert question.contract in MONEY or now.answers[question] == answer, str(question)


def check_26_no_call_fails_for_its_permit(_: Sight, __: Sight, act: Act) -> None:
    if act.step.function.endswith("WithPermit") and not act.is_done and act.step.outcome:
        assert not str(act.step.outcome[1]).startswith("ERC2612")


def check_26_a_membership_never_gets_shorter(then: Sight, now: Sight, _: Act) -> None:
    for question, answer in then.answers.items():
        if question.function == "memberUntil":
            assert int(now.answers[question][0]) >= int(answer[0]), str(question)


def check_26_a_commitment_never_changes(then: Sight, now: Sight, act: Act) -> None:
    for question, answer in then.answers.items():
        if question.function == "commitmentOf" and any(answer):
            assert now.answers[question] == answer, str(question)
    grown = now.one("EpochRoots", "nextEpoch") != then.one("EpochRoots", "nextEpoch")
    assert grown is act.does("EpochRoots.publish")
    assert now.one("EpochRoots", "nextEpoch") * 86_400 <= ORIGIN + now.now, "of closed days alone"


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]
