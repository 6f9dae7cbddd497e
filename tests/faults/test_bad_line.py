"""Real traffic on a real chain that turns, read over a bad line: afterwards nothing is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.networks import load_network
from entitlement.chain.rpc import RpcLimits
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import ChainError
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.verify_positions import VerifyPositions
from tests.chain.random_users import RandomUsers
from tests.chain.system import System, deployed
from tests.faults.proxy import KINDS, BadLine, bad_line
from tests.support import catch_up, known

ROUNDS = 40
ACTS_A_ROUND = 5
FINAL_AFTER = 12
AT_ONCE = RpcLimits(connect_seconds=2, answer_seconds=5, tries=3, first_wait_seconds=0.001)


@pytest.mark.parametrize("seed", [1])
def test_after_a_bad_line_and_a_turning_chain_nothing_is_missing(
    sessions: sessionmaker[Session], seed: int
) -> None:
    network = replace(load_network("anvil"), finality=Finality(FinalityRule.DEPTH, FINAL_AFTER))
    with (
        deployed(network, load_artifacts()) as system,
        bad_line(system.anvil.url, seed) as line,
        following(system, line, sessions) as follower,
    ):
        users = RandomUsers(system, seed)
        users.settle_in()
        turned = refused = 0
        for round_ in range(ROUNDS):
            snapshot = system.devnet.snapshot()
            for _ in range(ACTS_A_ROUND):
                users.act()
            refused += followed_as_far_as_it_goes(follower)
            if round_ % 4 == 1:
                # As many blocks are gone as were made, and the next ones are others.
                system.devnet.revert(snapshot)
                system.devnet.mine()
            elif round_ % 4 == 3:
                system.devnet.reorg(1 + round_ % (ACTS_A_ROUND - 1))
                system.devnet.mine()
            else:
                continue
            users.forget()
            turned += 1
            refused += followed_as_far_as_it_goes(follower)
        line.spoils = 0
        catch_up(follower)
        assert known(sessions).head == replace(system.devnet.head(), parent_hash="")
        system.devnet.mine(FINAL_AFTER)
        catch_up(follower)
        verification = VerifyPositions(sessions, system.reader, system.contracts)
        assert verification.run(None, lambda _done, _of: None).differences == []
        assert users.succeeded > ROUNDS
        assert turned == ROUNDS // 2
        assert refused > 0
        assert [kind for kind in KINDS if not line.done[kind]] == []


@contextmanager
def following(system: System, line: BadLine, sessions: sessionmaker[Session]) -> Iterator[FollowChain]:
    reader = RpcChainReader(line.url, system.network, system.deployment, system.artifacts, AT_ONCE)
    limits = FollowLimits(blocks_per_step=30)
    yield FollowChain(reader, sessions, limits, start_block=system.deployment.start_block)
    reader.close()


def followed_as_far_as_it_goes(follower: FollowChain) -> int:
    """Try a few steps; return how many were refused."""
    refused = 0
    for _ in range(4):
        try:
            if follower.step().is_caught_up:
                break
        except ChainError:
            refused += 1
    return refused
