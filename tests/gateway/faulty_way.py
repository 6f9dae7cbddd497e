"""The network between a gateway and the service, with the faults that networks have, at a test's command."""

import asyncio
import json
from collections import Counter

import httpx
from starlette.types import Receive, Scope, Send

SLOW_SECONDS = 0.5


class FaultyWay:
    """Passes requests on to `target`, or does to the next ones what `faults` says, first to last.

    "refuse"  answer 503 and pass nothing on       "lose"  pass it on, and lose the answer
    "drop"    break off the answer, pass nothing   "slow"  pass it on after SLOW_SECONDS
    (status, body)  answer this instead
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.faults: list[object] = []
        self.down_for: str | None = None
        """While set, every path that ends with it is refused."""
        self.holds_asked: list[dict[str, object]] = []
        self.forwarded: list[str] = []
        """Whom requests were said to come from."""
        self.seen: Counter[str] = Counter()
        """How often the last part of each path was asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode()
        self.seen[path.rsplit("/", 1)[-1]] += 1
        self.forwarded += [value.decode() for name, value in scope["headers"] if name == b"x-forwarded-for"]
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if path == "/v1/holds":
            self.holds_asked.append(json.loads(body))
        down = self.down_for is not None and path.endswith(self.down_for)
        fault = "refuse" if down else self.faults.pop(0) if self.faults else None
        if fault == "refuse":
            await answer(send, 503, b"{}", [(b"retry-after", b"0")])
            return
        if isinstance(fault, tuple):
            await answer(send, fault[0], fault[1], [(b"content-type", b"application/problem+json")])
            return
        if fault == "drop":
            await break_off(send)
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        query = scope["query_string"].decode()
        headers = [(k, v) for k, v in scope["headers"] if k not in {b"host", b"content-length"}]
        async with httpx.AsyncClient(timeout=30) as client:
            told = await client.request(
                scope["method"],
                f"{self.target}{path}" + (f"?{query}" if query else ""),
                headers=headers,
                content=body,
            )
        if fault == "lose":
            await break_off(send)
        kept = [(k, v) for k, v in told.headers.raw if k.lower() != b"content-length"]
        await answer(send, told.status_code, told.content, kept)


async def break_off(send: Send) -> None:
    """Close the connection in the middle of an answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionAbortedError


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
