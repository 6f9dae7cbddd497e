"""What must hold between any two sights, under the invariants' numbers.

The numbers are those of contracts/test/invariant. Those that need a memory (1 to 3, 8, 9, 15 to 19) stand in
ghosts.py, 13 in leaving.py. 25 is the buyback's, whom nobody drives here.
"""

from entitlement.core import curve
from entitlement.core.units import Wei
from tests.machine.model.station import State
from tests.machine.names import PEOPLE, STATIONS
from tests.machine.sight import Act, Sight

TOKENS = {"StakedVVV": "VVV", "InferenceStake": "DIEM"}


def check_04_the_vvv_held_covers_all_that_is_owed(_: Sight, now: Sight, __: Act) -> None:
    owed = now.total("StakedVVV", "pendingRewards") + now.one("StakedVVV", "pendingTreasury")
    principal = now.one("StakedVVV", "totalStaked") + now.one("StakedVVV", "totalCooling")
    assert now.one("VVV", "balanceOf", "StakedVVV") + now.unaccrued() >= owed + principal


def check_05_the_stakes_and_tickets_are_the_totals(_: Sight, now: Sight, __: Act) -> None:
    locked = now.total("StakedVVV", "balanceOfLocked")
    assert now.total("StakedVVV", "balanceOfUnlocked") + locked == now.one("StakedVVV", "totalStaked")
    assert locked == now.one("StakedVVV", "totalLocked")
    for station in STATIONS:
        cooling: dict[str, int] = dict.fromkeys(PEOPLE, 0)
        for owner, amount, _due, state in now.tickets(station).values():
            cooling[str(owner)] += int(amount) if state == State.OPEN else 0
        assert cooling == {person: now.one(station, "coolingOf", person) for person in PEOPLE}
        assert sum(cooling.values()) == now.one(station, "totalCooling")


def check_06_indices_never_fall_and_the_locked_one_is_four_fifths(then: Sight, now: Sight, _: Act) -> None:
    assert now.one("StakedVVV", "unlockedIndex") >= then.one("StakedVVV", "unlockedIndex")
    assert now.one("StakedVVV", "unlockedIndex") * 4 == now.one("StakedVVV", "lockedIndex") * 5


def check_07_rewards_never_fall_through_time_or_others(then: Sight, now: Sight, act: Act) -> None:
    for person in PEOPLE:
        if not (act.step.who == person and act.does("StakedVVV.claim", "StakedVVV.compound")):
            before, after = (each.one("StakedVVV", "pendingRewards", person) for each in (then, now))
            assert after >= before, person


def check_10_only_unlocked_stake_is_requested_or_locked(then: Sight, now: Sight, act: Act) -> None:
    if act.does("StakedVVV.requestUnstake"):
        assert act.step.arguments[0] <= then.one("StakedVVV", "balanceOfUnlocked", act.step.who)
        assert now.total("StakedVVV", "balanceOfLocked") == then.total("StakedVVV", "balanceOfLocked")
    if act.does("DiemMint.mintDiem", "DiemMint.mintExactOut"):
        moved = now.one("StakedVVV", "totalLocked") - then.one("StakedVVV", "totalLocked")
        assert 0 < moved <= then.one("StakedVVV", "balanceOfUnlocked", act.step.who)


def check_11_a_ticket_pays_once_in_full_to_its_owner_and_never_early(
    then: Sight, now: Sight, act: Act
) -> None:
    for station in STATIONS:
        before, after = then.tickets(station), now.tickets(station)
        paid = 0
        for number, ticket in before.items():
            assert after[number][:3] == ticket[:3], "no later act alters a ticket"
            if after[number][3] == ticket[3]:
                continue
            owner, amount, due_at, state = ticket
            assert (state, act.step.who) == (State.OPEN, owner), "a ticket ends once, by its owner"
            if after[number][3] == State.CLAIMED:
                assert act.does(f"{station}.claimUnstake")
                assert now.unix >= int(due_at), "never early"
                paid += int(amount)
        if act.does(f"{station}.claimUnstake"):
            token, owner = TOKENS[station], act.step.who
            gained = now.one(token, "balanceOf", owner) - then.one(token, "balanceOf", owner)
            assert gained == paid > 0, "in full"


