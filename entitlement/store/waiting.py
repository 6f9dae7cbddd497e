"""How whoever asked the server waits for its answer: by sleep, by other work, or its event loop goes on.

    thread      asks --> sleeps in poll --------------------------------> goes on
    busy one    asks --> a piece of other work · another · another -----> goes on
    event loop  asks --> hands the loop back, which reads other requests --> goes on

Flows are written once, as plain functions. `in_loop` runs one in a greenlet, as SQLAlchemy's own asyncio
extension does; what it waits for, it waits for here.
"""

import asyncio
import select
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait
from sqlalchemy.util.concurrency import await_, greenlet_spawn, in_greenlet

Result = TypeVar("Result")
Piece = Callable[[], bool]
"""Does a little of some other work; returns whether there was any to do."""

SECONDS_BETWEEN_LOOKS = 0.002
"""After which it is looked whether there is other work by now."""

_EVENTS = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}
_meanwhile: ContextVar[Piece | None] = ContextVar("meanwhile", default=None)


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


@contextmanager
def meanwhile(piece: Piece) -> Generator[None]:
    """Let this thread do other work, piece by piece, wherever it would wait for the driver in this block.

    The pieces are short, raise nothing, and do not use the database.
    """
    token = _meanwhile.set(piece)
    try:
        yield
    finally:
        _meanwhile.reset(token)


def work_meanwhile() -> Piece | None:
    """Return what is to be done while the driver waits, if anything is."""
    return _meanwhile.get()


def worked_through(gen: PQGen[Result], descriptor: int, piece: Piece) -> PQGen[Result]:
    """Return what the driver waits for, so that it waits only when there is nothing else to do.

    A driver's generator yields whether it waits to read or to write, and is told which it may.
    """
    poll = select.poll()
    try:
        wanted = next(gen)
        while True:  # ends with the driver's own
            poll.register(descriptor, _EVENTS[wanted])
            found: list[tuple[int, int]] = []
            while not found and piece():
                found = poll.poll(0)
            wanted = gen.send(_ready_for(found[0][1], wanted) if found else (yield wanted))
    except StopIteration as end:
        return end.value


def _ready_for(events: int, wanted: Wait) -> Ready:
    reads = Ready.R if events & select.POLLIN else Ready.NONE
    writes = Ready.W if events & select.POLLOUT else Ready.NONE
    # A connection that is gone is ready for whatever shows that.
    return Ready(reads | writes or wanted)


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
