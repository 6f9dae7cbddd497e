"""The way to a model's server. Nothing of the client goes along but the request; every wait has an end.

What goes wrong is raised as: unavailable (502), timed out (504), invalid (502), interrupted (502), or the
upstream's own verdict on the request (400) or on our pace (429).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import httpx

from entitlement.client.json_values import as_object, parse
from entitlement.client.retries import read_retry_after
from entitlement.gateway.failures import (
    GatewayError,
    UpstreamFailed,
    upstream_interrupted,
    upstream_invalid,
    upstream_timed_out,
    upstream_unavailable,
)
from entitlement.gateway.settings import TimeOuts, Upstream
from entitlement.gateway.sse import DONE, EventReader

CONNECTIONS_MAX = 1000
VERDICT_BYTES_MAX = 64 * 1024
VERDICT_CHARACTERS_MAX = 500
LAST_BYTES_SECONDS = 0.25
"""How long the end of a stream is waited for after its last event, so that the connection can be reused."""

_VERDICTS = frozenset({400, 413, 422})
"""Statuses that speak about the request; the others speak about the upstream, or about our key there."""


def http_client(time_outs: TimeOuts) -> httpx.AsyncClient:
    """Return a client that remembers nothing: a cookie would tie one person's requests to another's."""
    return httpx.AsyncClient(
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(None, connect=time_outs.connect_seconds, pool=time_outs.connect_seconds),
        limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
        headers={"user-agent": "entitlement-gateway"},
        follow_redirects=False,
    )


class UpstreamServer:
    """One upstream. Paths are those under its base, such as `/chat/completions`."""

    def __init__(
        self, http: httpx.AsyncClient, upstream: Upstream, time_outs: TimeOuts, answer_bytes_max: int
    ) -> None:
        self._http = http
        self._upstream = upstream
        self._time_outs = time_outs
        self._answer_bytes_max = answer_bytes_max

    async def complete(self, path: str, body: bytes, on_sent: Callable[[], None]) -> dict[str, object]:
        """Return a whole answer; `on_sent` is told when the request goes out. Raises `GatewayError`."""
        async with self._open(path, body, on_sent, accept="application/json") as response:
            content = bytearray()
            async with aclosing(self._pieces(response)) as pieces:
                async for piece in pieces:
                    content += piece
                    if len(content) > self._answer_bytes_max:
                        raise upstream_invalid()
        return _json_object(bytes(content))

    @asynccontextmanager
    async def stream(
        self, path: str, body: bytes, on_sent: Callable[[], None]
    ) -> AsyncGenerator[AsyncGenerator[dict[str, object], None], None]:
        """Open a stream and give its events up to `[DONE]`; the first one has come when the block begins.

        Raises `GatewayError`, also while the events are read. A stream that ends without
        `[DONE]` ends the events: whether the answer was whole is the reader's to judge.
        """
        first_by = asyncio.get_running_loop().time() + self._time_outs.first_byte_seconds
        async with (
            self._open(path, body, on_sent, accept="text/event-stream", answered_by=first_by) as response,
            aclosing(self._events(response)) as events,
        ):
            try:
                async with asyncio.timeout_at(first_by):
                    first = await anext(events, None)
            except TimeoutError:
                raise upstream_timed_out() from None
            if first is None:
                raise upstream_invalid()
            yield _chain(first, events)

    @asynccontextmanager
    async def _open(
        self,
        path: str,
        body: bytes,
        on_sent: Callable[[], None],
        *,
        accept: str,
        answered_by: float | None = None,
    ) -> AsyncGenerator[httpx.Response, None]:
        """Send, and give the response when its head is there and speaks of success."""
        headers = {"content-type": "application/json", "accept": accept, "accept-encoding": "identity"}
        if self._upstream.key is not None:
            headers["authorization"] = f"Bearer {self._upstream.key.get_secret_value()}"

        async def trace(step: str, _: object) -> None:
            if step.endswith(".send_request_headers.started"):
                on_sent()

        request = self._http.build_request(
            "POST",
            f"{self._upstream.url}{path}",
            content=body,
            headers=headers,
            extensions={"trace": trace},
        )
        try:
            async with asyncio.timeout_at(answered_by):
                response = await self._http.send(request, stream=True)
        except (TimeoutError, httpx.TimeoutException):
            raise upstream_timed_out() from None
        except httpx.HTTPError:
            raise upstream_unavailable() from None
        try:
            if response.status_code != HTTPStatus.OK:
                raise await self._verdict(response)
            if accept not in response.headers.get("content-type", ""):
                raise upstream_invalid()
            yield response
        finally:
            await response.aclose()

    async def _events(self, response: httpx.Response) -> AsyncGenerator[dict[str, object], None]:
        reader = EventReader()
        async with aclosing(self._pieces(response)) as pieces:
            try:
                async for piece in pieces:
                    for data in reader.feed(piece):
                        if data == DONE:
                            await _read_to_end(pieces)
                            return
                        yield _event(data)
            except ValueError:
                raise upstream_invalid() from None
        for data in reader.finish():
            if data != DONE:
                yield _event(data)

    async def _pieces(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Give the bytes as they come; silence longer than the idle time-out ends them."""
        async with aclosing(_generator(response)) as pieces:
            while True:
                try:
                    async with asyncio.timeout(self._time_outs.idle_seconds):
                        piece = await anext(pieces, None)
                except TimeoutError:
                    raise upstream_timed_out() from None
                except httpx.HTTPError:
                    raise upstream_interrupted() from None
                if piece is None:
                    return
                yield piece

    async def _verdict(self, response: httpx.Response) -> GatewayError:
        """Return what a status other than 200 means for the client."""
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            retry_after = read_retry_after(response.headers.get("retry-after"))
            message = "The model's server takes no more requests at the moment."
            return UpstreamFailed(429, "RATE_LIMIT_EXCEEDED", message, retry_after=retry_after or 1)
        if response.status_code not in _VERDICTS:
            # 401, 402, 403 and 404 too: they are about our account there, and their text may show our key.
            return upstream_unavailable()
        content = bytearray()
        async with aclosing(self._pieces(response)) as pieces:
            async for piece in pieces:
                content += piece
                if len(content) > VERDICT_BYTES_MAX:
                    break
        return UpstreamFailed(400, "INVALID_REQUEST", _verdict_message(bytes(content)))


