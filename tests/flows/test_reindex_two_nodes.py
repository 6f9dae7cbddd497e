"""Rebuilding from two nodes: what both say of every final block is written, or nothing is."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain import quorum
from entitlement.chain.quorum import Second
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import FinalityHeldBack, NodesDisagree
from entitlement.core.events import AllowanceChanged, ChainEvent, VvvStaked
from entitlement.core.units import Wei
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.reindex_chain import WAIT_SECONDS, WAITS_MAX, Rebuilt, ReindexChain
from entitlement.store.shadow import open_shadow
from tests.flows.test_follow_anything import everything_of
from tests.flows.test_grant_allowances import granted
from tests.flows.test_quorum import DEPTH, Two, bob_stakes, stakes, unavailable, without_last
from tests.support import (
    DIEM,
    NOON,
    USD,
    ScriptedChain,
    assert_follows,
    catch_up,
    known,
    wallet_number,
)

Sessions = sessionmaker[Session]
ALICE = wallet_number(1)
DAMAGE = "UPDATE positions SET vvv_unlocked = vvv_unlocked + 1 WHERE NOT pending"
BLOCKS = 30
FINAL = BLOCKS - DEPTH


@pytest.fixture
def both(sessions: Sessions) -> Two:
    """Two honest nodes, followed to the head; in each third block Alice and Bob stake."""
    made = Two(sessions)
    for number in range(1, BLOCKS + 1):
        made.mine(*([stakes, bob_stakes] if number % 3 == 0 else []))
    catch_up(made.follower)
    assert (made.head, made.final) == (BLOCKS, FINAL)
    return made


class Waiting:
    """Does something at each wait, and counts them."""

    def __init__(self, then: Callable[[int], object] = lambda _count: None) -> None:
        self.count, self._then = 0, then

    def __call__(self, seconds: float) -> None:
        assert seconds == WAIT_SECONDS
        self.count += 1
        self._then(self.count)


def reindex(
    both: Two,
    *,
    dry_run: bool = False,
    wait: Callable[[float], None] | None = None,
    progress: Callable[[int, int, int], None] = lambda *_: None,
) -> Rebuilt:
    flow = ReindexChain(
        both.one,
        both.sessions,
        partial(open_shadow, both.sessions.kw["bind"]),
        blocks_per_step=7,
        start_block=1,
        second=Second(both.two, ("one.example", "two.example")),
        wait=wait or Waiting(lambda count: pytest.fail(f"waited {count} times for nodes that agree")),
    )
    return flow.run(progress, dry_run=dry_run)


def damage(sessions: Sessions) -> None:
    with sessions.begin() as session:
        assert session.execute(text(DAMAGE)).rowcount  # type: ignore[attr-defined]


def test_what_two_nodes_agree_about_is_rebuilt_and_mended(both: Two) -> None:
    true = everything_of(both.sessions)
    compared: list[int] = []
    honest = both.two.events

    def counted(headers: Sequence[Header]) -> list[ChainEvent]:
        compared.extend(header.number for header in headers)
        return honest(headers)

    both.two.events = counted  # type: ignore[method-assign]
    assert not reindex(both).differs
    assert compared == list(range(1, FINAL + 1)), "every final block, and no other"
    damage(both.sessions)
    assert reindex(both, dry_run=True).wallets.count == 2
    assert reindex(both).is_mended
    assert everything_of(both.sessions) == true


@pytest.mark.parametrize("dry_run", [False, True], ids=["mending", "dry run"])
@pytest.mark.parametrize(
    ("liar", "said"), [("one", r"1 events .* says 2 events"), ("two", r"2 events .* says 1 events")]
)
def test_a_log_that_one_of_them_leaves_out_ends_it_and_nothing_is_written(
    both: Two, liar: str, said: str, *, dry_run: bool
) -> None:
    damage(both.sessions)
    before = everything_of(both.sessions)
    without_last(getattr(both, liar), 12)
    with pytest.raises(
        NodesDisagree, match=f"block 12 is final, but one.example says {said}.*: nothing was written: ask a"
    ):
        reindex(both, dry_run=dry_run)
    assert everything_of(both.sessions) == before
    # It is the rebuilding that ends, and not what goes on beside it.
    live = known(both.sessions)
    assert (live.problem, live.granting_stopped) == (None, None)
    both.mine(stakes)
    both.follower.step()
    assert both.head == BLOCKS + 1


def test_whichever_final_log_is_left_out_by_whom_the_block_is_named(both: Two) -> None:
    before = everything_of(both.sessions)
    numbers = [number for number in range(1, FINAL + 1) if number % 3 == 0]
    assert len(numbers) > 5
    for number in numbers:
        for liar in (both.one, both.two):
            logs = liar.logs[liar.headers_[number].hash]
            kept = logs.pop()
            with pytest.raises(NodesDisagree) as caught:
                reindex(both)
            assert caught.value.block == number
            logs.append(kept)
    assert everything_of(both.sessions) == before
    assert not reindex(both).differs


def test_what_was_granted_stays_where_two_nodes_disagree_about_it(sessions: Sessions) -> None:
    both = Two(sessions, depth=0)
    right = {"epoch": epoch_at(NOON), "current": Wei(4 * DIEM), "next": Wei(4 * DIEM)}
    both.mine(partial(AllowanceChanged, wallet=ALICE, **right))
    both.mine()
    both.follower.step()
    GrantAllowances(sessions).sweep()
    both.one.logs[both.one.headers_[1].hash].clear()
    with pytest.raises(NodesDisagree):
        reindex(both)
    assert granted(sessions, ALICE) == 4 * USD
    assert GrantAllowances(sessions).sweep() == 0
    assert_follows(both.two, sessions)


@pytest.mark.parametrize("question", ["final_head", "headers", "events"])
@pytest.mark.parametrize("answers", [0, 2])
def test_a_second_node_that_dies_on_the_way_is_waited_for(both: Two, question: str, answers: int) -> None:
    true = everything_of(both.sessions)
    damage(both.sessions)
    honest = getattr(both.two, question)
    left = [answers]

    def dies(*arguments: object) -> object:
        left[0] -= 1
        return unavailable() if left[0] < 0 else honest(*arguments)

    setattr(both.two, question, dies)
    waiting = Waiting(lambda count: delattr(both.two, question) if count == 3 else None)
    assert reindex(both, wait=waiting).is_mended
    assert waiting.count == 3
    assert everything_of(both.sessions) == true


def test_a_second_node_that_lags_is_waited_for_block_by_block(both: Two) -> None:
    true = everything_of(both.sessions)
    damage(both.sessions)
    missing = both.two.headers_[8:]
    del both.two.headers_[8:]
    waiting = Waiting(lambda _count: both.two.headers_.append(missing.pop(0)))
    assert reindex(both, wait=waiting).is_mended
    # The first steps read on meanwhile; what is final then follows one by one.
    assert len(missing) == 0
    assert waiting.count == BLOCKS - 7
    assert everything_of(both.sessions) == true


@pytest.mark.parametrize("dry_run", [False, True], ids=["mending", "dry run"])
@pytest.mark.parametrize(
    ("slow", "reason"),
    [
        ("one", f"up to block 5 only: one.example calls block {10 - DEPTH} its newest final one"),
        ("two", f"up to block 5 only: two.example calls block {10 - DEPTH} its newest final one"),
        ("dead", "up to block 0 only: comparing with two.example, the node did not answer .* line is dead"),
    ],
)
def test_a_node_that_stays_behind_ends_it_and_what_is_final_never_goes_back(
    both: Two, slow: str, reason: str, *, dry_run: bool
) -> None:
    damage(both.sessions)
    before = everything_of(both.sessions)
    if slow == "dead":
        both.two.final_head = unavailable  # type: ignore[assignment, method-assign]
    else:
        del getattr(both, slow).headers_[11:]
    waiting = Waiting()
    with pytest.raises(
        FinalityHeldBack, match=f"block {FINAL} is final here.* {reason}; nothing was written"
    ):
        reindex(both, dry_run=dry_run, wait=waiting)
    assert waiting.count == WAITS_MAX
    assert everything_of(both.sessions) == before


def test_a_long_history_is_compared_in_parts_without_waiting(
    both: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quorum, "BLOCKS_COMPARED_MAX", 3)
    damage(both.sessions)
    assert reindex(both).is_mended
    assert_follows(both.one, both.sessions)


def test_the_chain_may_go_on_meanwhile_and_the_second_node_come_after(both: Two) -> None:
    damage(both.sessions)
    honest, left = both.one.head, [12]

    def lives() -> Header:
        if left[0]:
            left[0] -= 1
            both.one.mine(stakes)
            if left[0] % 2:
                both.two.mine(stakes)
                both.two.mine(stakes)
            both.one.head = honest  # type: ignore[method-assign]
            both.follower.step()
            both.one.head = lives  # type: ignore[method-assign]
        return honest()

    both.one.head = lives  # type: ignore[method-assign]
    found = reindex(both)
    assert (found.is_mended, left[0]) == (True, 0)
    assert (found.logs.count, found.cursor.count) == (0, 0), "only what was damaged"
    assert_follows(both.one, both.sessions)


def test_what_the_follower_drops_over_a_disagreement_is_no_difference(both: Two) -> None:
    before = known(both.sessions).final
    done: list[int] = []

    def then_the_follower_drops(blocks: int, of: int, _events: int) -> None:
        if blocks == of and not done:
            done.append(blocks)
            without_last(both.two, BLOCKS)  # not final yet
            both.mine(times=DEPTH)
            with pytest.raises(NodesDisagree):
                both.follower.step()
            assert known(both.sessions).head == before

    found = reindex(both, progress=then_the_follower_drops)
    assert done
    assert (found.differs, found.is_mended) == (False, False)
    assert (found.block, known(both.sessions).head) == (before.number, before)


def test_one_bad_answer_of_the_second_node_is_asked_for_again(both: Two) -> None:
    honest = both.two.events

    def once(_: object) -> list[ChainEvent]:
        both.two.events = honest  # type: ignore[method-assign]
        return []

    both.two.events = once  # type: ignore[assignment, method-assign]
    assert not reindex(both).differs


def test_a_lie_that_only_the_first_node_tells_now_does_not_reach_what_is_stored(both: Two) -> None:
    """With one node alone it is written over what was right: that is what the second is for."""
    stored = everything_of(both.sessions)
    header = both.one.headers_[4]
    template = both.one.logs[both.one.headers_[3].hash][0]
    assert isinstance(template, VvvStaked)
    both.one.logs[header.hash].append(
        partial(VvvStaked, wallet=ALICE, amount=Wei(10**30))(
            type(template.at)(4, 0, header.hash, header.hash)
        )
    )
    with pytest.raises(NodesDisagree, match=r"block 4 .*one\.example says 1 events .*two\.example says no"):
        reindex(both)
    assert everything_of(both.sessions) == stored
    alone = ScriptedChain(DEPTH)
    alone.headers_, alone.logs = both.one.headers_, both.one.logs
    flow = ReindexChain(
        alone, both.sessions, partial(open_shadow, both.sessions.kw["bind"]), blocks_per_step=7, start_block=1
    )
    assert flow.run(lambda *_: None, dry_run=True).logs.count == 1
