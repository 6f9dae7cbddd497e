"""Invariant 13, from wherever a history ended: with entries paused, everybody takes everything out."""

from entitlement.core.epochs import SECONDS_PER_EPOCH
from tests.machine.model.brake import WEEK
from tests.machine.names import PEOPLE, STATIONS
from tests.machine.play import Play

LONGEST_TERM = 367 * SECONDS_PER_EPOCH


def leave_all(play: Play) -> None:
    """Let everybody leave; raises `Disagreement`, also for what stays inside."""
    world = play.world
    play.wait_until(play.now + LONGEST_TERM)
    must(play, world.brake.holder, "Guardian.pauseEntries", WEEK)
    for number, each in enumerate(world.inference.delegations, start=1):
        if each.is_open:
            must(play, each.giver, "InferenceStake.endDelegation", number)
    for person in PEOPLE:
        if world.inference.staked[person]:
            must(play, person, "InferenceStake.requestUnstake", world.inference.staked[person])
    play.wait_until(play.now + SECONDS_PER_EPOCH)
    claim_all(play, "InferenceStake")
    for person in PEOPLE:
        burn_what_is_left(play, person)
        must(play, person, "StakedVVV.claim")
        if world.staked_vvv.earners[person].unlocked:
            must(play, person, "StakedVVV.requestUnstake", world.staked_vvv.earners[person].unlocked)
        play.wait_until(play.now + 1)  # the next one is settled with what this one left behind
    play.wait_until(play.now + WEEK)
    claim_all(play, "StakedVVV")
    given_away = sum(world.diem.balances[contract] for contract in (*STATIONS, "DiemMint"))
    play.expect(world.mint.supply == given_away, "DIEM stays that was not given away to contracts")
    play.expect(world.staked_vvv.total() == world.staked_vvv.total_locked(), "free VVV stays")
    play.expect(world.inference.total() == 0, "staked DIEM stays")
    play.expect(all(station.cooling() == 0 for station in world.stations.values()), "tickets stay")


def claim_all(play: Play, station: str) -> None:
    for person in PEOPLE:
        numbers = play.world.stations[station].open_tickets(person)
        if numbers:
            must(play, person, f"{station}.claimUnstake", tuple(numbers))


def burn_what_is_left(play: Play, person: str) -> None:
    """The DIEM of all wanders to who has to burn it."""
    world = play.world
    for other in PEOPLE:
        missing = world.mint.positions[person].minted - world.diem.balances[person]
        has = world.diem.balances[other]
        if other != person and missing > 0 and has:
            must(play, other, "DIEM.transfer", person, min(missing, has))
    burned = min(world.mint.positions[person].minted, world.diem.balances[person])
    if burned:
        must(play, person, "DiemMint.burnDiem", burned)


def must(play: Play, who: str, what: str, *arguments: object) -> None:
    play.expect(play.do(who, what, *arguments), f"{who} could not leave by {what}{arguments}")
