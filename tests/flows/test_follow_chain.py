from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.events import DiemStaked, VvvStaked
from entitlement.core.positions import Position
from entitlement.core.units import Wei
from entitlement.flows.follow_chain import BLOCKS_KEPT, SPARSE_BLOCK_EVERY
from entitlement.store import chain as chain_rows
from tests.support import ScriptedChain, catch_up, follower, known, pair, wallet_number

ALICE, BOB = wallet_number(1), wallet_number(2)
stakes = partial(VvvStaked, wallet=ALICE, amount=Wei(5))
Sessions = sessionmaker[Session]

# --- going on --------------------------------------------------------------------------------------------


def test_the_first_step_begins_at_the_block_before_the_first_one(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    step = follower(chain, sessions).step()
    assert (step.head, step.node_head, step.events, step.undone) == (1, 1, 1, 0)
    assert step.is_caught_up
    found = known(sessions)
    assert found.start.hash == chain.headers_[0].hash
    assert found.head.hash == found.final.hash == chain.headers_[1].hash
    assert pair(sessions, ALICE) == (Position(ALICE, vvv_unlocked=Wei(5)),) * 2


def test_a_step_goes_no_further_than_its_bound(sessions: Sessions) -> None:
    chain = ScriptedChain()
    for _ in range(10):
        chain.mine(stakes)
    following = follower(chain, sessions, blocks_per_step=4)
    steps = [following.step() for _ in range(3)]
    assert [step.head for step in steps] == [4, 8, 10]
    assert [step.is_caught_up for step in steps] == [False, False, True]
    assert pair(sessions, ALICE)[0].vvv_unlocked == 50


def test_asking_again_with_nothing_new_changes_nothing_but_the_time(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=1)
    chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    before, positions = known(sessions), pair(sessions, ALICE)
    step = following.step()
    assert (step.head, step.events, step.undone) == (1, 0, 0)
    assert known(sessions).head == before.head
    assert pair(sessions, ALICE) == positions


def test_a_step_goes_on_from_what_the_last_one_wrote(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a block and its credit stands a step, and each question to the database is a part of it."""
    chain, looks = ScriptedChain(), list[bool]()
    look = chain_rows.followed

    def counted(session: Session, *, for_update: bool = False) -> chain_rows.Followed | None:
        looks.append(for_update)
        return look(session, for_update=for_update)

    following = follower(chain, sessions)
    following.step()
    monkeypatch.setattr(chain_rows, "followed", counted)
    chain.mine(stakes)
    assert following.step().events == 1
    assert looks == [True], "the cursor is compared when it is taken, and not read before"


def test_a_cursor_that_another_has_moved_is_read_again_within_the_step(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=1)
    first, second = follower(chain, sessions), follower(chain, sessions)
    for number in range(1, 8):
        chain.mine(stakes)
        if number % 3 == 0:
            chain.drop(1)
            chain.mine(stakes, stakes)
            chain.mine(stakes)
        for following in (first, second) if number % 2 else (second, first):
            following.step()
            assert known(sessions).head.hash == chain.headers_[-1].hash
    final, latest = pair(sessions, ALICE)
    assert latest.vvv_unlocked == 5 * len(chain.all_events())
    assert final.vvv_unlocked == latest.vvv_unlocked - 5


@pytest.mark.parametrize("depth", [0, 5])
def test_positions_are_kept_at_the_final_block_and_at_the_head(sessions: Sessions, depth: int) -> None:
    chain = ScriptedChain(finality_depth=depth)
    following = follower(chain, sessions)
    for number in range(1, 13):
        chain.mine(stakes)
        following.step()
        final, latest = pair(sessions, ALICE)
        assert latest.vvv_unlocked == 5 * number
        assert final.vvv_unlocked == 5 * max(0, number - depth)


def test_finality_can_move_while_the_head_stands_still(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=3)
    for _ in range(5):
        chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    assert pair(sessions, ALICE)[0].vvv_unlocked == 10
    chain.finality_depth = 1
    following.step()
    assert pair(sessions, ALICE)[0].vvv_unlocked == 20
    chain.finality_depth = 4
    following.step()
    assert known(sessions).final.number == 4, "it never goes back"


def test_positions_at_the_head_are_kept_only_where_they_differ(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=2)
    chain.mine(stakes, partial(DiemStaked, wallet=BOB, amount=Wei(7)))
    following = follower(chain, sessions)
    following.step()
    with sessions.begin() as session:
        assert set(chain_rows.positions(session, [ALICE, BOB], pending=True)) == {ALICE, BOB}
    chain.mine()
    chain.mine(partial(DiemStaked, wallet=BOB, amount=Wei(1)))
    following.step()
    with sessions.begin() as session:
        assert set(chain_rows.positions(session, [ALICE, BOB], pending=True)) == {BOB}
    assert pair(sessions, BOB) == (Position(BOB, diem_staked=Wei(7)), Position(BOB, diem_staked=Wei(8)))


def test_old_final_blocks_are_thinned_and_everything_above_finality_is_kept(sessions: Sessions) -> None:
    unfinal = BLOCKS_KEPT + 300
    chain = ScriptedChain(finality_depth=unfinal)
    following = follower(chain, sessions)
    for _ in range(2 * SPARSE_BLOCK_EVERY + unfinal + 10):
        chain.mine()
    catch_up(following)
    catch_up(following)
    head, final = known(sessions).head.number, known(sessions).final.number
    assert final == head - unfinal, "finality moves however far it is below the head"
    with sessions.begin() as session:
        kept = [header.number for header in chain_rows.kept_blocks(session)]
    assert [number for number in kept if number >= final] == list(range(final, head + 1))
    assert [number for number in kept if number < final] == [0, SPARSE_BLOCK_EVERY, 2 * SPARSE_BLOCK_EVERY]