def _verdict_message(content: bytes) -> str:
    plain = "The model's server refused the request."
    try:
        answer = as_object(parse(content))
    except ValueError:
        return plain
    error = as_object((answer or {}).get("error"))
    message = (error or {}).get("message")
    return f"{plain} It says: {message[:VERDICT_CHARACTERS_MAX]}" if isinstance(message, str) else plain


def _event(data: bytes) -> dict[str, object]:
    event = _json_object(data)
    if "error" in event:
        # Servers that fail while they stream say so in an event; its text may speak of our account.
        raise upstream_interrupted()
    return event


def _json_object(content: bytes) -> dict[str, object]:
    try:
        value = as_object(parse(content))
    except ValueError:
        value = None
    if value is None:
        raise upstream_invalid()
    return value


def _generator(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Say what `aiter_bytes` is, so that it can be closed."""
    return cast("AsyncGenerator[bytes, None]", response.aiter_bytes())


async def _chain(
    first: dict[str, object], rest: AsyncGenerator[dict[str, object], None]
) -> AsyncGenerator[dict[str, object], None]:
    yield first
    async for each in rest:
        yield each


async def _read_to_end(pieces: AsyncGenerator[bytes, None]) -> None:
    try:
        async with asyncio.timeout(LAST_BYTES_SECONDS):
            async for _ in pieces:
                pass
    except (TimeoutError, UpstreamFailed):
        # The answer is whole; a connection that does not end properly is only not used again.
        return
