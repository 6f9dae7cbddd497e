"""The follower with its database behind a real chain: what it stored against what the contracts say.

At every look, for every wallet: the pending position is the contracts' view at the head, the final position
is their view at the final block, through reorganisations of depth 1 to 10.
"""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.chain.views import differences, wallet_view
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.positions import Position
from entitlement.core.units import Wallet
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.store import chain as chain_rows
from tests.chain.random_users import RandomUsers
from tests.chain.system import System, deployed

SEED = 7
ACTS = 120
ACTS_BETWEEN_LOOKS = 12
ACTS_BEFORE_REORG = 6


@pytest.mark.parametrize("depth", [0, 4], ids=["final at once", "final after 4 blocks"])
def test_what_is_stored_is_what_the_contracts_say(
    sessions: sessionmaker[Session], network: Network, artifacts: Artifacts, depth: int
) -> None:
    finality = Finality(FinalityRule.DEPTH, depth)
    with deployed(replace(network, finality=finality), artifacts) as system:
        users = RandomUsers(system, SEED)
        users.settle_in()
        follower = _follower(system, sessions)
        for _ in range(ACTS // ACTS_BETWEEN_LOOKS):
            for _ in range(ACTS_BETWEEN_LOOKS):
                users.act()
            _follow(follower)
            _assert_stored_is_true(system, sessions, users)
        undone = 0
        for blocks in range(1, 11):
            for _ in range(ACTS_BEFORE_REORG):
                users.act()
            _follow(follower)
            system.devnet.reorg(blocks)
            system.devnet.mine()
            users.forget()
            undone += _follow(follower)
            _assert_stored_is_true(system, sessions, users)
        assert undone >= 40
        _assert_replay_is_the_same(system, sessions, users)


def _follower(system: System, sessions: sessionmaker[Session]) -> FollowChain:
    limits = FollowLimits(blocks_per_step=50, may_undo_final=True)
    return FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)


def _follow(follower: FollowChain) -> int:
    undone = 0
    while True:
        step = follower.step()
        undone += step.undone
        if step.is_caught_up:
            return undone


def _assert_stored_is_true(system: System, sessions: sessionmaker[Session], users: RandomUsers) -> None:
    with sessions.begin() as session:
        followed = chain_rows.followed(session)
        assert followed is not None
        stored = {wallet: chain_rows.position_pair(session, wallet) for wallet in users.wallets}
        head = chain_rows.kept_block(session, followed.head.number)
        final = chain_rows.kept_block(session, followed.final.number)
    assert head == system.devnet.head()
    assert final is not None
    for wallet, (at_final, at_head) in stored.items():
        assert not differences(at_head, wallet_view(system.contracts, wallet, head))
        assert not differences(at_final, wallet_view(system.contracts, wallet, final))


def _assert_replay_is_the_same(system: System, sessions: sessionmaker[Session], users: RandomUsers) -> None:
    before = _all_positions(sessions, users.wallets)
    with sessions.begin() as session:
        session.execute(text("TRUNCATE chain_state, blocks, events, positions"))
    _follow(_follower(system, sessions))
    assert _all_positions(sessions, users.wallets) == before


def _all_positions(
    sessions: sessionmaker[Session], wallets: list[Wallet]
) -> dict[Wallet, tuple[Position, Position]]:
    with sessions.begin() as session:
        return {wallet: chain_rows.position_pair(session, wallet) for wallet in wallets}
