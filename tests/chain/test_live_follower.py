"""The follower with its database behind the live contracts' replica, through reorganisations."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.live.profile import LiveProfile
from entitlement.chain.networks import Network
from entitlement.core.positions import Position
from entitlement.core.units import Wallet
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.store import chain as chain_rows
from tests.chain.live_system import LiveSystem, RandomLiveUsers, live_system, reader_of, write_profile
from tests.chain.system import USERS

DEPTHS = (1, 2, 5, 9)
ACTS = 12


def test_a_live_deployment_is_followed_as_our_own_is(
    sessions: sessionmaker[Session], network: Network, artifacts: Artifacts, tmp_path: Path
) -> None:
    with live_system(network, artifacts) as system:
        users = RandomLiveUsers(system, seed=11)
        users.settle_in()
        profile = write_profile(tmp_path, system, system.devnet.mine().number, depth=12)
        with _following(profile, sessions, blocks=30) as follower:
            undone = 0
            for depth in DEPTHS:
                for _ in range(ACTS):
                    users.act()
                _follow(follower)
                _assert_stored_is_true(system, sessions)
                system.devnet.reorg(depth)
                system.devnet.mine()
                undone += _follow(follower)
                _assert_stored_is_true(system, sessions)
        # A new block without a transaction may be the old one again, to the last bit: then it is not undone.
        assert undone >= sum(DEPTHS) - len(DEPTHS)
        before = _stored(sessions, system)
        with sessions.begin() as session:
            session.execute(text("TRUNCATE chain_state, blocks, events, positions"))
        with _following(profile, sessions, blocks=7) as follower:
            _follow(follower)
        assert _stored(sessions, system) == before


@contextmanager
def _following(
    profile: LiveProfile, sessions: sessionmaker[Session], *, blocks: int
) -> Iterator[FollowChain]:
    with closing(reader_of(profile)) as reader:
        limits = FollowLimits(blocks_per_step=blocks)
        yield FollowChain(reader, sessions, limits, start_block=profile.start_block)


def _follow(follower: FollowChain) -> int:
    undone = 0
    while True:
        step = follower.step()
        undone += step.undone
        if step.is_caught_up:
            return undone


def _stored(sessions: sessionmaker[Session], system: LiveSystem) -> dict[Wallet, tuple[Position, Position]]:
    with sessions.begin() as session:
        return {
            wallet: chain_rows.position_pair(session, wallet)
            for wallet in (system.wallet(who) for who in USERS)
        }


def _assert_stored_is_true(system: LiveSystem, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        followed = chain_rows.followed(session)
    assert followed is not None
    stored = _stored(sessions, system)
    for who in USERS:
        for position, block in zip(
            stored[system.wallet(who)], (followed.final.number, followed.head.number), strict=True
        ):
            if block < followed.start.number + 1:
                continue  # before the first block that is followed, nothing is known
            account = system.account(who, block)
            assert position == Position(
                system.wallet(who),
                vvv_unlocked=account.vvv_unlocked,
                vvv_locked=account.vvv_locked,
                vvv_cooling=account.vvv_exit.amount,
                diem_minted=account.diem_minted,
                diem_staked=account.diem_staked,
                diem_cooling=account.diem_exit.amount,
                slot=position.slot,
            )
