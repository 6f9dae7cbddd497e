"""Answer together what is asked together: the cost of a commit is shared by all who wait for one.

    while a group is carried out, others gather; when it is committed they are the next group

Nobody waits for a group to fill: one question alone is a group of one. A group is decided in the event loop's
own thread, which goes on reading requests while PostgreSQL works (store.waiting); two threads would hand the
interpreter to each other several times a request.

Where many wait, two groups take turns, each of its own half of the accounts: two that had accounts in common
would wait for each other's locks.

    even accounts   | decide |  PostgreSQL  | decide |  PostgreSQL  | ...
    odd accounts             | decide |  PostgreSQL  | decide |  PostgreSQL  | ...
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from entitlement.core.holds import HoldRequest
from entitlement.flows.spend_credit import Outcome, Question, SpendCredit
from entitlement.store.waiting import in_loop

QUESTIONS_PER_GROUP = 1_000
"""With more the accounts that a group has locked would keep other processes waiting for too long."""
GROUPS_AT_ONCE = 2
FEWEST_OF_A_SECOND_GROUP = 8
"""Each group has a price of its own, here and in PostgreSQL; fewer questions are not worth it."""
ENOUGH_FOR_A_SECOND_GROUP = 100
"""So many do not wait until a group of a thousand is carried out."""
FEWEST_OF_TWO_HALVES = 48
"""With fewer that wait, a group takes those of both halves: shared accounts are seldom then."""
EVEN, ODD = 0, 1
Halves = tuple[int, ...]
BOTH: Halves = (EVEN, ODD)
DATABASE_LOST = (OperationalError, InterfaceError, PoolTimeout)


@dataclass(slots=True)
class _Waiting:
    questions: Sequence[Question]
    answered: asyncio.Future[list[Outcome]]


class AnswerTogether:
    """Gathers the questions of one event loop into groups."""

    def __init__(self, spend: SpendCredit) -> None:
        self._spend = spend
        self._waiting: tuple[deque[_Waiting], deque[_Waiting]] = (deque(), deque())
        """By the half of the accounts that they are about."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Kept, or nothing else would keep them from being collected."""
        self._is_beginning = False
        """Whether a group is about to take what waits."""
        self._carried_out: list[tuple[Halves, int]] = []
        """The halves of each group that is carried out, and how many questions it has."""

    async def ask(self, questions: Sequence[Question]) -> list[Outcome]:
        """Return the outcomes, once they are committed. Raises what `SpendCredit.answer` raises.

        Whoever stops waiting does not keep the questions from being answered.
        """
        halves = self._halves_of(questions)
        if len(halves) == 1:
            return await self._put(questions, *halves)
        answered = await asyncio.gather(
            *[self._put([questions[place] for place in places], half) for half, places in halves.items()]
        )
        outcomes: dict[int, Outcome] = {}
        for places, found in zip(halves.values(), answered, strict=True):
            outcomes.update(zip(places, found, strict=True))
        return [outcomes[place] for place in range(len(questions))]

    def _halves_of(self, questions: Sequence[Question]) -> dict[int, Sequence[int]]:
        """Return which of these questions are about which half; all are of one where they stay together."""
        found: dict[int, list[int]] = {}
        for place, question in enumerate(questions):
            account_id = self._spend.account_of(question)
            if account_id is None:
                return {self._shorter(): range(len(questions))}
            found.setdefault(account_id % len(BOTH), []).append(place)
        if len(found) > 1 and not _are_named_once(questions):
            return {self._shorter(): range(len(questions))}
        return {**found}

    def _put(self, questions: Sequence[Question], half: int) -> "asyncio.Future[list[Outcome]]":
        waiting = _Waiting(questions, asyncio.get_running_loop().create_future())
        self._waiting[half].append(waiting)
        self._begin()
        return waiting.answered

    def _begin(self) -> None:
        """Begin another group, where what waits may be one; what comes in this turn of the loop joins it."""
        if self._is_beginning or not self._next_halves():
            return
        self._is_beginning = True
        task = asyncio.create_task(self._carry_out())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_halves(self) -> Halves:
        """Return what another group may be about: nothing, one half of the accounts, or both."""
        if len(self._carried_out) == GROUPS_AT_ONCE:
            return ()
        taken = [halves for halves, _ in self._carried_out]
        free = tuple(half for half in BOTH if (half,) not in taken)
        sizes = {half: sum(len(each.questions) for each in self._waiting[half]) for half in free}
        waiting = sum(sizes.values())
        if waiting < (self._wanted_beside() if self._carried_out else 1):
            return ()
        if waiting < FEWEST_OF_TWO_HALVES:
            return free
        return (max(free, key=lambda half: sizes[half]),)

    def _wanted_beside(self) -> int:
        """Return how many must wait for a second group: as many as the first has, which makes them alike.

        Then one is decided about while PostgreSQL works on the other, and neither waits long for its turn.
        """
        [(_, size)] = self._carried_out
        return min(max(FEWEST_OF_A_SECOND_GROUP, size), ENOUGH_FOR_A_SECOND_GROUP)

    def _shorter(self) -> int:
        return EVEN if len(self._waiting[EVEN]) <= len(self._waiting[ODD]) else ODD

    async def _carry_out(self) -> None:
        halves = self._next_halves()
        group = self._taken(halves)
        carried_out = halves, sum(len(waiting.questions) for waiting in group)
        self._carried_out.append(carried_out)
        self._is_beginning = False
        self._begin()
        try:
            await self._answer(group)
        finally:
            # In the same breath in which nobody waits: whoever asks after it begins the next.
            self._carried_out.remove(carried_out)
            self._begin()

    def _taken(self, halves: Halves) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        for half in halves:
            waiting = self._waiting[half]
            while waiting and (not group or size + len(waiting[0].questions) <= QUESTIONS_PER_GROUP):
                group.append(waiting.popleft())
                size += len(group[-1].questions)
        return group

    async def _answer(self, group: Sequence[_Waiting]) -> None:
        questions = [question for waiting in group for question in waiting.questions]
        try:
            outcomes = await in_loop(self._spend.answer, questions)
        except DATABASE_LOST as error:
            _fail(group, error)
        except Exception as error:  # noqa: BLE001 - it is raised to those who wait
            if len(group) == 1:
                _fail(group, error)
                return
            # One that nobody expected is in the way of all: each is asked by itself, which tells who it was.
            for waiting in group:
                await self._answer([waiting])
        else:
            first = 0
            for waiting in group:
                after = first + len(waiting.questions)
                if not waiting.answered.done():
                    waiting.answered.set_result(outcomes[first:after])
                first = after


def _are_named_once(questions: Sequence[Question]) -> bool:
    """Whether each request has an id of its own: of one under two keys it matters which is asked first."""
    names = [
        (question.gateway_id, question.operation.request_id)
        for question in questions
        if isinstance(question.operation, HoldRequest)
    ]
    return len(set(names)) == len(names)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.answered.done():
            waiting.answered.set_exception(error)
