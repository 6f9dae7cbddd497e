"""Who waits for whom, of those who ask together."""

import asyncio
import itertools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import IdempotencyKeyReused, InsufficientCredit
from entitlement.core.holds import HoldRequest, HoldState
from entitlement.core.keys import hash_secret
from entitlement.core.operations import Look, Release
from entitlement.core.tiers import rates_of
from entitlement.flows.answer_together import ENOUGH_FOR_A_SECOND_GROUP as ENOUGH
from entitlement.flows.answer_together import FEWEST_OF_A_SECOND_GROUP as FEW
from entitlement.flows.answer_together import AnswerTogether
from entitlement.flows.spend_credit import HoldAnswer, Outcome, Question, SpendCredit
from tests.support import Holder, holder

A_WHILE = 0.2
"""Seconds for which what may not be answered is watched; a group that may begin needs a fraction of it."""
PATIENCE = 60
"""Seconds for which what is to be answered is waited for, on whatever machine."""


@contextmanager
def locked(sessions: sessionmaker[Session], owner: Holder) -> Generator[None]:
    """Keep an account locked, as another process would."""
    with sessions.begin() as session:
        session.execute(
            text("SELECT FROM accounts WHERE id = :id FOR UPDATE"), {"id": owner.account_id}
        ).all()
        yield


async def answered_by_now(
    asked: Sequence[asyncio.Task[list[Outcome]]], expected: Sequence[bool]
) -> list[bool]:
    """Return which of those who ask have their answers, after a wait for all that are expected to."""
    awaited = [each for each, is_expected in zip(asked, expected, strict=True) if is_expected]
    if awaited:
        await asyncio.wait(awaited, timeout=PATIENCE)
    await asyncio.sleep(A_WHILE)
    return [each.done() for each in asked]


def assert_answered_beside(
    sessions: sessionmaker[Session],
    asked: Sequence[Callable[[Holder], list[Question]]],
    expected: Sequence[bool],
    *,
    first_group: int = 1,
) -> None:
    """Hold what of `asked` is answered while the group before it waits to `expected`; in the end all is."""
    alice = holder(sessions, diem=100)
    together = AnswerTogether(SpendCredit(sessions))

    async def ask() -> None:
        with locked(sessions, alice):
            begun = [Question(alice.gateway_id, alice.request(1, f"first {n}")) for n in range(first_group)]
            first = asyncio.create_task(together.ask(begun))
            await asyncio.sleep(A_WHILE)
            others: list[asyncio.Task[list[Outcome]]] = []
            for each in asked:
                others.append(asyncio.create_task(together.ask(each(alice))))
                await asyncio.sleep(0)
            assert await answered_by_now(others, expected) == expected
            assert not first.done()
        assert isinstance((await first)[0], HoldAnswer)
        answers = await asyncio.gather(*others)
        assert [len(each) for each in answers] == [len(each(alice)) for each in asked]

    asyncio.run(ask())


def looks(many: int) -> Callable[[Holder], list[Question]]:
    """Return questions that need nobody's lock."""
    return lambda alice: [Question(alice.gateway_id, Look("hold_none"))] * many


def holds(many: int) -> Callable[[Holder], list[Question]]:
    """Return questions that need alice's."""
    return lambda alice: [Question(alice.gateway_id, alice.request(1, f"more {n}")) for n in range(many)]


def test_what_comes_meanwhile_is_the_next_group(sessions: sessionmaker[Session]) -> None:
    assert_answered_beside(sessions, [looks(1), looks(FEW - 2)], [False, False])


def test_many_that_wait_are_a_second_group_beside_the_first(sessions: sessionmaker[Session]) -> None:
    assert_answered_beside(sessions, [looks(1), looks(FEW - 1)], [True, True])


