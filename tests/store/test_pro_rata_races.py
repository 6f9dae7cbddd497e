from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.pro_rata import Policy
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.set_pro_rata import Plan, SetProRata
from entitlement.flows.shift_clock import ShiftClock
from tests.support import NOON, USD

ROUNDS = 5
AT_ONCE = 8


def test_of_policies_that_are_set_at_once_the_largest_holds_for_the_rest_of_the_day(
    sessions: sessionmaker[Session],
) -> None:
    ShiftClock(sessions, network="tests", is_devnet=True).jump_to(NOON)
    policy = SetProRata(sessions)
    for turn in range(1, ROUNDS + 1):
        # The largest is not the last one to come.
        wishes = [turn * 100 + (number * 3) % AT_ONCE for number in range(AT_ONCE)]
        start = Barrier(AT_ONCE)

        def wish(dollars: int, start: Barrier) -> Plan:
            start.wait(timeout=60)
            return policy.set(Policy(NanoUsd(dollars * USD), Wei(0)))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            plans = list(pool.map(partial(wish, start=start), wishes))
        assert policy.read().today.capacity == max(wishes) * USD
        assert policy.read().next.capacity in {each * USD for each in wishes}
        assert max(plan.today.capacity for plan in plans) == max(wishes) * USD
