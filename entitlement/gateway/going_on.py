"""Work that its client may leave: finished to be found when the client asks again, or to be paid for."""

import asyncio
from collections.abc import Coroutine


class GoingOn:
    """Such work of this process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> Coroutine[None, None, None]:
        """Begin, and return how to wait for it: whoever waits may be cancelled, the work goes on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return _wait(task)

    async def close(self) -> None:
        """Cut off what is still in work."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, so that the event loop does not report what nobody waited for.
            task.exception()


async def _wait(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)
