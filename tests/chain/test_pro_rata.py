"""Shares on real contracts: all staked VVV at the boundary is what StakedVVV itself says at that block."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.chain.views import totals, wallet_view
from entitlement.core.blocks import Finality, FinalityRule, Header
from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.pro_rata import Policy
from entitlement.core.units import NANO_USD_PER_USD, NanoUsd, Wei
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from tests.chain.random_users import RandomUsers
from tests.chain.system import System, deployed
from tests.support import assert_books_close, catch_up, reach

SEED = 11
ACTS = 24
DAYS = 2
LONGEST_LOOK = 600
"""Seconds for which the day must stay the same."""
CAPACITY = NanoUsd(1_000 * NANO_USD_PER_USD)


@pytest.mark.parametrize("depth", [0, 3], ids=["final at once", "final after 3 blocks"])
def test_every_wallet_gets_its_share_by_what_the_contracts_say_at_the_boundary(
    sessions: sessionmaker[Session], network: Network, artifacts: Artifacts, depth: int
) -> None:
    finality = Finality(FinalityRule.DEPTH, depth)
    with deployed(replace(network, finality=finality), artifacts) as system:
        users = RandomUsers(system, SEED)
        users.settle_in()
        limits = FollowLimits(blocks_per_step=50)
        following = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
        clock = ShiftClock(sessions, network="tests", is_devnet=True)
        policy = SetProRata(sessions)
        policy.set(Policy(CAPACITY, Wei(0)))
        sweeps = GrantAllowances(sessions)
        for _ in range(DAYS):
            for _ in range(ACTS):
                users.act()
            system.devnet.jump_to(starts_at(Epoch(epoch_at(system.devnet.head().timestamp) + 1)))
            for _ in range(ACTS // 4):
                users.act()
            # The users move to just before a midnight too, and the service's clock, once set, runs past it.
            midnight = starts_at(Epoch(epoch_at(system.devnet.head().timestamp) + 1))
            if midnight - system.devnet.head().timestamp < LONGEST_LOOK:
                system.devnet.jump_to(midnight)
                system.devnet.mine()
            for _ in range(depth):
                system.devnet.mine()
            catch_up(following)
            reach(clock, system.devnet.head().timestamp)
            sweeps.sweep()
            plan = policy.read()
            boundary = last_of_the_day_before(system)
            assert plan.start is not None
            assert (plan.start.block_number, plan.start.block_hash) == (boundary.number, boundary.hash)
            assert plan.start.vvv_staked == totals(system.contracts, boundary).vvv_staked
            given_out = 0
            for wallet in users.wallets:
                view = wallet_view(system.contracts, wallet, boundary)
                share = CAPACITY * (view.vvv_unlocked + view.vvv_locked) // plan.start.vvv_staked
                account = ReadAccount(sessions).account(wallet)
                assert account.balance.pro_rata == share
                given_out += share
            assert given_out == plan.granted <= CAPACITY
            assert CAPACITY - given_out < len(users.wallets)
    assert_books_close(sessions)


def last_of_the_day_before(system: System) -> Header:
    """The users move the clock as they like: the boundary is looked for, block by block."""
    header = system.devnet.head()
    midnight = starts_at(epoch_at(header.timestamp))
    while header.timestamp >= midnight:
        below = system.reader.header(header.number - 1)
        assert below is not None
        header = below
    return header