def check_12_nobody_touches_what_belongs_to_another(then: Sight, now: Sight, act: Act) -> None:
    for person in PEOPLE:
        if person == act.step.who and act.is_done:
            continue
        assert now.all("DiemMint", "lockedStakes", person) == then.all("DiemMint", "lockedStakes", person)
        for station, stake in (("StakedVVV", "balanceOf"), ("InferenceStake", "stakedOf")):
            assert now.one(station, "coolingOf", person) == then.one(station, "coolingOf", person)
            is_gift = act.does(f"{station}.stake") and act.step.arguments[0] == person
            gift = act.step.arguments[1] if is_gift else 0
            assert now.one(station, stake, person) == then.one(station, stake, person) + gift
    for number, before in then.delegations().items():
        after = now.delegations()[number]
        assert after[:4] == before[:4]
        assert after[4] == before[4] or (before[4] == 1 and act.step.who in before[:2])


def check_14_the_diem_supply_is_what_was_minted_and_below_its_cap(_: Sight, now: Sight, __: Act) -> None:
    minted = sum(now.pair("DiemMint", "lockedStakes", person)[1] for person in PEOPLE)
    assert now.one("DIEM", "totalSupply") == minted <= curve.cap(Wei(now.one("DiemMint", "target")))


def check_20_nothing_is_minted_exactly_when_nothing_is_locked(_: Sight, now: Sight, __: Act) -> None:
    for person in PEOPLE:
        locked, minted = now.pair("DiemMint", "lockedStakes", person)
        assert (locked == 0) is (minted == 0), person
        assert locked == now.one("StakedVVV", "balanceOfLocked", person), person


def check_21_the_next_allowances_are_the_staked_diem(_: Sight, now: Sight, __: Act) -> None:
    following = sum(now.pair("InferenceStake", "allowanceOf", person)[1] for person in PEOPLE)
    assert following == now.total("InferenceStake", "stakedOf") == now.one("InferenceStake", "totalStaked")


def check_22_the_allowances_of_a_day_never_exceed_the_diem_held(_: Sight, now: Sight, __: Act) -> None:
    held = now.one("DIEM", "balanceOf", "InferenceStake")
    moments = {question.at for question in now.answers if question.function == "allowanceOf"}
    assert len(moments) == 4, "now, and a second before, at and after midnight"
    for moment in moments:
        today = [now.pair("InferenceStake", "allowanceOf", person, at=moment)[0] for person in PEOPLE]
        assert sum(today) <= held


def check_23_delegated_stake_stays_and_moves_only_the_next_day(then: Sight, now: Sight, act: Act) -> None:
    given: dict[str, int] = dict.fromkeys(PEOPLE, 0)
    received = dict(given)
    for giver, receiver, amount, _until, is_open in now.delegations().values():
        given[str(giver)] += int(amount) * int(is_open)
        received[str(receiver)] += int(amount) * int(is_open)
    for person in PEOPLE:
        staked = now.one("InferenceStake", "stakedOf", person)
        today, following = now.pair("InferenceStake", "allowanceOf", person)
        assert given[person] == now.one("InferenceStake", "delegatedOf", person) <= staked
        assert following == staked - given[person] + received[person]
        if act.does("InferenceStake.delegate", "InferenceStake.endDelegation"):
            assert today == then.pair("InferenceStake", "allowanceOf", person)[0]
    if act.does("InferenceStake.endDelegation"):
        giver, _, _, until, _ = now.delegations()[act.step.arguments[0]]
        assert act.step.who != giver or now.one("InferenceStake", "epoch") >= int(until), (
            "not before its term"
        )


def check_24_the_diem_held_covers_stake_and_tickets(_: Sight, now: Sight, __: Act) -> None:
    inside = now.one("InferenceStake", "totalStaked") + now.one("InferenceStake", "totalCooling")
    assert now.one("DIEM", "balanceOf", "InferenceStake") >= inside


def check_26_settings_are_the_timelocks_and_gifts_change_no_figure(then: Sight, now: Sight, act: Act) -> None:
    for contract, setting in (
        ("StakedVVV", "emissionRatePerSecond"),
        ("DiemMint", "ramp"),
        ("Guardian", "guardian"),
    ):
        is_same = now.all(contract, setting) == then.all(contract, setting)
        assert is_same or act.step.who == "timelock", f"{contract}.{setting}"
    assert now.one("DiemMint", "target") >= then.one("DiemMint", "target"), "the target never falls"
    if act.does("VVV.transfer", "DIEM.transfer"):
        for question, answer in then.answers.items():
            is_accounting = question.contract not in ("VVV", "DIEM")
            assert not is_accounting or now.answers.get(question) == answer, str(question)


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]
