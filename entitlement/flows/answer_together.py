"""Answer together what is asked together: the cost of a commit is shared by all who wait for one.

    while a group is carried out, others gather; when it is committed they are the next group

Nobody waits for a group to fill: one question alone is a group of one.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from entitlement.flows.spend_credit import Outcome, Question, SpendCredit

QUESTIONS_PER_GROUP = 1_000
"""With more the accounts that a group has locked would keep other processes waiting for too long."""
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
        self._group: asyncio.Task[None] | None = None

    async def ask(self, questions: Sequence[Question]) -> list[Outcome]:
        """Return the outcomes, once they are committed. Raises what `SpendCredit.answer` raises.

        Whoever stops waiting does not keep the questions from being answered.
        """
        waiting = _Waiting(questions, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        # One group at a time: two would be smaller, and fight for the interpreter.
        if self._group is None or self._group.done():
            self._group = asyncio.create_task(self._carry_out())
        return await waiting.answered

    async def _carry_out(self) -> None:
        while self._waiting:
            group = self._next_group()
            await self._answer(group)

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
            outcomes = await asyncio.to_thread(self._spend.answer, questions)
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
