from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch
from entitlement.core.errors import FinalBlockChanged, ForkBelowWindow
from entitlement.core.events import Delegated, DelegationEnded, DiemStaked, VvvStaked
from entitlement.core.units import Wei
from entitlement.store import chain as chain_rows
from tests.support import ScriptedChain, assert_follows, catch_up, follower, wallet_number

ALICE, BOB = wallet_number(1), wallet_number(2)
stakes = partial(VvvStaked, wallet=ALICE, amount=Wei(5))
bob_stakes = partial(DiemStaked, wallet=BOB, amount=Wei(7))
gives = partial(Delegated, wallet=ALICE, receiver=BOB, delegation=1, amount=Wei(3), until_epoch=Epoch(9))
ends = partial(DelegationEnded, wallet=ALICE, receiver=BOB, delegation=1, amount=Wei(3))
Sessions = sessionmaker[Session]


def long_chain(blocks: int, finality_depth: int) -> ScriptedChain:
    chain = ScriptedChain(finality_depth=finality_depth)
    for number in range(blocks):
        chain.mine(stakes if number % 2 else bob_stakes)
    return chain


@pytest.mark.parametrize("depth", [*range(1, 11), 200])
def test_blocks_that_were_taken_back_are_undone_to_the_block(sessions: Sessions, depth: int) -> None:
    chain = long_chain(depth + 20, finality_depth=depth)
    following = follower(chain, sessions)
    catch_up(following)
    chain.drop(depth)
    for _ in range(depth + 1):
        chain.mine(stakes)
    assert following.step().undone == depth
    assert_follows(chain, sessions)


@pytest.mark.parametrize("depth", [1, 10, 200])
def test_a_reorganisation_that_happened_while_we_were_down_is_undone_too(
    sessions: Sessions, depth: int
) -> None:
    chain = long_chain(depth + 20, finality_depth=depth)
    catch_up(follower(chain, sessions))
    chain.drop(depth)
    for _ in range(depth + 500):
        chain.mine(stakes)
    assert catch_up(follower(chain, sessions, blocks_per_step=100)) == depth
    assert_follows(chain, sessions)


def test_one_reorganisation_after_another_leaves_nothing_behind(sessions: Sessions) -> None:
    chain = long_chain(20, finality_depth=10)
    following = follower(chain, sessions)
    for depth in range(1, 11):
        chain.drop(depth)
        for number in range(depth + 1):
            chain.mine(gives if number == 0 else stakes)
        assert catch_up(following) == (0 if depth == 1 else depth)
        assert_follows(chain, sessions)


def test_an_empty_block_with_another_hash_is_a_reorganisation(sessions: Sessions) -> None:
    chain = long_chain(5, finality_depth=5)
    chain.mine()
    following = follower(chain, sessions)
    following.step()
    chain.drop(1)
    chain.mine()
    assert following.step().undone == 1
    assert_follows(chain, sessions)


def test_a_shorter_chain_is_followed_and_grows_again(sessions: Sessions) -> None:
    chain = long_chain(20, finality_depth=15)
    following = follower(chain, sessions)
    following.step()
    chain.drop(9)
    chain.mine(stakes)
    step = following.step()
    assert (step.head, step.undone) == (12, 9)
    assert_follows(chain, sessions)
    for _ in range(20):
        chain.mine(stakes)
        following.step()
    assert_follows(chain, sessions)


def test_a_wallet_whose_every_event_was_taken_back_has_nothing(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=5)
    chain.mine(stakes)
    chain.mine(bob_stakes)
    following = follower(chain, sessions)
    following.step()
    chain.drop(1)
    chain.mine()
    following.step()
    with sessions.begin() as session:
        assert chain_rows.positions(session, [BOB], pending=True) == {}
        assert chain_rows.positions(session, [BOB], pending=False) == {}
    assert_follows(chain, sessions)


# --- below what was final --------------------------------------------------------------------------------


def test_on_a_real_network_a_final_block_that_changes_stops_following(sessions: Sessions) -> None:
    chain = long_chain(20, finality_depth=5)
    following = follower(chain, sessions)
    following.step()
    before = chain.headers_[:]
    chain.drop(6)
    for _ in range(10):
        chain.mine(stakes)
    for _ in range(2):
        with pytest.raises(FinalBlockChanged) as caught:
            following.step()
        assert caught.value.facts() == {"final": 15, "fork": 14}
    with sessions.begin() as session:
        found = chain_rows.followed(session)
    assert found is not None
    assert found.head.hash == before[-1].hash
    assert "block 15 was final" in (found.problem or "")


@pytest.mark.parametrize("depth", [6, 15, 20])
def test_on_a_development_network_it_is_followed(sessions: Sessions, depth: int) -> None:
    chain = long_chain(20, finality_depth=5)
    following = follower(chain, sessions, may_undo_final=True)
    following.step()
    chain.drop(depth)
    for _ in range(3):
        chain.mine(gives)
        following.step()
        assert_follows(chain, sessions)


def test_another_chain_of_the_same_id_is_refused_even_on_a_development_network(sessions: Sessions) -> None:
    following = follower(long_chain(5, finality_depth=0), sessions, may_undo_final=True)
    following.step()
    other = ScriptedChain(salt="another genesis")
    for _ in range(10):
        other.mine(stakes)
    with pytest.raises(ForkBelowWindow) as caught:
        follower(other, sessions, may_undo_final=True).step()
    assert caught.value.oldest_kept == 0


# --- two wallets in one event ----------------------------------------------------------------------------


@pytest.mark.parametrize("finality_depth", [1, 2, 4])
def test_a_delegation_counts_for_the_one_of_its_two_wallets_that_a_step_does_not_touch(
    sessions: Sessions, finality_depth: int
) -> None:
    chain = ScriptedChain(finality_depth=finality_depth)
    following = follower(chain, sessions)
    for event in (bob_stakes, stakes, gives, bob_stakes, stakes, ends, bob_stakes, stakes, stakes):
        chain.mine(event)
        following.step()
        assert_follows(chain, sessions)


@pytest.mark.parametrize("finality_depth", [1, 2, 3])
def test_a_delegation_that_was_taken_back_is_undone_for_both(sessions: Sessions, finality_depth: int) -> None:
    chain = ScriptedChain(finality_depth=finality_depth)
    following = follower(chain, sessions)
    for event in (stakes, bob_stakes, gives):
        chain.mine(event)
        following.step()
    chain.drop(1)
    chain.mine(bob_stakes)
    following.step()
    assert_follows(chain, sessions)
    chain.mine(gives)
    chain.mine(ends)
    following.step()
    chain.drop(1)
    chain.mine()
    following.step()
    assert_follows(chain, sessions)
