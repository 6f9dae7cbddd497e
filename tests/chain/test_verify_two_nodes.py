"""Verification with two nodes: a difference between them is no difference of ours, and is as loud."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement import metrics
from entitlement.chain.agreed_views import SecondContracts
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.networks import Network
from entitlement.chain.quorum import Second
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import (
    InconsistentNode,
    InvalidRequest,
    NodesDisagree,
    NodeUnavailable,
    TransactionFailed,
)
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.verify_positions import Verification, VerifyPositions
from entitlement.store import chain as chain_rows
from entitlement.store import verification as outcomes
from entitlement.store.verification import Verified
from tests.chain.lying_node import Lie, LyingNode, NodeError, RawAnswer, lying_node
from tests.chain.system import System, deployed
from tests.support import catch_up, known

ONE = 10**18
DEPTH = 3
STAKED = 1_234 * ONE
"""This much no other wallet has."""
Sessions = sessionmaker[Session]
Way = Callable[[VerifyPositions, Sessions], Verification]


@pytest.fixture(scope="module")
def system(network: Network, artifacts: Artifacts) -> Iterator[System]:
    with deployed(replace(network, finality=Finality(FinalityRule.DEPTH, DEPTH)), artifacts) as made:
        made.fund(1)
        made.transact(1, "StakedVVV", "stake", made.address(1), STAKED)
        made.fund(2)
        made.transact(2, "StakedVVV", "stake", made.address(2), ONE)
        made.devnet.mine(5)
        yield made


@pytest.fixture
def second(system: System) -> Iterator[LyingNode]:
    with lying_node(system.anvil.url) as made:
        yield made


@pytest.fixture
def verification(system: System, second: LyingNode, sessions: Sessions) -> Iterator[VerifyPositions]:
    """Of what was followed from the honest node."""
    limits = FollowLimits(blocks_per_step=1_000)
    catch_up(FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block))
    reader = system.reader_of(second.url)
    theirs = Contracts(connect(second.url), system.artifacts, system.deployment.addresses)
    node = Second(reader, ("one.example", "two.example"))
    yield VerifyPositions(sessions, system.reader, system.contracts, SecondContracts(node, theirs))
    reader.close()


def whole(verification: VerifyPositions, _: Sessions) -> Verification:
    return verification.run(None, lambda _done, _of: None)


def sample(verification: VerifyPositions, sessions: Sessions) -> Verification:
    """Verify all wallets but one, as the jobs do where there are more than they take at once."""
    with sessions.begin() as session:
        count = chain_rows.count_followed_wallets(session)
    assert count >= 3
    return verification.sample(count - 1)


both_ways = pytest.mark.parametrize("way", [whole, sample])


def word(amount: int) -> str:
    return f"{amount:064x}"


def instead(of: int, amount: int) -> Lie:
    return lambda _params, answer: answer.replace(word(of), word(amount))


def at_height(number: int, told: Callable[[Any], Any]) -> Lie:
    """Tell something else of one block; the node's chain is made sure of by others."""
    return lambda params, block: told(block) if params[0] == hex(number) else block


def kept(sessions: Sessions) -> tuple[Verified | None, str | None]:
    with sessions.begin() as session:
        return outcomes.last(session), known(sessions).no_grants_because


@both_ways
def test_two_nodes_that_agree_verify_as_one(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions, way: Way
) -> None:
    found = way(verification, sessions)
    final = known(sessions).final
    assert (found.block, found.differences) == (final.number, [])
    assert {params[1] for method, params in second.params if method == "eth_call"} == {final.hash}
    assert second.asked["eth_call"] > found.wallets
    last, why = kept(sessions)
    assert last is not None
    assert (last.block_number, why) == (final.number, None)


@both_ways
@pytest.mark.parametrize("what", ["a wallet", "all wallets"])
def test_a_figure_about_which_they_differ_stops_grants_until_they_agree(
    verification: VerifyPositions,
    system: System,
    second: LyingNode,
    sessions: Sessions,
    way: Way,
    what: str,
) -> None:
    final = known(sessions).final.number
    if what == "a wallet":
        true, name = STAKED, f"vvv_unlocked of {system.wallet(1)}"
    else:
        true = system.contracts.view("Lens", "system")[2][1]
        name = "vvv_staked of all wallets together"
    second.lie("eth_call", instead(true, true + 5))
    disagreements = metrics.DISAGREEMENTS._value.get()
    with pytest.raises(
        NodesDisagree,
        match=f"block {final} is final, but one.example says {name} is {true}, and two.example says it is "
        f"{true + 5}: nothing more is granted until a verification",
    ) as caught:
        way(verification, sessions)
    assert caught.value.stops_granting
    assert metrics.DISAGREEMENTS._value.get() == disagreements + 1
    last, why = kept(sessions)
    assert last is None, "it is no difference of ours"
    assert why == str(caught.value)
    second.lies.clear()
    # Looked at as a whole after that, which alone takes it back.
    assert sample(verification, sessions).wallets == whole(verification, sessions).wallets
    assert kept(sessions)[1] is None


