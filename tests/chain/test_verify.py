"""Verification finds what is stored wrongly, what was missed, and who is missing; and nothing else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import InvalidRequest, SetupError
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.verify_positions import Verification, VerifyPositions
from entitlement.store import chain as chain_rows
from entitlement.store import verification as outcomes
from entitlement.store.verification import Verified
from tests.chain.random_users import RandomUsers
from tests.chain.system import System, deployed

SEED = 11
ACTS = 60


@pytest.fixture(scope="module")
def lively(network: Network, artifacts: Artifacts) -> Iterator[tuple[System, RandomUsers]]:
    with deployed(replace(network, finality=Finality(FinalityRule.DEPTH, 3)), artifacts) as system:
        users = RandomUsers(system, SEED)
        users.settle_in()
        for _ in range(ACTS):
            users.act()
        yield system, users


@pytest.fixture
def verification(lively: tuple[System, RandomUsers], sessions: sessionmaker[Session]) -> VerifyPositions:
    system, _ = lively
    limits = FollowLimits(blocks_per_step=1_000, may_undo_final=True)
    follower = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
    while not follower.step().is_caught_up:
        pass
    return VerifyPositions(sessions, system.reader, system.contracts)


def run(verification: VerifyPositions, number: int | None = None) -> Verification:
    return verification.run(number, lambda _done, _of: None)


def change(sessions: sessionmaker[Session], statement: str) -> None:
    with sessions.begin() as session:
        changed = session.execute(text(statement)).rowcount  # type: ignore[attr-defined]
    assert changed == 1, statement


def test_what_was_followed_is_what_the_contracts_say_at_every_block(
    lively: tuple[System, RandomUsers], verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    system, users = lively
    told: list[tuple[int, int]] = []
    found = verification.run(None, lambda done, of: told.append((done, of)))
    assert found.differences == []
    assert found.wallets >= len(users.wallets)
    assert told[-1] == (found.wallets, found.wallets)
    with sessions.begin() as session:
        known = chain_rows.followed(session)
    assert known is not None
    assert found.block == known.final.number < known.head.number
    # From the first block after the deployment to the newest, which is not final.
    first = known.start.number + len(system.deployment.addresses)
    for number in {first, (first + known.head.number) // 2, known.head.number}:
        assert run(verification, number).differences == []


def test_a_position_that_was_changed_is_found(
    verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    change(
        sessions,
        "UPDATE positions SET slot_next = slot_next + 1 WHERE NOT pending AND wallet = "
        "(SELECT min(wallet) FROM positions WHERE NOT pending)",
    )
    (difference,) = run(verification).differences
    assert "is stored as" in difference


def test_an_event_that_was_missed_is_found(
    verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    change(
        sessions,
        "DELETE FROM events WHERE (block_number, log_index) = "
        "(SELECT block_number, log_index FROM events WHERE kind = 'VvvStaked' ORDER BY 1, 2 LIMIT 1)",
    )
    found = run(verification).differences
    assert any("vvv_unlocked of" in difference for difference in found)
    assert any("vvv_staked of all stored wallets together" in difference for difference in found)


def test_a_wallet_of_which_nothing_is_stored_is_found(
    verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        richest = session.execute(
            text("SELECT wallet FROM positions WHERE NOT pending ORDER BY vvv_unlocked DESC LIMIT 1")
        ).scalar_one()
        session.execute(text("DELETE FROM positions WHERE wallet = :wallet"), {"wallet": richest})
    found = run(verification).differences
    assert any(difference.startswith("vvv_staked of all stored wallets together") for difference in found)


def test_a_block_that_is_not_followed_is_refused_with_those_that_are(
    lively: tuple[System, RandomUsers], verification: VerifyPositions
) -> None:
    head = lively[0].devnet.head().number
    for number in (0, head + 1):
        with pytest.raises(
            InvalidRequest, match=f"block {number} is not followed: give one from .* to {head}"
        ):
            run(verification, number)


def test_a_block_that_the_node_has_otherwise_is_not_compared(
    lively: tuple[System, RandomUsers], verification: VerifyPositions
) -> None:
    system, users = lively
    head = system.devnet.head().number
    system.devnet.reorg(1)
    users.forget()
    with pytest.raises(InvalidRequest, match="wait until the follower has undone it"):
        run(verification, head)


def test_nothing_followed_yet_is_said(
    lively: tuple[System, RandomUsers], sessions: sessionmaker[Session]
) -> None:
    system, _ = lively
    with pytest.raises(SetupError, match="has not been followed yet"):
        run(VerifyPositions(sessions, system.reader, system.contracts))


# --- what is kept of it ----------------------------------------------------------------------------------

DAMAGE = (
    "UPDATE positions SET slot_next = slot_next {} 1 WHERE NOT pending AND wallet = "
    "(SELECT max(wallet) FROM positions WHERE NOT pending)"
)


def kept(sessions: sessionmaker[Session]) -> tuple[Verified | None, str | None]:
    with sessions.begin() as session:
        known = chain_rows.followed(session)
        assert known is not None
        return outcomes.last(session), known.no_grants_because


def test_a_difference_stops_grants_until_a_run_finds_none(
    verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    change(sessions, DAMAGE.format("+"))
    found = run(verification)
    outcome, why = kept(sessions)
    assert outcome is not None
    assert (outcome.block_number, outcome.wallets, outcome.differences) == (found.block, found.wallets, 1)
    assert why is not None
    assert found.differences[0][:200] in why
    assert ReadAccount(sessions).verified() == outcome
    assert GrantAllowances(sessions).sweep() == 0
    run(verification, found.block - 1)
    assert kept(sessions) == (outcome, why), "an older block says nothing of what grants rest on"
    change(sessions, DAMAGE.format("-"))
    run(verification)
    assert kept(sessions)[1] is None


def test_samples_come_by_every_wallet_and_a_difference_is_followed_by_a_whole_run(
    verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        count = chain_rows.count_followed_wallets(session)
    limit = count // 2
    change(sessions, DAMAGE.format("+"))  # of the last wallet
    told = []
    for _ in range(10):
        told.append(verification.sample(limit))
        if told[-1].differences:
            break
    assert [bool(each.differences) for each in told] == [False] * (len(told) - 1) + [True]
    assert 2 <= len(told) <= 3
    assert {each.wallets for each in told[:-1]} == {limit}
    assert kept(sessions)[1] is not None
    again = verification.sample(limit)
    assert (again.wallets, bool(again.differences)) == (count, True)
    change(sessions, DAMAGE.format("-"))
    assert verification.sample(limit).wallets == count
    assert kept(sessions)[1] is None
    assert verification.sample(limit).wallets == limit
    assert verification.sample(count).wallets == count


def test_a_sample_compares_the_totals_of_all_wallets(
    verification: VerifyPositions, sessions: sessionmaker[Session]
) -> None:
    # Of the last wallet, which is not in the first sample.
    change(sessions, DAMAGE.replace("slot_next", "vvv_unlocked").format("+"))
    (difference,) = verification.sample(1).differences
    assert difference.startswith("vvv_staked of all stored wallets together")
