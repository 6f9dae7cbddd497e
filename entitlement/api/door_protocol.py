"""The door at the connection itself: a call of a gateway that is known already never becomes an ASGI request.

uvicorn makes a task, an event, a scope, two messages in and two out of every request. That costs more than
what is decided about a call. Here such a call is read whole, decided about, and written at once. Parsing,
keeping connections alive, pipelining and ending stay uvicorn's, and so does every other request:

    another address, or a token that nobody has seen yet
    a body without a length, too long, or that waits to be asked for (Expect)
    HTTP/1.0, and whatever comes behind a request that is not answered yet
"""

import asyncio
import re
from typing import Protocol, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from entitlement.api.door import Ask, Door, Gateway, ask_at
from entitlement.api.problems import Answer

_PLAIN = re.compile(rb"/v1/[\w/-]+")
"""An address that says the same to everybody: neither a query nor an escape is in it."""


class DoorProtocol(HttpToolsProtocol):
    """One connection, of a gateway or of anybody else."""

    def on_headers_complete(self) -> None:
        """Begin to read a call, or leave the request to the server."""
        visit = self._visit()
        if visit is None:
            super().on_headers_complete()
        else:
            self.cycle = cast("RequestResponseCycle", visit)

    def on_body(self, body: bytes) -> None:
        """Take what came of a body."""
        if isinstance(self.cycle, Visit):
            # Its length was looked at: there is no more of it than may be kept.
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a call that is whole."""
        visit = self.cycle
        if not isinstance(visit, Visit):
            super().on_message_complete()
            return
        task = self.loop.create_task(self._answer(visit))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _visit(self) -> "Visit | None":
        """Return the call whose headers have come, or None where the server must see to it."""
        door, parser = cast("Served", self.config.app).door, self.parser
        assert parser is not None, "headers come while there is a connection"
        is_busy = self.cycle and not self.cycle.response_complete
        if door is None or is_busy or self.expect_100_continue or not _PLAIN.fullmatch(self.url):
            return None
        method, path = parser.get_method().decode("ascii"), self.url.decode("ascii")
        ask = ask_at(method, path)
        if ask is None or parser.get_http_version() != "1.1":
            return None
        authorization = kind = b""
        length = 0
        for name, value in reversed(self.headers):
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                kind = value
            elif name == b"content-length":
                # The parser has refused what is no number.
                length = int(value)
            elif name in (b"transfer-encoding", b"upgrade"):
                return None
        gateway = door.known(authorization)
        if gateway is None or length > ask.largest:
            return None
        scope = cast("Scope", self.scope)
        scope["method"], scope["path"] = method, path
        return Visit(door, scope, ask, gateway, kind, keep_alive=parser.should_keep_alive())

    async def _answer(self, visit: "Visit") -> None:
        try:
            answer = await visit.door.reply(
                visit.scope, visit.ask, visit.gateway, visit.kind, bytes(visit.body)
            )
            if self.flow.write_paused:
                await self.flow.drain()
        except asyncio.CancelledError:
            # The server ends, and has waited for long enough: what comes of the call nobody is told.
            self.transport.close()
            raise
        if not self.transport.is_closing():
            self.transport.write(self._written(answer, keep_alive=visit.keep_alive))
        visit.response_complete = True
        if not visit.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _written(self, answer: Answer, *, keep_alive: bool) -> bytes:
        parts = [STATUS_LINE[answer.status]]
        for name, value in (*self.server_state.default_headers, *answer.headers):
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"content-length: %d\r\n" % len(answer.body))
        if not keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", answer.body)
        return b"".join(parts)


class Served(Protocol):
    """What is served: an application, and perhaps a door before it."""

    door: Door | None


class Visit:
    """A call between its headers and its answer; to the server it is a request as any other."""

    message_event = asyncio.Event()
    """Nobody waits for what the server tells here."""

    def __init__(
        self, door: Door, scope: Scope, ask: Ask, gateway: Gateway, kind: bytes, *, keep_alive: bool
    ) -> None:
        self.door = door
        self.scope = scope
        self.ask = ask
        self.gateway = gateway
        self.kind = kind
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.response_complete = False
        self.disconnected = False
