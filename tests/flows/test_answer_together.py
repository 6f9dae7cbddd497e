"""Who waits for whom, of those who ask together."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.operations import Look
from entitlement.flows.answer_together import QUESTIONS_OF_A_SECOND_GROUP as MANY
from entitlement.flows.answer_together import AnswerTogether
from entitlement.flows.spend_credit import HoldAnswer, Outcome, Question, SpendCredit
from tests.support import Holder, holder

A_WHILE = 0.2
"""Seconds; a group that may begin is answered in a fraction of it."""


@contextmanager
def locked(sessions: sessionmaker[Session], owner: Holder) -> Generator[None]:
    """Keep an account locked, as another process would."""
    with sessions.begin() as session:
        session.execute(
            text("SELECT FROM accounts WHERE id = :id FOR UPDATE"), {"id": owner.account_id}
        ).all()
        yield


def answered_beside(
    sessions: sessionmaker[Session], *asked: Callable[[Holder], list[Question]]
) -> list[bool]:
    """Return what of `asked` is answered while the group before it waits; in the end all is."""
    alice = holder(sessions, diem=100)
    together = AnswerTogether(SpendCredit(sessions))

    async def ask() -> list[bool]:
        with locked(sessions, alice):
            first = asyncio.create_task(together.ask([Question(alice.gateway_id, alice.request(10))]))
            await asyncio.sleep(A_WHILE)
            others: list[asyncio.Task[list[Outcome]]] = []
            for each in asked:
                others.append(asyncio.create_task(together.ask(each(alice))))
                await asyncio.sleep(0)
            await asyncio.sleep(2 * A_WHILE)
            assert not first.done()
            done = [other.done() for other in others]
        assert isinstance((await first)[0], HoldAnswer)
        answers = await asyncio.gather(*others)
        assert [len(each) for each in answers] == [len(each(alice)) for each in asked]
        return done

    return asyncio.run(ask())


def looks(many: int) -> Callable[[Holder], list[Question]]:
    """Return questions that need nobody's lock."""
    return lambda alice: [Question(alice.gateway_id, Look("hold_none"))] * many


def holds(many: int) -> Callable[[Holder], list[Question]]:
    """Return questions that need alice's."""
    return lambda alice: [Question(alice.gateway_id, alice.request(1, f"more {n}")) for n in range(many)]


def test_what_comes_meanwhile_is_the_next_group(sessions: sessionmaker[Session]) -> None:
    assert answered_beside(sessions, looks(1), looks(MANY - 2)) == [False, False]


def test_many_that_wait_are_a_second_group_beside_the_first(sessions: sessionmaker[Session]) -> None:
    assert answered_beside(sessions, looks(1), looks(MANY - 1)) == [True, True]


def test_there_is_never_a_third(sessions: sessionmaker[Session]) -> None:
    assert answered_beside(sessions, holds(MANY), looks(MANY), looks(MANY)) == [False, False, False]


def test_whoever_asks_again_at_once_is_answered(sessions: sessionmaker[Session]) -> None:
    alice = holder(sessions, diem=100)
    together = AnswerTogether(SpendCredit(sessions))

    async def ask() -> list[int]:
        return [len(await together.ask(looks(many)(alice))) for many in (1, 2, 3)]

    async def in_time() -> list[int]:
        return await asyncio.wait_for(ask(), 5)

    assert asyncio.run(in_time()) == [1, 2, 3]
