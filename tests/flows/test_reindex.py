"""Rebuilding finds and mends whatever is stored wrongly, beside the live follower, and nothing else."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.reader import ChainReader
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import FinalBlockChanged, JournalBroken, SetupError, WrongChain
from entitlement.core.events import AllowanceChanged, CreditBought, Delegated, DiemStaked
from entitlement.core.units import Usdc, Wei
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.rederive_positions import RederivePositions
from entitlement.flows.reindex_chain import Rebuilt, ReindexChain
from entitlement.store import chain as chain_rows
from entitlement.store import shadow as shadows
from entitlement.store.shadow import open_shadow
from tests.crashes import Deaths, at_every_point
from tests.flows.test_follow_anything import everything_in, everything_of
from tests.flows.test_grant_allowances import granted
from tests.simulation.living_chain import Act, LivingChain
from tests.support import (
    CHAIN_ID,
    DIEM,
    NOON,
    USD,
    ScriptedChain,
    assert_books_close,
    assert_follows,
    catch_up,
    everybody,
    follower,
    known,
    wallet_number,
)

Sessions = sessionmaker[Session]
Run = Callable[..., Rebuilt]
ALICE, BOB = wallet_number(1), wallet_number(2)
stakes = partial(DiemStaked, wallet=ALICE, amount=Wei(5))
gives = partial(Delegated, wallet=ALICE, receiver=BOB, delegation=1, amount=Wei(3), until_epoch=Epoch(9))
FINALITY_DEPTH = 4
RUNS_AGAIN_EVERY = 8


def reindex(
    chain: ChainReader, sessions: Sessions, *, dry_run: bool = False, blocks_per_step: int = 7
) -> Rebuilt:
    shadow = partial(open_shadow, sessions.kw["bind"])
    flow = ReindexChain(chain, sessions, shadow, blocks_per_step=blocks_per_step, start_block=1)
    return flow.run(lambda *_: None, dry_run=dry_run)


def rederive(sessions: Sessions, *, dry_run: bool = False) -> Rebuilt:
    flow = RederivePositions(sessions, partial(open_shadow, sessions.kw["bind"]))
    return flow.run(lambda *_: None, dry_run=dry_run)


@pytest.fixture
def chain(sessions: Sessions) -> LivingChain:
    """A lively chain, followed with some reorganisations on the way."""
    made = LivingChain(finality_depth=FINALITY_DEPTH)
    following = follower(made, sessions, blocks_per_step=10)
    for number in range(60):
        made.live(
            *(Act(kind=number + each, who=number * each, whom=each, number=number) for each in (1, 2, 3))
        )
        if number % 20 == 19:
            catch_up(following)
            made.drop(3)
            for _ in range(4):
                made.live(Act(kind=0, who=number, whom=1, number=number))
    catch_up(following)
    return made


def change(sessions: Sessions, statement: str, **values: object) -> None:
    with sessions.begin() as session:
        changed = session.execute(text(statement), values).rowcount  # type: ignore[attr-defined]
    assert changed > 0, statement


DAMAGES = {
    "a position": "UPDATE positions SET diem_staked = diem_staked + 1 WHERE NOT pending AND wallet = :first",
    "a pending position": "UPDATE positions SET vvv_unlocked = vvv_unlocked + 1 WHERE pending",
    "a position that is gone": "DELETE FROM positions WHERE NOT pending AND wallet = :first",
    "a position of nobody": "INSERT INTO positions SELECT '0xdead', pending, vvv_unlocked, vvv_locked, "
    "vvv_cooling, rewards_claimed, diem_minted, diem_staked, diem_cooling, diem_given, diem_received, "
    "slot_epoch, slot_current, slot_next FROM positions WHERE NOT pending LIMIT 1",
}
JOURNAL_DAMAGES = {
    "an event that is gone": "DELETE FROM events WHERE block_number = (SELECT min(block_number) FROM events)",
    "an event of the window that is gone": "DELETE FROM events WHERE block_number = "
    "(SELECT max(block_number) FROM events)",
    "an event that was changed": """UPDATE events SET data = data || '{"amount": 77}' WHERE block_number = """
    "(SELECT min(block_number) FROM events)",
    "an event of another block": "UPDATE events SET block_hash = '0xbad' WHERE block_number = "
    "(SELECT min(block_number) FROM events)",
    "a block": "UPDATE blocks SET hash = '0xbad' WHERE number = 20",
    "a block of the window that is gone": "DELETE FROM blocks WHERE number = "
    "(SELECT head_number FROM chain_state)",
    "the cursor": "UPDATE chain_state SET head_hash = '0xbad'",
    "the final block": "UPDATE chain_state SET final_hash = '0xbad'",
    "everything": "WITH a AS (DELETE FROM blocks WHERE number > 3), b AS (DELETE FROM positions) "
    "DELETE FROM events",
}


def damage(sessions: Sessions, statement: str) -> None:
    with sessions.begin() as session:
        first = min(everybody(session))
    values = {"first": first} if ":first" in statement else {}
    change(sessions, statement, **values)


def test_what_was_followed_rightly_is_left_as_it_is(sessions: Sessions, chain: LivingChain) -> None:
    before = everything_of(sessions)
    for found in (reindex(chain, sessions), reindex(chain, sessions, dry_run=True), rederive(sessions)):
        assert (found.differs, found.is_mended, found.first) == (False, False, [])
        assert (found.block, found.final) == (known(sessions).head.number, known(sessions).final.number)
        assert found.events > 50
    assert everything_of(sessions) == before


@pytest.mark.parametrize(
    "statement", [*DAMAGES.values(), *JOURNAL_DAMAGES.values()], ids=[*DAMAGES, *JOURNAL_DAMAGES]
)
def test_whatever_is_stored_wrongly_is_found_and_mended(
    sessions: Sessions, chain: LivingChain, statement: str
) -> None:
    before = everything_of(sessions)
    damage(sessions, statement)
    damaged = everything_of(sessions)
    found = reindex(chain, sessions, dry_run=True)
    assert (found.differs, found.is_mended) == (True, False)
    assert found.first
    assert everything_of(sessions) == damaged, "a dry run only looks"
    found = reindex(chain, sessions)
    assert (found.differs, found.is_mended) == (True, True)
    assert everything_of(sessions) == before
    assert_follows(chain, sessions)
    assert not reindex(chain, sessions, dry_run=True).differs
    # And the follower goes on from it.
    chain.live(Act(kind=0, who=1, whom=1, number=1))
    catch_up(follower(chain, sessions))
    assert_follows(chain, sessions)


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
def test_positions_are_mended_from_the_stored_events_alone(
    sessions: Sessions, chain: LivingChain, statement: str
) -> None:
    before = everything_of(sessions)
    damage(sessions, statement)
    damaged = everything_of(sessions)
    found = rederive(sessions, dry_run=True)
    assert (found.differs, found.is_mended) == (True, False)
    assert everything_of(sessions) == damaged
    asked = chain.asked
    assert rederive(sessions).is_mended
    assert chain.asked == asked
    assert everything_of(sessions) == before
    assert not rederive(sessions).differs


def test_a_purchase_above_the_final_block_changes_no_position(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=1)
    chain.mine(stakes, partial(CreditBought, wallet=BOB, usdc=Usdc(1)))
    chain.mine(partial(CreditBought, wallet=ALICE, usdc=Usdc(1)))
    catch_up(follower(chain, sessions))
    assert_follows(chain, sessions)
    assert not rederive(sessions, dry_run=True).differs
    assert not reindex(chain, sessions, dry_run=True).differs


def test_a_difference_is_told_with_both_figures(sessions: Sessions, chain: LivingChain) -> None:
    with sessions.begin() as session:
        wallet = min(everybody(session))
        true = chain_rows.positions(session, [wallet], pending=False)[wallet].diem_staked
    damage(sessions, DAMAGES["a position"])
    for found in (reindex(chain, sessions, dry_run=True), rederive(sessions, dry_run=True)):
        assert found.wallets.count == 1
        assert found.first == [
            f"{wallet} at the final block: diem_staked is stored as {true + 1}, rebuilt it is {true}"
        ]


def test_stored_events_that_do_not_fit_together_are_not_derived_from(
    sessions: Sessions, chain: LivingChain
) -> None:
    with sessions.begin() as session:
        gone = session.execute(
            text("SELECT wallet FROM events WHERE kind = 'VvvExitRequested' ORDER BY block_number LIMIT 1")
        ).scalar_one()
    change(sessions, "DELETE FROM events WHERE kind = 'VvvStaked' AND wallet = :wallet", wallet=gone)
    damaged = everything_of(sessions)
    with pytest.raises(JournalBroken, match=f"events of {gone} do not fit together"):
        rederive(sessions)
    assert everything_of(sessions) == damaged
    assert reindex(chain, sessions).is_mended


def test_before_anything_was_followed_there_is_nothing_to_rebuild(sessions: Sessions) -> None:
    with pytest.raises(SetupError, match="has not been followed"):
        reindex(ScriptedChain(), sessions)
    with pytest.raises(SetupError, match="has not been followed"):
        rederive(sessions)


def test_another_chain_is_not_taken_for_ours(sessions: Sessions, chain: LivingChain) -> None:
    before = everything_of(sessions)
    chain.chain_id = lambda: CHAIN_ID + 1  # type: ignore[method-assign]
    with pytest.raises(WrongChain):
        reindex(chain, sessions)
    assert everything_of(sessions) == before


# --- what is not touched ---------------------------------------------------------------------------------


def test_grants_and_the_ledger_stay_as_they_are(sessions: Sessions) -> None:
    chain = ScriptedChain()
    right = {"epoch": epoch_at(NOON), "current": Wei(4 * DIEM), "next": Wei(4 * DIEM)}
    chain.mine(partial(AllowanceChanged, wallet=ALICE, **right))
    follower(chain, sessions).step()
    change(sessions, "UPDATE positions SET slot_current = slot_current * 2")
    GrantAllowances(sessions).sweep()
    assert reindex(chain, sessions).is_mended
    assert granted(sessions, ALICE) == 8 * USD, "what was granted is never clawed back in silence"
    assert GrantAllowances(sessions).sweep() == 0
    assert_books_close(sessions)


def test_the_shadow_reaches_nothing_of_the_service_but_its_clock(
    sessions: Sessions, database: Engine, clock: object
) -> None:
    assert clock is not None
    with open_shadow(database) as shadow, shadow.begin() as session:
        assert session.execute(text("SELECT service_time()")).scalar_one() >= NOON
        names = {each.__tablename__ for each in shadows.FOLLOWED}
        seen = session.execute(
            text(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_schema = ANY(current_schemas(false))"
            )
        )
        assert set(seen.scalars()) == names | {"clock"}
    with sessions.begin() as session:
        left = session.execute(text("SELECT to_regnamespace('reindex')")).scalar_one()
    assert left is None


def test_what_a_killed_run_left_is_no_hindrance(
    sessions: Sessions, database: Engine, chain: LivingChain
) -> None:
    context: AbstractContextManager[Sessions] = open_shadow(database)
    left = context.__enter__()
    catch_up(follower(LivingChain(), left))
    assert not reindex(chain, sessions).differs


# --- beside the live follower ----------------------------------------------------------------------------


class GoingOn:
    """A reader of a chain that is followed live whenever it is asked for headers, a few times."""

    def __init__(self, chain: LivingChain, sessions: Sessions, times: int, *, drop: int = 0) -> None:
        self._chain, self._sessions, self.left, self._drop = chain, sessions, times, drop

    def __getattr__(self, name: str) -> object:
        return getattr(self._chain, name)

    def head(self) -> object:
        if self.left:
            self.left -= 1
            self._chain.drop(self._drop)
            for _ in range(self._drop + 1):
                self._chain.live(Act(kind=0, who=self.left, whom=1, number=7))
            catch_up(follower(self._chain, self._sessions))
        return self._chain.head()


@pytest.mark.parametrize("drop", [0, 3])
def test_the_chain_may_go_on_and_be_undone_meanwhile(
    sessions: Sessions, chain: LivingChain, drop: int
) -> None:
    damage(sessions, DAMAGES["a position"])
    # Most of them after the long part, between a look at the live cursor and its lock.
    moving = GoingOn(chain, sessions, 20, drop=drop)
    found = reindex(moving, sessions)  # type: ignore[arg-type]
    assert (found.is_mended, moving.left) == (True, 0)
    assert (found.wallets.count, found.logs.count, found.cursor.count) == (1, 0, 0), "only what was damaged"
    assert_follows(chain, sessions)
    assert not reindex(chain, sessions, dry_run=True).differs


@pytest.mark.parametrize("drop", [0, FINALITY_DEPTH])
def test_positions_are_derived_while_the_chain_goes_on(
    sessions: Sessions, chain: LivingChain, monkeypatch: pytest.MonkeyPatch, drop: int
) -> None:
    damage(sessions, DAMAGES["a position"])
    derives = RederivePositions._rederive

    def and_the_chain_goes_on(*arguments: object) -> int:
        done = derives(*arguments)  # type: ignore[arg-type]
        for _ in range(3):
            GoingOn(chain, sessions, 1, drop=drop).head()
        return done

    monkeypatch.setattr(RederivePositions, "_rederive", and_the_chain_goes_on)
    assert rederive(sessions).is_mended
    assert_follows(chain, sessions)
    assert not reindex(chain, sessions, dry_run=True).differs


def test_a_chain_that_lost_a_final_block_is_rebuilt_and_followed_again(
    sessions: Sessions, chain: LivingChain
) -> None:
    chain.drop(FINALITY_DEPTH + 10)
    for number in range(8):
        chain.live(Act(kind=0, who=number, whom=1, number=7))
    with pytest.raises(FinalBlockChanged):
        follower(chain, sessions).step()
    found = reindex(chain, sessions)
    assert found.is_mended
    assert found.blocks.count
    assert found.cursor.count
    follower(chain, sessions).step()
    assert_follows(chain, sessions)
    assert known(sessions).granting_stopped is None


# --- whatever dies, whoever reads ------------------------------------------------------------------------


@pytest.mark.parametrize(("rebuild", "by_the_server"), [("from the chain", False), ("from the events", True)])
def test_wherever_it_dies_what_is_stored_is_as_before_or_mended_and_the_next_run_mends(
    sessions: Sessions, rebuild: str, *, by_the_server: bool
) -> None:
    chain = ScriptedChain(finality_depth=2)
    for _ in range(3):
        chain.mine(stakes, gives)
    catch_up(follower(chain, sessions))
    true = everything_of(sessions)
    # Deaths at what is done to the service's tables; those of the shadow nobody else sees.
    work = partial(reindex, chain, sessions) if rebuild == "from the chain" else partial(rederive, sessions)
    damaged: list[object] = []

    def prepare(_point: int) -> Callable[[], object]:
        change(sessions, "UPDATE positions SET diem_staked = diem_staked + 1")
        damaged.append(everything_of(sessions))
        return work

    mended = 0
    for point in at_every_point(Deaths(sessions, by_the_server), prepare):
        now = everything_of(sessions)
        assert now in (damaged[-1], true)
        mended += now == true
        if point % RUNS_AGAIN_EVERY == 0:
            assert work().is_mended is (now != true)
            assert everything_of(sessions) == true
    assert len(damaged) > 20
    assert mended, "it never died after the last commit"


def test_who_reads_meanwhile_sees_what_was_stored_or_what_is_mended_and_nothing_between(
    sessions: Sessions, chain: LivingChain
) -> None:
    true = everything_of(sessions)
    damage(sessions, JOURNAL_DAMAGES["an event that was changed"])
    for statement in (DAMAGES["a position"], DAMAGES["a pending position"], JOURNAL_DAMAGES["the cursor"]):
        damage(sessions, statement)
    damaged = everything_of(sessions)
    seen: list[object] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            with sessions() as session, session.begin():
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                seen.append(everything_in(session))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert reindex(chain, sessions, blocks_per_step=1).is_mended
    finally:
        ended.set()
        reader.join()
    assert everything_of(sessions) == true
    assert seen[0] == damaged
    assert all(each in (damaged, true) for each in seen)
    assert len(seen) > 3