def test_two_nodes_that_differ_about_an_older_block_are_told_and_grants_go_on(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions
) -> None:
    second.lie("eth_call", instead(STAKED, STAKED - 1))
    older = known(sessions).final.number - 1
    with pytest.raises(NodesDisagree, match=f"block {older} is final.*: nothing was compared: ask a third"):
        verification.run(older, lambda _done, _of: None)
    assert kept(sessions) == (None, None)


def test_what_is_not_final_is_the_first_nodes_word_alone(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions
) -> None:
    second.raw = [RawAnswer(status=503)]
    newest = known(sessions).head.number
    assert verification.run(newest, lambda _done, _of: None).differences == []
    assert not second.asked


@both_ways
def test_one_bad_answer_is_asked_for_again(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions, way: Way
) -> None:
    told: list[str] = []

    def once(_params: list[Any], answer: str) -> str:
        wrong = answer.replace(word(STAKED), word(STAKED + 1))
        if wrong == answer or told:
            return answer
        told.append(wrong)
        return wrong

    second.lie("eth_call", once)
    assert way(verification, sessions).differences == []
    assert told


def test_one_other_hash_is_asked_for_again(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions
) -> None:
    told: list[object] = []

    def once(block: dict[str, Any]) -> dict[str, Any]:
        told.append(block)
        return block | {"hash": "0x" + "12" * 32} if len(told) == 1 else block

    second.lie("eth_getBlockByNumber", at_height(known(sessions).final.number, once))
    assert whole(verification, sessions).differences == []
    assert len(told) == 2


@both_ways
def test_another_hash_of_a_final_block_is_a_disagreement(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions, way: Way
) -> None:
    final, other = known(sessions).final, "0x" + "12" * 32
    second.lie("eth_getBlockByNumber", at_height(final.number, lambda block: block | {"hash": other}))
    with pytest.raises(NodesDisagree, match=f"says {final.hash}, and two.example says {other}: nothing more"):
        way(verification, sessions)
    assert kept(sessions)[1] is not None


NO_ANSWER = "two.example, asked about block {}: "


@both_ways
@pytest.mark.parametrize(
    ("method", "lie", "error", "said"),
    [
        ("out", None, NodeUnavailable, NO_ANSWER),
        ("eth_getBlockByNumber", None, NodeUnavailable, "two.example has not reached block {}"),
        ("eth_call", NodeError(-32000, "missing trie node"), NodeUnavailable, NO_ANSWER + ".*missing trie"),
        ("eth_call", "0x", TransactionFailed, NO_ANSWER.strip(": ")),
    ],
    ids=["out", "behind", "without the state", "without the contracts"],
)
def test_a_second_node_that_says_nothing_is_told_and_stops_no_grants(  # noqa: PLR0917  a case is four of them
    verification: VerifyPositions,
    second: LyingNode,
    sessions: Sessions,
    way: Way,
    method: str,
    lie: object,
    error: type[Exception],
    said: str,
) -> None:
    if method == "out":
        second.raw = [RawAnswer(status=503)]
    else:
        is_call, final = method == "eth_call", hex(known(sessions).final.number)
        second.lie(method, lambda params, truth: lie if is_call or params[0] == final else truth)
    with pytest.raises(error, match=said.format(known(sessions).final.number)):
        way(verification, sessions)
    assert kept(sessions) == (None, None)
    second.raw, second.lies = [], {}
    assert way(verification, sessions).differences == []


@both_ways
def test_an_answer_of_another_time_is_a_node_that_contradicts_itself(
    verification: VerifyPositions, second: LyingNode, sessions: Sessions, way: Way
) -> None:
    at = known(sessions).final.timestamp
    second.lie("eth_call", instead(at, at + 1))
    with pytest.raises(InconsistentNode, match=r"two\.example, asked about block .* answered for the time"):
        way(verification, sessions)
    assert kept(sessions) == (None, None)


def test_a_block_that_both_have_otherwise_is_no_disagreement(
    verification: VerifyPositions, sessions: Sessions
) -> None:
    """The chain has turned, and the follower is still to see it."""
    final = known(sessions).final
    with sessions.begin() as session:
        moved = session.execute(
            text("UPDATE blocks SET hash = '0xbad' WHERE number = :number"), {"number": final.number}
        )
    assert moved.rowcount == 1  # type: ignore[attr-defined]
    with pytest.raises(InvalidRequest, match="wait until the follower has undone it"):
        whole(verification, sessions)
    assert kept(sessions) == (None, None)
