"""How whoever asked the server waits for its answer: the thread sleeps, or its event loop goes on.

    thread      asks --> sleeps in poll --------------------------------> goes on
    event loop  asks --> hands the loop back, which reads other requests --> goes on

Flows are written once, as plain functions. `in_loop` runs one in a greenlet, as SQLAlchemy's own asyncio
extension does; what it waits for, it waits for here.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import waiting
from psycopg.abc import PQGen
from sqlalchemy.util.concurrency import await_, greenlet_spawn, in_greenlet

Result = TypeVar("Result")


async def in_loop(flow: Callable[..., Result], *given: Any) -> Result:  # noqa: ANN401 - what the flow takes
    """Run a flow in this thread; while it waits for the database, the event loop goes on.

    The engine must have connected once before: two flows that were both its first would wait for each other.
    """
    return await greenlet_spawn(flow, *given)


def wait_for_socket(descriptor: int, *, writes: bool) -> None:
    """Return once there is something to read, or, if `writes`, room to write."""
    if in_greenlet():
        await_(_ready(descriptor, writes=writes))
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | (select.POLLOUT if writes else 0))
    poll.poll()


def wait_for_driver(gen: PQGen[Result], descriptor: int, interval: float) -> Result:
    """Carry out what the driver would wait for in its own way; for a greenlet only."""
    return await_(waiting.wait_async(gen, descriptor, interval))


def call_elsewhere(work: Callable[..., Result], *given: Any, **named: Any) -> Result:  # noqa: ANN401 - its own
    """Call what would hold the event loop up, in a thread where there is a loop."""
    return await_(asyncio.to_thread(work, *given, **named)) if in_greenlet() else work(*given, **named)


async def _ready(descriptor: int, *, writes: bool) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, wake)
    if writes:
        loop.add_writer(descriptor, wake)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
        if writes:
            loop.remove_writer(descriptor)
