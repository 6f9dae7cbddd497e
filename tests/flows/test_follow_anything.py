"""Random chains: whatever is mined, taken back and asked for in any steps, the positions are the chain's."""

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store import chain as chain_rows
from entitlement.store.tables import BlockRow, ChainState, EventRow, PositionRow
from tests.simulation.living_chain import Act, LivingChain
from tests.simulation.truth import assert_agrees_with_the_contracts
from tests.support import assert_follows, catch_up, everybody, follower, known

Sessions = sessionmaker[Session]

small = st.integers(min_value=0, max_value=40)
acts = st.builds(Act, kind=small, who=small, whom=small, number=small)
hours = st.sampled_from([12, 12, 12, 3_600, 86_400])


@dataclass(frozen=True)
class Mined:
    blocks: list[tuple[list[Act], int]]


@dataclass(frozen=True)
class TakenBack:
    depth: int


@dataclass(frozen=True)
class Followed:
    blocks_per_step: int


mined = st.builds(Mined, st.lists(st.tuples(st.lists(acts, max_size=3), hours), min_size=1, max_size=6))
histories = st.lists(
    mined | mined | st.builds(TakenBack, st.integers(1, 5)) | st.builds(Followed, st.integers(1, 5)),
    min_size=4,
    max_size=14,
)


def happen(chain: LivingChain, history: list[Mined | TakenBack | Followed]) -> Iterator[Followed]:
    """Let the chain live; yield whenever it is to be followed. No block is taken back that was final."""
    for event in history:
        match event:
            case Mined():
                for acts_of_block, seconds in event.blocks:
                    chain.live(*acts_of_block, seconds=seconds)
            case TakenBack():
                depth = min(event.depth, chain.finality_depth, len(chain.headers_) - 1)
                chain.drop(depth)
                for _ in range(depth):
                    chain.live()
            case Followed():
                yield event


# Every example begins by emptying the tables of the chain, so that sharing the database does no harm.
shared = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(histories, st.integers(min_value=0, max_value=5))
def test_positions_are_the_chains_own_after_every_step(
    sessions: Sessions, history: list[Mined | TakenBack | Followed], finality_depth: int
) -> None:
    forget_chain(sessions)
    chain = LivingChain(finality_depth=finality_depth)
    for followed in happen(chain, [*history, Followed(100)]):
        following = follower(chain, sessions, blocks_per_step=followed.blocks_per_step)
        for _ in chain.headers_:
            step = following.step()
            assert_follows(chain, sessions)
            assert_agrees_with_the_contracts(chain, sessions)
            if step.is_caught_up:
                break
        assert known(sessions).head.hash == chain.headers_[-1].hash
    live = everything_of(sessions)
    forget_chain(sessions)
    catch_up(follower(chain, sessions, blocks_per_step=7))
    assert everything_of(sessions) == live, "a replay gives what following it live gave"


def forget_chain(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for table in (ChainState, BlockRow, EventRow, PositionRow):
            session.execute(delete(table))


def everything_of(sessions: Sessions) -> tuple[object, ...]:
    with sessions.begin() as session:
        return everything_in(session)


def everything_in(session: Session) -> tuple[object, ...]:
    names = everybody(session)
    found = chain_rows.followed(session)
    assert found is not None
    return (
        found.head,
        found.final,
        chain_rows.events_between(session, above=0, to=found.head.number),
        chain_rows.positions(session, names, pending=False),
        chain_rows.positions(session, names, pending=True),
    )
