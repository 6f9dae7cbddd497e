"""A real server on a real port, in a thread of the test's process."""

import asyncio
import socket
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from entitlement.proxies import server_options


@contextmanager
def running(
    app: ASGIApp,
    *,
    shutdown_seconds: int = 1,
    trusted: Sequence[str] = (),
    http: Literal["auto"] | type[asyncio.Protocol] = "auto",
) -> Generator[str]:
    """Serve `app` and give its address; `trusted` are proxies that are believed."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        http=http,
        timeout_graceful_shutdown=shutdown_seconds,
        **server_options([ip_network(each) for each in trusted]),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    give_up_at = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < give_up_at, "the server did not start in time"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()
        assert not thread.is_alive(), "the server did not stop"


class Stand:
    """A server's place, where each test puts an application of its own: starting servers takes the time."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            assert self.app is not None, "nothing stands here now"
            await self.app(scope, receive, send)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
