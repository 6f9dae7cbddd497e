"""While what is stored may rest on a chain that is gone, nothing more is granted; what was, stays."""

from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import FinalBlockChanged, ForkBelowWindow, GrantsFailed, NodeUnavailable
from entitlement.core.events import AllowanceChanged
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import chain as chain_rows
from entitlement.store import grants
from entitlement.wiring.service import SECONDS_SINCE_MOVE_MAX
from tests.flows.test_grant_allowances import granted
from tests.support import (
    DIEM,
    NOON,
    USD,
    ScriptedChain,
    assert_books_close,
    follower,
    holder,
    known,
    wallet_number,
)

Sessions = sessionmaker[Session]
ALICE, BOB, CAROL = (wallet_number(number) for number in (1, 2, 3))


def right(wallet: Wallet, diem: int) -> partial[AllowanceChanged]:
    return partial(
        AllowanceChanged,
        wallet=wallet,
        epoch=epoch_at(NOON),
        current=Wei(diem * DIEM),
        next=Wei(diem * DIEM),
    )


@pytest.fixture
def chain(sessions: Sessions) -> ScriptedChain:
    """Followed, all of it final; Alice has a right of 4 dollars and Bob one of 2."""
    made = ScriptedChain()
    for _ in range(3):
        made.mine()
    made.mine(right(ALICE, 4))
    made.mine(right(BOB, 2))
    follower(made, sessions).step()
    return made


def lose_a_final_block(chain: ScriptedChain, sessions: Sessions) -> None:
    chain.drop(1)
    chain.mine()
    chain.mine()
    with pytest.raises(FinalBlockChanged):
        follower(chain, sessions).step()


def test_a_final_block_that_is_gone_stops_grants_and_leaves_what_was_granted(
    sessions: Sessions, chain: ScriptedChain
) -> None:
    alice = holder(sessions, number=1)
    spend = SpendCredit(sessions)
    held = spend.hold(alice.gateway_id, alice.request(USD)).hold
    lose_a_final_block(chain, sessions)
    assert GrantAllowances(sessions).sweep() == 0
    assert ReadAccount(sessions).account(BOB).allowance_now == 0
    assert granted(sessions, BOB) == 0
    assert granted(sessions, ALICE) == 4 * USD
    spend.capture(alice.gateway_id, held.id, NanoUsd(USD), None)
    assert spend.hold(alice.gateway_id, alice.request(3 * USD, "r2")).hold.is_final
    assert_books_close(sessions)


@pytest.mark.usefixtures("chain")
def test_no_kept_block_on_the_nodes_chain_stops_grants(sessions: Sessions) -> None:
    with pytest.raises(ForkBelowWindow):
        follower(ScriptedChain(salt="another", headers_=[]), sessions).step()
    assert known(sessions).granting_stopped is not None
    assert GrantAllowances(sessions).sweep() == 0


def test_grants_stay_stopped_whatever_else_fails_and_go_on_with_the_next_step_that_succeeds(
    sessions: Sessions, chain: ScriptedChain
) -> None:
    ours = list(chain.headers_)
    lose_a_final_block(chain, sessions)
    why = known(sessions).granting_stopped
    assert why is not None
    assert "was final" in why

    def fail() -> Header:
        raise NodeUnavailable(method="head", reason="told by a test")

    following, asks = follower(chain, sessions), chain.head
    chain.head = fail  # type: ignore[method-assign]
    with pytest.raises(NodeUnavailable):
        following.step()
    assert known(sessions).granting_stopped == why
    assert "told by a test" in (known(sessions).problem or "")
    assert GrantAllowances(sessions).sweep() == 0
    chain.head = asks  # type: ignore[method-assign]
    chain.headers_[:] = ours
    following.step()
    assert (known(sessions).granting_stopped, known(sessions).problem) == (None, None)
    assert GrantAllowances(sessions).sweep() == 2


def test_a_node_too_low_to_have_our_final_block_does_not_let_grants_go_on(
    sessions: Sessions, chain: ScriptedChain
) -> None:
    lose_a_final_block(chain, sessions)
    del chain.headers_[4:]
    follower(chain, sessions).step()
    assert known(sessions).problem is None
    assert known(sessions).granting_stopped is not None


def test_a_person_who_undoes_what_was_final_lets_grants_go_on(
    sessions: Sessions, chain: ScriptedChain
) -> None:
    lose_a_final_block(chain, sessions)
    follower(chain, sessions, may_undo_final=True).step()
    assert known(sessions).granting_stopped is None
    assert GrantAllowances(sessions).sweep() == 1
    assert granted(sessions, BOB) == 0, "its right was in the block that is gone"


@pytest.mark.usefixtures("chain")
def test_an_ordinary_failure_stops_no_grant(sessions: Sessions) -> None:
    with sessions.begin() as session:
        chain_rows.note_problem(session, "the line is dead")
    assert GrantAllowances(sessions).sweep() == 2


def test_the_time_of_the_last_move_and_of_the_nodes_head_are_kept(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock
) -> None:
    first = known(sessions)
    assert first.node_timestamp == chain.headers_[-1].timestamp
    clock.jump_to(clock.now() + SECONDS_SINCE_MOVE_MAX)
    follower(chain, sessions).step()
    stood = known(sessions)
    assert stood.moved_at == first.moved_at
    assert stood.stepped_at >= first.stepped_at + SECONDS_SINCE_MOVE_MAX
    chain.mine()
    follower(chain, sessions).step()
    assert known(sessions).moved_at >= first.moved_at + SECONDS_SINCE_MOVE_MAX


def test_an_account_that_cannot_be_granted_to_keeps_no_other_from_its_credit(
    sessions: Sessions, chain: ScriptedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.mine(right(CAROL, 3))
    follower(chain, sessions).step()
    open_accounts = grants.open_accounts

    def fails_for_bob(session: Session, wallets: Sequence[Wallet], now: int) -> None:
        if BOB in wallets:
            raise KeyError("telltale")
        open_accounts(session, wallets, now)

    monkeypatch.setattr(grants, "open_accounts", fails_for_bob)
    with capture_logs() as logs, pytest.raises(GrantsFailed) as caught:
        GrantAllowances(sessions).sweep()
    assert (caught.value.failed, caught.value.raised) == (1, 2)
    assert [granted(sessions, each) // USD for each in (ALICE, BOB, CAROL)] == [4, 0, 3]
    (line,) = logs
    assert line | {"event": "grant_failed", "wallet": BOB, "reason": "KeyError"} == line
    assert "telltale" not in str(logs)
