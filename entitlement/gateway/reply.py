"""What goes back to the client, and what is known about the client while it does."""

import asyncio
import contextlib
from collections.abc import Coroutine
from http import HTTPStatus

import orjson
from starlette.types import Receive, Send

from entitlement.client import Balance, Hold
from entitlement.gateway.failures import GatewayError
from entitlement.gateway.kept_answers import Recording
from entitlement.gateway.pricing import usd_fixed
from entitlement.gateway.sse import DONE, event


class ClientLeft(Exception):
    """The client closed the connection before its answer was whole."""


class Reply:
    """One answer over ASGI, whole or in pieces; nothing is buffered here, except for who asked for it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._headers = {"x-request-id": request_id}
        self.recording: Recording | None = None
        """What a client that may ask again is given again."""
        self.begun = False
        """Whether the status is out, after which failures can only be told inside a stream."""

    @property
    def request_id(self) -> str:
        """What the request is called."""
        return self._headers["x-request-id"]

    def rename(self, request_id: str) -> None:
        """Call the request otherwise, before its status is out."""
        self._headers["x-request-id"] = request_id

    def tell_balance(self, balance: Balance, hold: Hold | None) -> None:
        """Put the balance before the request into the headers, as Venice's clients read it."""
        parts = () if hold is None else hold.funded_by
        diem = balance.diem + sum(part.amount for part in parts if part.source == "diem")
        usd = balance.usd + sum(part.amount for part in parts if part.source != "diem")
        self._headers["x-venice-balance-diem"] = usd_fixed(diem)
        self._headers["x-venice-balance-usd"] = usd_fixed(usd)

    def tell_clamped(self, output_tokens_max: int) -> None:
        """Say that the credit pays for a shorter answer than was asked for."""
        self._headers["x-entitlement-max-output-tokens"] = str(output_tokens_max)

    async def whole(self, body: object, status: int = 200, retry_after: int | None = None) -> None:
        """Send a JSON answer."""
        content = orjson.dumps(body)
        self._headers |= {"content-type": "application/json", "content-length": str(len(content))}
        if retry_after is not None:
            self._headers["retry-after"] = str(retry_after)
        await self._start(status)
        if self.recording is not None:
            self.recording.add(content)
            self.recording.is_whole = status == HTTPStatus.OK
        await self._send({"type": "http.response.body", "body": content})

    async def again(self, kept: Recording) -> None:
        """Send an answer that was given before."""
        self._headers = {**kept.headers, "idempotency-replayed": "true"}
        # Before the first wait: then it may be forgotten.
        body = bytes(kept.body)
        await self._start(HTTPStatus.OK)
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, error: GatewayError) -> None:
        """Send what went wrong instead of an answer."""
        await self.whole(error.body(), error.status, error.retry_after)

    async def begin_stream(self) -> None:
        """Send the head of a stream, and tell proxies on the way to hold nothing back."""
        self._headers |= {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
        }
        await self._start(200)

    async def send_event(self, data: bytes) -> None:
        """Send one event; waits while the client is slower than the upstream."""
        piece = event(data)
        if self.recording is not None:
            self.recording.add(piece)
            self.recording.is_whole = data == DONE
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end_stream(self) -> None:
        """Send the end."""
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int) -> None:
        self.begun = True
        if self.recording is not None:
            self.recording.headers = self._headers
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self._headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


async def until_client_leaves(receive: Receive, work: Coroutine[None, None, None]) -> None:
    """Do `work`; if the client leaves first, cancel it, let it clean up, and raise `ClientLeft`."""
    worker = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({worker, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            raise ClientLeft
        worker.result()
    finally:
        for task in (worker, watcher):
            task.cancel()
        # A second cancellation cuts the cleaning up short; the hold's end is handed over before it waits.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({worker, watcher})
        if worker.done() and not worker.cancelled():
            # Looked at, so that the event loop does not report it a second time.
            worker.exception()


async def _left(receive: Receive) -> None:
    """Return when the connection is closed; the body has been read by now, so nothing else can come."""
    while (await receive())["type"] != "http.disconnect":
        pass
