"""Two nodes: what is final is believed if both say so, and a lie of either is found before it counts."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.quorum import BLOCKS_COMPARED_MAX, READS_KEPT, QuorumReader
from entitlement.core.blocks import Header
from entitlement.core.errors import (
    FinalBlockChanged,
    InconsistentNode,
    NodesDisagree,
    NodeUnavailable,
    WrongChain,
)
from entitlement.core.events import ChainEvent, VvvStaked
from entitlement.core.units import Wei
from entitlement.flows.follow_chain import FollowChain
from entitlement.flows.kept_chain import kept_chain
from tests.support import ScriptedChain, assert_follows, catch_up, follower, known, pair, wallet_number

ALICE, BOB = wallet_number(1), wallet_number(2)
DEPTH = 5
stakes = partial(VvvStaked, wallet=ALICE, amount=Wei(5))
bob_stakes = partial(VvvStaked, wallet=BOB, amount=Wei(7))
Sessions = sessionmaker[Session]


class Two:
    """Two nodes of one chain, and a follower of both."""

    def __init__(self, sessions: Sessions, *, depth: int = DEPTH, blocks_per_step: int = 2_000) -> None:
        self.sessions, self.blocks_per_step = sessions, blocks_per_step
        self.one, self.two = ScriptedChain(depth), ScriptedChain(depth)
        self.follower = self.another_process()

    def another_process(self, *, may_undo_final: bool = False) -> FollowChain:
        self.reader = QuorumReader(
            self.one, self.two, kept_chain(self.sessions), names=("one.example", "two.example")
        )
        self.follower = follower(
            self.reader, self.sessions, blocks_per_step=self.blocks_per_step, may_undo_final=may_undo_final
        )
        return self.follower

    def mine(self, *events: Callable[..., ChainEvent], times: int = 1) -> None:
        for _ in range(times):
            for chain in (self.one, self.two):
                chain.mine(*events)

    @property
    def final(self) -> int:
        return known(self.sessions).final.number

    @property
    def head(self) -> int:
        return known(self.sessions).head.number


@pytest.fixture
def both(sessions: Sessions) -> Two:
    return Two(sessions)


def without_last(chain: ScriptedChain, number: int) -> None:
    """Let a node leave out the last log of a block."""
    chain.logs[chain.headers_[number].hash].pop()


def unavailable(*_: object) -> None:
    raise NodeUnavailable(method="eth_getBlockByNumber", reason="the line is dead")


def test_two_nodes_that_agree_are_followed_as_one(both: Two) -> None:
    for _ in range(6):
        both.mine(stakes, bob_stakes, times=3)
        both.follower.step()
        assert_follows(both.one, both.sessions)
    assert (both.head, both.final) == (18, 18 - DEPTH)


def test_a_long_history_is_compared_in_parts(sessions: Sessions) -> None:
    both = Two(sessions, depth=0, blocks_per_step=BLOCKS_COMPARED_MAX + 100)
    both.mine(times=BLOCKS_COMPARED_MAX + 50)
    both.mine(stakes)
    both.follower.step()
    assert both.final == BLOCKS_COMPARED_MAX
    both.follower.step()
    assert both.final == both.head == BLOCKS_COMPARED_MAX + 51
    assert_follows(both.one, sessions)


def test_a_second_node_that_lags_is_waited_for_and_the_head_goes_on(both: Two) -> None:
    both.mine(stakes, times=10)
    for _ in range(8):
        both.one.mine(stakes)
    both.follower.step()
    assert (both.head, both.final) == (18, 10 - DEPTH)
    assert known(both.sessions).problem is None
    for _ in range(8):
        both.two.mine(stakes)
    both.follower.step()
    assert both.final == 18 - DEPTH
    assert_follows(both.one, both.sessions)


@pytest.mark.parametrize("question", ["final_head", "headers", "events"])
def test_a_second_node_that_is_down_is_waited_for_and_the_head_goes_on(question: str, both: Two) -> None:
    both.mine(stakes, times=10)
    both.follower.step()
    both.mine(stakes, times=10)
    setattr(both.two, question, unavailable)
    both.follower.step()
    assert (both.head, both.final) == (20, 10 - DEPTH)
    delattr(both.two, question)
    both.follower.step()
    assert both.final == 20 - DEPTH
    assert_follows(both.one, both.sessions)


def test_a_second_node_of_another_chain_is_no_node_to_wait_for(both: Two) -> None:
    def elsewhere() -> Header:
        raise WrongChain(expected=31_337, found=1)

    both.mine(times=10)
    both.two.final_head = elsewhere  # type: ignore[method-assign]
    with pytest.raises(WrongChain):
        both.follower.step()


def test_another_hash_for_a_final_block_stops_following_until_both_agree(both: Two) -> None:
    both.mine(stakes, times=10)
    both.follower.step()
    both.one.mine(stakes)
    both.two.salt = "other"
    both.two.mine(stakes)
    both.mine(stakes, times=DEPTH)
    for _ in range(2):
        with pytest.raises(
            NodesDisagree, match=r"block 11 is final, but one\.example says 0x.*two\.example says 0x"
        ):
            both.follower.step()
    assert both.final == 10 - DEPTH
    assert "disagree" in str(known(both.sessions).problem) or "until they agree" in str(
        known(both.sessions).problem
    )
    both.two.headers_, both.two.logs = deepcopy(both.one.headers_), deepcopy(both.one.logs)
    both.follower.step()
    assert both.final == 11
    assert_follows(both.one, both.sessions)


@pytest.mark.parametrize(
    ("liar", "said"), [("one", r"1 events .* says 2 events"), ("two", r"2 events .* says 1 events")]
)
def test_a_log_that_one_of_them_leaves_out_is_found_before_it_counts(liar: str, said: str, both: Two) -> None:
    both.mine(stakes, bob_stakes, times=3)
    without_last(getattr(both, liar), 3)
    both.mine(stakes, times=DEPTH)
    for _ in range(2):
        with pytest.raises(NodesDisagree, match=f"block 3 is final, but one.example says {said}"):
            both.follower.step()
    assert both.final == both.head == 0


def test_a_lie_that_was_stored_before_it_was_final_is_found_by_the_next_process(both: Two) -> None:
    both.mine(stakes, bob_stakes, times=3)
    said = both.one.logs[both.one.headers_[3].hash].pop()
    both.follower.step()  # takes the lie over for what is not final
    both.one.logs[both.one.headers_[3].hash].append(said)  # the node is honest from now on
    both.mine(times=DEPTH)
    with pytest.raises(NodesDisagree) as caught:
        both.another_process().step()
    assert caught.value.block == 3
    assert (caught.value.first, caught.value.second) == ("one.example", "two.example")
    assert (caught.value.first_said, caught.value.second_said) == (
        "1 events (VvvStaked at 0)",
        "2 events (VvvStaked at 0, VvvStaked at 1)",
    )
    assert pair(both.sessions, BOB)[0].vvv_unlocked == 0
    # What is not final was dropped; read again from a node that is honest by now, it is right.
    assert (both.head, both.final) == (0, 0)
    both.follower.step()
    assert both.final == 3
    assert_follows(both.one, both.sessions)


def test_an_event_that_only_one_node_has_in_a_silent_block_is_found(both: Two) -> None:
    both.mine(times=3)
    place = VvvStaked(at=None, wallet=ALICE, amount=Wei(5))  # type: ignore[arg-type]
    header = both.two.headers_[2]
    both.mine(stakes)
    template = both.one.logs[both.one.headers_[4].hash][0].at
    at = replace(template, block_number=2, block_hash=header.hash, transaction_hash=header.hash)
    both.two.logs[header.hash].append(replace(place, at=at))
    both.mine(times=DEPTH)
    with pytest.raises(NodesDisagree, match=r"block 2 .* says no event, and .* says 1 events"):
        both.follower.step()


def test_one_bad_answer_of_the_second_node_is_asked_for_again(both: Two) -> None:
    both.mine(stakes, times=10)
    honest = both.two.events

    def once(_: object) -> list[ChainEvent]:
        both.two.events = honest  # type: ignore[method-assign]
        return []

    both.two.events = once  # type: ignore[assignment, method-assign]
    both.follower.step()
    assert both.final == 10 - DEPTH


def test_a_reorganisation_of_what_is_not_final_is_followed_as_by_one(both: Two) -> None:
    both.mine(stakes, times=10)
    both.follower.step()
    for chain in (both.one, both.two):
        chain.drop(DEPTH - 1)
    both.mine(bob_stakes, times=DEPTH + 3)
    both.follower.step()
    assert_follows(both.one, both.sessions)


def test_a_final_block_that_only_the_first_node_has_lost_is_a_disagreement(both: Two) -> None:
    both.mine(stakes, times=20)
    both.follower.step()
    both.two.mine()
    both.one.drop(DEPTH + 3)
    for _ in range(DEPTH + 6):
        both.one.mine()
    with pytest.raises(NodesDisagree):
        both.follower.step()
    assert (both.head, both.final) == (20, 20 - DEPTH)


def test_a_final_block_that_both_have_lost_is_gone(both: Two) -> None:
    both.mine(stakes, times=20)
    both.follower.step()
    for chain in (both.one, both.two):
        chain.drop(DEPTH + 3)
    both.mine(times=DEPTH + 6)
    with pytest.raises(FinalBlockChanged):
        both.follower.step()
    catch_up(both.another_process(may_undo_final=True))
    assert_follows(both.one, both.sessions)


def test_a_final_block_that_the_second_node_has_not_reached_is_waited_for(both: Two) -> None:
    both.mine(stakes, times=20)
    both.follower.step()
    both.one.drop(DEPTH + 3)
    for _ in range(DEPTH + 6):
        both.one.mine()
    del both.two.headers_[3:]
    with pytest.raises(NodeUnavailable, match=r"two\.example has not reached block"):
        both.follower.step()
    assert (both.head, both.final) == (20, 20 - DEPTH)


def test_a_lower_head_that_is_not_ours_is_confirmed_by_the_second_node(both: Two) -> None:
    both.mine(stakes, times=20)
    both.follower.step()
    both.one.drop(3)
    both.one.mine()
    with pytest.raises(NodeUnavailable, match=r"head is block 18 .* two\.example does not have it"):
        both.follower.step()
    assert both.head == 20
    both.two.drop(3)
    both.two.mine()
    both.follower.step()
    assert both.head == 18
    assert_follows(both.one, both.sessions)


def test_a_lower_head_of_ours_is_a_node_that_lags_and_needs_nobody(both: Two) -> None:
    both.mine(stakes, times=20)
    both.follower.step()
    del both.one.headers_[17:]
    both.two.header = unavailable  # type: ignore[assignment, method-assign]
    both.follower.step()
    assert both.head == 20


def test_a_chain_that_turns_while_it_is_compared_is_no_disagreement(both: Two) -> None:
    both.mine(stakes, times=10)
    both.two.salt = "other"
    both.two.drop(8)
    for _ in range(8):
        both.two.mine(stakes)
    honest = both.one.header
    both.one.header = lambda number: None if number == 5 else honest(number)  # type: ignore[method-assign]
    both.follower.step()
    assert both.final == 0
    with pytest.raises(InconsistentNode, match="not on the node any more"):
        both.reader._agreed(kept_chain(both.sessions).cursor(), both.one.final_head())  # type: ignore[arg-type]


def test_what_was_read_ahead_is_bounded(both: Two) -> None:
    both.mine(times=3 * READS_KEPT)
    for number in range(1, 3 * READS_KEPT):
        both.reader.events([both.one.headers_[number]])
    assert len(both.reader._reads) == READS_KEPT
    catch_up(both.follower)
    both.follower.step()
    assert not both.reader._reads