@pytest.mark.parametrize(
    ("first", "beside", "expected"),
    [
        (FEW + 12, [1, FEW + 10], [False, False]),
        (FEW + 12, [1, FEW + 11], [True, True]),
        # A large one is of one half of the accounts, and what waits of that half goes on waiting.
        (ENOUGH + 50, [1, ENOUGH - 1], [False, False]),
        (ENOUGH + 50, [1, ENOUGH], [False, True]),
    ],
)
def test_a_second_group_is_as_large_as_the_first_and_does_not_wait_for_more_than_enough(
    sessions: sessionmaker[Session], first: int, beside: list[int], expected: list[bool]
) -> None:
    assert_answered_beside(sessions, [looks(many) for many in beside], expected, first_group=first)


def test_there_is_never_a_third(sessions: sessionmaker[Session]) -> None:
    assert_answered_beside(sessions, [holds(FEW), looks(FEW), looks(FEW)], [False, False, False])


def test_whoever_asks_again_at_once_is_answered(sessions: sessionmaker[Session]) -> None:
    alice = holder(sessions, diem=100)
    together = AnswerTogether(SpendCredit(sessions))

    async def ask() -> list[int]:
        return [len(await together.ask(looks(many)(alice))) for many in (1, 2, 3)]

    async def in_time() -> list[int]:
        return await asyncio.wait_for(ask(), PATIENCE)

    assert asyncio.run(in_time()) == [1, 2, 3]


# --- two halves of the accounts ---------------------------------------------------------------------------

RATES = rates_of(1_000_000, 1_000_000)


def known(sessions: sessionmaker[Session], people: Sequence[Holder]) -> SpendCredit:
    """Return a flow that remembers whose keys these people's are."""
    spend = SpendCredit(sessions, RATES)
    for each in people:
        spend.hold(people[0].gateway_id, each.request(1, f"known {each.account_id}"))
    return spend


def six(sessions: sessionmaker[Session], credit: int = 1_000) -> list[Holder]:
    people = [holder(sessions, diem=credit, number=number) for number in range(1, 7)]
    assert {each.account_id % 2 for each in people} == {0, 1}
    return people


def place(people: Sequence[Holder], who: int, request_id: str, amount: int = 1) -> Question:
    return Question(people[0].gateway_id, people[who].request(amount, request_id))


@pytest.mark.parametrize("is_known", [True, False])
def test_each_answer_is_at_its_question_s_place(sessions: sessionmaker[Session], *, is_known: bool) -> None:
    people = six(sessions)
    together = AnswerTogether(known(sessions, people if is_known else people[:1]))
    order = [0, 3, 1, 1, 4, 5, 2, 0, 3, 3, 5, 2]
    questions = [place(people, who, f"r{n}", 10 + n) for n, who in enumerate(order)]
    questions.insert(5, Question(people[0].gateway_id, people[3].request(10_000, "too much")))
    found = asyncio.run(answers(together, questions))
    assert isinstance(found.pop(5), InsufficientCredit)
    assert [(each.hold.account_id, each.hold.request_id, each.hold.amount) for each in found] == [
        (people[who].account_id, f"r{n}", 10 + n) for n, who in enumerate(order)
    ]


def test_questions_about_one_account_are_answered_in_their_order(sessions: sessionmaker[Session]) -> None:
    """What is given back by one is there for the next."""
    people = six(sessions, credit=101)
    together = AnswerTogether(known(sessions, people))
    holds = [place(people, who, f"all of {who}", 100) for who in range(6)]
    held = [answered(each).hold.id for each in asyncio.run(answers(together, holds))]
    questions: list[Question] = []
    for who in range(6):
        questions += [
            place(people, who, f"too early {who}", 100),
            Question(people[0].gateway_id, Release(held[who])),
            place(people, who, f"in time {who}", 100),
        ]
    found = asyncio.run(answers(together, questions))
    for who in range(6):
        early, released, late = found[3 * who : 3 * who + 3]
        assert isinstance(early, InsufficientCredit)
        assert answered(released).hold.state is HoldState.RELEASED
        assert answered(late).hold.amount == 100


