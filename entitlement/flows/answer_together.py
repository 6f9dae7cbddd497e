"""Answer together what is asked together: the cost of a commit is shared by all who wait for one.

    while a group is carried out, others gather; when it is committed they are the next group

Nobody waits for a group to fill: one question alone is a group of one. A group is decided in the event loop's
own thread, which goes on reading requests while PostgreSQL works (store.waiting); two threads would hand the
interpreter to each other several times a request.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from entitlement.flows.spend_credit import Outcome, Question, SpendCredit
from entitlement.store.waiting import in_loop

QUESTIONS_PER_GROUP = 1_000
"""With more the accounts that a group has locked would keep other processes waiting for too long."""
GROUPS_AT_ONCE = 2
"""One is decided here while PostgreSQL works on the other."""
QUESTIONS_OF_A_SECOND_GROUP = 100
DATABASE_LOST = (OperationalError, InterfaceError, PoolTimeout)


@dataclass(slots=True)
class _Waiting:
    questions: Sequence[Question]
    answered: asyncio.Future[list[Outcome]]


class AnswerTogether:
    """Gathers the questions of one event loop into groups."""

    def __init__(self, spend: SpendCredit) -> None:
        self._spend = spend
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        """Kept, or nothing else would keep them from being collected."""
        self._groups = 0
        """How many are carried out, or begin to be."""

    async def ask(self, questions: Sequence[Question]) -> list[Outcome]:
        """Return the outcomes, once they are committed. Raises what `SpendCredit.answer` raises.

        Whoever stops waiting does not keep the questions from being answered.
        """
        waiting = _Waiting(questions, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._may_begin():
            self._groups += 1
            task = asyncio.create_task(self._carry_out())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answered

    def _may_begin(self) -> bool:
        """Whether what waits is another group, beside one that is carried out.

        Only if that one is large: each has a price of its own, here and in PostgreSQL, which many must share.
        """
        if self._groups == 0:
            return True
        if self._groups == GROUPS_AT_ONCE:
            return False
        return sum(len(each.questions) for each in self._waiting) >= QUESTIONS_OF_A_SECOND_GROUP

    async def _carry_out(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._next_group())
        finally:
            # In the same breath in which nobody waits: whoever asks after it begins the next.
            self._groups -= 1

    def _next_group(self) -> list[_Waiting]:
        group = [self._waiting.popleft()]
        size = len(group[0].questions)
        while self._waiting and size + len(self._waiting[0].questions) <= QUESTIONS_PER_GROUP:
            group.append(self._waiting.popleft())
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


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.answered.done():
            waiting.answered.set_exception(error)
