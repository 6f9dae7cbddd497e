from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from threading import Barrier, Thread

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.blocks import Header
from entitlement.core.errors import (
    CursorMoved,
    InconsistentNode,
    NodeUnavailable,
    SetupError,
    WrongChain,
)
from entitlement.core.events import ChainEvent, DiemStaked, VvvStaked
from entitlement.core.units import Wei
from entitlement.flows.follow_chain import BLOCKS_KEPT
from entitlement.store.tables import BlockRow, ChainState, EventRow
from tests.support import ScriptedChain, catch_up, follower, known, pair, wallet_number

ALICE, BOB = wallet_number(1), wallet_number(2)
stakes = partial(VvvStaked, wallet=ALICE, amount=Wei(5))
Sessions = sessionmaker[Session]

# --- who may follow --------------------------------------------------------------------------------------


def test_another_chain_is_refused_and_the_reason_is_kept(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    chain.chain_id = lambda: 1  # type: ignore[method-assign]
    with pytest.raises(WrongChain):
        following.step()
    assert "serves chain 1" in (known(sessions).problem or "")
    del chain.chain_id
    following.step()
    assert known(sessions).problem is None


def test_a_node_that_has_not_reached_the_deployment_is_a_setup_error(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.headers_.clear()
    with pytest.raises(SetupError, match="no block 0 yet"):
        follower(chain, sessions).step()


def test_two_followers_that_begin_at_once_begin_once(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    both_have_seen_nothing = Barrier(2)
    questions = count()
    honest = chain.header

    def header(number: int) -> Header | None:
        if next(questions) < 2:
            both_have_seen_nothing.wait(timeout=10)
        return honest(number)

    chain.header = header  # type: ignore[method-assign]
    errors = run_together([follower(chain, sessions).step] * 2)
    assert all(isinstance(error, CursorMoved) for error in errors), errors
    assert pair(sessions, ALICE)[0].vvv_unlocked == 5


@dataclass
class Meeting(ScriptedChain):
    """A node at which two followers have both read the cursor before either writes."""

    meet: Callable[[], object] = lambda: None

    def final_head(self) -> Header:
        final = super().final_head()
        self.meet()
        return final


def test_of_two_followers_that_read_the_same_blocks_one_writes_them(sessions: Sessions) -> None:
    chain = Meeting()
    chain.mine()
    follower(chain, sessions).step()
    chain.mine(stakes)
    chain.meet = partial(Barrier(2).wait, timeout=10)
    errors = run_together([follower(chain, sessions).step] * 2)
    assert [type(error) for error in errors] == [CursorMoved]
    assert pair(sessions, ALICE)[0].vvv_unlocked == 5
    assert known(sessions).problem is None, "it is no problem of the chain"


def test_of_two_followers_that_see_the_same_finality_one_folds_it(sessions: Sessions) -> None:
    chain = Meeting(finality_depth=1)
    chain.mine(stakes)
    follower(chain, sessions).step()
    chain.finality_depth = 0
    chain.meet = partial(Barrier(2).wait, timeout=10)
    errors = run_together([follower(chain, sessions).step] * 2)
    assert [type(error) for error in errors] == [CursorMoved]
    assert pair(sessions, ALICE)[0].vvv_unlocked == 5, "not folded twice"


def run_together(tasks: Sequence[Callable[[], object]]) -> list[Exception]:
    """Run `tasks` in threads; return what they raised."""
    errors: list[Exception] = []

    def guarded(task: Callable[[], object]) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# --- nodes that fail or lie ------------------------------------------------------------------------------


def test_a_lagging_node_is_no_reorganisation(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=2)
    for _ in range(20):
        chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    ahead, chain.headers_ = chain.headers_, chain.headers_[:12]
    step = following.step()
    assert (step.head, step.undone) == (20, 0)
    assert known(sessions).final.number == 18
    assert pair(sessions, ALICE)[1].vvv_unlocked == 100
    chain.headers_ = ahead
    chain.mine(stakes)
    assert following.step().undone == 0
    assert pair(sessions, ALICE)[1].vvv_unlocked == 105


def test_a_node_that_lags_beyond_the_window_is_no_reorganisation_either(sessions: Sessions) -> None:
    chain = ScriptedChain()
    for _ in range(BLOCKS_KEPT + 1_500):
        chain.mine()
    following = follower(chain, sessions)
    catch_up(following)
    chain.headers_ = chain.headers_[:1_234]
    step = following.step()
    assert (step.head, step.undone) == (BLOCKS_KEPT + 1_500, 0)


def test_a_node_whose_head_is_new_but_whose_blocks_are_not_is_not_believed(sessions: Sessions) -> None:
    """Two machines behind one address: one knows the head, the other answers for the blocks."""
    chain = ScriptedChain()
    for _ in range(5):
        chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    chain.mine()
    newest = chain.mine(stakes)
    chain.head = lambda: newest  # type: ignore[method-assign]
    chain.headers_ = chain.headers_[:3]
    with pytest.raises(InconsistentNode, match="it has no block 5"):
        following.step()
    assert known(sessions).head.number == 5
    assert pair(sessions, ALICE)[0].vvv_unlocked == 25


def turned_between(chain: ScriptedChain, *, keep: int) -> Callable[[int, int], list[Header]]:
    """The chain turns after its head was asked for and before its blocks are."""

    def headers(first: int, last: int) -> list[Header]:
        chain.drop(len(chain.headers_) - keep)
        while len(chain.headers_) <= last:
            chain.mine()
        return chain.headers_[first : last + 1]

    return headers


def test_a_chain_that_turns_between_two_questions_is_followed_by_the_next_step(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=10)
    for _ in range(5):
        chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    chain.mine(stakes)
    whole, chain.headers = chain.headers, turned_between(chain, keep=4)  # type: ignore[method-assign]
    with pytest.raises(InconsistentNode, match="does not follow our block"):
        following.step()
    assert pair(sessions, ALICE)[1].vvv_unlocked == 25
    chain.headers = whole  # type: ignore[method-assign]
    assert following.step().undone == 2
    assert pair(sessions, ALICE)[1].vvv_unlocked == 15


def test_a_final_block_that_is_not_the_one_we_follow_is_refused(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    other = Header(1, "0xother", chain.headers_[0].hash, 0)
    chain.final_head = lambda: other  # type: ignore[method-assign]
    with pytest.raises(InconsistentNode, match="final block 1"):
        follower(chain, sessions).step()
    assert known(sessions).head.number == 0


def test_a_first_block_that_the_next_one_does_not_name_is_not_begun_on(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    honest = chain.header
    wrong = replace(chain.headers_[0], hash="0x" + "56" * 32)
    chain.header = lambda number: honest(number) if number else wrong  # type: ignore[method-assign]
    with pytest.raises(InconsistentNode, match="does not follow block"):
        follower(chain, sessions).step()
    chain.header = honest  # type: ignore[method-assign]
    follower(chain, sessions).step()
    assert pair(sessions, ALICE)[0].vvv_unlocked == 5


def test_blocks_are_not_final_because_a_final_one_is_told_to_be_higher_than_it_is(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=10)
    for _ in range(12):
        chain.mine(stakes)
    following = follower(chain, sessions, blocks_per_step=6)
    chain.final_head = lambda: replace(chain.headers_[2], number=9)  # type: ignore[method-assign]
    with pytest.raises(InconsistentNode, match=r"block 9 .* is not final after all"):
        following.step()
    del chain.final_head
    following.step()
    assert (known(sessions).head.number, known(sessions).final.number) == (6, 2)


def test_blocks_that_were_taken_back_before_finality_passed_them_are_not_final(sessions: Sessions) -> None:
    """The process slept between two questions: what it read first is gone, and the new chain is far ahead."""
    chain = ScriptedChain(finality_depth=2)
    for _ in range(6):
        chain.mine(stakes)
    honest = chain.final_head

    def after_a_sleep() -> Header:
        chain.drop(3)
        for _ in range(20):
            chain.mine()
        return honest()

    chain.final_head = after_a_sleep  # type: ignore[method-assign]
    with pytest.raises(InconsistentNode, match="is not final after all"):
        follower(chain, sessions, blocks_per_step=5).step()
    chain.final_head = honest  # type: ignore[method-assign]
    catch_up(follower(chain, sessions, blocks_per_step=5))
    assert pair(sessions, ALICE)[0].vvv_unlocked == 15


@pytest.mark.parametrize("question", ["chain_id", "head", "header", "headers", "events", "final_head"])
def test_a_node_that_fails_at_any_question_changes_nothing_but_the_note(
    sessions: Sessions, question: str
) -> None:
    chain = ScriptedChain(finality_depth=1)
    chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    # Two: of one that names ours nobody asks which chain it is of, nor whether ours is there.
    chain.mine()
    chain.mine(stakes)
    before, positions = known(sessions), pair(sessions, ALICE)

    def fail(*_: object) -> None:
        raise NodeUnavailable(method=question, reason="the line is dead")

    setattr(chain, question, fail)
    with pytest.raises(NodeUnavailable):
        following.step()
    found = known(sessions)
    assert (found.head, found.final, found.stepped_at) == (before.head, before.final, before.stepped_at)
    assert "the line is dead" in (found.problem or "")
    assert pair(sessions, ALICE) == positions
    delattr(chain, question)
    following.step()
    assert known(sessions).problem is None
    assert pair(sessions, ALICE)[1].vvv_unlocked == 10


def test_a_log_that_the_contracts_cannot_have_written_stops_the_step_whole(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    chain.mine(stakes, partial(DiemStaked, wallet=BOB, amount=Wei(1)))
    good: list[ChainEvent] = chain.logs[chain.headers_[-1].hash]
    chain.logs[chain.headers_[-1].hash] = [good[0], good[0]]
    with pytest.raises(Exception, match="events_pkey"):
        following.step()
    assert known(sessions).head.number == 1
    chain.logs[chain.headers_[-1].hash] = good
    following.step()
    assert pair(sessions, ALICE)[0].vvv_unlocked == 10


def test_the_journal_and_its_positions_and_the_cursor_are_written_together(sessions: Sessions) -> None:
    chain = ScriptedChain()
    chain.mine(stakes)
    following = follower(chain, sessions)
    following.step()
    with sessions.begin() as session:
        assert session.scalars(select(EventRow.block_number)).all() == [1]
        assert session.scalars(select(BlockRow.number).order_by(BlockRow.number)).all() == [0, 1]
        start = chain.headers_[0].hash
        session.execute(
            update(ChainState).values(head_number=0, head_hash=start, final_number=0, final_hash=start)
        )
        session.execute(delete(BlockRow).where(BlockRow.number == 1))
    with pytest.raises(Exception, match="events_pkey"):  # the cursor was moved back by hand: nothing doubles
        following.step()
    assert pair(sessions, ALICE)[0].vvv_unlocked == 5