def test_a_request_id_under_two_keys_is_the_first_one_s(sessions: sessionmaker[Session]) -> None:
    people = six(sessions)
    together = AnswerTogether(known(sessions, people))
    pairs = [(0, 1), (1, 0), (2, 5), (5, 2)]
    assert all((people[a].account_id + people[b].account_id) % 2 for a, b in pairs)
    for number, pair in enumerate(pairs):
        first, second = asyncio.run(
            answers(together, [place(people, who, f"twice {number}") for who in pair])
        )
        assert answered(first).hold.account_id == people[pair[0]].account_id
        assert isinstance(second, IdempotencyKeyReused)


def test_many_of_one_half_do_not_wait_for_the_locks_of_the_other(sessions: sessionmaker[Session]) -> None:
    people = six(sessions, credit=10 * ENOUGH)
    together = AnswerTogether(known(sessions, people))
    slow = [who for who in range(6) if people[who].account_id % 2 == people[0].account_id % 2]
    quick = [who for who in range(6) if who not in slow]

    def mixed(name: str, size: int) -> list[Question]:
        return [place(people, (slow + quick)[n % 6], f"{name} {n}") for n in range(size)]

    async def ask() -> None:
        with locked(sessions, people[slow[0]]):
            both = asyncio.create_task(together.ask(mixed("both", 4 * ENOUGH)))
            await asyncio.sleep(A_WHILE)
            others = [
                asyncio.create_task(together.ask([place(people, who, f"{turn} {n}") for n in range(ENOUGH)]))
                for turn, who in enumerate([*quick, slow[1]])
            ]
            expected = [True] * len(quick) + [False]
            assert await answered_by_now(others, expected) == expected
            assert not both.done(), "half of it waits"
        assert all(isinstance(each, HoldAnswer) for each in await both)
        await asyncio.gather(*others)

    asyncio.run(ask())


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 60)), min_size=1, max_size=40), st.integers(1, 5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_answered_twice_or_spent_beyond_what_there_is(
    sessions: sessionmaker[Session], wishes: list[tuple[int, int]], callers: int
) -> None:
    """Several who ask at once, about accounts of both halves, some of them unknown at first."""
    names = itertools.count(next(NUMBERS) * 100)
    people = [holder(sessions, diem=100, number=next(names)) for _ in range(6)]
    together = AnswerTogether(known(sessions, people[:4]))
    questions = [place(people, who, f"{n}", amount) for n, (who, amount) in enumerate(wishes)]
    parts = [questions[start::callers] for start in range(callers)]

    async def ask() -> list[list[Outcome]]:
        return await asyncio.gather(*[together.ask(part) for part in parts if part])

    found = asyncio.run(ask())
    asked = [part for part in parts if part]
    assert [len(each) for each in found] == [len(each) for each in asked]
    for who, person in enumerate(people):
        of_this = [
            (question.operation, outcome)
            for part, outcomes in zip(asked, found, strict=True)
            for question, outcome in zip(part, outcomes, strict=True)
            if isinstance(question.operation, HoldRequest)
            and question.operation.key_hash == hash_secret(person.secret)
        ]
        held = sum(outcome.hold.amount for _, outcome in of_this if isinstance(outcome, HoldAnswer))
        left = 100 - (1 if who < 4 else 0) - held
        assert left >= 0
        refused = [wish.amount for wish, outcome in of_this if not isinstance(outcome, HoldAnswer)]
        assert all(amount > left for amount in refused), "who was refused could not have been paid for"


NUMBERS = itertools.count(10)


async def answers(together: AnswerTogether, questions: Sequence[Question]) -> list[Any]:
    return list(await together.ask(questions))


def answered(outcome: object) -> HoldAnswer:
    assert isinstance(outcome, HoldAnswer), outcome
    return outcome
